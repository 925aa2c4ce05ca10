import { ArcError, completeLimits, type Limits, printablePath } from '@arc/core'
import { IdTable } from './id-table.ts'
import type { StoredFolder, VaultEntry } from './vault-source.ts'

/** Bounds on one walk through the folders of a snapshot: a few small listings that name each other can tell of any number of paths. */
export class TreeMeter {
  readonly #limits: Readonly<Limits>
  /** Listings that were met, when what repeats is bounded. */
  readonly #met: IdTable | undefined
  #entries = 0
  #totalBytes = 0
  #distinctBytes = 0

  /** `limits`: bounds in place of the usual ones. Without them what repeats is not bounded, for whoever only looks. */
  constructor(limits?: Partial<Limits>) {
    this.#limits = completeLimits(limits)
    this.#met = limits && new IdTable()
  }

  /** Throws `ARC_LIMIT_EXCEEDED` unless a folder may be looked into that lies in `depth` others. */
  enter({ path }: StoredFolder, depth: number): void {
    const { maxDepth, maxPathBytes } = this.#limits
    if (depth > maxDepth) throw limitExceeded(path, 'maxDepth', maxDepth)
    if (path.length > maxPathBytes) throw limitExceeded(path, 'maxPathBytes', maxPathBytes)
  }

  /** Throws `ARC_LIMIT_EXCEEDED` when what a folder lists is too much, with all that was listed before. */
  add({ path, reference, sizeBytes }: StoredFolder, entries: readonly VaultEntry[]): void {
    const { maxEntries, maxRatio } = this.#limits
    this.#entries += entries.length
    if (this.#entries > maxEntries) throw limitExceeded(path, 'maxEntries', maxEntries)
    if (this.#met === undefined || reference === undefined) return
    const ownBytes = entries.reduce((sum, entry) => sum + entry.sizeBytes, sizeBytes)
    this.#totalBytes += ownBytes
    if (this.#met.add(reference.id, 0)) this.#distinctBytes += ownBytes
    if (this.#totalBytes > REPEATED_FLOOR_BYTES && this.#totalBytes > this.#distinctBytes * maxRatio)
      throw limitExceeded(path, 'maxRatio', maxRatio)
  }
}

const SHOWN_CHARACTERS = 200
/** Folders that repeat are what a vault is good at, such as hundreds of copies of one package: up to here nobody minds them. */
const REPEATED_FLOOR_BYTES = 4 * 1024 ** 3

function limitExceeded(path: string, limit: keyof Limits, value: number): ArcError {
  const shown = printablePath(path.slice(0, SHOWN_CHARACTERS) || '.')
  return new ArcError('ARC_LIMIT_EXCEEDED', `the snapshot has more than the limit allows (${limit}: ${value})`, {
    path: shown,
    hint: 'If you trust this vault, restore from it with a larger limit.',
    details: { limit, value },
  })
}
