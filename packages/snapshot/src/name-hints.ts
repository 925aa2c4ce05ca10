/** A table is at most this full: a look goes through some six slots, one behind another. */
const MAX_LOAD = 0.85

/**
 * Which chunks could have a name: eight bytes a chunk and slot, half of them from the name and half the chunk's number. So one
 * look tells that a name is new, or the one place where its whole text can be compared. Names are hashes, their bytes as good
 * as random.
 */
export class NameHints {
  readonly #slots: Uint32Array
  readonly #count: number

  /** Hints for up to `count` chunks. */
  constructor(count: number) {
    this.#count = Math.ceil(count / MAX_LOAD) + 1
    this.#slots = new Uint32Array(this.#count * 2)
  }

  /** Note the chunk whose name begins at `at`. */
  add(bytes: Uint8Array, at: number, chunk: number): void {
    const slots = this.#slots
    let slot = this.#first(bytes, at)
    while (slots[slot * 2 + 1] !== 0) slot = slot + 1 === this.#count ? 0 : slot + 1
    slots[slot * 2] = u32(bytes, at + 4)
    slots[slot * 2 + 1] = chunk + 1
  }

  /** The numbers of the chunks that could have a name: of those that have it, and of one in billions that has not. */
  *find(id: Uint8Array): Generator<number, void, void> {
    const wanted = u32(id, 4)
    for (let slot = this.#first(id, 0); ; slot = slot + 1 === this.#count ? 0 : slot + 1) {
      const chunk = this.#slots[slot * 2 + 1] as number
      if (chunk === 0) return
      if (this.#slots[slot * 2] === wanted) yield chunk - 1
    }
  }

  #first(bytes: Uint8Array, at: number): number {
    return Math.floor((u32(bytes, at) / 2 ** 32) * this.#count)
  }
}

function u32(bytes: Uint8Array, at: number): number {
  const low = (bytes[at] as number) | ((bytes[at + 1] as number) << 8)
  return (low | ((bytes[at + 2] as number) << 16) | ((bytes[at + 3] as number) << 24)) >>> 0
}
