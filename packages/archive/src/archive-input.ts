import type { RandomBytes } from '@arc/core'

/** What can be opened: bytes, something seekable, or bytes that arrive. */
export type ArchiveInput = Uint8Array | RandomBytes | AsyncIterable<Uint8Array>

export function isRandomBytes(input: ArchiveInput): input is RandomBytes {
  return 'sizeBytes' in input
}

/** Bytes in memory as a {@link RandomBytes}. */
export function bytesInput(bytes: Uint8Array): RandomBytes {
  return {
    sizeBytes: bytes.length,
    read(into, position) {
      const part = bytes.subarray(position, position + into.length)
      into.set(part)
      return part.length
    },
  }
}

const PIECE_BYTES = 256 * 1024

/** The whole of a seekable input, or a range of it, in fresh pieces that stay valid. */
export function* inputPieces(
  input: RandomBytes,
  from = 0,
  to: number = input.sizeBytes,
): Generator<Uint8Array, void, void> {
  for (let at = from; at < to;) {
    const piece = new Uint8Array(Math.min(PIECE_BYTES, to - at))
    const count = input.read(piece, at)
    if (count === 0) return
    at += count
    yield count === piece.length ? piece : piece.subarray(0, count)
  }
}

/**
 * Where a reader gets the next bytes of an uncompressed archive: as many as there are, at most `into.length`, 0 at the
 * end. Answers without a promise where it can.
 */
export interface TarInput {
  fill(into: Uint8Array): number | Promise<number>
  /** Compressed or raw bytes that were consumed so far. */
  readonly consumedBytes: number
  close(): Promise<void>
}

/** Read a seekable input from front to back, without a promise. */
export function sequentialInput(input: RandomBytes): TarInput {
  let at = 0
  return {
    fill(into) {
      const count = input.read(into, at)
      at += count
      return count
    },
    get consumedBytes() {
      return at
    },
    close: async () => {},
  }
}

/** Read pieces; `consumedBytes` tells how much of the archive they came from. */
export function piecesInput(pieces: AsyncGenerator<Uint8Array, void, void>, consumedBytes: () => number): TarInput {
  let piece: Uint8Array = new Uint8Array(0)
  const take = (into: Uint8Array): number => {
    const part = piece.subarray(0, into.length)
    into.set(part)
    piece = piece.subarray(part.length)
    return part.length
  }
  const wait = async (into: Uint8Array): Promise<number> => {
    while (piece.length === 0) {
      const step = await pieces.next()
      if (step.done === true) return 0
      piece = step.value
    }
    return take(into)
  }
  return {
    fill: (into) => (piece.length > 0 ? take(into) : wait(into)),
    get consumedBytes() {
      return consumedBytes()
    },
    close: async () => void (await pieces.return()),
  }
}
