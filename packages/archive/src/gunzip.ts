import type { ByteFeed } from './byte-feed.ts'
import type { Codecs } from './codecs.ts'
import { damaged, limitExceeded } from './problems.ts'

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
  let crc = 0
  let headerBytes = 0
  const take = async (count: number): Promise<Uint8Array> => {
    const bytes = await feed.take(count)
    headerBytes += count
    if (headerBytes > maxMetadataBytes) throw limitExceeded('maxMetadataBytes', maxMetadataBytes, 'the gzip header')
    crc = codecs.crc32(bytes, crc)
    return bytes
  }
  const fixed = await take(10)
  const flags = fixed[3] as number
  if (fixed[0] !== 0x1f || fixed[1] !== 0x8b) throw damaged('something that is not gzip follows the gzip data')
  if (fixed[2] !== 8 || (flags & RESERVED) !== 0) throw damaged('the gzip header is of an unknown kind')
  if ((flags & HAS_EXTRA) !== 0) await take(view(await take(2)).getUint16(0, true))
  for (const flag of [HAS_NAME, HAS_COMMENT]) if ((flags & flag) !== 0) while ((await take(1))[0] !== 0);
  if ((flags & HAS_CHECKSUM) === 0) return
  const expected = crc & 0xffff
  if (view(await take(2)).getUint16(0, true) !== expected) throw damaged('the gzip header does not match its checksum')
}

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
}
