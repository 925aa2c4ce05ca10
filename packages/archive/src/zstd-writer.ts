import { constants, zstdCompress, type ZstdOptions } from 'node:zlib'
import type { ByteSink } from './byte-sink.ts'
import type { Compressor, CompressorOptions } from './compressor.ts'
import { OrderedJobs } from './ordered-jobs.ts'
import type { TarRecord } from './tar-encode.ts'
import { encodeIndexRow, INDEX_FRAME_MAGIC, INDEX_SIGNATURE } from './tar-index.ts'
import { encodeSeekTable, type SeekFrame } from './zstd-seek-table.ts'

/** Large enough that cutting costs under 2 % of size, small enough that one file is found in milliseconds (ADR 0011). */
const FRAME_BYTES = 2 * 1024 * 1024
const INDEX_PIECE_BYTES = 1024 * 1024
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
  const index = new IndexWriter(level)
  return {
    frameBytes: FRAME_BYTES,
    onEntry: (record, headerBytes) => index.add(record, headerBytes),
    async write(frame) {
      const mine = frame.slice()
      await index.compress()
      await jobs.start(async () => ({ bytes: await compressFrame(mine, level), contentBytes: mine.length }))
    },
    async finish() {
      await jobs.finish()
      const indexFrame = await index.finish()
      frames.push({ compressedBytes: indexFrame.length, contentBytes: 0 })
      await sink.write(indexFrame)
      await sink.write(encodeSeekTable(frames))
    },
  }
}

/** Collects the rows of the index, compressed as they come, so that it stays small. */
class IndexWriter {
  readonly #level: number
  readonly #frames: Uint8Array[] = []
  #rows: Uint8Array[] = []
  #rowBytes = 0

  constructor(level: number) {
    this.#level = level
  }

  add(record: TarRecord, headerBytes: number): void {
    const { path, type, mode, mtimeNs, sizeBytes, target } = record
    const row = encodeIndexRow({ path, type, mode, mtimeNs, sizeBytes, target, headerBytes })
    this.#rows.push(row)
    this.#rowBytes += row.length
  }

  /** Compress what was collected once it is enough. */
  async compress(isLast = false): Promise<void> {
    if (this.#rowBytes === 0 || (this.#rowBytes < INDEX_PIECE_BYTES && !isLast)) return
    const rows = Buffer.concat(this.#rows)
    this.#rows = []
    this.#rowBytes = 0
    this.#frames.push(await compressFrame(rows, this.#level))
  }

  /** The whole skippable frame. */
  async finish(): Promise<Uint8Array> {
    await this.compress(true)
    const head = Buffer.alloc(8)
    const content = Buffer.concat([INDEX_SIGNATURE, ...this.#frames])
    head.writeUInt32LE(INDEX_FRAME_MAGIC, 0)
    head.writeUInt32LE(content.length, 4)
    return Buffer.concat([head, content])
  }
}

/** One frame that tells its size and carries a checksum. */
function compressFrame(content: Uint8Array, level: number): Promise<Uint8Array> {
  const options: ZstdOptions & { pledgedSrcSize: number } = {
    chunkSize: content.length + (content.length >> 7) + 1024,
    pledgedSrcSize: content.length,
    params: { [constants.ZSTD_c_compressionLevel]: level, [constants.ZSTD_c_checksumFlag]: 1 },
  }
  return new Promise((resolve, reject) =>
    zstdCompress(content, options, (error, output) => (error ? reject(error) : resolve(output))),
  )
}
