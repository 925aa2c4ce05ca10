import { constants, deflateRawSync, inflateRawSync, zstdCompressSync } from 'node:zlib'
import { memorySource } from '@arc/core'
import { fileEntry } from '@arc/core/testing'
import { describe, expect, test } from 'vitest'
import { ByteFeed } from '../src/byte-feed.ts'
import { Deflater } from '../src/deflater.ts'
import { decompressZstd, nodeCodecs, nodeCodecsWith } from '../src/node-codecs.ts'
import { writeArchive } from '../src/node.ts'
import { unzstd } from '../src/zstd-frames.ts'

const content = Buffer.from('some content, again and again '.repeat(40_000))
const checked = { params: { [constants.ZSTD_c_checksumFlag]: 1 } }
const frames = Buffer.concat([zstdCompressSync(content, checked), zstdCompressSync('tail', checked)])
const whole = Buffer.concat([content, Buffer.from('tail')])

const none = (): undefined => undefined
const kinds = [
  ['with engines that are kept', nodeCodecs],
  ["with Node's public calls alone", nodeCodecsWith({ inflater: none, frameDecoder: none })],
] as const

describe.each(kinds)('codecs of Node %s', (_name, codecs) => {
  const unzstdAll = async (bytes: Uint8Array): Promise<Buffer> => {
    const pieces: Buffer[] = []
    for await (const piece of unzstd(new ByteFeed([bytes]), codecs)) pieces.push(Buffer.from(piece))
    return Buffer.concat(pieces)
  }

  test('a deflate stream is decompressed, and where it ends is told', () => {
    const deflated = deflateRawSync(content)
    const output = new Uint8Array(content.length + 1)
    const facts = codecs.inflateRawInto(Buffer.concat([deflated, Buffer.from('more')]), output)
    expect(facts).toMatchObject({ usedBytes: deflated.length, writtenBytes: content.length })
    expect(content.equals(output.subarray(0, -1))).toBe(true)
  })

  test('what is cut off, damaged or too long is refused, and what comes next is not', () => {
    const deflated = deflateRawSync(content)
    const output = new Uint8Array(content.length + 1)
    const bad = [deflated.subarray(0, -5), Buffer.alloc(20, 0xff), deflated.subarray(0, 0)]
    for (const bytes of bad) {
      expect(() => codecs.inflateRawInto(bytes, output)).toThrow(/cannot be decompressed/)
      expect(codecs.inflateRawInto(deflated, output).writtenBytes).toBe(content.length)
    }
    expect(() => codecs.inflateRawInto(deflated, new Uint8Array(content.length))).toThrow(/cannot be decompressed/)
  })

  test('zstd frames are decompressed, also after one that was damaged or given up', async () => {
    const damagedFrame = frames.map((byte, i) => (i === 30 ? byte ^ 255 : byte))
    await expect(unzstdAll(damagedFrame)).rejects.toMatchObject({ code: 'ARC_ARCHIVE_DAMAGED' })
    for await (const _piece of unzstd(new ByteFeed([frames]), codecs)) break
    await expect(unzstdAll(frames.subarray(0, -2))).rejects.toMatchObject({ code: 'ARC_ARCHIVE_DAMAGED' })
    expect(whole.equals(await unzstdAll(frames))).toBe(true)
  })

  test('two streams are decompressed in turns', async () => {
    const streams = [unzstd(new ByteFeed([frames]), codecs), unzstd(new ByteFeed([frames]), codecs)]
    const outputs: Buffer[] = streams.map(() => Buffer.alloc(0))
    for (let open = streams.length; open > 0;) {
      open = 0
      for (const [i, stream] of streams.entries()) {
        const step = await stream.next()
        if (step.done === true) continue
        open++
        outputs[i] = Buffer.concat([outputs[i] ?? Buffer.alloc(0), step.value])
      }
    }
    expect(outputs.map((output) => whole.equals(output))).toEqual([true, true])
  })
})

test('decompressZstd reads every frame, however it arrives', async () => {
  const pieces: Buffer[] = []
  for await (const piece of decompressZstd(Array.from(frames, (byte) => Uint8Array.of(byte))))
    pieces.push(Buffer.from(piece))
  expect(whole.equals(Buffer.concat(pieces))).toBe(true)
})

test('what the deflater makes is deflate, and nothing where it saves nothing', () => {
  const deflater = new Deflater(6)
  const output = new Uint8Array(content.length)
  for (const part of [content, content.subarray(0, 100), content.subarray(7, 5000)]) {
    const length = deflater.deflate(part, output) ?? 0
    expect(part.equals(inflateRawSync(output.subarray(0, length)))).toBe(true)
  }
  expect(deflater.deflate(Buffer.from('x'), new Uint8Array(1))).toBeUndefined()
  expect(deflater.deflate(Buffer.alloc(0), output)).toBeUndefined()
})

test('a zip archive does not depend on what was written before it', async () => {
  const zip = async (texts: readonly string[]): Promise<Buffer> => {
    const pieces: Buffer[] = []
    const sink = { write: (bytes: Uint8Array) => void pieces.push(Buffer.from(bytes)) }
    const entries = texts.map((text, i) => fileEntry(`f${i}`, text))
    await writeArchive(memorySource('x', entries), sink, { format: 'zip' })
    return Buffer.concat(pieces)
  }
  const texts = Array.from({ length: 200 }, (_, i) => content.toString('latin1').slice(i, 1000 + i * 37) + i)
  const first = await zip(texts)
  await zip(texts.toReversed())
  expect(first.equals(await zip(texts))).toBe(true)
})
