const FIRST_BYTES = 65_536
const UTF8_BYTES_PER_UNIT = 3

/** A text that grows by small pieces, held as its UTF-8 bytes: a hundred thousand strings would cost ten times the memory. */
export class TextBuffer {
  #bytes = Buffer.allocUnsafeSlow(FIRST_BYTES)
  #used = 0

  append(text: string): void {
    const neededBytes = this.#used + text.length * UTF8_BYTES_PER_UNIT
    if (neededBytes > this.#bytes.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(neededBytes, this.#bytes.length * 2))
      this.#bytes.copy(larger, 0, 0, this.#used)
      this.#bytes = larger
    }
    this.#used += this.#bytes.write(text, this.#used)
  }

  /** The bytes so far, valid until the next {@link TextBuffer.append}. */
  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.#used)
  }
}
