// The .xz file format, 1.2.1, with the filter LZMA2 alone, which is what everybody writes for archives.
import type { ByteFeed } from './byte-feed.ts'
import type { Codecs } from './codecs.ts'
import { Crc64 } from './crc64.ts'
import { LzmaDecoder } from './lzma-decoder.ts'
import { damaged, limitExceeded, unsupported } from './problems.ts'
import { MAX_WINDOW_BYTES } from './zstd-frames.ts'

const MAGIC = [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]
const FILTER_LZMA2 = 0x21

/** Takes bytes and keeps their CRC-32 and number. */
class CheckedFeed {
  crc = 0
  count = 0
  readonly #feed: ByteFeed
  readonly #codecs: Codecs

  constructor(feed: ByteFeed, codecs: Codecs) {
    this.#feed = feed
    this.#codecs = codecs
  }

  async take(count: number): Promise<Uint8Array> {
    const bytes = await this.#feed.take(count)
    this.crc = this.#codecs.crc32(bytes, this.crc)
    this.count += count
    return bytes
  }

  /** A number of 7 bits a byte, at most 63 bits by the format, 53 by us. */
  async number(): Promise<number> {
    let value = 0
    for (let shift = 0; shift < 63; shift += 7) {
      const byte = (await this.take(1))[0] as number
      value += (byte & 0x7f) * 2 ** shift
      if (byte === 0 && shift > 0) break
      if (byte >= 0x80) continue
      if (!Number.isSafeInteger(value)) break
      return value
    }
    throw damaged('a number in the xz data is malformed')
  }

  async expectZeros(count: number): Promise<void> {
    if ((await this.take(count)).some((byte) => byte !== 0)) throw damaged('padding of the xz data is not zero')
  }

