import { pipeline, Readable, type Transform } from 'node:stream'
import { createZstdCompress, createZstdDecompress } from 'node:zlib'

type Pieces = Iterable<Uint8Array> | AsyncIterable<Uint8Array>

/** Compress pieces as one zstd frame. */
export function zstdPieces(pieces: Pieces): AsyncGenerator<Uint8Array, void, undefined> {
  return through(pieces, createZstdCompress())
}

/** The plain bytes of one zstd frame. */
export function unzstdPieces(pieces: Pieces): AsyncGenerator<Uint8Array, void, undefined> {
  return through(pieces, createZstdDecompress())
}

/** Whoever stops early has the pieces stopped, too: they may hold a file open. */
async function* through(pieces: Pieces, transform: Transform): AsyncGenerator<Uint8Array, void, undefined> {
  // What goes wrong destroys both, and is thrown by the loop.
  pipeline(Readable.from(copies(pieces)), transform, () => {})
  yield* transform as AsyncIterable<Uint8Array>
}

/** Pieces may be reused once the next is asked for, and a stream asks ahead. */
async function* copies(pieces: Pieces): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const piece of pieces) yield Uint8Array.from(piece)
}
