// The lz4 frame format, 1.6.4.
import type { ByteFeed } from './byte-feed.ts'
import { decodeLz4Block, LZ4_HISTORY_BYTES } from './lz4-block.ts'
import { damaged, unsupported } from './problems.ts'
import { XxHash32, xxHash32 } from './xxhash32.ts'

/** Magic of a frame. */
export const LZ4_MAGIC = 0x184d2204
const LEGACY_MAGIC = 0x184c2102
const SKIPPABLE_MAGIC = 0x184d2a50
const STORED = 0x80000000

/**
 * Decompress lz4 frames until the end, every checksum there is checked. Skippable frames are passed over; anything else
 * behind a frame is damage.
 */
export async function* unlz4(feed: ByteFeed): AsyncGenerator<Uint8Array, void, void> {
  for (let frames = 0; ;) {
    const magicBytes = await feed.takeOrEnd(4)
    if (magicBytes === undefined && frames > 0) return
    if (magicBytes === undefined) throw damaged('it is empty')
    const magic = u32(magicBytes)
    if (magic === LZ4_MAGIC) {
      yield* decodeFrame(feed)
      frames++
    } else if ((magic & 0xfffffff0) >>> 0 === SKIPPABLE_MAGIC) {
      for await (const _ignored of feed.passOn(u32(await feed.take(4))));
    } else if (magic === LEGACY_MAGIC) {
      throw unsupported('it is in the legacy lz4 format, which has no checksums')
    } else {
      throw damaged('something that is no lz4 frame follows the lz4 data')
    }
  }
}

interface FrameHeader {
  readonly maxBlockBytes: number
  readonly isIndependent: boolean
  readonly hasBlockChecksums: boolean
  readonly hasChecksum: boolean
  readonly sizeBytes: number | undefined
}

async function readHeader(feed: ByteFeed): Promise<FrameHeader> {
  const fixed = (await feed.take(2)).slice()
  const [flags, limits] = [fixed[0] as number, fixed[1] as number]
  if (flags >> 6 !== 1 || (flags & 2) !== 0 || (limits & 0x8f) !== 0)
    throw damaged('the header of an lz4 frame is of an unknown kind')
  if ((flags & 1) !== 0) throw unsupported('it needs an lz4 dictionary')
  const sizeField = (flags & 8) === 0 ? new Uint8Array(0) : (await feed.take(8)).slice()
  const checksum = (await feed.take(1))[0] as number
  const header = new Uint8Array([...fixed, ...sizeField])
  if (((xxHash32(header) >>> 8) & 255) !== checksum)
    throw damaged('the header of an lz4 frame does not match its checksum')
  const size = limits >> 4
  if (size < 4) throw damaged('the header of an lz4 frame is of an unknown kind')
  return {
    maxBlockBytes: 2 ** (8 + 2 * size),
    isIndependent: (flags & 0x20) !== 0,
    hasBlockChecksums: (flags & 0x10) !== 0,
    hasChecksum: (flags & 0x04) !== 0,
    sizeBytes: sizeField.length === 0 ? undefined : u32(sizeField) + u32(sizeField.subarray(4)) * 2 ** 32,
  }
}

async function* decodeFrame(feed: ByteFeed): AsyncGenerator<Uint8Array, void, void> {
  const header = await readHeader(feed)
  const output = new Uint8Array(LZ4_HISTORY_BYTES + header.maxBlockBytes)
  const hash = new XxHash32()
  let historyBytes = 0
  let totalBytes = 0
  for (;;) {
    const field = u32(await feed.take(4))
    if (field === 0) break
    const length = field % STORED
    if (length > header.maxBlockBytes) throw damaged('an lz4 block is longer than its frame allows')
    const block = await feed.take(length)
    if (header.hasBlockChecksums) {
      const mine = xxHash32(block)
      if (u32(await feed.take(4)) !== mine) throw damaged('an lz4 block does not match its checksum')
    }
    const content = expand(block, field >= STORED, output, historyBytes, header.maxBlockBytes)
    totalBytes += content.length
    if (header.hasChecksum) hash.update(content)
    yield content
    if (!header.isIndependent) historyBytes = keepHistory(output, historyBytes + content.length)
  }
  if (header.hasChecksum && u32(await feed.take(4)) !== hash.digest())
    throw damaged('the lz4 data does not match its checksum')
  if (header.sizeBytes !== undefined && header.sizeBytes !== totalBytes)
    throw damaged('an lz4 frame does not hold what it says')
}

function expand(block: Uint8Array, isStored: boolean, output: Uint8Array, at: number, maxBytes: number): Uint8Array {
  if (!isStored) return output.subarray(at, decodeLz4Block(block, output, at, at + maxBytes))
  output.set(block, at)
  return output.subarray(at, at + block.length)
}

/** Move the last 64 KiB to the front, where the next block may refer to them. */
function keepHistory(output: Uint8Array, length: number): number {
  const kept = Math.min(length, LZ4_HISTORY_BYTES)
  output.copyWithin(0, length - kept, length)
  return kept
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
