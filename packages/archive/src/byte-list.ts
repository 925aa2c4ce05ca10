const BLOCK_BYTES = 64 * 1024

/** Bytes that are collected to be handed on later, in blocks, so that growing copies nothing. */
export class ByteList {
  readonly #blocks: Uint8Array[] = []
  #block: Uint8Array = new Uint8Array(0)
  #used = 0
  #closedBytes = 0

  get sizeBytes(): number {
    return this.#closedBytes + this.#used
  }

  /** Make room for `maxBytes` at the end and let `write` fill it; it is told where to start and returns where it ended. */
  append(maxBytes: number, write: (into: Uint8Array, at: number) => number): void {
    if (this.#used + maxBytes > this.#block.length) this.#startBlock(maxBytes)
    this.#used = write(this.#block, this.#used)
  }

  #startBlock(minBytes: number): void {
    this.#close()
    this.#block = new Uint8Array(Math.max(BLOCK_BYTES, minBytes))
  }

  #close(): void {
    if (this.#used > 0) this.#blocks.push(this.#block.subarray(0, this.#used))
    this.#closedBytes += this.#used
    this.#block = this.#block.subarray(this.#used)
    this.#used = 0
  }

  /** Everything so far, in its order. */
  pieces(): readonly Uint8Array[] {
    this.#close()
    return this.#blocks
  }

  /** Everything so far as one array. */
  bytes(): Uint8Array {
    const whole = new Uint8Array(this.sizeBytes)
    let at = 0
    for (const piece of this.pieces()) {
      whole.set(piece, at)
      at += piece.length
    }
    return whole
  }

  /** Start anew. */
  clear(): void {
    this.#blocks.length = this.#closedBytes = this.#used = 0
  }
}
