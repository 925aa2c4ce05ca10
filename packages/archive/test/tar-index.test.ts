import { DEFAULT_LIMITS, encodePath, type Entry, type EntryPath, isArcError, memorySource } from '@arc/core'
import { fileEntry, temporaryFolder } from '@arc/core/testing'
import fc from 'fast-check'
import { zstdCompressSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { openArchive, writeArchive } from '../src/node.ts'
import { splitTime, type TarRecord } from '../src/tar-encode.ts'
import { type IndexRow, LENGTH_BYTES, MAX_BLOCK_BYTES, MAX_BLOCK_ROWS } from '../src/tar-index.ts'
import { indexRows } from '../src/tar-index-reader.ts'
import { IndexBlock } from '../src/tar-index-writer.ts'
import { treeSource, writeAwkwardTree } from './awkward-tree.ts'
import { mutate, randomFrom } from './mutate.ts'
import { readAll, verdictOf } from './reading.ts'

function encoded(rows: readonly IndexRow[]): Uint8Array {
  const block = new IndexBlock()
  for (const { mtimeNs, headerBytes, ...row } of rows) {
    const record: TarRecord = { ...row, time: splitTime(mtimeNs) }
    block.add(record, headerBytes)
  }
  const bytes = block.take()
  expect(new DataView(bytes.buffer).getUint32(0, true)).toBe(bytes.length - LENGTH_BYTES)
  expect(block.isEmpty).toBe(true)
  return bytes.subarray(LENGTH_BYTES)
}

// Names that share beginnings, in the middle of characters too, and such as are no UTF-8.
const name = fc.array(fc.constantFrom('a', 'b', '/', 'é', 'è', '\u{1f600}', '\u{1f601}', '\udcff', '\udc80'), {
  minLength: 1,
  maxLength: 12,
})
const path = name.map((parts) => parts.join('') as EntryPath)
const anyRow: fc.Arbitrary<IndexRow> = fc
  .record({
    type: fc.constantFrom('file', 'directory', 'symlink', 'hard-link'),
    path,
    target: path,
    mode: fc.integer({ min: 0, max: 0o7777 }),
    mtimeNs: fc.bigInt({ min: -(10n ** 21n), max: 10n ** 21n }),
    sizeBytes: fc.oneof(fc.nat(3000), fc.maxSafeNat()),
    blocks: fc.integer({ min: 1, max: 200 }),
  })
  .map(({ type, path, mode, mtimeNs, target, sizeBytes, blocks }) => ({
    type,
    path,
    mode,
    mtimeNs,
    target: type === 'symlink' || type === 'hard-link' ? target : undefined,
    sizeBytes: type === 'file' ? sizeBytes : 0,
    headerBytes: blocks * 512,
  }))

test('rows come back from a block as they were', () => {
  fc.assert(
    fc.property(fc.array(anyRow, { minLength: 1, maxLength: 40 }), (rows) => {
      expect([...indexRows(encoded(rows), DEFAULT_LIMITS)]).toEqual(rows)
    }),
  )
})

test('a block that was changed gives rows or is refused', () => {
  const random = randomFrom(20_261_121)
  const rows = fc.sample(anyRow, { numRuns: 60, seed: 7 })
  const block = encoded(rows)
  let refusals = 0
  for (let run = 0; run < 3000; run++) {
    try {
      const found = [...indexRows(mutate(block, random), DEFAULT_LIMITS)]
      expect(found.length).toBeGreaterThan(0)
    } catch (error) {
      if (!isArcError(error)) throw error
      refusals++
    }
  }
  expect(refusals).toBeGreaterThan(1000)
})

const ROW = { type: 'file', path: 'a', mode: 0o644, mtimeNs: 0n, sizeBytes: 1, target: undefined } as const
const rowAt = (path: string): IndexRow => ({ ...ROW, path: path as EntryPath, headerBytes: 512 })

test.each([
  ['no rows', [0]],
  ['more rows than a block may have', [0x81, 0x80, 0x04]],
  ['a number that goes on', [1, 0x80]],
  ['a number longer than it need be', [1, 0x80, 0x00]],
  ['a number beyond 2^53', [1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]],
  ['a type that there is not', [1, 0x80, 0x80, 0x01, 1, 0, 0, 0, 0x61, 0]],
  ['a billion nanoseconds', [1, 0x80, 0x20, 1, 0, 0x80, 0x94, 0xeb, 0xdc, 0x03, 0, 0x61, 0]],
  ['a path that gives up more than it has', [1, 0x80, 0x20, 1, 0, 0, 1, 0x61, 0]],
  ['a path that does not end', [1, 0x80, 0x20, 1, 0, 0, 0, 0x61]],
  ['something behind it', [1, 0x80, 0x20, 1, 0, 0, 0, 0x61, 0, 0]],
])('a block with %s is refused', (_name, bytes) => {
  expect(() => [...indexRows(Uint8Array.from(bytes), DEFAULT_LIMITS)]).toThrow(
    expect.objectContaining({ code: 'ARC_ARCHIVE_DAMAGED' }),
  )
})

test('the same bytes without the fault are a row', () => {
  const rows = [...indexRows(Uint8Array.of(1, 0x80, 0x20, 1, 0, 0, 0, 0x61, 0), DEFAULT_LIMITS)]
  expect(rows).toEqual([{ ...rowAt('a'), type: 'directory', mode: 0, sizeBytes: 0 }])
})

test('a path may be built up only as far as the limit', () => {
  const rows = Array.from({ length: 50 }, (_, i) => rowAt('x'.repeat(100 * (i + 1))))
  expect(() => [...indexRows(encoded(rows), DEFAULT_LIMITS)]).toThrow(
    expect.objectContaining({ code: 'ARC_LIMIT_EXCEEDED' }),
  )
})

test('a block is full before it is larger than a reader takes', () => {
  const block = new IndexBlock()
  let rows = 0
  for (; !block.isFull; rows++) {
    const path = `${'x'.repeat(4000)}${rows}`.split('').reverse().join('') as EntryPath
    const target = 'y'.repeat(4095) as EntryPath
    block.add({ ...ROW, type: 'hard-link', path, target, sizeBytes: 0, time: { seconds: rows, nanoseconds: 1 } }, 512)
  }
  expect(block.take().length).toBeLessThan(MAX_BLOCK_BYTES / 2)
  for (rows = 0; !block.isFull; rows++)
    block.add({ ...ROW, path: String(rows) as EntryPath, time: { seconds: rows, nanoseconds: 1 } }, 512)
  expect(rows).toBe(MAX_BLOCK_ROWS)
})

async function zst(entries: Iterable<Entry>): Promise<Uint8Array> {
  const pieces: Uint8Array[] = []
  const sink = { write: (bytes: Uint8Array) => void pieces.push(bytes.slice()) }
  await writeArchive(memorySource('x', entries), sink, { format: 'tar.zst', manifest: false })
  return new Uint8Array(Buffer.concat(pieces))
}

test('an index of several blocks is one listing', async () => {
  const count = MAX_BLOCK_ROWS + 1000
  const archive = await zst(Array.from({ length: count }, (_, i) => fileEntry(String(i).padStart(6, '0'), '')))
  await using source = await openArchive(archive, { access: 'random' })
  let next = 0
  for await (const batch of source.entries())
    for (const { path } of batch) if (Number(path) !== next++) throw new Error(`${path} is not the next`)
  expect(next).toBe(count)
})

test('what the index tells of a tree is what its headers tell', async () => {
  using folder = temporaryFolder()
  writeAwkwardTree(folder.path)
  const pieces: Uint8Array[] = []
  const sink = { write: (bytes: Uint8Array) => void pieces.push(bytes.slice()) }
  await writeArchive(treeSource(folder.path), sink, { format: 'tar.zst' })
  const archive = new Uint8Array(Buffer.concat(pieces))
  const [inOrder, atRandom] = [await readAll(archive), await readAll(archive, { access: 'random' })]
  const facts = (rows: typeof inOrder): unknown[] =>
    rows.map(({ path, type, mode, mtimeNs, target }) => [path, type, mode, mtimeNs, target])
  expect(facts(atRandom)).toEqual(
    facts(inOrder.toSorted((a, b) => Buffer.compare(encodePath(a.path as EntryPath), encodePath(b.path as EntryPath)))),
  )
})

/** An archive with other blocks in its index, and a seek table that fits. */
function withIndex(archive: Uint8Array, change: (rows: Uint8Array) => Uint8Array, rows: Uint8Array): Uint8Array {
  const bytes = Buffer.from(archive)
  const table = bytes.lastIndexOf(Buffer.from([0x5e, 0x2a, 0x4d, 0x18]))
  const index = bytes.lastIndexOf(Buffer.from([0x5a, 0x2a, 0x4d, 0x18]), table)
  const content = zstdCompressSync(change(rows))
  const head = Buffer.alloc(16)
  bytes.copy(head, 0, index, index + 16)
  head.writeUInt32LE(content.length + 8, 4)
  const seek = Buffer.from(bytes.subarray(table))
  seek.writeUInt32LE(head.length + content.length, seek.length - 9 - 8)
  return new Uint8Array(Buffer.concat([bytes.subarray(0, index), head, content, seek]))
}

test('an archive whose index was changed, its checksums mended, is read or refused', async () => {
  const entries = [fileEntry('a', 'hello'), fileEntry('b/c', 'x'.repeat(3000)), fileEntry('b/d', 'y')]
  const archive = await zst(entries)
  const block = new IndexBlock()
  for (const { path, sizeBytes, mode, mtimeNs = 0n } of entries)
    block.add({ type: 'file', path, mode, sizeBytes, time: splitTime(mtimeNs) }, 512)
  const rows = block.take()
  const random = randomFrom(3)
  const outcomes: Record<string, number> = {}
  for (let run = 0; run < 300; run++) {
    const changed =
      run === 0 ? withIndex(archive, (same) => same, rows) : withIndex(archive, (same) => mutate(same, random), rows)
    const outcome = await verdictOf(changed, { access: 'random' })
    if (run === 0) expect(outcome).toBe('accepted')
    outcomes[outcome] = (outcomes[outcome] ?? 0) + 1
  }
  expect(outcomes['ARC_ARCHIVE_DAMAGED'] ?? 0).toBeGreaterThan(50)
})
