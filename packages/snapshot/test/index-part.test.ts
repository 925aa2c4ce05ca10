import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { decodeIndexHeader, encodeIndex, indexHeaderBytes, type NamedPack, PREFIX_BYTES } from '../src/index-format.ts'
import { IndexPart } from '../src/index-part.ts'
import { encodeFooter, type FrameFacts, SALT_BYTES } from '../src/pack-footer.ts'

function pack(id: string, frames: readonly FrameFacts[]): NamedPack {
  const chunks = frames.reduce((count, { chunkBytes }) => count + chunkBytes.length, 0)
  const footer = encodeFooter('data', Buffer.alloc(SALT_BYTES), frames)
  return { id: id.repeat(64), sizeBytes: 1000, footer, ids: randomBytes(32 * chunks) }
}

function partOf(...packs: NamedPack[]): IndexPart {
  const bytes = encodeIndex(packs, Buffer.alloc(SALT_BYTES), (plaintext) => plaintext)
  const end = PREFIX_BYTES + indexHeaderBytes(bytes.subarray(0, PREFIX_BYTES), 'index/x')
  return new IndexPart('index/x', decodeIndexHeader(bytes.subarray(PREFIX_BYTES, end), end, 'index/x'))
}

test('every chunk of every frame of every pack has its place', () => {
  const frameOf = (sealedBytes: number, ...chunkBytes: number[]): FrameFacts => ({
    sealedBytes,
    plainBytes: chunkBytes.reduce((sum, size) => sum + size, 0),
    chunkBytes,
  })
  const part = partOf(
    pack('a', [frameOf(10, 5, 7), frameOf(20, 1)]),
    pack('b', []),
    pack('c', [frameOf(30, 2), frameOf(40, 3)]),
  )
  const places = Array.from({ length: part.chunkCount }, (_, chunk) => {
    const { frameNumber, frame, start, sizeBytes } = part.place(chunk)
    return [frameNumber, frame.packId[0], frame.start, frame.sealedBytes, { start, sizeBytes }]
  })
  expect(places).toEqual([
    [0, 'a', 0, 10, { start: 0, sizeBytes: 5 }],
    [0, 'a', 0, 10, { start: 5, sizeBytes: 7 }],
    [1, 'a', 10, 20, { start: 0, sizeBytes: 1 }],
    [2, 'c', 0, 30, { start: 0, sizeBytes: 2 }],
    [3, 'c', 30, 40, { start: 0, sizeBytes: 3 }],
  ])
})

test('chunks of more packs than are kept decoded have their places, in whatever order they are asked for', () => {
  const packs = Array.from({ length: 300 }, (_, i) =>
    pack('a', [{ sealedBytes: i + 1, plainBytes: 3, chunkBytes: [1, 2] }]),
  )
  const part = partOf(...packs)
  const chunks = [...Array(600).keys()]
  for (const chunk of [...chunks, ...chunks.toReversed(), ...chunks.filter((number) => number % 7 === 0)]) {
    const { frameNumber, frame, start, sizeBytes } = part.place(chunk)
    const isFirst = chunk % 2 === 0
    expect([frameNumber, frame.sealedBytes]).toEqual([Math.floor(chunk / 2), Math.floor(chunk / 2) + 1])
    expect([start, sizeBytes]).toEqual(isFirst ? [0, 1] : [1, 2])
  }
  expect([...part.frames()].map(({ sealedBytes }) => sealedBytes)).toEqual(packs.map((_, i) => i + 1))
})

test('a pack of more bytes than its places can count is refused', () => {
  const huge: FrameFacts = { sealedBytes: 2 ** 31, plainBytes: 1, chunkBytes: [1] }
  expect(() => partOf(pack('a', [huge, huge]))).toThrow(expect.objectContaining({ code: 'ARC_VAULT_DAMAGED' }))
})
