import type { History } from './history.ts'
import { historyOfRow } from './index-history.ts'
import type { VersionIndex } from './version-index.ts'

const MAX_SIZE = 100_000 // some 20 MB
const MAX_TRIES = 100

/** A history, and what its plain file looked like. */
export interface CachedHistory {
  readonly history: History
  readonly stamp: string | null
  /** Versions and tags. */
  readonly size: number
}

/** Histories with all their parts. To be cleared when the log has grown: nothing else changes what is told here. */
export class HistoryCache {
  readonly #reader: VersionIndex
  #histories = new Map<string, CachedHistory>()
  #size = 0

  constructor(reader: VersionIndex) {
    this.#reader = reader
  }

  clear(): void {
    this.#histories = new Map()
    this.#size = 0
  }

  /** The history of a key; asked anew when its file has not the `stamp` it had, which may change without a record. */
  get(key: string, stamp?: string | null): CachedHistory | undefined {
    const known = this.#histories.get(key)
    if (known !== undefined && (stamp === undefined || known.stamp === stamp)) return known
    const cached = this.#fetch(key)
    if (cached === undefined) return undefined
    if (this.#size > MAX_SIZE) this.clear()
    this.#size += cached.size
    this.#histories.set(key, cached)
    return cached
  }

  #fetch(key: string): CachedHistory | undefined {
    for (let tries = 0; ; tries++) {
      const { offset } = this.#reader.position()
      const row = this.#reader.key(key)
      if (row === undefined) return undefined
      const history = historyOfRow(this.#reader, key, row)
      const { versions, tags } = history
      const isWhole = this.#reader.position().offset === offset // else somebody wrote between the parts
      if (isWhole || tries === MAX_TRIES) return { history, stamp: row.stamp, size: versions.length + tags.size + 1 }
    }
  }
}
