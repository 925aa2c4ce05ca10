import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { damaged } from './problems.ts'
import { release } from './release.ts'

/** Chunks are gathered up to this many bytes before they are compressed together: what makes small files small. */
export const FRAME_BYTES: number = 1024 * 1024
/** No frame holds more; a reader refuses one that says so. */
export const MAX_FRAME_BYTES: number = 2 * FRAME_BYTES

/** What zstd adds to a frame that it cannot make smaller, and more. */
const MAX_OVERHEAD_BYTES = 16 * 1024

/**
 * One zstd frame with its content size and a checksum of the content, in memory of its own. Incompressible bytes are stored
 * by zstd itself.
 */
export function compressFrame(plain: Uint8Array, level: number): Uint8Array<ArrayBuffer> {
  // One piece that is large enough takes memory only as far as it is written to, and can be given back at once.
  const output = zstdCompressSync(plain, {
    chunkSize: plain.length + MAX_OVERHEAD_BYTES,
    params: { [constants.ZSTD_c_compressionLevel]: level, [constants.ZSTD_c_checksumFlag]: 1 },
  })
  const frame = new Uint8Array(output)
  release(output)
  return frame
}

/** The content of a frame, which must be exactly `plainBytes` long; `object` is what messages call it. */
export function decompressFrame(frame: Uint8Array, plainBytes: number, object: string): Buffer {
  let plain: Buffer
  try {
    // One byte more than there is: Node takes a further piece of memory as soon as one is full.
    plain = zstdDecompressSync(frame, { chunkSize: Math.max(plainBytes + 1, 64), maxOutputLength: plainBytes })
  } catch (error) {
    throw damaged(object, 'a frame does not decompress', error)
  }
  if (plain.length !== plainBytes) throw damaged(object, `a frame has ${plain.length} bytes instead of ${plainBytes}`)
  return plain
}
