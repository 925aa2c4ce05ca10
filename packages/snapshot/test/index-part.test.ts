import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { decodeIndexHeader, encodeIndex, indexHeaderBytes, type NamedPack, PREFIX_BYTES } from '../src/index-format.ts'
import { IndexPart } from '../src/index-part.ts'
import { encodeFooter, type FrameFacts } from '../src/pack-footer.ts'

function pack(id: string, frames: readonly FrameFacts[]): NamedPack {
  const chunks = frames.reduce((count, { chunkBytes }) => count + chunkBytes.length, 0)
  const footer = encodeFooter('data', Buffer.alloc(16), frames)
  return { id: id.repeat(64), sizeBytes: 1000, footer, ids: randomBytes(32 * chunks) }
}

function partOf(...packs: NamedPack[]): IndexPart {
  const bytes = encodeIndex(packs, (plaintext) => plaintext)
  const end = PREFIX_BYTES + indexHeaderBytes(bytes.subarray(0, PREFIX_BYTES), 'index/x')
  return new IndexPart('index/x', decodeIndexHeader(bytes.subarray(PREFIX_BYTES, end), end, 'index/x'))
}

test('every chunk of every frame of every pack has its place', () => {
  const frame = (sealedBytes: number, ...chunkBytes: number[]): FrameFacts => ({
    sealedBytes,
    plainBytes: chunkBytes.reduce((sum, size) => sum + size, 0),
    chunkBytes,
  })
  const part = partOf(
    pack('a', [frame(10, 5, 7), frame(20, 1)]),
    pack('b', []),
    pack('c', [frame(30, 2), frame(40, 3)]),
  )
  const places = Array.from({ length: part.chunkCount }, (_, chunk) => {
    const number = part.frameOf(chunk)
    const { packId, start, sealedBytes } = part.frame(number)
    return [packId[0], start, sealedBytes, part.rangeInFrame(chunk, number)]
  })
  expect(places).toEqual([
    ['a', 0, 10, { start: 0, sizeBytes: 5 }],
    ['a', 0, 10, { start: 5, sizeBytes: 7 }],
    ['a', 10, 20, { start: 0, sizeBytes: 1 }],
    ['c', 0, 30, { start: 0, sizeBytes: 2 }],
    ['c', 30, 40, { start: 0, sizeBytes: 3 }],
  ])
})

test('a pack of more bytes than its places can count is refused', () => {
  const huge: FrameFacts = { sealedBytes: 2 ** 31, plainBytes: 1, chunkBytes: [1] }
  expect(() => partOf(pack('a', [huge, huge]))).toThrow(expect.objectContaining({ code: 'ARC_VAULT_DAMAGED' }))
})
