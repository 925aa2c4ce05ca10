import type { ContentReader, SyncContent } from '@arc/core'

/** Pieces as content. */
export function piecesContent(pieces: Iterable<Uint8Array>): SyncContent {
  return { kind: 'sync', open: () => new PiecesReader(pieces) }
}

/** Reads pieces of any size, each of which is asked for when the one before is spent. */
export class PiecesReader implements ContentReader {
  readonly #pieces: Iterator<Uint8Array>
  #piece: Uint8Array = new Uint8Array(0)

  constructor(pieces: Iterable<Uint8Array>) {
    this.#pieces = pieces[Symbol.iterator]()
  }

  read(into: Uint8Array): number {
    let filled = 0
    while (filled < into.length) {
      if (this.#piece.length === 0) {
        const next = this.#pieces.next()
        if (next.done === true) break
        this.#piece = next.value
      }
      const part = this.#piece.subarray(0, into.length - filled)
      into.set(part, filled)
      filled += part.length
      this.#piece = this.#piece.subarray(part.length)
    }
    return filled
  }

  close(): void {}
}
