import { constants, deflateRawSync, gzipSync, zstdCompressSync, crc32 } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { readAll, verdictOf } from './reading.ts'
import { concat, file, tar } from './tar-builder.ts'
import { u16, u32 } from './zip-builder.ts'

const plain = tar(file('a', 'hello'), file('b', Buffer.alloc(20_000, 'world')))
const paths = async (bytes: Uint8Array | AsyncIterable<Uint8Array>): Promise<string[]> =>
  (await readAll(bytes)).map(({ path }) => path)

/** The bytes one by one: every state of a reader that waits for more. */
async function* dripping(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

describe('gzip', () => {
  const gz = gzipSync(plain)
  const member = (content: Uint8Array, flags: number, header: Uint8Array): Uint8Array =>
    concat(
      Uint8Array.of(0x1f, 0x8b, 8, flags, 0, 0, 0, 0, 0, 3),
      header,
      deflateRawSync(content),
      u32(crc32(content)),
      u32(content.length),
    )
  const half = 1000

  const good: Readonly<Record<string, Uint8Array>> = {
    'one member': gz,
    'several members': concat(gzipSync(plain.slice(0, half)), gzipSync(plain.slice(half))),
    'an empty member between': concat(gzipSync(plain.slice(0, half)), gzipSync(''), gzipSync(plain.slice(half))),
    'zero padding': concat(gz, new Uint8Array(10_000)),
    'a name': member(plain, 8, Buffer.from('name.tar\0')),
    'name, comment and extra field': member(
      plain,
      4 | 8 | 16,
      concat(u16(3), Buffer.from('xyz'), Buffer.from('name\0'), Buffer.from('comment\0')),
    ),
    'a header checksum': member(plain, 2, u16(crc32(Uint8Array.of(0x1f, 0x8b, 8, 2, 0, 0, 0, 0, 0, 3)) & 0xffff)),
    'stored blocks': gzipSync(plain, { level: 0 }),
  }
  for (const [name, bytes] of Object.entries(good)) {
    test(`${name} is read, also byte by byte`, async () => {
      expect(await paths(bytes)).toEqual(['a', 'b'])
      expect(await paths(dripping(bytes, 1))).toEqual(['a', 'b'])
      expect(await paths(dripping(bytes, 7))).toEqual(['a', 'b'])
    })
  }

  const bad: Readonly<Record<string, Uint8Array>> = {
    'wrong checksum': gz.with(gz.length - 8, (gz[gz.length - 8] as number) ^ 1),
    'wrong length': gz.with(gz.length - 4, (gz[gz.length - 4] as number) ^ 1),
    'no trailer': gz.slice(0, -8),
    'half a trailer': gz.slice(0, -3),
    'cut off': gz.slice(0, gz.length >> 1),
    'header only': gz.slice(0, 10),
    'half a header': gz.slice(0, 5),
    'garbage behind': concat(gz, Buffer.from('garbage')),
    'garbage behind zero padding': concat(gz, new Uint8Array(100), Buffer.from('x')),
    'a hidden member behind zero padding': concat(gz, new Uint8Array(100), gzipSync(tar(file('hidden')))),
    'a second archive in a second member': concat(gz, gzipSync(tar(file('hidden')))),
    'a damaged second member': concat(gzipSync(plain), gzipSync(new Uint8Array(100)).with(20, 99)),
    'reserved flags': gz.with(3, 0x20),
    'unknown method': gz.with(2, 7),
    'wrong header checksum': member(plain, 2, u16(1)),
    'name without end': concat(gz.slice(0, 3), Uint8Array.of(8), gz.slice(4, 10), Buffer.alloc(2_000_000, 'n')),
    'bit flipped in the data': gz.with(gz.length >> 1, (gz[gz.length >> 1] as number) ^ 4),
  }
  for (const [name, bytes] of Object.entries(bad)) {
    test(`${name} is refused`, async () => {
      expect(['ARC_ARCHIVE_DAMAGED', 'ARC_LIMIT_EXCEEDED']).toContain(await verdictOf(bytes))
    })
  }
})

describe('zstd', () => {
  const checksum = { params: { [constants.ZSTD_c_checksumFlag]: 1 } }
  const zst = zstdCompressSync(plain, checksum)
  const skippable = (content: string): Uint8Array => concat(u32(0x184d2a53), u32(content.length), Buffer.from(content))
  const [front, back] = [zstdCompressSync(plain.slice(0, 1000)), zstdCompressSync(plain.slice(1000), checksum)]
  // Raw and RLE blocks, no content size: a frame as no library writes it.
  const raw = concat(
    u32(0xfd2fb528),
    Uint8Array.of(0, 0x58),
    Uint8Array.of((plain.slice(0, 1000).length << 3) & 255, 1000 >> 5, 0),
    plain.slice(0, 1000),
    Uint8Array.of(1, 0, 0),
  )

  const good: Readonly<Record<string, Uint8Array>> = {
    'one frame': zst,
    'two frames': concat(front, back),
    'a hundred frames': concat(
      ...Array.from({ length: 100 }, (_, i) =>
        zstdCompressSync(plain.slice(Math.floor((i * plain.length) / 100), Math.floor(((i + 1) * plain.length) / 100))),
      ),
    ),
    'a leading skippable frame': concat(skippable('hello'), zst),
    'skippable frames everywhere': concat(skippable(''), front, skippable('x'), skippable('y'), back, skippable('end')),
    'an empty frame between': concat(front, zstdCompressSync(''), back),
    'a raw frame without a size': concat(raw, back),
    'level 19': zstdCompressSync(plain, { params: { [constants.ZSTD_c_compressionLevel]: 19 } }),
  }
  for (const [name, bytes] of Object.entries(good)) {
    test(`${name} is read, also byte by byte`, async () => {
      expect(await paths(bytes)).toEqual(['a', 'b'])
      expect(await paths(dripping(bytes, 1))).toEqual(['a', 'b'])
      expect(await paths(dripping(bytes, 1000))).toEqual(['a', 'b'])
    })
  }

  const bad: Readonly<Record<string, Uint8Array>> = {
    'wrong checksum': zst.with(zst.length - 1, (zst[zst.length - 1] as number) ^ 1),
    'no checksum': zst.slice(0, -4),
    'cut off': zst.slice(0, zst.length >> 1),
    'second frame cut off': concat(front, back.slice(0, -5)),
    'second frame missing': front,
    'third frame cut in its header': concat(front, back, zstdCompressSync('x').slice(0, 5)),
    'garbage behind': concat(zst, Buffer.from('garbage!')),
    'one byte behind': concat(zst, Uint8Array.of(0)),
    'zeros behind': concat(zst, new Uint8Array(512)),
    'a second archive in a second frame': concat(zst, zstdCompressSync(tar(file('hidden')))),
    'a skippable frame that is cut off': concat(zst, u32(0x184d2a50), u32(100), Buffer.from('short')),
    'only a skippable frame': skippable('nothing else'),
    'reserved bit': zst.with(4, (zst[4] as number) | 0x08),
    'reserved block type': raw.with(6, 7),
    'bit flipped in the data': zst.with(zst.length >> 1, (zst[zst.length >> 1] as number) ^ 4),
  }
  for (const [name, bytes] of Object.entries(bad)) {
    test(`${name} is refused`, async () => {
      expect(await verdictOf(bytes)).toBe('ARC_ARCHIVE_DAMAGED')
    })
  }

  test('a window of 2 GiB is refused before any memory is taken', async () => {
    expect(await verdictOf(concat(u32(0xfd2fb528), Uint8Array.of(0, 21 << 3), new Uint8Array(100)))).toBe(
      'ARC_LIMIT_EXCEEDED',
    )
  })

  test('a dictionary is refused', async () => {
    expect(await verdictOf(concat(u32(0xfd2fb528), Uint8Array.of(0x21, 5, 5), new Uint8Array(100)))).toBe(
      'ARC_ARCHIVE_UNSUPPORTED',
    )
  })
})

test.each([
  ['gzip', gzipSync(plain)],
  ['zstd', zstdCompressSync(plain)],
])('what follows %s data is called that, however short it is', async (name, bytes) => {
  for (const behind of ['x', 'garbage', 'garbage that is longer than any header'])
    await expect(readAll(concat(bytes, Buffer.from(behind)))).rejects.toThrow(
      new RegExp(`something .* follows the ${name} data`),
    )
  await expect(readAll(bytes.subarray(0, -3))).rejects.toThrow(/cut off/)
})

test('what is no archive is refused as unknown', async () => {
  expect(await verdictOf(Buffer.from('just some text that is long enough to be looked at'))).toBe(
    'ARC_ARCHIVE_UNSUPPORTED',
  )
})
