import { constants, crc32, deflateRaw } from 'node:zlib'
import type { ByteSink } from './byte-sink.ts'
import type { Compressor, CompressorOptions } from './compressor.ts'
import { OrderedJobs } from './ordered-jobs.ts'

const FRAME_BYTES = 512 * 1024
// Project files compress to less; what does not goes on in a second buffer.
const OUTPUT_BYTES = 192 * 1024
const DICTIONARY_BYTES = 32 * 1024
const DEFAULT_LEVEL = 6
const EMPTY_LAST_BLOCK = Uint8Array.of(0x03, 0x00)

/**
 * One gzip member, made of pieces that are compressed at the same time and each end on a byte (as pigz does): a piece
 * starts with the last 32 KiB before it as its dictionary, so nothing is lost to the cuts. No name, no time.
 */
export function gzipCompressor(sink: ByteSink, { level = DEFAULT_LEVEL, workers }: CompressorOptions): Compressor {
  let crc = 0
  let sizeBytes = 0
  let dictionary: Uint8Array | undefined
  let count = 0
  const jobs = new OrderedJobs<Uint8Array>(workers, (bytes) => sink.write(bytes))
  // As many as jobs: fewer, and a piece would be replaced while it is compressed.
  const inputs = Array.from({ length: jobs.limit }, () => new Uint8Array(FRAME_BYTES))
  const header = (): Uint8Array =>
    Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, level >= 9 ? 2 : level === 1 ? 4 : 0, 255)
  return {
    frameBytes: FRAME_BYTES,
    async write(frame) {
      if (sizeBytes === 0) await sink.write(header())
      crc = crc32(frame, crc)
      sizeBytes += frame.length
      const before = dictionary
      dictionary = frame.slice(Math.max(0, frame.length - DICTIONARY_BYTES))
      await jobs.start(() => {
        // Jobs are handed on in turn, so the piece that was compressed from these bytes is done.
        const input = inputs[count++ % inputs.length] as Uint8Array
        input.set(frame)
        return deflatePiece(input.subarray(0, frame.length), before, level)
      })
    },
    async finish() {
      await jobs.finish()
      const trailer = new DataView(new ArrayBuffer(8))
      trailer.setUint32(0, crc, true)
      trailer.setUint32(4, sizeBytes % 2 ** 32, true)
      await sink.write(EMPTY_LAST_BLOCK)
      await sink.write(new Uint8Array(trailer.buffer))
    },
  }
}

function deflatePiece(piece: Uint8Array, dictionary: Uint8Array | undefined, level: number): Promise<Uint8Array> {
  const options = {
    level,
    chunkSize: OUTPUT_BYTES,
    finishFlush: constants.Z_SYNC_FLUSH,
    ...(dictionary === undefined ? {} : { dictionary }),
  }
  return new Promise((resolve, reject) =>
    deflateRaw(piece, options, (error, output) => (error ? reject(error) : resolve(output))),
  )
}
