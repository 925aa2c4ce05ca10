import fs from 'node:fs'
import { join } from 'node:path'
import { memorySource } from '@arc/core'
import { fileEntry, temporaryFolder } from '@arc/core/testing'
import { expect, test } from 'vitest'
import { openArchive, writeArchive } from '../src/node.ts'
import { readAll, verdictOf } from './reading.ts'

async function zipped(): Promise<Buffer> {
  const pieces: Buffer[] = []
  const sink = { write: (bytes: Uint8Array) => void pieces.push(Buffer.from(bytes)) }
  await writeArchive(memorySource('x', [fileEntry('a', 'x'.repeat(5000)), fileEntry('b', 'y')]), sink, {
    format: 'zip',
  })
  return Buffer.concat(pieces)
}

async function* arriving(bytes: Uint8Array, pieceBytes = 100): AsyncGenerator<Uint8Array, void, void> {
  for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes)
}

test('a zip archive that arrives is refused, and the hint tells what helps', async () => {
  await expect(openArchive(arriving(await zipped()))).rejects.toMatchObject({
    code: 'ARC_ARCHIVE_UNSUPPORTED',
    hint: expect.stringContaining('Save it as a file'),
  })
})

test('with a folder to keep it in it is read, and nothing is left there', async () => {
  using folder = temporaryFolder()
  const options = { spoolFolder: folder.path }
  const bytes = await zipped()
  const rows = await readAll(arriving(bytes), options)
  expect(rows.map(({ path, content }) => [path, content?.length])).toEqual([
    ['a', 5000],
    ['b', 1],
  ])
  expect(await verdictOf(arriving(bytes.subarray(0, -30)), options)).toBe('ARC_ARCHIVE_DAMAGED')
  expect(await verdictOf(arriving(bytes), { ...options, limits: { maxTotalBytes: 200 } })).toBe('ARC_LIMIT_EXCEEDED')
  expect(fs.readdirSync(folder.path)).toEqual([])
})

test('a folder that is not there is told', async () => {
  using folder = temporaryFolder()
  const options = { spoolFolder: join(folder.path, 'none') }
  await expect(openArchive(arriving(await zipped()), options)).rejects.toMatchObject({ code: 'ARC_NOT_FOUND' })
})

test('two contents of one archive may be read in turns', async () => {
  await using source = await openArchive(await zipped())
  const [entries = []] = await Array.fromAsync(source.entries())
  const readers = entries.map(({ content }) => {
    if (content?.kind !== 'sync') throw new Error('a small file has its content at hand')
    return content.open()
  })
  const into = new Uint8Array(2500)
  const [a, b] = readers
  expect([a?.read(into), String.fromCharCode(into[0] ?? 0)]).toEqual([2500, 'x'])
  expect([b?.read(into), String.fromCharCode(into[0] ?? 0)]).toEqual([1, 'y'])
  expect([a?.read(into), String.fromCharCode(into[2499] ?? 0)]).toEqual([2500, 'x'])
  for (const reader of readers) reader.close()
})
