import { assertWithin, type EntryPath } from '@arc/core'
import { ID_BYTES, idText } from './chunk-id.ts'
import { IdTable } from './id-table.ts'
import { AttributeDecoder } from './attribute-bytes.ts'
import { type ListingEntry, decodeListing, MAX_TREE_DEPTH } from './listing.ts'
import { ChunkReader } from './chunk-reader.ts'
import type { Reference } from './reference.ts'
import { logReference } from './run-facts.ts'
import type { CallOptions } from './store.ts'
import type { VaultInternals } from './vault-internals.ts'
import type { LiveSnapshot } from './vault-log.ts'
import { rootOf, type StoredFolder } from './vault-source.ts'

/** What is said to need the log of a run. */
const LOG_PATH = '(what the run printed)' as EntryPath
/** A chunk is marked as a list of depth n by bit n, as a listing of depth n by this one and n: the same bytes can be both. */
const LISTING_BIT = 8
/** A list that cannot be read. */
const UNREADABLE = 1
/** A list or listing below which something watched is: every snapshot that needs it is told. */
const LACKING = 1 << 16
/** Lists and listings below which something watched is that are visited again for one snapshot: folders of folders can name one of them any number of times. */
const MAX_REPEATS = 1_000_000

/** Something that a snapshot needs. */
export interface Need {
  readonly id: Uint8Array
  /** What it is needed for: a file, or a folder whose listing it is part of. */
  readonly path: EntryPath
  readonly snapshot: LiveSnapshot
}

export interface Visitor {
  /** Each chunk once, with the first path that was found to need it. */
  onChunk(need: Need): void
  /** A listing or list that cannot be read, and everything that only it would tell of; without this it is thrown. */
  onUnreadable?(need: Need, error: unknown): void
  /** What a listing tells, the first time it is visited. */
  onEntry?(entry: ListingEntry, path: EntryPath, snapshot: LiveSnapshot): void
  /** Visit every path that needs a chunk for which this is true, not only the first. */
  isWatched?(id: Uint8Array): boolean
}

/** Visit every chunk that snapshots need. What many of them share is visited once. */
export async function visitReachable(
  vault: VaultInternals,
  snapshots: readonly LiveSnapshot[],
  visitor: Visitor,
  options: CallOptions = {},
): Promise<void> {
  const walk = new ReachabilityWalk(vault, visitor, options)
  for (const snapshot of snapshots) await walk.visit(snapshot)
}

class ReachabilityWalk {
  readonly #reader: ChunkReader
  readonly #attributes = new AttributeDecoder()
  readonly #visitor: Visitor
  readonly #options: CallOptions
  /** Every chunk that was visited; the value tells as what, of those that stand for more: {@link ReachabilityWalk.#isNew}. */
  readonly #seen = new IdTable()
  #doneEntries = 0
  /** How often something watched was met. */
  #losses = 0
  /** Visits for this snapshot of what had been visited before. */
  #repeats = 0

  constructor(vault: VaultInternals, visitor: Visitor, options: CallOptions) {
    this.#reader = new ChunkReader(vault)
    this.#visitor = visitor
    this.#options = options
  }

  async visit(snapshot: LiveSnapshot): Promise<void> {
    const { record } = snapshot
    this.#repeats = 0
    await this.#folder(rootOf(record), snapshot, 0)
    const log = record.run && logReference(record.run)
    if (log !== undefined) await this.#names(log, LOG_PATH, snapshot)
  }

  async #folder(folder: StoredFolder, snapshot: LiveSnapshot, depth: number): Promise<void> {
    const { reference, path } = folder
    assertWithin('folders within each other', depth, MAX_TREE_DEPTH)
    if (reference === undefined || !(await this.#names(reference, path, snapshot))) return
    if (!this.#isDue(reference.id, 1 << (LISTING_BIT + reference.depth))) return
    const before = this.#losses
    await this.#entries(reference, folder, snapshot, depth)
    if (this.#losses > before) this.#mark(reference.id, LACKING)
  }

  async #entries(
    reference: Reference,
    { path, sizeBytes }: StoredFolder,
    snapshot: LiveSnapshot,
    depth: number,
  ): Promise<void> {
    this.#options.signal?.throwIfAborted()
    let entries: ListingEntry[]
    try {
      const bytes = await this.#reader.whole(reference, sizeBytes, this.#options)
      entries = [...decodeListing(bytes, `the listing ${idText(reference.id)}`)]
      for (const { attributes } of entries) if (attributes !== undefined) this.#attributes.decode(attributes)
    } catch (error) {
      return this.#unreadable({ id: reference.id, path, snapshot }, error)
    }
    this.#doneEntries += entries.length
    this.#options.onProgress?.({ phase: 'verifying', doneEntries: this.#doneEntries, doneBytes: 0 })
    const prefix = path === '' ? '' : `${path}/`
    for (const entry of entries) {
      const own = `${prefix}${entry.name}` as EntryPath
      this.#visitor.onEntry?.(entry, own, snapshot)
      if (entry.reference === undefined) continue
      if (entry.type === 'directory') {
        await this.#folder({ path: own, reference: entry.reference, sizeBytes: entry.sizeBytes }, snapshot, depth + 1)
      } else if (entry.reference.depth > 0) await this.#names(entry.reference, own, snapshot)
      else this.#chunk({ id: entry.reference.id, path: own, snapshot })
    }
  }

  /** Visit what a reference consists of; false when that cannot be read. */
  async #names(reference: Reference, path: EntryPath, snapshot: LiveSnapshot): Promise<boolean> {
    const need = { id: reference.id, path, snapshot }
    this.#chunk(need)
    if (reference.depth === 0) return true
    if (!this.#isDue(reference.id, 1 << reference.depth)) return (this.#seen.get(reference.id) & UNREADABLE) === 0
    let list: Buffer
    try {
      list = await this.#reader.chunk(reference.id, this.#options)
    } catch (error) {
      this.#mark(reference.id, UNREADABLE)
      this.#unreadable(need, error)
      return false
    }
    const before = this.#losses
    for (let at = 0; at + ID_BYTES <= list.length; at += ID_BYTES) {
      const id = list.subarray(at, at + ID_BYTES)
      await this.#names({ depth: reference.depth - 1, id }, path, snapshot)
    }
    if (this.#losses > before) this.#mark(reference.id, LACKING)
    return true
  }

  #chunk(need: Need): void {
    const isNew = this.#seen.add(need.id, 0)
    if (isNew || this.#visitor.isWatched?.(need.id) === true) this.#visitor.onChunk(need)
    // What has just been told may be why it is watched.
    if (this.#visitor.isWatched?.(need.id) === true) this.#losses++
  }

  /** Whether a chunk is to be looked into as this: the first time, and each time when something below it is watched. */
  #isDue(id: Uint8Array, bit: number): boolean {
    const bits = this.#seen.get(id)
    if ((bits & UNREADABLE) !== 0) return false
    this.#mark(id, bit)
    if ((bits & bit) === 0) return true
    return (bits & LACKING) !== 0 && ++this.#repeats <= MAX_REPEATS
  }

  #mark(id: Uint8Array, bits: number): void {
    const row = this.#seen.rowOf(id)
    this.#seen.setValueAt(row, this.#seen.valueAt(row) | bits)
  }

  #unreadable(need: Need, error: unknown): void {
    if (this.#visitor.onUnreadable === undefined) throw error
    this.#visitor.onUnreadable(need, error)
  }
}
