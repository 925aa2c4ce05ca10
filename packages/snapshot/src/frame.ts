import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { damaged } from './problems.ts'

/** Chunks are gathered up to this many bytes before they are compressed together: what makes small files small. */
export const FRAME_BYTES: number = 1024 * 1024
/** No frame holds more; a reader refuses one that says so. */
export const MAX_FRAME_BYTES: number = 2 * FRAME_BYTES

// Each call allocates its output outside of the heap, in pieces of this size, and V8 frees them late.
const OUTPUT_PIECE_BYTES = 256 * 1024

/** One zstd frame with its content size and a checksum of the content. Incompressible bytes are stored by zstd itself. */
export function compressFrame(plain: Uint8Array, level: number): Buffer {
  return zstdCompressSync(plain, {
    chunkSize: OUTPUT_PIECE_BYTES,
    params: { [constants.ZSTD_c_compressionLevel]: level, [constants.ZSTD_c_checksumFlag]: 1 },
  })
}

/** The content of a frame, which must be exactly `plainBytes` long; `object` is what messages call it. */
export function decompressFrame(frame: Uint8Array, plainBytes: number, object: string): Buffer {
  let plain: Buffer
  try {
    plain = zstdDecompressSync(frame, { chunkSize: Math.max(plainBytes, 64), maxOutputLength: plainBytes })
  } catch (error) {
    throw damaged(object, 'a frame does not decompress', error)
  }
  if (plain.length !== plainBytes) throw damaged(object, `a frame has ${plain.length} bytes instead of ${plainBytes}`)
  return plain
}
