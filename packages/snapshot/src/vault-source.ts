import type { Entry, EntryPath, EntrySource, EntrySourceOptions, Omission, StreamContent } from '@arc/core'
import { ArcError, encodePath, printablePath } from '@arc/core'
import { AttributeDecoder } from './attribute-bytes.ts'
import { ChunkReader } from './chunk-reader.ts'
import { type ListingEntry, decodeListing } from './listing.ts'
import { unknownSnapshot } from './problems.ts'
import type { SnapshotRecord } from './record.ts'
import type { Reference } from './reference.ts'
import type { OpenSnapshotOptions } from './store.ts'
import type { VaultInternals } from './vault-internals.ts'
import type { LiveSnapshot } from './vault-log.ts'

const BATCH_SIZE = 1000
/** Deeper than any path of 64 KiB of one-letter folders that a listing could name is a loop of our own making. */
const MAX_TREE_DEPTH = 4096

/** A folder of a snapshot: its listing. */
export interface StoredFolder {
  /** `''` for the root. */
  readonly path: EntryPath
  readonly reference: Reference | undefined
  readonly sizeBytes: number
}

/** An entry of a vault's snapshot, with what stands for its bytes. */
export interface VaultEntry extends Entry {
  /** Of files and folders that hold something; equal references are equal bytes. */
  readonly reference: Reference | undefined
  /** Of a folder: the bytes of its listing. */
  readonly listingBytes: number
}

/** The root folder of a snapshot. */
export function rootOf({ root }: SnapshotRecord): StoredFolder {
  const reference = root.id === undefined ? undefined : { depth: root.depth ?? 0, id: Buffer.from(root.id, 'hex') }
  return { path: '' as EntryPath, reference, sizeBytes: root.sizeBytes }
}

/** The snapshot with this id. Throws `ARC_SNAPSHOT_UNKNOWN`. */
export async function findLive(vault: VaultInternals, id: string, signal?: AbortSignal): Promise<LiveSnapshot> {
  const live = await vault.log.live(await vault.log.view({ signal }), { signal })
  const found = live.find(({ hash }) => hash === id)
  if (found === undefined)
    throw unknownSnapshot(id, { location: vault.objects.backend.location, damagedRecords: vault.log.damagedRecords })
  return found
}

/** A snapshot as a source: random access, entries in byte order. */
export async function openVaultSnapshot(
  vault: VaultInternals,
  id: string,
  options: OpenSnapshotOptions = {},
): Promise<VaultSource> {
  const { record } = await findLive(vault, id, options.signal)
  const walker = new TreeWalker(vault)
  const start =
    options.under === undefined || options.under === ''
      ? undefined
      : await walker.find(rootOf(record), options.under, options.signal)
  return new VaultSource(walker, record, start)
}

/** The entries of one snapshot. */
export class VaultSource implements EntrySource {
  readonly access = 'random'
  readonly name: string
  readonly git: EntrySource['git']
  readonly rootMode: EntrySource['rootMode']
  readonly omissions: readonly Omission[]
  /** The folder everything is below. */
  readonly root: StoredFolder
  readonly walker: TreeWalker
  /** Whether it is the whole snapshot, and not only what is under a path. */
  readonly isWhole: boolean
  /** When only a part is wanted: the entry it begins with. */
  readonly #start: VaultEntry | undefined

  constructor(walker: TreeWalker, record: SnapshotRecord, start: VaultEntry | undefined) {
    this.walker = walker
    this.name = record.project
    this.git = record.git
    this.rootMode = record.rootMode
    this.omissions = record.omissions
    this.root = rootOf(record)
    this.#start = start
    this.isWhole = start === undefined
  }

  async *entries(options: EntrySourceOptions = {}): AsyncGenerator<readonly Entry[], void, void> {
    let batch: Entry[] = []
    let doneEntries = 0
    for await (const some of this.#groups(options.signal)) {
      for (const entry of some) batch.push(entry)
      if (batch.length < BATCH_SIZE) continue
      doneEntries += batch.length
      options.onProgress?.({ phase: 'listing', doneEntries, doneBytes: 0 })
      options.signal?.throwIfAborted()
      yield batch
      batch = []
    }
    if (batch.length > 0) yield batch
  }

  async *#groups(signal: AbortSignal | undefined): AsyncGenerator<readonly Entry[], void, void> {
    const start = this.#start
    if (start === undefined) return yield* this.walker.below(this.root, signal)
    yield [start]
    if (start.type === 'directory') yield* this.walker.below(folderOf(start), signal)
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

/** Reads the folders of snapshots. */
export class TreeWalker {
  readonly reader: ChunkReader
  readonly #attributes = new AttributeDecoder()

