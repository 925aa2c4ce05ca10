import { ArcError } from '@arc/core'
import { Decompress } from 'fzstd'
import { XxHash64 } from './xxhash64.ts'

const HAS_CHECKSUM = 0x04
const DESCRIPTOR_AT = 4
const CHECKSUM_BYTES = 4

/**
 * Decompress exactly one zstd frame. The decoder checks no checksums, so that is done here. Throws `ARC_ARCHIVE_DAMAGED`.
 */
export async function* zstdFrameStream(frame: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, void> {
  const output: Uint8Array[] = []
  const decoder = new Decompress((piece) => void output.push(piece))
  const hash = new XxHash64()
  let tail = new Uint8Array(0)
  let descriptor: number | undefined
  const head: number[] = []
  for await (const piece of frame) {
    if (descriptor === undefined) {
      head.push(...piece.subarray(0, DESCRIPTOR_AT + 1))
      descriptor = head[DESCRIPTOR_AT]
    }
    tail = Uint8Array.of(...tail, ...piece.subarray(-CHECKSUM_BYTES)).slice(-CHECKSUM_BYTES)
    decode(() => decoder.push(piece.slice()))
    for (const decoded of output.splice(0)) {
      hash.update(decoded)
      yield decoded
    }
  }
  decode(() => decoder.push(new Uint8Array(0), true))
  for (const decoded of output.splice(0)) {
    hash.update(decoded)
    yield decoded
  }
  const hasChecksum = ((descriptor ?? 0) & HAS_CHECKSUM) !== 0
  if (hasChecksum && new DataView(tail.buffer).getUint32(0, true) !== hash.digestLow())
    throw damaged('a zstd frame does not match its checksum')
}

function decode(step: () => void): void {
  try {
    step()
  } catch (cause) {
    throw damaged('compressed data cannot be decompressed', cause)
  }
}

function damaged(what: string, cause?: unknown): ArcError {
  return new ArcError('ARC_ARCHIVE_DAMAGED', `the archive is damaged: ${what}`, {
    cause,
    hint: 'Copy or download it again.',
  })
}
