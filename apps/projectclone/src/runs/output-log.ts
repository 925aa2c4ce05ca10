import { formatCount } from '@arc/kit'

/** What is kept of what a command prints: the beginning, and, of what follows, the end. */
const HEAD_BYTES = 4 * 1024 * 1024
const TAIL_BYTES = 12 * 1024 * 1024
const FIRST_BYTES = 64 * 1024

/** Keeps what a command prints, in memory that is bounded. */
export class OutputLog {
  /** All that came, kept or not. */
  printedBytes = 0
  readonly #headBytes: number
  readonly #tailBytes: number
  #head: Uint8Array = new Uint8Array(0)
  /** Once it has its full size, the oldest byte is where the next one goes. */
  #tail: Uint8Array = new Uint8Array(0)
  #tailPrinted = 0

  constructor(headBytes: number = HEAD_BYTES, tailBytes: number = TAIL_BYTES) {
    this.#headBytes = headBytes
    this.#tailBytes = tailBytes
  }

  add(bytes: Uint8Array): void {
    const forHead = bytes.subarray(0, Math.max(0, this.#headBytes - this.printedBytes))
    this.#head = roomFor(this.#head, this.printedBytes + forHead.length, this.#headBytes)
    this.#head.set(forHead, Math.min(this.printedBytes, this.#headBytes))
    this.printedBytes += bytes.length
    this.#addToTail(bytes.subarray(forHead.length))
  }

  /** What is kept. Where something is missing, a line in brackets tells how much. */
  bytes(): Buffer {
    const head = this.#head.subarray(0, Math.min(this.printedBytes, this.#headBytes))
    const lost = this.#tailPrinted - this.#tailBytes
    if (lost <= 0) return Buffer.concat([head, this.#tail.subarray(0, this.#tailPrinted)])
    const oldest = this.#tailPrinted % this.#tailBytes
    const mark = `\n[projectclone left out ${formatCount(lost)} bytes here]\n`
    return Buffer.concat([head, Buffer.from(mark), this.#tail.subarray(oldest), this.#tail.subarray(0, oldest)])
  }

  #addToTail(bytes: Uint8Array): void {
    this.#tail = roomFor(this.#tail, this.#tailPrinted + bytes.length, this.#tailBytes)
    const skipped = Math.max(0, bytes.length - this.#tailBytes)
    let at = (this.#tailPrinted + skipped) % this.#tailBytes
    for (let rest = bytes.subarray(skipped); rest.length > 0; at = 0) {
      const piece = rest.subarray(0, this.#tailBytes - at)
      this.#tail.set(piece, at)
      rest = rest.subarray(piece.length)
    }
    this.#tailPrinted += bytes.length
  }
}

/** `buffer`, or a larger one with its bytes; never larger than `most`. */
function roomFor(buffer: Uint8Array, wanted: number, most: number): Uint8Array {
  if (buffer.length >= Math.min(wanted, most)) return buffer
  const larger = new Uint8Array(Math.min(most, Math.max(FIRST_BYTES, wanted, buffer.length * 2)))
  larger.set(buffer)
  return larger
}
