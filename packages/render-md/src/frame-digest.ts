import { startSha256, type Sha256 } from '@arc/core/node'

const PIECE_BYTES = 65_536

/** SHA-256 over a document's frame: what is not a body. It comes in scraps of a few bytes, so they are gathered first. */
export class FrameDigest {
  readonly #sha256: Sha256 = startSha256()
  readonly #piece = Buffer.allocUnsafeSlow(PIECE_BYTES)
  #used = 0

  /** Add `bytes[start, end)`. */
  add(bytes: Buffer, start: number, end: number): void {
    if (end - start > PIECE_BYTES - this.#used) {
      this.#flush()
      if (end - start > PIECE_BYTES) {
        this.#sha256.update(bytes.subarray(start, end))
        return
      }
    }
    bytes.copy(this.#piece, this.#used, start, end)
    this.#used += end - start
  }

  /** Add a text. */
  addText(text: string): void {
    const bytes = Buffer.from(text)
    this.add(bytes, 0, bytes.length)
  }

  digestHex(): string {
    this.#flush()
    return this.#sha256.digestHex()
  }

  #flush(): void {
    this.#sha256.update(this.#piece.subarray(0, this.#used))
    this.#used = 0
  }
}
