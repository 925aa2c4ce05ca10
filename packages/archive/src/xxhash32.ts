// XXH32 (xxHash specification 0.1.1), which the lz4 frame format checks itself with.

const P1 = 0x9e3779b1
const P2 = 0x85ebca77
const P3 = 0xc2b2ae3d
const P4 = 0x27d4eb2f
const P5 = 0x165667b1
const STRIPE_BYTES = 16

function rotate(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits))
}

function word(bytes: Uint8Array, at: number): number {
  return (
    (bytes[at] as number) |
    ((bytes[at + 1] as number) << 8) |
    ((bytes[at + 2] as number) << 16) |
    ((bytes[at + 3] as number) << 24)
  )
}

/** An XXH32 with seed 0 over bytes that come in pieces. */
export class XxHash32 {
  #a = (P1 + P2) | 0
  #b = P2 | 0
  #c = 0
  #d = -P1 | 0
  readonly #rest = new Uint8Array(STRIPE_BYTES)
  #restBytes = 0
  #totalBytes = 0

  update(bytes: Uint8Array): this {
    this.#totalBytes += bytes.length
    let at = 0
    if (this.#restBytes > 0) {
      at = Math.min(STRIPE_BYTES - this.#restBytes, bytes.length)
      this.#rest.set(bytes.subarray(0, at), this.#restBytes)
      this.#restBytes += at
      if (this.#restBytes < STRIPE_BYTES) return this
      this.#stripes(this.#rest, 0, STRIPE_BYTES)
      this.#restBytes = 0
    }
    const end = at + Math.floor((bytes.length - at) / STRIPE_BYTES) * STRIPE_BYTES
    this.#stripes(bytes, at, end)
    this.#rest.set(bytes.subarray(end))
    this.#restBytes = bytes.length - end
    return this
  }

  /** The hash as an unsigned number; more may still be added. */
  digest(): number {
    let hash =
      this.#totalBytes >= STRIPE_BYTES
        ? (rotate(this.#a, 1) + rotate(this.#b, 7) + rotate(this.#c, 12) + rotate(this.#d, 18)) | 0
        : P5
    hash = (hash + this.#totalBytes) | 0
    let at = 0
    for (; at + 4 <= this.#restBytes; at += 4)
      hash = Math.imul(rotate((hash + Math.imul(word(this.#rest, at), P3)) | 0, 17), P4)
    for (; at < this.#restBytes; at++)
      hash = Math.imul(rotate((hash + Math.imul(this.#rest[at] as number, P5)) | 0, 11), P1)
    hash = Math.imul(hash ^ (hash >>> 15), P2)
    hash = Math.imul(hash ^ (hash >>> 13), P3)
    return (hash ^ (hash >>> 16)) >>> 0
  }

  #stripes(bytes: Uint8Array, from: number, to: number): void {
    let [a, b, c, d] = [this.#a, this.#b, this.#c, this.#d]
    for (let at = from; at < to; at += STRIPE_BYTES) {
      a = Math.imul(rotate((a + Math.imul(word(bytes, at), P2)) | 0, 13), P1)
      b = Math.imul(rotate((b + Math.imul(word(bytes, at + 4), P2)) | 0, 13), P1)
      c = Math.imul(rotate((c + Math.imul(word(bytes, at + 8), P2)) | 0, 13), P1)
      d = Math.imul(rotate((d + Math.imul(word(bytes, at + 12), P2)) | 0, 13), P1)
    }
    ;[this.#a, this.#b, this.#c, this.#d] = [a, b, c, d]
  }
}

/** XXH32 with seed 0 of bytes that are all at hand. */
export function xxHash32(bytes: Uint8Array): number {
  return new XxHash32().update(bytes).digest()
}
