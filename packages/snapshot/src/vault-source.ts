import type { Entry, EntryPath, EntrySource, EntrySourceOptions, Limits, Omission, StreamContent } from '@arc/core'
import { ArcError, encodePath, printablePath } from '@arc/core'
import { AttributeDecoder } from './attribute-bytes.ts'
import { ChunkReader } from './chunk-reader.ts'
import { HardLinkGroups } from './hard-link-groups.ts'
import { type ListingEntry, decodeListing } from './listing.ts'
import { unknownSnapshot } from './problems.ts'
import type { SnapshotRecord } from './record.ts'
import type { Reference } from './reference.ts'
import type { OpenSnapshotOptions } from './store.ts'
import { TreeMeter } from './tree-meter.ts'
import type { VaultInternals } from './vault-internals.ts'
import type { LiveSnapshot } from './vault-log.ts'

const BATCH_SIZE = 1000

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
  return new VaultSource(walker, record, { start, limits: options.limits })
}

/** What is wanted of a snapshot. */
interface SnapshotPart {
  /** When not all is wanted: the entry it begins with. */
  readonly start: VaultEntry | undefined
  readonly limits: Partial<Limits> | undefined
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
  readonly #part: SnapshotPart

  constructor(walker: TreeWalker, record: SnapshotRecord, part: SnapshotPart) {
    this.walker = walker
    this.name = record.project
    this.git = record.git
    this.rootMode = record.rootMode
    this.omissions = record.omissions
    this.root = rootOf(record)
    this.#part = part
    this.isWhole = part.start === undefined
  }

  async *entries(options: EntrySourceOptions = {}): AsyncGenerator<readonly Entry[], void, void> {
    let batch: Entry[] = []
    let doneEntries = 0
    const links = new HardLinkGroups(this.isWhole)
    for await (const some of this.#groups(options.signal)) {
      for (const entry of some) {
        if (entry.hardLink !== undefined) links.admit(entry)
        batch.push(entry)
      }
      if (batch.length < BATCH_SIZE) continue
      doneEntries += batch.length
      options.onProgress?.({ phase: 'listing', doneEntries, doneBytes: 0 })
      options.signal?.throwIfAborted()
      yield batch
      batch = []
    }
    if (batch.length > 0) yield batch
  }

  async *#groups(signal: AbortSignal | undefined): AsyncGenerator<readonly VaultEntry[], void, void> {
    const { start, limits } = this.#part
    const meter = new TreeMeter(limits)
    if (start === undefined) return yield* this.walker.below(this.root, meter, signal)
    yield [start]
    if (start.type === 'directory') yield* this.walker.below(folderOf(start), meter, signal)
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

  /** Everything below a folder in byte order of path, in groups. Not recursive: depth is input. */
  async *below(folder: StoredFolder, meter: TreeMeter, signal?: AbortSignal): AsyncGenerator<VaultEntry[], void, void> {
    const levels: Level[] = []
    for (let next: StoredFolder | undefined = folder; next !== undefined || levels.length > 0;) {
      if (next !== undefined) levels.push(await this.#level(next, levels.length, meter, signal))
      const { group, inner } = (levels.at(-1) as Level).next()
      if (group.length > 0) yield group
      if (inner === undefined) levels.pop()
      next = inner && folderOf(inner)
    }
  }

  async #level(folder: StoredFolder, depth: number, meter: TreeMeter, signal: AbortSignal | undefined): Promise<Level> {
    meter.enter(folder, depth)
    const entries = await this.list(folder, signal)
    meter.add(folder, entries)
    return new Level(entries)
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

/** What is still to come of one folder. */
class Level {
  readonly #entries: readonly VaultEntry[]
  #at = 0
  /** Folders whose contents are still to come: `a/x` comes after `a-b`, for `-` is less than `/`. */
  readonly #waiting: { key: string; entry: VaultEntry }[] = []

  constructor(entries: readonly VaultEntry[]) {
    this.#entries = entries
  }

  /** The names up to where the contents of a folder come, and that folder; none when all has come. */
  next(): { group: VaultEntry[]; inner: VaultEntry | undefined } {
    const group: VaultEntry[] = []
    for (let entry = this.#entries[this.#at]; entry !== undefined; entry = this.#entries[++this.#at]) {
      const key = sortKey(entry.path)
      const last = this.#waiting.at(-1)
      if (last !== undefined && last.key < key) return { group, inner: this.#waiting.pop()?.entry }
      group.push(entry)
      if (entry.type === 'directory' && entry.reference !== undefined) this.#waiting.push({ key: `${key}/`, entry })
    }
    return { group, inner: this.#waiting.pop()?.entry }
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
