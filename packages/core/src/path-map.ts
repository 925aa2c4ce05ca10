import type { EntryPath } from './entry-path.ts'

/** So many may come out of order before a hash table is worth more than the order. */
const MAX_STRAGGLERS = 64
const FOUND_SLOTS = 256

/**
 * Values by path, like a `Map` without deletion. Listings come in order, and a path greater than all before it is added to
 * two arrays by one comparison: no hash, no growing table, which for a hundred thousand paths is a tenth of the work of a
 * restore. Once more than a few came out of order, it is a `Map`.
 */
export class PathMap<Value> {
  /** In ascending order. */
  #paths: string[] = []
  #values: Value[] = []
  /** The greatest path; `undefined` before the first one, and when the order was given up. */
  #last: string | undefined
  /** Where paths were found last, by their lengths: what is asked for again and again are folders above one another. */
  readonly #found = new Int32Array(FOUND_SLOTS)
  /** What came out of order; everything once that was too much. */
  readonly #map = new Map<string, Value>()

  get size(): number {
    return this.#paths.length + this.#map.size
  }

  get(path: EntryPath | string): Value | undefined {
    // What was added last is what is asked for most.
    if (path === this.#last) return this.#values.at(-1)
    const at = this.#find(path)
    if (at >= 0) return this.#values[at]
    return this.#map.size === 0 ? undefined : this.#map.get(path)
  }

  has(path: EntryPath | string): boolean {
    return this.#find(path) >= 0 || (this.#map.size > 0 && this.#map.has(path))
  }

  set(path: EntryPath | string, value: Value): void {
    if (this.#isNext(path)) {
      this.#last = path
      this.#paths.push(path)
      this.#values.push(value)
      return
    }
    const at = this.#find(path)
    if (at >= 0) this.#values[at] = value
    else this.#map.set(path, value)
    if (this.#last !== undefined && this.#map.size > MAX_STRAGGLERS) this.#giveUpOrder()
  }

  #isNext(path: string): boolean {
    if (this.#last === undefined) return this.size === 0
    return path > this.#last && (this.#map.size === 0 || !this.#map.has(path))
  }

  /** The place of a path among those in order; negative when it is none of them. */
  #find(path: string): number {
    if (this.#last === undefined || path > this.#last) return -1
    const slot = path.length % FOUND_SLOTS
    const before = this.#found[slot] as number
    if (path === this.#paths[before]) return before
    let low = 0
    let high = this.#paths.length - 1
    while (low <= high) {
      const middle = (low + high) >>> 1
      const there = this.#paths[middle] as string
      if (there === path) return (this.#found[slot] = middle)
      if (there < path) low = middle + 1
      else high = middle - 1
    }
    return -1
  }

  #giveUpOrder(): void {
    for (const [at, path] of this.#paths.entries()) this.#map.set(path, this.#values[at] as Value)
    this.#paths = []
    this.#values = []
    this.#last = undefined
  }
}
