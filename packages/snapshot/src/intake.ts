import type { Entry, EntryPath, EntrySource, Omission } from '@arc/core'
import { errnoOf, isArcError } from '@arc/core'
import { isSharable, LocalContent, type LocalRoot } from '@arc/core/node'
import { isSettled, LONG_READ_BYTES, MAX_READS } from './changing-files.ts'
import type { ContentWriter, StoredContent } from './content-writer.ts'
import { heldToDeclared } from './declared-content.ts'
import { EntryRows } from './entry-rows.ts'
import { unpackReference } from './reference.ts'
import type { StatCache } from './stat-cache.ts'

/** A file that is still to be stored, made from its row: kept as objects, all of them would take tens of megabytes. */
export type PendingEntry = Entry & { readonly content: LocalContent }

/** What there is in a source. */
export interface IntakeCounts {
  files: number
  directories: number
  symlinks: number
  contentBytes: number
  unchangedFiles: number
}

/** What a snapshot's record tells about how its source was read. */
export interface Taken {
  readonly counts: Readonly<IntakeCounts>
  readonly omissions: readonly Omission[]
  readonly inconsistent: readonly EntryPath[]
}

/** Takes the entries of a source: finds what is stored already, stores what is not, or keeps it for workers to store. */
export class Intake implements Taken {
  readonly rows: EntryRows = new EntryRows()
  readonly omissions: Omission[] = []
  readonly inconsistent: EntryPath[] = []
  /** Rows of files that are still to be stored, by workers perhaps. */
  readonly pending: number[] = []
  pendingBytes = 0
  readonly counts: IntakeCounts = { files: 0, directories: 0, symlinks: 0, contentBytes: 0, unchangedFiles: 0 }
  readonly #content: ContentWriter
  readonly #cache: StatCache | undefined
  readonly #keepsFiles: boolean
  /** Row of the first name of each inode. */
  readonly #inodes = new Map<string, number>()
  /** Where pending files are. */
  #at: LocalRoot | undefined

  constructor(content: ContentWriter, cache: StatCache | undefined, keepsFiles: boolean) {
    this.#content = content
    this.#cache = cache
    this.#keepsFiles = keepsFiles
  }

  /** Take the next entry; a promise only when something must be waited for. */
  add(entry: Entry): void | Promise<void> {
    switch (entry.type) {
      case 'directory':
        this.counts.directories++
        this.rows.add(entry, unpack(this.#cache?.find(entry)))
        return
      case 'symlink':
        this.counts.symlinks++
        this.rows.add(entry, undefined)
        return
      case 'file':
        return this.#addFile(entry)
    }
  }

  /** A pending file as an entry. */
  pendingEntry(row: number): PendingEntry {
    const { rows } = this
    const path = rows.paths[row] as EntryPath
    const sizeBytes = rows.sizeBytes(row)
    const content = new LocalContent(this.#at as LocalRoot, path, sizeBytes)
    return { path, type: 'file', mode: rows.mode(row), sizeBytes, mtimeNs: rows.mtimeNs(row), content }
  }

  /** Store a file that was kept; it has its row already. */
  async storePending(row: number): Promise<void> {
    const entry = this.pendingEntry(row)
    const stored = await this.#read(entry)
    if (stored !== undefined) this.settle(row, stored)
    else this.drop(row)
  }

  /** Whether what was stored for a row is what was listed, as far as can be told. */
  isSettled(row: number, stored: StoredContent): boolean {
    if (stored.sizeBytes !== this.rows.sizeBytes(row)) return false
    return stored.sizeBytes < LONG_READ_BYTES || isSettled(this.pendingEntry(row), stored.sizeBytes)
  }

  /** Take back a file that turned out not to be readable. */
  drop(row: number): void {
    this.counts.files--
    this.counts.contentBytes -= this.rows.sizeBytes(row)
    this.rows.drop(row)
  }

  /** Note what was stored for a row. */
  settle(row: number, stored: StoredContent): void {
    this.counts.contentBytes += stored.sizeBytes - this.rows.sizeBytes(row)
    this.rows.setReference(row, stored.reference)
    this.rows.setSize(row, stored.sizeBytes)
  }

  #addFile(entry: Entry): void | Promise<void> {
    const known = this.#cache?.find(entry)
    // Before what is known of this name: all names of one inode must have one content.
    const first = entry.hardLink === undefined ? undefined : this.#inodes.get(entry.hardLink)
    if (first !== undefined && entry.path !== this.rows.paths[first]) {
      if (known !== undefined) this.counts.unchangedFiles++
      return this.#addLink(entry, first)
    }
    if (known !== undefined) {
      this.#count(entry.sizeBytes)
      this.counts.unchangedFiles++
      this.#remember(entry, this.rows.add(entry, unpackReference(known)))
      return
    }
    if (entry.sha256 !== undefined) return this.#storeNow(heldToDeclared(entry))
    if (entry.sizeBytes === 0 && entry.content instanceof LocalContent && entry.stamp !== undefined) {
      this.#count(0)
      this.#remember(entry, this.rows.add(entry, undefined))
      return
    }
    if (this.#keepsFiles && isSharable(entry) && (this.#at ?? entry.content.at) === entry.content.at) {
      this.#at = entry.content.at
      this.#count(entry.sizeBytes)
      this.pendingBytes += entry.sizeBytes
      const row = this.rows.add(entry, undefined)
      this.pending.push(row)
      this.#remember(entry, row)
      return
    }
    return this.#storeNow(entry)
  }

  #storeNow(entry: Entry): void | Promise<void> {
    const stored = this.#attempt(entry)
    if (stored instanceof Promise) return stored.then((content) => this.#take(entry, content))
    if (stored === undefined || isSettled(entry, stored.sizeBytes)) return this.#take(entry, stored)
    return this.#read(entry).then((content) => this.#take(entry, content))
  }

  #take(entry: Entry, stored: StoredContent | undefined): void {
    if (stored === undefined) return
    this.#count(stored.sizeBytes)
    const row = this.rows.add(entry, stored.reference)
    this.rows.setSize(row, stored.sizeBytes)
    this.#remember(entry, row)
  }

  /** A further name of an inode, with what is listed of the first. While its content is pending it gets its reference from {@link Intake.linkUp}. */
  #addLink(entry: Entry, first: number): void {
    const sizeBytes = this.rows.sizeBytes(first)
    this.#count(sizeBytes)
    const [mode, mtimeNs] = [this.rows.mode(first), this.rows.mtimeNs(first)]
    const { path, type, hardLink, attributes } = entry
    const facts = { path, type, mode, mtimeNs, sizeBytes, hardLink, attributes }
    const row = this.rows.add(facts, this.rows.reference(first))
    this.rows.setSize(row, sizeBytes)
    this.#links.push({ row, first })
  }

