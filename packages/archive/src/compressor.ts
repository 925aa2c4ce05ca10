import type { ByteSink } from './byte-sink.ts'
import type { FrameConsumer } from './frame-buffer.ts'
import type { TarRecord } from './tar-encode.ts'

/** What turns the frames of a tar stream into the bytes of a file. */
export interface Compressor extends FrameConsumer {
  /** Bytes of tar stream that are compressed together. */
  readonly frameBytes: number
  /** Told of each entry of the tar stream, by formats that keep an index. */
  readonly onEntry?: ((record: TarRecord, headerBytes: number) => void) | undefined
  /** Write whatever the format wants at its end. */
  finish(): Promise<void>
}

export interface CompressorOptions {
  readonly level: number | undefined
  /** Frames compressed at the same time. */
  readonly workers: number
}

/** A sink that counts what it is given. */
export interface CountingSink extends ByteSink {
  readonly sizeBytes: number
}

export function countingSink(sink: ByteSink): CountingSink {
  let sizeBytes = 0
  return {
    get sizeBytes() {
      return sizeBytes
    },
    write(bytes) {
      sizeBytes += bytes.length
      return sink.write(bytes)
    },
  }
}

/** No compression: the frames are the file. */
export function storeCompressor(sink: ByteSink): Compressor {
  return { frameBytes: 1024 * 1024, write: (frame) => sink.write(frame), finish: async () => {} }
}
