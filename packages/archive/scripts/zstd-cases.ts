// Is zstd read right on this Node, and are archives written and read by it whole? Node's own decoder is not to be trusted
// with several frames before version 26. Runs from the sources, and the smoke test runs it on every Node we support with
// the packed package: `node packages/archive/scripts/zstd-cases.ts`. Prints one line, or fails.
import assert from 'node:assert/strict'
import { constants, zstdCompressSync } from 'node:zlib'
import { memorySource } from '@arc/core'
import { type ArchiveFormat, decompressZstd, openArchive, writeArchive } from '@arc/archive/node'

const parts = ['first frame '.repeat(1000), '', 'third frame', 'x'.repeat(3_000_000)].map((text) => Buffer.from(text))
const frames = parts.map((part) => zstdCompressSync(part, { params: { [constants.ZSTD_c_checksumFlag]: 1 } }))
const whole = Buffer.concat(frames)
const content = Buffer.concat(parts)

function skippable(text: string): Buffer {
  const head = Buffer.alloc(8)
  head.writeUInt32LE(0x184d2a53, 0)
  head.writeUInt32LE(text.length, 4)
  return Buffer.concat([head, Buffer.from(text)])
}

function* inPieces(bytes: Buffer, pieceBytes: number): Generator<Buffer, void, void> {
  for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes)
}

async function decompress(bytes: Buffer, pieceBytes = bytes.length): Promise<Buffer> {
  const pieces: Buffer[] = []
  for await (const piece of decompressZstd(inPieces(bytes, pieceBytes))) pieces.push(Buffer.from(piece))
  return Buffer.concat(pieces)
}

const good: Readonly<Record<string, Buffer>> = {
  'several frames': whole,
  'a leading skippable frame': Buffer.concat([skippable('hello'), whole]),
  'skippable frames everywhere': Buffer.concat(frames.flatMap((frame) => [skippable(''), frame, skippable('x')])),
}
const bad: Readonly<Record<string, Buffer>> = {
  nothing: Buffer.alloc(0),
  'garbage behind the last frame': Buffer.concat([whole, Buffer.from('garbage')]),
  'zeros behind the last frame': Buffer.concat([whole, Buffer.alloc(8)]),
  'only a skippable frame that is cut off': skippable('hello').subarray(0, 10),
  'a damaged frame': whole.map((byte, i) => (i === 20 ? byte ^ 1 : byte)) as Buffer,
}

let cases = 0
for (const [name, bytes] of Object.entries(good)) {
  for (const pieceBytes of [bytes.length, 1, 7]) {
    assert.ok(content.equals(await decompress(bytes, pieceBytes)), `${name}, in pieces of ${pieceBytes}`)
    cases++
  }
}
for (const [name, bytes] of Object.entries(bad)) {
  await assert.rejects(decompress(bytes), { code: 'ARC_ARCHIVE_DAMAGED' }, name)
  cases++
}
const ends = new Set(frames.map((_, i) => Buffer.concat(frames.slice(0, i)).length))
for (let length = 1; length < whole.length; length++) {
  const cut = decompress(whole.subarray(0, length))
  if (ends.has(length)) await cut
  else await assert.rejects(cut, { code: 'ARC_ARCHIVE_DAMAGED' }, `cut after ${length} bytes`)
  cases++
}

const bytes = Buffer.from('some content '.repeat(500))
const entries = Array.from({ length: 3000 }, (_, i) => ({
  path: `folder/${String(i).padStart(5, '0')}` as never,
  type: 'file' as const,
  mode: 0o644,
  sizeBytes: bytes.length,
  content: {
    kind: 'sync' as const,
    open: () => ({ read: (into: Uint8Array) => (into.set(bytes), bytes.length), close() {} }),
  },
}))
for (const format of ['tar', 'tar.gz', 'tar.zst', 'tar.lz4', 'zip'] satisfies ArchiveFormat[]) {
  const written: Buffer[] = []
  const sink = { write: (piece: Uint8Array) => void written.push(Buffer.from(piece)) }
  await writeArchive(memorySource('x', entries), sink, { format })
  const archive = await openArchive(Buffer.concat(written))
  let count = 0
  for await (const batch of archive.entries()) count += batch.length
  await archive[Symbol.asyncDispose]()
  assert.equal(count, entries.length, format)
  cases++
}
console.log(`${cases} cases on Node ${process.versions.node}`)
