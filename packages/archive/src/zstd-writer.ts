import type { TransformOptions } from 'node:stream'
import { constants, createZstdCompress, type ZstdCompress, type ZstdOptions } from 'node:zlib'
import { ByteList } from './byte-list.ts'
import type { ByteSink } from './byte-sink.ts'
import type { Compressor, CompressorOptions } from './compressor.ts'
import { OrderedJobs } from './ordered-jobs.ts'
import type { TarRecord } from './tar-encode.ts'
import { INDEX_FRAME_MAGIC, INDEX_SIGNATURE, maxRowBytes, putIndexRow } from './tar-index.ts'
import { encodeSeekTable, type SeekFrame } from './zstd-seek-table.ts'

/** Large enough that cutting costs under 2 % of size, small enough that one file is found in milliseconds (ADR 0011). */
const FRAME_BYTES = 2 * 1024 * 1024
const OUTPUT_BYTES = 256 * 1024
const INDEX_PIECE_BYTES = 1024 * 1024
const DEFAULT_LEVEL = 3

/**
 * Independent zstd frames, each with its content size and checksum, and at the end a seek table in a skippable frame:
 * every zstd reads it from front to back, and ours reads any part of it.
 */
export function zstdCompressor(sink: ByteSink, { level = DEFAULT_LEVEL, workers }: CompressorOptions): Compressor {
  const frames: SeekFrame[] = []
  const makers = Array.from({ length: Math.max(1, workers) }, () => new FrameMaker(level))
  const jobs = new OrderedJobs<{ pieces: Uint8Array[]; contentBytes: number }>(
    makers.length,
    async ({ pieces, contentBytes }) => {
      frames.push({ compressedBytes: lengthOf(pieces), contentBytes })
      for (const piece of pieces) await sink.write(piece)
    },
  )
  const index = new IndexWriter(level)
  let count = 0
  return {
    frameBytes: FRAME_BYTES,
    onEntry: (record, headerBytes) => index.add(record, headerBytes),
    async write(frame) {
      await index.compress()
      // Jobs are handed on in turn, so whoever made the frame `makers.length` before this one is free again.
      const maker = makers[count++ % makers.length] as FrameMaker
      await jobs.start(async () => ({ pieces: await maker.make(frame), contentBytes: frame.length }))
    },
    async finish() {
      await jobs.finish()
      const indexFrame = await index.finish()
      frames.push({ compressedBytes: lengthOf(indexFrame), contentBytes: 0 })
      for (const piece of indexFrame) await sink.write(piece)
      await sink.write(encodeSeekTable(frames))
      for (const maker of makers) maker.close()
    },
  }
}

function lengthOf(pieces: readonly Uint8Array[]): number {
  return pieces.reduce((sum, { length }) => sum + length, 0)
}

/**
 * Makes one frame after another with one zstd context, on the thread pool. Every write ends a frame, and because it is
 * all that the frame holds, zstd notes its size. A context for each frame, with an output buffer that any content fits,
 * costs a third more CPU and twice the memory.
 */
class FrameMaker {
  readonly #stream: ZstdCompress
  #input: Uint8Array = new Uint8Array(0)

  constructor(level: number) {
    const options: ZstdOptions & Pick<TransformOptions, 'readableHighWaterMark'> = {
      flush: constants.ZSTD_e_end,
      chunkSize: OUTPUT_BYTES,
      // A frame's output never has to wait for a reader, or its write would not end.
      readableHighWaterMark: 2 * FRAME_BYTES,
      params: { [constants.ZSTD_c_compressionLevel]: level, [constants.ZSTD_c_checksumFlag]: 1 },
    }
    this.#stream = createZstdCompress(options)
  }

  /** Compress `content`, which is copied at once; the frame comes in pieces. */
  make(content: Uint8Array): Promise<Uint8Array[]> {
    if (this.#input.length < content.length) this.#input = new Uint8Array(content.length)
    this.#input.set(content)
    return new Promise((resolve, reject) => {
      this.#stream.once('error', reject)
      this.#stream.write(this.#input.subarray(0, content.length), (error) => {
        this.#stream.off('error', reject)
        if (error) return reject(error)
        const pieces: Uint8Array[] = []
        for (let piece = this.#stream.read(); piece !== null; piece = this.#stream.read())
          pieces.push(piece as Uint8Array)
        resolve(pieces)
      })
    })
  }

  close(): void {
    this.#stream.destroy()
  }
}

/** Collects the rows of the index, compressed as they come, so that it stays small. */
class IndexWriter {
  readonly #maker: FrameMaker
  readonly #rows = new ByteList()
  readonly #frames: Uint8Array[] = []

  constructor(level: number) {
    this.#maker = new FrameMaker(level)
  }

  add(record: TarRecord, headerBytes: number): void {
    const { path, type, mode, mtimeNs, sizeBytes, target } = record
    const row = { path, type, mode, mtimeNs, sizeBytes, target, headerBytes }
    this.#rows.append(maxRowBytes(row), (into, at) => putIndexRow(into, at, row))
  }

  /** Compress what was collected once it is enough. */
  async compress(isLast = false): Promise<void> {
    const { sizeBytes } = this.#rows
    if (sizeBytes === 0 || (sizeBytes < INDEX_PIECE_BYTES && !isLast)) return
    const rows = this.#rows.bytes()
    this.#rows.clear()
    this.#frames.push(...(await this.#maker.make(rows)))
  }

  /** The whole skippable frame, in pieces. */
  async finish(): Promise<Uint8Array[]> {
    await this.compress(true)
    this.#maker.close()
    const head = new DataView(new ArrayBuffer(8))
    head.setUint32(0, INDEX_FRAME_MAGIC, true)
    head.setUint32(4, INDEX_SIGNATURE.length + lengthOf(this.#frames), true)
    return [new Uint8Array(head.buffer), INDEX_SIGNATURE, ...this.#frames]
  }
}
