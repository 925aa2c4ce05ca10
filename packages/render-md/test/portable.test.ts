import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { openDump } from '@arc/render-md'
import { openDumpBytes, verifyDumpBytes } from '@arc/render-md/browser'
import { rolldown } from 'rolldown'
import { describe, expect, test } from 'vitest'
import { factsOf } from './documents.ts'

const GOLDEN = join(import.meta.dirname, 'golden')
const DOCUMENTS = readdirSync(GOLDEN).filter((name) => /\.(?:md|json|jsonl)$/.test(name) && !name.includes('.tree.'))
/** Without the methods of a Buffer, and without anything to read beyond its end. */
const plainBytes = (name: string): Uint8Array => Uint8Array.from(readFileSync(join(GOLDEN, name)))

describe.each(DOCUMENTS)('%s', (name) => {
  test('is the same in a browser as on Node', async () => {
    await using source = await openDump(join(GOLDEN, name))
    const portable = openDumpBytes(plainBytes(name))
    expect(await factsOf(portable)).toEqual(await factsOf(source))
    expect(portable.omissions).toEqual(source.omissions)
    expect([portable.name, portable.git]).toEqual([source.name, source.git])
    const { entries, omitted } = verifyDumpBytes(plainBytes(name))
    expect([entries, omitted]).toEqual([source.records.length, source.omissions.length])
  })
})

test('one changed byte is found, wherever it is', () => {
  const document = plainBytes('everyday.md')
  for (let at = 0; at < document.length; at += 97) {
    const changed = document.slice()
    changed[at] = (changed[at] as number) ^ 1
    expect(() => verifyDumpBytes(changed), `byte ${at}`).toThrow(/./)
  }
})

test('nothing that reads a document in a browser is of Node', async () => {
  const build = await rolldown({
    input: '@arc/render-md/browser',
    cwd: join(import.meta.dirname, '..'),
    platform: 'browser',
    external: /^node:/,
  })
  const { output } = await build.generate({ format: 'esm', minify: true })
  await build.close()
  expect(output).toHaveLength(1)
  expect(output[0].imports).toEqual([])
  expect(/node:[a-z]+|\bBuffer\.|\bprocess\./.exec(output[0].code)).toBeNull()
})
