import type { ByteFeed } from './byte-feed.ts'
import type { Codecs } from './codecs.ts'
import { damaged, limitExceeded } from './problems.ts'

const MAGIC = [0x1f, 0x8b] as const
const NOT_GZIP = 'something that is not gzip follows the gzip data'
const HAS_CHECKSUM = 2
const HAS_EXTRA = 4
const HAS_NAME = 8
const HAS_COMMENT = 16
const RESERVED = 0xe0

/**
 * Decompress gzip (RFC 1952): one member after another, each with its CRC and length checked, until the end or until
 * zero padding. Anything else behind a member is damage, where many readers stop or go on in silence.
 */
export async function* gunzip(
  feed: ByteFeed,
  codecs: Codecs,
  maxMetadataBytes: number,
): AsyncGenerator<Uint8Array, void, void> {
  for (let members = 0; ; members++) {
    const first = await feed.next()
    if (first === undefined && members > 0) return
    if (first === undefined) throw damaged('it is empty')
    feed.putBack(first)
    if (members > 0 && first[0] === 0) return feed.expectOnlyPadding('the gzip data')
    if (members > 0 && first[0] !== MAGIC[0]) throw damaged(NOT_GZIP)
    await skipHeader(feed, codecs, maxMetadataBytes)
    let crc = 0
    let sizeBytes = 0
    for await (const piece of codecs.inflateRaw(feed)) {
      crc = codecs.crc32(piece, crc)
      sizeBytes += piece.length
      yield piece
    }
    const trailer = view(await feed.take(8))
    if (trailer.getUint32(0, true) !== crc) throw damaged('the gzip data does not match its checksum')
    if (trailer.getUint32(4, true) !== sizeBytes % 2 ** 32) throw damaged('the gzip data does not have its length')
  }
}

async function skipHeader(feed: ByteFeed, codecs: Codecs, maxMetadataBytes: number): Promise<void> {
  const fixed = await feed.take(10)
  const flags = fixed[3] as number
  let crc = codecs.crc32(fixed)
  if (fixed[0] !== MAGIC[0] || fixed[1] !== MAGIC[1]) throw damaged(NOT_GZIP)
  if (fixed[2] !== 8 || (flags & RESERVED) !== 0) throw damaged('the gzip header is of an unknown kind')
  if ((flags & HAS_EXTRA) !== 0) {
    const length = await feed.take(2)
    crc = codecs.crc32(length, crc)
    crc = codecs.crc32(await feed.take(view(length).getUint16(0, true)), crc)
  }
  for (const flag of [HAS_NAME, HAS_COMMENT])
    if ((flags & flag) !== 0) crc = await skipText(feed, codecs, crc, maxMetadataBytes)
  if ((flags & HAS_CHECKSUM) === 0) return
  if (view(await feed.take(2)).getUint16(0, true) !== (crc & 0xffff)) {
    throw damaged('the gzip header does not match its checksum')
  }
}

/** Pass over a text and the zero byte at its end; returns the checksum gone on with. */
async function skipText(feed: ByteFeed, codecs: Codecs, before: number, maxBytes: number): Promise<number> {
  let crc = before
  for (let length = 0; length <= maxBytes;) {
    const piece = await feed.next()
    if (piece === undefined) throw damaged('it is cut off')
    const end = piece.indexOf(0)
    const text = end < 0 ? piece : piece.subarray(0, end + 1)
    crc = codecs.crc32(text, crc)
    length += text.length
    feed.putBack(piece.subarray(text.length))
    if (end >= 0) return crc
  }
  throw limitExceeded('maxMetadataBytes', maxBytes, 'the gzip header')
}

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
}
