import { sha256Hex, startSha256, takeTurn } from '@arc/core/node'
import { constants, createInflateRaw, createZstdDecompress, crc32, inflateRawSync, zstdCompressSync } from 'node:zlib'
import type { Transform } from 'node:stream'
import { ByteFeed } from './byte-feed.ts'
import type { Codecs } from './codecs.ts'
import { damaged } from './problems.ts'
import { ZlibEngine } from './zlib-engine.ts'
import { unzstd } from './zstd-frames.ts'

const OUTPUT_BYTES = 512 * 1024
const LETTER = Uint8Array.of(0x61)
const DEFLATED_LETTER = Uint8Array.of(0x4b, 0x04, 0x00)

/** Decompression by Node itself. */
export const nodeCodecs: Codecs = nodeCodecsWith({
  inflater: () =>
    ZlibEngine.of(createInflateRaw(), (engine) => engine.restartsTo(DEFLATED_LETTER, LETTER, constants.Z_FINISH)),
  frameDecoder() {
    const frame = zstdCompressSync(LETTER)
    // One frame after another must do, without a restart.
    const isRight = (engine: ZlibEngine): boolean =>
      engine.gives(frame, LETTER, constants.ZSTD_e_continue) && engine.gives(frame, LETTER, constants.ZSTD_e_continue)
    return ZlibEngine.of(createZstdDecompress(), isRight)
  },
})

/**
 * Decompress zstd that arrives in pieces, on any Node: its own decoder stops without an error after the first frame and at a
 * skippable one on Node 22 and 24. Every frame is checked and must be whole; what is no frame behind the last is damage.
 * A piece is valid until the next one is asked for. Throws `ARC_ARCHIVE_DAMAGED`, `ARC_ARCHIVE_UNSUPPORTED` (a dictionary)
 * or `ARC_LIMIT_EXCEEDED` (a window over 128 MiB).
 */
export function decompressZstd(
  pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, void> {
  return unzstd(new ByteFeed(pieces), nodeCodecs)
}

/** The codecs with engines that are kept, or, where there are none, with Node's public calls alone. */
export function nodeCodecsWith(engines: {
  inflater: () => ZlibEngine | undefined
  frameDecoder: () => ZlibEngine | undefined
}): Codecs {
  let inflater: { engine: ZlibEngine | undefined } | undefined
  const idle: FrameDecoder[] = []
  return {
    crc32: (bytes, seed = 0) => crc32(bytes, seed),
    sha256: sha256Hex,
    startSha256,
    takeTurn,
    inflateRawInto(bytes, output) {
      inflater ??= { engine: engines.inflater() }
      try {
        return inflater.engine === undefined ? inflateOnce(bytes, output) : inflateWith(inflater.engine, bytes, output)
      } catch (cause) {
        throw damaged('compressed data cannot be decompressed', { cause })
      }
    },
    async *inflateRaw(feed) {
      const stream = createInflateRaw({ chunkSize: OUTPUT_BYTES })
      yield* transform(stream, () => feedUntilEnd(stream, feed))
    },
    async *zstdFrameStream(frame) {
      const decoder = idle.pop() ?? FrameDecoder.over(engines.frameDecoder())
      if (decoder !== undefined) {
        yield* decoder.decode(frame)
        // Only one that came to the end of its frame is ready for another.
        idle.push(decoder)
        return
      }
      const stream = createZstdDecompress({ chunkSize: OUTPUT_BYTES })
      yield* transform(stream, async () => {
        for await (const piece of frame) await write(stream, piece)
        stream.end()
      })
    },
  }
}

interface Inflated {
  usedBytes: number
  writtenBytes: number
}

function inflateWith(engine: ZlibEngine, bytes: Uint8Array, output: Uint8Array): Inflated {
  engine.restart()
  engine.run(bytes, 0, output, 0, constants.Z_FINISH)
  if (engine.writtenBytes === output.length) throw new RangeError('it holds more than it says')
  return { usedBytes: engine.readBytes, writtenBytes: engine.writtenBytes }
}

function inflateOnce(bytes: Uint8Array, output: Uint8Array): Inflated {
  const maxOutputLength = Math.max(1, output.length - 1)
  const options = { maxOutputLength, chunkSize: Math.max(64, maxOutputLength), info: true }
  const { buffer, engine } = inflateRawSync(bytes, options) as unknown as {
    buffer: Uint8Array
    engine: { bytesWritten: number }
  }
  output.set(buffer)
  return { usedBytes: engine.bytesWritten, writtenBytes: buffer.length }
}

/**
 * Decompresses zstd frames one after another, synchronously and into one buffer: a trip to the thread pool costs more
 * than a piece of a frame, and fresh buffers are freed so late that they would make up most of the memory.
 */
class FrameDecoder {
  readonly #engine: ZlibEngine
  readonly #output = new Uint8Array(OUTPUT_BYTES)

  private constructor(engine: ZlibEngine) {
    this.#engine = engine
  }

  static over(engine: ZlibEngine | undefined): FrameDecoder | undefined {
    return engine === undefined ? undefined : new FrameDecoder(engine)
  }

  async *decode(frame: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, void> {
    let filled = 0
    for await (const piece of frame) {
      for (let at = 0, isFull = false; at < piece.length || isFull;) {
        this.#run(piece, at, filled)
        at += this.#engine.readBytes
        filled += this.#engine.writtenBytes
        isFull = filled === this.#output.length
        if (!isFull) continue
        yield this.#output
        filled = 0
      }
    }
    if (filled > 0) yield this.#output.subarray(0, filled)
  }

  #run(input: Uint8Array, at: number, filled: number): void {
    try {
      this.#engine.run(input, at, this.#output, filled, constants.ZSTD_e_continue)
    } catch (cause) {
      throw damaged('compressed data cannot be decompressed', { cause })
    }
  }
}

/** Run `pump`, which writes to `engine`, while its output is read; whichever fails first is thrown. */
async function* transform(engine: Transform, pump: () => Promise<void>): AsyncGenerator<Uint8Array, void, void> {
  const pumping = pump().catch(
    (error: unknown) => void engine.destroy(error instanceof Error ? error : new Error(String(error))),
  )
  try {
    for await (const piece of engine) yield piece as Uint8Array
    await pumping
  } catch (cause) {
    throw cause instanceof Error && 'errno' in cause
      ? damaged('compressed data cannot be decompressed', { cause })
      : cause
  } finally {
    engine.destroy()
  }
}

/** Feed a deflate stream until it ends by itself, and give back what lies behind it. */
async function feedUntilEnd(engine: Transform & { bytesWritten: number }, feed: ByteFeed): Promise<void> {
  let fedBytes = 0
  for (let piece = await feed.next(); piece !== undefined; piece = await feed.next()) {
    await write(engine, piece)
    fedBytes += piece.length
    const unusedBytes = fedBytes - engine.bytesWritten
    if (unusedBytes > 0) return feed.putBack(piece.subarray(piece.length - unusedBytes))
  }
  engine.end()
}

function write(engine: Transform, piece: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => engine.write(piece, (error) => (error ? reject(error) : resolve())))
}