  constructor(vault: VaultInternals) {
    this.reader = new ChunkReader(vault)
  }

  /** The names in a folder, in byte order. */
  async list(folder: StoredFolder, signal?: AbortSignal): Promise<VaultEntry[]> {
    const bytes = await this.reader.whole(folder.reference, folder.sizeBytes, { signal })
    const prefix = folder.path === '' ? '' : `${folder.path}/`
    const entries: VaultEntry[] = []
    for (const listed of decodeListing(bytes, `the listing of ${printablePath(folder.path || '.')}`))
      entries.push(this.#entry(prefix, listed))
    return entries
  }

  /** Everything below a folder in byte order of path, in groups. */
  async *below(folder: StoredFolder, signal?: AbortSignal, depth = 0): AsyncGenerator<VaultEntry[], void, void> {
    if (depth > MAX_TREE_DEPTH)
      throw new ArcError('ARC_LIMIT_EXCEEDED', `folders are nested deeper than ${MAX_TREE_DEPTH}`)
    let group: VaultEntry[] = []
    // Folders whose contents are still to come: `a/x` comes after `a-b`, for `-` is less than `/`.
    const waiting: { key: string; entry: VaultEntry }[] = []
    for (const entry of await this.list(folder, signal)) {
      const key = sortKey(entry.path)
      for (let last = waiting.at(-1); last !== undefined && last.key < key; last = waiting.at(-1)) {
        waiting.pop()
        if (group.length > 0) yield group
        group = []
        yield* this.below(folderOf(last.entry), signal, depth + 1)
      }
      group.push(entry)
      if (entry.type === 'directory' && entry.reference !== undefined) waiting.push({ key: `${key}/`, entry })
    }
    if (group.length > 0) yield group
    for (const { entry } of waiting.reverse()) yield* this.below(folderOf(entry), signal, depth + 1)
  }

  /** The entry of a path. Throws `ARC_ENTRY_MISSING`. */
  async find(root: StoredFolder, path: string, signal?: AbortSignal): Promise<VaultEntry> {
    let folder: StoredFolder | undefined = root
    let found: VaultEntry | undefined
    for (const end of componentEnds(path)) {
      const wanted = path.slice(0, end)
      const entries: VaultEntry[] = folder === undefined ? [] : await this.list(folder, signal)
      found = entries.find((entry) => entry.path === wanted)
      if (found === undefined) throw entryMissing(path)
      folder = found.type === 'directory' ? folderOf(found) : undefined
    }
    if (found === undefined) throw entryMissing(path)
    return found
  }

  #entry(prefix: string, listed: ListingEntry): VaultEntry {
    const { type, mode, mtimeNs, target, hardLink, reference, attributes } = listed
    return {
      path: `${prefix}${listed.name}` as EntryPath,
      type,
      mode,
      sizeBytes: type === 'file' ? listed.sizeBytes : target === undefined ? 0 : encodePath(target).length,
      mtimeNs,
      target,
      hardLink,
      attributes: attributes && this.#attributes.decode(attributes),
      content: type === 'file' ? new VaultContent(this.reader, reference) : undefined,
      reference,
      listingBytes: type === 'directory' ? listed.sizeBytes : 0,
    }
  }
}

/** A folder, from its entry. */
export function folderOf({ path, reference, listingBytes }: VaultEntry): StoredFolder {
  return { path, reference, sizeBytes: listingBytes }
}

/** The bytes of a file in a vault. */
class VaultContent implements StreamContent {
  readonly kind = 'stream'
  readonly #reader: ChunkReader
  readonly #reference: Reference | undefined

  constructor(reader: ChunkReader, reference: Reference | undefined) {
    this.#reader = reader
    this.#reference = reference
  }

  stream(): AsyncIterable<Uint8Array> {
    return this.#reader.stream(this.#reference)
  }

  atHand(): Uint8Array | undefined {
    return this.#reader.atHand(this.#reference)
  }
}

const NOT_ASCII = /[^\x00-\x7f]/

/** A text that sorts as the bytes of the path do. */
function sortKey(path: EntryPath): string {
  return NOT_ASCII.test(path) ? Buffer.from(encodePath(path)).toString('latin1') : path
}

function componentEnds(path: string): number[] {
  const ends: number[] = []
  for (let slash = path.indexOf('/'); slash >= 0; slash = path.indexOf('/', slash + 1)) ends.push(slash)
  return [...ends, path.length]
}

function entryMissing(path: string): ArcError {
  const shown = printablePath(path)
  return new ArcError('ARC_ENTRY_MISSING', `the snapshot has no entry ${shown}`, {
    path: shown,
    hint: 'List the entries, then check the spelling.',
  })
}
