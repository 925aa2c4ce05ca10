const FIRST_SLOTS = 1024
/** A table that was sized too small gives up early: a chunk is then stored twice, which does no harm. */
const MAX_PROBES = 4096

/**
 * Which names of chunks are taken, shared by threads without a lock. It keeps 63 bits of each name, so a name may be held for
 * taken that is not: whoever relies on that must look it up by its whole name later.
 */
export class SharedIdFilter {
  readonly shared: SharedArrayBuffer
  readonly #slots: BigUint64Array

  constructor(shared: SharedArrayBuffer) {
    this.shared = shared
    this.#slots = new BigUint64Array(shared)
  }

  /** A filter for up to `count` names. */
  static of(count: number): SharedIdFilter {
    let slots = FIRST_SLOTS
    while (slots < count * 2) slots *= 2
    return new SharedIdFilter(new SharedArrayBuffer(slots * 8))
  }

  /** Take a name; false when it is taken already, or seems to be. */
  claim(id: Uint8Array): boolean {
    const view = new DataView(id.buffer, id.byteOffset, id.byteLength)
    const key = view.getBigUint64(8, true) | 1n
    const mask = this.#slots.length - 1
    let slot = view.getUint32(0, true) & mask
    for (let probes = 0; probes < MAX_PROBES; probes++) {
      const found = Atomics.compareExchange(this.#slots, slot, 0n, key)
      if (found === 0n) return true
      if (found === key) return false
      slot = (slot + 1) & mask
    }
    return true
  }
}
