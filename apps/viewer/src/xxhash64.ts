// xxHash64 with seed 0 (github.com/Cyan4973/xxHash, doc/xxhash_spec.md), of which zstd keeps the low half.

const [P1, P2, P3] = [0x9e3779b185ebca87n, 0xc2b2ae3d27d4eb4fn, 0x165667b19e3779f9n]
const [P4, P5] = [0x85ebca77c2b2ae63n, 0x27d4eb2f165667c5n]
const STRIPE_BYTES = 32

const u64 = (value: bigint): bigint => BigInt.asUintN(64, value)
const rotate = (value: bigint, count: bigint): bigint => u64(value << count) | (value >> (64n - count))
const round = (lane: bigint, input: bigint): bigint => u64(rotate(u64(lane + input * P2), 31n) * P1)

/** A checksum in progress. */
export class XxHash64 {
  readonly #lanes: [bigint, bigint, bigint, bigint] = [u64(P1 + P2), P2, 0n, u64(-P1)]
  readonly #stripe = new Uint8Array(STRIPE_BYTES)
  #filled = 0
  #sizeBytes = 0

  update(bytes: Uint8Array): void {
    this.#sizeBytes += bytes.length
    let at = 0
    if (this.#filled > 0) {
      at = Math.min(bytes.length, STRIPE_BYTES - this.#filled)
      this.#stripe.set(bytes.subarray(0, at), this.#filled)
      this.#filled += at
      if (this.#filled < STRIPE_BYTES) return
      this.#mix(viewOf(this.#stripe), 0)
    }
    const view = viewOf(bytes)
    for (; bytes.length - at >= STRIPE_BYTES; at += STRIPE_BYTES) this.#mix(view, at)
    this.#stripe.set(bytes.subarray(at))
    this.#filled = bytes.length - at
  }

  /** The low 32 bits. */
  digestLow(): number {
    let hash = u64((this.#sizeBytes < STRIPE_BYTES ? P5 : this.#converge()) + BigInt(this.#sizeBytes))
    const view = viewOf(this.#stripe)
    let at = 0
    for (; this.#filled - at >= 8; at += 8)
      hash = u64(rotate(hash ^ round(0n, view.getBigUint64(at, true)), 27n) * P1 + P4)
    if (this.#filled - at >= 4) {
      hash = u64(rotate(hash ^ u64(BigInt(view.getUint32(at, true)) * P1), 23n) * P2 + P3)
      at += 4
    }
    for (; at < this.#filled; at++) hash = u64(rotate(hash ^ u64(BigInt(view.getUint8(at)) * P5), 11n) * P1)
    hash = u64((hash ^ (hash >> 33n)) * P2)
    hash = u64((hash ^ (hash >> 29n)) * P3)
    return Number((hash ^ (hash >> 32n)) & 0xffffffffn)
  }

  #mix(view: DataView, at: number): void {
    for (let lane = 0; lane < 4; lane++)
      this.#lanes[lane] = round(this.#lanes[lane] as bigint, view.getBigUint64(at + 8 * lane, true))
  }

  #converge(): bigint {
    const [a, b, c, d] = this.#lanes
    const hash = u64(rotate(a, 1n) + rotate(b, 7n) + rotate(c, 12n) + rotate(d, 18n))
    return this.#lanes.reduce((merged, lane) => u64((merged ^ round(0n, lane)) * P1 + P4), hash)
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
}
