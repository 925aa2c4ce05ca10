import { ArcError, type RandomBytes } from '@arc/core'

/** What can be opened: bytes, something seekable, or bytes that arrive. */
export type ArchiveInput = Uint8Array | ArrayBuffer | RandomBytes | AsyncIterable<Uint8Array>

/** What is seekable about an input, if anything. Throws `ARC_OPTION_INVALID` for what is no input at all. */
export function randomInput(input: ArchiveInput): RandomBytes | undefined {
  if (input instanceof Uint8Array) return bytesInput(input)
  if (input instanceof ArrayBuffer) return bytesInput(new Uint8Array(input))
  if (typeof input === 'object' && input !== null) {
    if ('sizeBytes' in input && typeof input.read === 'function') return input
    if (Symbol.asyncIterator in input) return undefined
  }
  throw new ArcError('ARC_OPTION_INVALID', `an archive cannot be read from ${input === null ? 'null' : typeof input}`, {
    hint: 'Give its bytes, bytes that arrive, or on Node the path of a file.',
  })
}

/** A seekable input that is read no more once it is closed: its descriptor may be another file's by then. */
export function closable(input: RandomBytes): RandomBytes & { close(): void } {
  let isOpen = true
  return {
    sizeBytes: input.sizeBytes,
    read(into, position) {
      if (isOpen) return input.read(into, position)
      throw new ArcError('ARC_ENTRY_UNREADABLE', 'the archive has been closed', {
        hint: 'Read contents before the source is disposed.',
      })
    },
    close() {
      isOpen = false
    },
  }
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
