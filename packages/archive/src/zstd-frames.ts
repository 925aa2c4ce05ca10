import type { ByteFeed } from './byte-feed.ts'
import type { Codecs } from './codecs.ts'
import { damaged, limitExceeded, unsupported } from './problems.ts'

const ZSTD_MAGIC = 0xfd2fb528
const SKIPPABLE_MAGIC = 0x184d2a50 // to 0x184d2a5f

/** What `zstd` itself accepts without being asked (2^27); more would let an archive claim gigabytes of memory. */
export const MAX_WINDOW_BYTES: number = 128 * 1024 * 1024

/**
 * Decompress zstd (RFC 8878) frame by frame, because Node's own decoder stops without an error after the first frame and
 * at a skippable one (22, 24). Where each frame ends is read from its block headers; a frame that is not whole, or
 * anything behind the last that is no frame, is damage.
 */
export async function* unzstd(feed: ByteFeed, codecs: Codecs): AsyncGenerator<Uint8Array, void, void> {
  for (let frame = await nextFrame(feed, true); frame !== undefined; frame = await nextFrame(feed, false)) {
    let sizeBytes = 0
    for await (const piece of codecs.zstdFrameStream(frame.pieces)) {
      sizeBytes += piece.length
      if (frame.sizeBytes !== undefined && sizeBytes > frame.sizeBytes) throw wrongSize()
      yield piece
    }
    if (frame.sizeBytes !== undefined && sizeBytes !== frame.sizeBytes) throw wrongSize()
  }
}

function wrongSize(): Error {
  return damaged('a zstd frame does not hold what it says')
}

interface ZstdFrame {
  /** Content bytes; `undefined` when its header does not tell. */
  readonly sizeBytes: number | undefined
  /** The frame itself, from its magic to its checksum. */
  readonly pieces: AsyncGenerator<Uint8Array, void, void>
}

const NOT_ZSTD = 'something that is no zstd frame follows the zstd data'

/** The next frame with content; skippable ones are passed over. */
async function nextFrame(feed: ByteFeed, isFirst: boolean): Promise<ZstdFrame | undefined> {
  for (let first = isFirst; ; first = false) {
    const magicBytes = await feed.takeOrEnd(4, NOT_ZSTD)
    if (magicBytes === undefined) {
      if (first) throw damaged('it is empty')
      return undefined
    }
    const magic = u32(magicBytes, 0)
    if (magic === ZSTD_MAGIC) {
      const header = await readFrameHeader(feed)
      return { sizeBytes: header.sizeBytes, pieces: framePieces(feed, magicBytes, header) }
    }
    if ((magic & 0xfffffff0) >>> 0 !== SKIPPABLE_MAGIC) throw damaged(NOT_ZSTD)
    const length = u32(await feed.take(4), 0)
    for await (const _ignored of feed.passOn(length));
  }
}

/** The header of a frame: what it says and its bytes after the magic. */
interface ZstdFrameHeader {
  readonly bytes: Uint8Array
  readonly sizeBytes: number | undefined
  readonly hasChecksum: boolean
}

async function readFrameHeader(feed: ByteFeed): Promise<ZstdFrameHeader> {
  const descriptor = (await feed.take(1))[0] as number
  if ((descriptor & 0x08) !== 0) throw damaged('the header of a zstd frame is of an unknown kind')
  const isSingleSegment = (descriptor & 0x20) !== 0
  const sizeFlag = descriptor >> 6
  const sizeFieldBytes = sizeFlag === 0 ? Number(isSingleSegment) : 1 << sizeFlag
  const dictionaryBytes = [0, 1, 2, 4][descriptor & 3] as number
  const rest = await feed.take(Number(!isSingleSegment) + dictionaryBytes + sizeFieldBytes)
  const dictionary = rest.subarray(Number(!isSingleSegment), Number(!isSingleSegment) + dictionaryBytes)
  if (dictionary.some((byte) => byte !== 0)) throw unsupported('it needs a zstd dictionary')
  const sizeBytes = readContentSize(rest.subarray(rest.length - sizeFieldBytes))
  const windowBytes = isSingleSegment ? (sizeBytes ?? 0) : windowOf(rest[0] as number)
  // A single segment is never larger than its content, which a frame that is decompressed whole may hold.
  if (windowBytes > MAX_WINDOW_BYTES)
    throw limitExceeded('maxWindowBytes', MAX_WINDOW_BYTES, 'the memory that a zstd frame needs')
  const bytes = new Uint8Array(1 + rest.length)
  bytes[0] = descriptor
  bytes.set(rest, 1)
  return { bytes, sizeBytes, hasChecksum: (descriptor & 0x04) !== 0 }
}

function windowOf(descriptor: number): number {
  const base = 2 ** (10 + (descriptor >> 3))
  return base + (base / 8) * (descriptor & 7)
}

function readContentSize(field: Uint8Array): number | undefined {
  switch (field.length) {
    case 0:
      return undefined
    case 1:
      return field[0]
    case 2:
      return u32(Uint8Array.of(field[0] as number, field[1] as number, 0, 0), 0) + 256
    case 4:
      return u32(field, 0)
    default: {
      const size = u32(field, 0) + u32(field, 4) * 2 ** 32
      if (!Number.isSafeInteger(size)) throw damaged('the size of a zstd frame is beyond any real number')
      return size
    }
  }
}

const MAX_BLOCK_BYTES = 128 * 1024

async function* framePieces(
  feed: ByteFeed,
  magic: Uint8Array,
  header: ZstdFrameHeader,
): AsyncGenerator<Uint8Array, void, void> {
  yield magic
  yield header.bytes
  for (let isLast = false; !isLast;) {
    const head = await feed.take(3)
    const word = (head[0] as number) | ((head[1] as number) << 8) | ((head[2] as number) << 16)
    isLast = (word & 1) !== 0
    const type = (word >> 1) & 3
    const length = word >> 3
    if (type === 3 || length > MAX_BLOCK_BYTES) throw damaged('a block of a zstd frame is of an unknown kind')
    yield head
    yield* feed.passOn(type === 1 ? 1 : length)
  }
  if (header.hasChecksum) yield await feed.take(4)
}

function u32(bytes: Uint8Array, at: number): number {
  return (
    ((bytes[at] as number) |
      ((bytes[at + 1] as number) << 8) |
      ((bytes[at + 2] as number) << 16) |
      ((bytes[at + 3] as number) << 24)) >>>
    0
  )
}
