import type { TransformOptions } from 'node:stream'
import { promisify } from 'node:util'
import {
  constants,
  createZstdCompress,
  type ZstdCompress,
  zstdCompress,
  zstdCompressSync,
  type ZstdOptions,
} from 'node:zlib'
import type { ByteSink } from './byte-sink.ts'
import type { Compressor, CompressorOptions } from './compressor.ts'
import { OrderedJobs } from './ordered-jobs.ts'
import type { TarRecord } from './tar-encode.ts'
import { INDEX_FRAME_MAGIC, INDEX_SIGNATURE } from './tar-index.ts'
import { IndexBlock } from './tar-index-writer.ts'
import { encodeSeekTable, type SeekFrame } from './zstd-seek-table.ts'

/** Large enough that cutting costs nothing of size, small enough that one file is found in milliseconds (ADR 0022). */
const FRAME_WINDOW_LOG = 22
const FRAME_BYTES = 2 ** FRAME_WINDOW_LOG
/** Holds some frames as they usually are, and never surely a whole one: zstd compresses differently into room for all. */
const OUTPUT_BYTES = FRAME_BYTES / 2
const DEFAULT_LEVEL = 3
/** So many in a row may have to wait for room before another one is compressed beside them. */
const PATIENT_FRAMES = 3
/** The index is a hundredth of what is compressed, and then some percent of the archive. */
const INDEX_LEVEL = 7

/**
 * Independent zstd frames, each with its content size and checksum, and at the end a seek table in a skippable frame:
 * every zstd reads it from front to back, and ours reads any part of it.
 */
export function zstdCompressor(sink: ByteSink, { level = DEFAULT_LEVEL, workers }: CompressorOptions): Compressor {
  const frames: SeekFrame[] = []
  const makers = new FrameMakers(level)
  const jobs = new OrderedJobs<{ pieces: Uint8Array[]; contentBytes: number }>(1, async ({ pieces, contentBytes }) => {
    frames.push({ compressedBytes: lengthOf(pieces), contentBytes })
    for (const piece of pieces) await sink.write(piece)
  })
  const index = new IndexWriter()
  let startedMs = 0
  let waits = 0
  return {
    frameBytes: FRAME_BYTES,
    onEntry: (record, headerBytes) => index.add(record, headerBytes),
    async write(frame) {
      // One maker, of 9 MiB, keeps up with whoever reads small files; more join when it is they who are waited for, frame after
      // frame: a moment without processor, or the manifest, which comes at once, is over before another one has begun.
      const fullMs = Date.now()
      await jobs.room()
      const isWaitedFor = Date.now() - fullMs > (fullMs - startedMs) / 2
      waits = isWaitedFor ? waits + 1 : 0
      if (waits > PATIENT_FRAMES && jobs.limit < workers) jobs.limit++
      startedMs = Date.now()
      await jobs.start(async () => ({ pieces: await makers.make(frame), contentBytes: frame.length }))
    },
    async finish() {
      await jobs.finish()
      makers.close()
      const indexFrame = index.finish()
      frames.push({ compressedBytes: lengthOf(indexFrame), contentBytes: 0 })
      for (const piece of indexFrame) await sink.write(piece)
      await sink.write(encodeSeekTable(frames))
    },
  }
}

function lengthOf(pieces: readonly Uint8Array[]): number {
  return pieces.reduce((sum, { length }) => sum + length, 0)
}

/** As many makers as frames are ever compressed at the same time. */
class FrameMakers {
  readonly #level: number
  readonly #idle: FrameMaker[] = []

  constructor(level: number) {
    this.#level = level
  }

  async make(content: Uint8Array): Promise<Uint8Array[]> {
    // The last one by itself: in a maker, room that frames before it happen to have left could show in its bytes.
    if (content.length < FRAME_BYTES) return [await compressAlone(content.slice(), frameOptions(this.#level))]
    const maker = this.#idle.pop() ?? new FrameMaker(this.#level)
    const pieces = await maker.make(content)
    this.#idle.push(maker)
    return pieces
  }

  close(): void {
    for (const maker of this.#idle) maker.close()
  }
}

/**
 * Makes one frame after another with one zstd context, on the thread pool. Every write ends a frame, and because it is
 * all that the frame holds, zstd notes its size. A context for each frame, with an output buffer that any content fits,
 * costs a third more CPU and twice the memory.
 */
class FrameMaker {
  readonly #stream: ZstdCompress
  readonly #input = new Uint8Array(FRAME_BYTES)

  constructor(level: number) {
    const options: ZstdOptions & Pick<TransformOptions, 'readableHighWaterMark'> = {
      ...frameOptions(level),
      flush: constants.ZSTD_e_end,
      // A frame's output never has to wait for a reader, or its write would not end.
      readableHighWaterMark: 2 * FRAME_BYTES,
    }
    this.#stream = createZstdCompress(options)
  }

  /** Compress `content`, a whole frame, which is copied at once; the frame comes in pieces. */
  make(content: Uint8Array): Promise<Uint8Array[]> {
    this.#input.set(content)
    return new Promise((resolve, reject) => {
      this.#stream.once('error', reject)
      this.#stream.write(this.#input, (error) => {
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

const compressAlone = promisify(zstdCompress)

function frameOptions(level: number): ZstdOptions {
  return {
    chunkSize: OUTPUT_BYTES,
    params: {
      [constants.ZSTD_c_compressionLevel]: level,
      [constants.ZSTD_c_checksumFlag]: 1,
      // Each frame is looked back on as a whole, also at levels that by themselves look at less.
      [constants.ZSTD_c_windowLog]: FRAME_WINDOW_LOG,
    },
  }
}

/** Collects the rows of the index, compressed block by block, so that it stays small. */
class IndexWriter {
  readonly #block = new IndexBlock()
  readonly #frames: Uint8Array[] = []

  add(record: TarRecord, headerBytes: number): void {
    this.#block.add(record, headerBytes)
    if (this.#block.isFull) this.#compress()
  }

  #compress(): void {
    const params = { [constants.ZSTD_c_compressionLevel]: INDEX_LEVEL, [constants.ZSTD_c_checksumFlag]: 1 }
    this.#frames.push(zstdCompressSync(this.#block.take(), { params }))
  }

  /** The whole skippable frame, in pieces. */
  finish(): Uint8Array[] {
    if (!this.#block.isEmpty) this.#compress()
    const head = new DataView(new ArrayBuffer(8))
    head.setUint32(0, INDEX_FRAME_MAGIC, true)
    head.setUint32(4, INDEX_SIGNATURE.length + lengthOf(this.#frames), true)
    return [new Uint8Array(head.buffer), INDEX_SIGNATURE, ...this.#frames]
  }
}
