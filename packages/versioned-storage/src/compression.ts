import { createZstdCompress } from 'node:zlib'

/** Compress pieces as one zstd frame. */
export async function* zstdPieces(
  pieces: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  const encoder = createZstdCompress()
  const feed = (async () => {
    for await (const piece of pieces) {
      if (!encoder.write(Uint8Array.from(piece))) await new Promise((resolve) => encoder.once('drain', resolve))
    }
    encoder.end()
  })()
  feed.catch((error: unknown) => encoder.destroy(error instanceof Error ? error : new Error(String(error))))
  yield* encoder as AsyncIterable<Uint8Array>
  await feed
}
