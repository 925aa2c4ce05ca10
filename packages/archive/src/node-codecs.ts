import { createInflateRaw, createZstdDecompress, crc32, inflateRawSync, zstdDecompress } from 'node:zlib'
import type { Transform } from 'node:stream'
import type { ByteFeed } from './byte-feed.ts'
import type { Codecs } from './codecs.ts'
import { damaged } from './problems.ts'

const OUTPUT_BYTES = 512 * 1024

/** Decompression by Node itself. */
export const nodeCodecs: Codecs = {
  crc32: (bytes, seed = 0) => crc32(bytes, seed),
  inflateRawSync(bytes, maxOutputBytes) {
    const options = {
      maxOutputLength: Math.max(1, maxOutputBytes),
      chunkSize: Math.max(64, maxOutputBytes),
      info: true,
    }
    try {
      const { buffer, engine } = inflateRawSync(bytes, options) as unknown as {
        buffer: Uint8Array
        engine: { bytesWritten: number }
      }
      return { output: buffer, usedBytes: engine.bytesWritten }
    } catch (cause) {
      throw damaged('compressed data cannot be decompressed', { cause })
    }
  },
  async *inflateRaw(feed) {
    const engine = createInflateRaw({ chunkSize: OUTPUT_BYTES })
    yield* transform(engine, () => feedUntilEnd(engine, feed))
  },
  zstdFrame(frame, sizeBytes) {
    const options = { maxOutputLength: Math.max(1, sizeBytes), chunkSize: Math.max(64, sizeBytes) }
    return new Promise((resolve, reject) =>
      zstdDecompress(frame, options, (error, output) => (error ? reject(error) : resolve(output))),
    )
  },
  async *zstdFrameStream(frame) {
    const engine = createZstdDecompress({ chunkSize: OUTPUT_BYTES })
    yield* transform(engine, async () => {
      for await (const piece of frame) await write(engine, piece)
      engine.end()
    })
  },
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
