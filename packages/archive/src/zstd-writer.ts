import { constants, zstdCompress, type ZstdOptions } from 'node:zlib'
import type { ByteSink } from './byte-sink.ts'
import type { Compressor, CompressorOptions } from './compressor.ts'
import { OrderedJobs } from './ordered-jobs.ts'
import { encodeSeekTable, type SeekFrame } from './zstd-seek-table.ts'

/** Large enough that cutting costs under 2 % of size, small enough that one file is found in milliseconds (ADR 0011). */
const FRAME_BYTES = 2 * 1024 * 1024
const DEFAULT_LEVEL = 3

/**
 * Independent zstd frames, each with its content size and checksum, and at the end a seek table in a skippable frame:
 * every zstd reads it from front to back, and ours reads any part of it.
 */
export function zstdCompressor(sink: ByteSink, { level = DEFAULT_LEVEL, workers }: CompressorOptions): Compressor {
  const frames: SeekFrame[] = []
  const jobs = new OrderedJobs<{ bytes: Uint8Array; contentBytes: number }>(workers, ({ bytes, contentBytes }) => {
    frames.push({ compressedBytes: bytes.length, contentBytes })
    return sink.write(bytes)
  })
  return {
    frameBytes: FRAME_BYTES,
    async write(frame) {
      const mine = frame.slice()
      await jobs.start(async () => ({ bytes: await compressFrame(mine, level), contentBytes: mine.length }))
    },
    async finish() {
      await jobs.finish()
      await sink.write(encodeSeekTable(frames))
    },
  }
}

/** One frame that tells its size and carries a checksum. */
export function compressFrame(content: Uint8Array, level: number): Promise<Uint8Array> {
  const options: ZstdOptions & { pledgedSrcSize: number } = {
    chunkSize: content.length + (content.length >> 7) + 1024,
    pledgedSrcSize: content.length,
    params: { [constants.ZSTD_c_compressionLevel]: level, [constants.ZSTD_c_checksumFlag]: 1 },
  }
  return new Promise((resolve, reject) => zstdCompress(content, options, (error, output) => (error ? reject(error) : resolve(output))))
}
