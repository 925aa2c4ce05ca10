// Golden documents are what earlier writers wrote: they must stay readable for ever (CONTRIBUTING.md, "Change a format").
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import type { DumpFormat } from '@arc/render-md'
import { openDump } from '@arc/render-md'
import { describe, expect, test } from 'vitest'
import { factsOf, render } from './documents.ts'
import { formatRows, GOLDEN_TREES, goldenDocument, goldenRows, rowOf } from './golden-trees.ts'

const GOLDEN = join(import.meta.dirname, 'golden')
const readGolden = (name: string): Buffer => readFileSync(join(GOLDEN, name))
const DOCUMENTS = readdirSync(GOLDEN).filter((name) => !name.endsWith('.tree.json'))

describe.each(GOLDEN_TREES)('$name', (tree) => {
  test.each(tree.formats)("today's writer writes exactly the golden %s", async (format) => {
    expect((await goldenDocument(tree, format)).toString('latin1')).toBe(
      readGolden(`${tree.name}.${format}`).toString('latin1'),
    )
  })

  test('its description is the one that other readers compare with', () => {
    expect(readGolden(`${tree.name}.tree.json`).toString()).toBe(formatRows(goldenRows(tree)))
  })
})

describe.each(DOCUMENTS)('%s', (name) => {
  const description = name.replace(/\.(?:md|json|jsonl|md\.gz)$/, '.tree.json')

  test(`holds what ${description} describes`, async () => {
    await using source = await openDump(join(GOLDEN, name), { verifyContent: true })
    const entries = (await Array.fromAsync(source.entries())).flat()
    expect(entries.map(rowOf)).toEqual(JSON.parse(readGolden(description).toString()))
  })

  test('renders as the same document again', async (context) => {
    await using source = await openDump(join(GOLDEN, name))
    context.skip(source.omissions.length > 0, 'what was left out of a document cannot be in the next one')
    const bytes = readGolden(name)
    const document = name.endsWith('.gz') ? gunzipSync(bytes) : bytes
    const format = name.replace(/\.gz$/, '').split('.').at(-1) as DumpFormat
    const options = GOLDEN_TREES.find((tree) => tree.name === source.name)?.options
    expect((await render(source, { ...options, format })).bytes.toString('latin1')).toBe(document.toString('latin1'))
  })
})

test('names of one inode stay that', async () => {
  await using source = await openDump(join(GOLDEN, 'modes-and-links.md'))
  const linked = (await factsOf(source)).filter(({ linkOf }) => linkOf !== undefined)
  expect(linked.map(({ path, linkOf }) => [path, linkOf])).toEqual([
    ['"third"', '"third"'],
    ['hard/first', '"third"'],
    ['hard/second', '"third"'],
  ])
})

test('a compressed document is the same one', () => {
  expect(gunzipSync(readGolden('everyday.md.gz')).equals(readGolden('everyday.md'))).toBe(true)
})
