import { constants, zstdCompressSync } from 'node:zlib'
import { isArcError } from '@arc/core'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { bundle } from '../scripts/page.ts'
import { visibleText } from '../src/visible-text.ts'
import { zstdFrameStream } from '../src/zstd-frame.ts'

const CHECKSUM = { params: { [constants.ZSTD_c_checksumFlag]: 1 } }

test.each(['page.ts', 'worker.ts'])('%s loads nothing of Node', async (entry) => {
  expect(/\bnode:[a-z]+|\bBuffer\.|\bprocess\./.exec(await bundle(entry))).toBeNull()
})

test('a zstd frame is decompressed, in pieces of any size, and its checksum compared', async () => {
  const contents = fc.oneof(
    fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
    fc.tuple(fc.uint8Array({ maxLength: 40 }), fc.nat(9000)).map(([part, count]) => repeated(part, count)),
  )
  await fc.assert(
    fc.asyncProperty(contents, fc.integer({ min: 1, max: 3000 }), fc.nat(31), async (content, pieceBytes, bit) => {
      const frame = zstdCompressSync(content, CHECKSUM)
      expect(content.equals(await decompress(frame, pieceBytes))).toBe(true)
      const at = frame.length - 1 - (bit >> 3)
      frame[at] = (frame[at] as number) ^ (1 << (bit & 7))
      await expect(decompress(frame, pieceBytes)).rejects.toSatisfy(isArcError)
    }),
    { numRuns: 150 },
  )
})

function repeated(part: Uint8Array, count: number): Buffer {
  return Buffer.concat(Array.from({ length: count }, () => part))
}

async function decompress(frame: Uint8Array, pieceBytes: number): Promise<Buffer> {
  async function* pieces(): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < frame.length; at += pieceBytes) yield frame.subarray(at, at + pieceBytes)
  }
  return Buffer.concat(await Array.fromAsync(zstdFrameStream(pieces())))
}

test('text that hides something is spelled out, and nothing else', () => {
  const plain = 'plain\ttext\ngr\u00fc\u00df \u6587 \u{1f600}'
  expect(visibleText(plain)).toEqual([{ text: plain, isMark: false }])
  expect(visibleText('a\u202e\u2066b\u0000\u001b\u007f\u{e0041}')).toEqual([
    { text: 'a', isMark: false },
    { text: '[U+202E][U+2066]', isMark: true },
    { text: 'b', isMark: false },
    { text: '\u2400\u241b\u2421[U+E0041]', isMark: true },
  ])
  expect(visibleText('')).toEqual([])
})
