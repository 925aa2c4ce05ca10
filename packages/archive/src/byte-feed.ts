import { damaged } from './problems.ts'

/** Bytes that arrive in pieces, with the power to put back what was taken too much. */
export class ByteFeed {
  readonly #pieces: AsyncIterator<Uint8Array> | Iterator<Uint8Array>
  readonly #returned: Uint8Array[] = []
  #takenBytes = 0

  constructor(pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>) {
    this.#pieces = Symbol.asyncIterator in pieces ? pieces[Symbol.asyncIterator]() : pieces[Symbol.iterator]()
  }

  /** Bytes taken so far, less those put back. */
  get takenBytes(): number {
    return this.#takenBytes
  }

  /** The next piece, never empty, or `undefined` at the end. */
  async next(): Promise<Uint8Array | undefined> {
    const returned = this.#returned.pop()
    if (returned !== undefined) {
      this.#takenBytes += returned.length
      return returned
    }
    for (;;) {
      const step = await this.#pieces.next()
      if (step.done === true) return undefined
      if (step.value.length === 0) continue
      this.#takenBytes += step.value.length
      return step.value
    }
  }

  /** Put back the tail of what {@link ByteFeed.next} gave; it comes again first. */
  putBack(bytes: Uint8Array): void {
    if (bytes.length === 0) return
    this.#takenBytes -= bytes.length
    this.#returned.push(bytes)
  }

  /** Exactly `count` bytes, or `undefined` when the input had ended before the first of them. `ended`: what fewer of them mean. */
  async takeOrEnd(count: number, ended: string = CUT_OFF): Promise<Uint8Array | undefined> {
    const first = await this.next()
    if (first === undefined) return undefined
    this.putBack(first)
    return this.take(count, ended)
  }

  /** Exactly `count` bytes; throws `ARC_ARCHIVE_DAMAGED` when the input ends before. */
  async take(count: number, ended: string = CUT_OFF): Promise<Uint8Array> {
    const piece = (await this.next()) ?? cutOff(ended)
    if (piece.length >= count) {
      this.putBack(piece.subarray(count))
      return piece.subarray(0, count)
    }
    const whole = new Uint8Array(count)
    whole.set(piece)
    for (let have = piece.length; have < count;) {
      const more = (await this.next()) ?? cutOff(ended)
      const part = more.subarray(0, count - have)
      whole.set(part, have)
      have += part.length
      this.putBack(more.subarray(part.length))
    }
    return whole
  }

  /** Pieces that make up exactly the next `count` bytes. */
  async *passOn(count: number): AsyncGenerator<Uint8Array, void, void> {
    for (let left = count; left > 0;) {
      const piece = (await this.next()) ?? cutOff()
      const part = piece.subarray(0, left)
      this.putBack(piece.subarray(part.length))
      left -= part.length
      yield part
    }
  }

  /** Everything that is left. */
  async *rest(): AsyncGenerator<Uint8Array, void, void> {
    for (let piece = await this.next(); piece !== undefined; piece = await this.next()) yield piece
  }

  /** Read to the end, which must hold only zero bytes (the padding of tapes and of block devices). */
  async expectOnlyPadding(what: string): Promise<void> {
    for (let piece = await this.next(); piece !== undefined; piece = await this.next()) {
      if (!isZero(piece, 0, piece.length)) throw damaged(`something follows the end of ${what}`)
    }
  }

  /** Tell where the pieces come from that no more are wanted. */
  async close(): Promise<void> {
    await this.#pieces.return?.()
  }
}

const CUT_OFF = 'it is cut off'

function cutOff(problem = CUT_OFF): never {
  throw damaged(problem)
}

/** True when `bytes[from..to)` holds nothing but zeros. */
export function isZero(bytes: Uint8Array, from: number, to: number): boolean {
  for (let i = from; i < to; i++) if (bytes[i] !== 0) return false
  return true
}