  readonly #links: { row: number; first: number }[] = []

  /** Once nothing is pending: give every further name of an inode what was stored for the first. */
  linkUp(): void {
    for (const { row, first } of this.#links) {
      if (this.rows.isDropped(first)) this.drop(row)
      this.rows.setReference(row, this.rows.reference(first))
      this.rows.setSize(row, this.rows.sizeBytes(first))
    }
  }

  #remember(entry: Entry, row: number): void {
    if (entry.hardLink !== undefined && !this.#inodes.has(entry.hardLink)) this.#inodes.set(entry.hardLink, row)
  }

  #count(sizeBytes: number): void {
    this.counts.files++
    this.counts.contentBytes += sizeBytes
  }

  /** Read until it holds still; `undefined` when it cannot be read. */
  async #read(entry: Entry): Promise<StoredContent | undefined> {
    for (let reads = 1; ; reads++) {
      const stored = await this.#attempt(entry)
      if (stored === undefined || isSettled(entry, stored.sizeBytes)) return stored
      if (reads < MAX_READS && entry.content?.kind === 'sync') continue
      this.inconsistent.push(entry.path)
      return stored
    }
  }

  #attempt(entry: Entry): StoredContent | undefined | Promise<StoredContent | undefined> {
    try {
      if (entry.content === undefined) {
        this.omissions.push({ path: entry.path, reason: 'unreadable', detail: 'the source has no content for it' })
        return undefined
      }
      const stored = this.#content.store(entry.content)
      return stored instanceof Promise ? stored.catch((error: unknown) => this.#omit(entry, error)) : stored
    } catch (error) {
      return this.#omit(entry, error)
    }
  }

  #omit(entry: Entry, error: unknown): undefined {
    this.omissions.push(unreadable(entry.path, error))
    return undefined
  }
}

/** What there is in a source when all of it is as an earlier snapshot left it; `undefined` at the first difference. */
export async function takeUnchanged(
  source: EntrySource,
  cache: StatCache,
  signal: AbortSignal | undefined,
): Promise<Taken | undefined> {
  const counts: IntakeCounts = { files: 0, directories: 0, symlinks: 0, contentBytes: 0, unchangedFiles: 0 }
  let entries = 0
  for await (const batch of source.entries({ signal })) {
    entries += batch.length
    for (const entry of batch) {
      if (!cache.isSame(entry)) return undefined
      if (entry.type === 'file') {
        counts.files++
        counts.contentBytes += entry.sizeBytes
      } else if (entry.type === 'directory') counts.directories++
      else counts.symlinks++
    }
  }
  counts.unchangedFiles = counts.files
  return entries === cache.rowCount ? { counts, omissions: [], inconsistent: [] } : undefined
}

/** What a file that cannot be read becomes. Throws every other error. */
export function unreadable(path: EntryPath, error: unknown): Omission {
  if (!isArcError(error) || error.code !== 'ARC_ENTRY_UNREADABLE') throw error
  const errno = error.details['errno'] ?? errnoOf(error.cause)
  if (errno === 'ENOENT' || errno === 'ENOTDIR') return { path, reason: 'vanished' }
  return { path, reason: 'unreadable', detail: error.message }
}

function unpack(packed: Buffer | undefined): ReturnType<typeof unpackReference> {
  return packed === undefined ? undefined : unpackReference(packed)
}
