import type { HashState, Platform } from './platform.ts'

const PIECE_BYTES = 65_536

/** SHA-256 over a document's frame: what is not a body. It comes in scraps of a few bytes, so they are gathered first. */
export class FrameDigest {
  readonly #platform: Platform
  readonly #sha256: HashState
  readonly #piece: Uint8Array
  #used = 0

  constructor(platform: Platform) {
    this.#platform = platform
    this.#sha256 = platform.startSha256()
    this.#piece = platform.allocate(PIECE_BYTES)
  }

  /** Add `bytes[start, end)`. */
  add(bytes: Uint8Array, start: number, end: number): void {
    if (end - start > PIECE_BYTES - this.#used) {
      this.#flush()
      if (end - start > PIECE_BYTES) {
        this.#sha256.update(bytes.subarray(start, end))
        return
      }
    }
    this.#platform.copy(bytes, start, end, this.#piece, this.#used)
    this.#used += end - start
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