  /** Compare with the CRC-32 that follows. */
  async expectCrc(): Promise<void> {
    const mine = this.crc
    if (u32(await this.#feed.take(4)) !== mine) throw damaged('a header of the xz data does not match its checksum')
  }
}

/** Decompress xz: streams and their zero padding until the end, with every check and the index held against the content. */
export async function* unxz(feed: ByteFeed, codecs: Codecs): AsyncGenerator<Uint8Array, void, void> {
  for (let streams = 0; ; streams++) {
    let magic = await feed.takeOrEnd(4)
    for (; streams > 0 && magic !== undefined && u32(magic) === 0; magic = await feed.takeOrEnd(4));
    if (magic === undefined && streams > 0) return
    if (magic === undefined) throw damaged('it is empty')
    const whole = [...magic, ...(await feed.take(2))]
    if (whole.some((byte, i) => byte !== MAGIC[i])) throw damaged('something that is no xz data follows the xz data')
    yield* decodeStream(feed, codecs)
  }
}

interface BlockRecord {
  readonly unpaddedBytes: number
  readonly contentBytes: number
}

async function* decodeStream(feed: ByteFeed, codecs: Codecs): AsyncGenerator<Uint8Array, void, void> {
  const header = new CheckedFeed(feed, codecs)
  const flags = (await header.take(2)).slice()
  await header.expectCrc()
  if (flags[0] !== 0) throw damaged('the header of the xz data is of an unknown kind')
  const checkBytes = CHECK_BYTES[flags[1] as number]
  if (checkBytes === undefined)
    throw unsupported('its xz data is checked by something else than CRC-32, CRC-64 or SHA-256')
  const records: BlockRecord[] = []
  for (;;) {
    const size = (await feed.take(1))[0] as number
    if (size === 0) break
    const block = new CheckedFeed(feed, codecs)
    block.crc = codecs.crc32(Uint8Array.of(size))
    yield* decodeBlock(feed, block, (size + 1) * 4, checkBytes, codecs, records)
  }
  const indexBytes = await checkIndex(feed, codecs, records)
  const crc = u32(await feed.take(4))
  const footer = (await feed.take(6)).slice()
  const end = await feed.take(2)
  const isRight =
    crc === codecs.crc32(footer) &&
    (u32(footer) + 1) * 4 === indexBytes &&
    footer[4] === flags[0] &&
    footer[5] === flags[1] &&
    end[0] === 0x59 &&
    end[1] === 0x5a
  if (!isRight) throw damaged('the end of the xz data is malformed')
}

/** Bytes of each check that is known. */
const CHECK_BYTES: Readonly<Partial<Record<number, number>>> = { 0: 0, 1: 4, 4: 8, 10: 32 }

async function* decodeBlock(
  feed: ByteFeed,
  header: CheckedFeed,
  headerBytes: number,
  checkBytes: number,
  codecs: Codecs,
  records: BlockRecord[],
): AsyncGenerator<Uint8Array, void, void> {
  const declared = await readBlockHeader(header, headerBytes)
  const before = feed.takenBytes
  let contentBytes = 0
  let crc32 = 0
  const crc64 = new Crc64()
  const sha256 = checkBytes === 32 ? codecs.startSha256() : undefined
  for await (const piece of decodeLzma2(feed, declared.dictionaryBytes)) {
    contentBytes += piece.length
    if (checkBytes === 4) crc32 = codecs.crc32(piece, crc32)
    else if (checkBytes === 8) crc64.update(piece)
    sha256?.update(piece)
    yield piece
  }
  const compressedBytes = feed.takenBytes - before
  if (
    ![undefined, compressedBytes].includes(declared.compressedBytes) ||
    ![undefined, contentBytes].includes(declared.contentBytes)
  ) {
    throw damaged('a block of the xz data does not hold what it says')
  }
  await new CheckedFeed(feed, codecs).expectZeros(-compressedBytes & 3)
  const check = await feed.take(checkBytes)
  const matches =
    checkBytes === 4
      ? u32(check) === crc32
      : checkBytes === 8
        ? u32(check) === crc64.low && u32(check.subarray(4)) === crc64.high
        : sha256?.digestHex() === (sha256 && hexOf(check))
  if (!matches) throw damaged('the xz data does not match its checksum')
  records.push({ unpaddedBytes: headerBytes + compressedBytes + checkBytes, contentBytes })
}

interface BlockHeader {
  readonly compressedBytes: number | undefined
  readonly contentBytes: number | undefined
  readonly dictionaryBytes: number
}

async function readBlockHeader(header: CheckedFeed, headerBytes: number): Promise<BlockHeader> {
  const flags = (await header.take(1))[0] as number
  if ((flags & 0x3c) !== 0) throw damaged('a block of the xz data is of an unknown kind')
  if ((flags & 3) !== 0) throw unsupported('its xz data went through a further filter')
  const compressedBytes = (flags & 0x40) === 0 ? undefined : await header.number()
  const contentBytes = (flags & 0x80) === 0 ? undefined : await header.number()
  if ((await header.number()) !== FILTER_LZMA2 || (await header.number()) !== 1)
    throw unsupported('its xz data is not LZMA2')
  const bits = (await header.take(1))[0] as number
  if (bits > 40) throw damaged('a block of the xz data is of an unknown kind')
  const dictionaryBytes = bits === 40 ? 2 ** 32 - 1 : (2 | (bits & 1)) * 2 ** ((bits >> 1) + 11)
  if (dictionaryBytes > MAX_WINDOW_BYTES)
    throw limitExceeded('maxWindowBytes', MAX_WINDOW_BYTES, 'the memory that the xz data needs')
  const padding = headerBytes - 1 - header.count - 4
  if (padding < 0) throw damaged('a block of the xz data is of an unknown kind')
  await header.expectZeros(padding)
  await header.expectCrc()
  return { compressedBytes, contentBytes, dictionaryBytes }
}

async function* decodeLzma2(feed: ByteFeed, dictionaryBytes: number): AsyncGenerator<Uint8Array, void, void> {
  const decoder = new LzmaDecoder(dictionaryBytes)
  let needs: 'dictionary' | 'properties' | 'nothing' = 'dictionary'
  for (;;) {
    const control = (await feed.take(1))[0] as number
    if (control === 0) return
    const isCopy = control < 0x80
    if (isCopy && control > 2) throw damaged('a chunk of the LZMA data is of an unknown kind')
    const resetsDictionary = isCopy ? control === 1 : control >= 0xe0
    if (needs === 'dictionary' && !resetsDictionary) throw damaged('the LZMA data refers to what is not there')
    if (resetsDictionary) decoder.resetDictionary()
    if (resetsDictionary && needs === 'dictionary') needs = 'properties'
    const head = await feed.take(isCopy ? 2 : 4)
    const low = ((head[0] as number) << 8) | (head[1] as number)
    if (isCopy) {
      yield decoder.copy(await feed.take(low + 1))
      continue
    }
    const compressedBytes = (((head[2] as number) << 8) | (head[3] as number)) + 1
    const reset = (control >> 5) & 3
    if (reset >= 2) {
      decoder.resetState((await feed.take(1))[0])
      needs = 'nothing'
    } else if (needs !== 'nothing') throw damaged('the LZMA data refers to what is not there')
    else if (reset === 1) decoder.resetState()
    yield decoder.decode(await feed.take(compressedBytes), ((control & 0x1f) << 16) + low + 1)
  }
}

/** Read the index, whose first byte is taken, and hold it against the blocks that were met. Returns its length. */
async function checkIndex(feed: ByteFeed, codecs: Codecs, records: readonly BlockRecord[]): Promise<number> {
  const index = new CheckedFeed(feed, codecs)
  index.crc = codecs.crc32(Uint8Array.of(0))
  const wrong = (): Error => damaged('the index of the xz data does not match it')
  if ((await index.number()) !== records.length) throw wrong()
  for (const { unpaddedBytes, contentBytes } of records) {
    if ((await index.number()) !== unpaddedBytes || (await index.number()) !== contentBytes) throw wrong()
  }
  await index.expectZeros(-(1 + index.count) & 3)
  await index.expectCrc()
  return 1 + index.count + 4
}

function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

function u32(bytes: Uint8Array): number {
  return (
    ((bytes[0] as number) |
      ((bytes[1] as number) << 8) |
      ((bytes[2] as number) << 16) |
      ((bytes[3] as number) << 24)) >>>
    0
  )
}
