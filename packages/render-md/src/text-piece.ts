const FULL_CHARACTERS = 16 * 1024
const UTF8_BYTES_PER_UNIT = 3

/**
 * Text on its way to a document. All pieces are encoded into the same memory: buffers of their own would be megabytes that the
 * garbage collector lets lie.
 */
export class TextPiece {
  text = ''
  #bytes: Buffer = Buffer.allocUnsafeSlow(2 * FULL_CHARACTERS)

  get isFull(): boolean {
    return this.text.length >= FULL_CHARACTERS
  }

  /** The text in UTF-8, valid until the next call; the piece is empty again. */
  take(): Buffer {
    const mostBytes = this.text.length * UTF8_BYTES_PER_UNIT
    if (mostBytes > this.#bytes.length) this.#bytes = Buffer.allocUnsafeSlow(mostBytes)
    const sizeBytes = this.#bytes.write(this.text)
    this.text = ''
    return this.#bytes.subarray(0, sizeBytes)
  }
}
