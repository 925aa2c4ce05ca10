import {
  comparePaths,
  type Entry,
  type EntryAttributes,
  type EntrySource,
  type Owner,
  readContent,
  sameXattrs,
} from '@arc/core'
import { hashContent } from '@arc/core/node'
import type { CallOptions, SnapshotStore } from './store.ts'
import { TreeMeter } from './tree-meter.ts'
import { folderOf, type StoredFolder, type VaultEntry, VaultSource } from './vault-source.ts'

/** In what an entry that is on both sides differs. */
export type Difference = 'type' | 'content' | 'mode' | 'mtime' | 'target' | 'owner' | 'xattrs'

/** One path that is not the same on both sides. */
export interface Change {
  readonly path: Entry['path']
  readonly action: 'added' | 'removed' | 'changed'
  /** Absent when the path was added. Its content can be read as long as the source is open. */
  readonly before: Entry | undefined
  /** Absent when the path was removed. */
  readonly after: Entry | undefined
  /** Empty unless the path was changed. */
  readonly differs: readonly Difference[]
}

export interface DiffOptions extends CallOptions {
  /**
   * When files of one size count as different. `times` (default): when their times differ and their bytes, if those can be
   * told apart without reading, too. `bytes`: when their bytes differ; reads files of equal size.
   */
  compare?: 'times' | 'bytes' | undefined
  /** Leave out paths that differ in their times alone; default false. */
  ignoreTimes?: boolean | undefined
}

/**
 * What changed from one snapshot to another, or to a source (a folder on disk: its status). In byte order of path; folders
 * that are the same in both snapshots of a vault are not even read.
 */
export async function* diffSnapshots(
  store: SnapshotStore,
  before: string,
  after: string | EntrySource,
  options: DiffOptions = {},
): AsyncGenerator<readonly Change[], void, void> {
  const { signal } = options
  await using old = await store.open(before, { signal })
  if (typeof after !== 'string') return yield* diffSources(old, after, options)
  await using young = await store.open(after, { signal })
  yield* diffSources(old, young, options)
}

/** What changed from one source to another; both must be of random access, since their entries are compared in order. */
export async function* diffSources(
  before: EntrySource,
  after: EntrySource,
  options: DiffOptions = {},
): AsyncGenerator<readonly Change[], void, void> {
  if (before instanceof VaultSource && after instanceof VaultSource && before.isWhole && after.isWhole)
    return yield* diffFolders(before, after, options)
  const unreadable = new Set(before.omissions.flatMap(({ path, reason }) => (reason === 'unreadable' ? path : [])))
  const old = new EntryQueue(before, options.signal)
  const young = new EntryQueue(after, options.signal)
  let [a, b] = [await old.next(), await young.next()]
  let changes: Change[] = []
  while (a !== undefined || b !== undefined) {
    const order = a === undefined ? 1 : b === undefined ? -1 : comparePaths(a.path, b.path)
    const change = await changeOf(order <= 0 ? a : undefined, order >= 0 ? b : undefined, options)
    if (change !== undefined && !(unreadable.has(change.path) && isStillUnreadable(change))) changes.push(change)
    if (changes.length >= BATCH_SIZE) {
      yield changes
      changes = []
    }
    if (order <= 0) a = old.shift() ?? (await old.next())
    if (order >= 0) b = young.shift() ?? (await young.next())
  }
  if (changes.length > 0) yield changes
}

const BATCH_SIZE = 1000

/** Whether a path that one side lists, and the other could not read, could not be read now either: nothing has changed then. */
function isStillUnreadable({ action, after }: Change): boolean {
  if (action !== 'added' || after?.content?.kind !== 'sync') return false
  try {
    after.content.open().close()
    return false
  } catch {
    return true
  }
}

/** The entries of a source one by one, without a promise for each. */
class EntryQueue {
  readonly #batches: AsyncIterator<readonly Entry[]>
  #batch: readonly Entry[] = []
  #at = 0

  constructor(source: EntrySource, signal: AbortSignal | undefined) {
    this.#batches = source.entries({ signal })[Symbol.asyncIterator]()
  }

  shift(): Entry | undefined {
    return this.#batch[this.#at++]
  }

  async next(): Promise<Entry | undefined> {
    for (;;) {
      const result = await this.#batches.next()
      if (result.done === true) return undefined
      this.#batch = result.value
      this.#at = 1
      if (this.#batch.length > 0) return this.#batch[0]
    }
  }
}

/** Folders of one path in two snapshots. */
interface FolderPair {
  readonly old: StoredFolder
  readonly young: StoredFolder
}

/** Two vault snapshots, folder by folder; what has one reference is one tree. Not recursive: depth is input. */
async function* diffFolders(
  before: VaultSource,
  after: VaultSource,
  options: DiffOptions,
): AsyncGenerator<readonly Change[], void, void> {
  const meters = [new TreeMeter(), new TreeMeter()] as const
  /** What is still to be compared of each level, last first. */
  const levels: FolderPair[][] = [[{ old: before.root, young: after.root }]]
  for (let level = levels.at(-1); level !== undefined; level = levels.at(-1)) {
    const pair = level.pop()
    if (pair === undefined) levels.pop()
    if (pair === undefined || isSameReference(pair.old.reference, pair.young.reference)) continue
    meters[0].enter(pair.young, levels.length - 1)
    const [old, young] = await Promise.all([
      before.walker.list(pair.old, options.signal),
      after.walker.list(pair.young, options.signal),
    ])
    meters[0].add(pair.old, old)
    meters[1].add(pair.young, young)
    const { changes, inner } = await diffLists(old, young, options)
    if (changes.length > 0) yield changes
    levels.push(inner.reverse())
  }
}

/** What differs among the names in two folders of one path, name by name, and the folders in them. */
async function diffLists(
  old: readonly VaultEntry[],
  young: readonly VaultEntry[],
  options: DiffOptions,
): Promise<{ changes: Change[]; inner: FolderPair[] }> {
  const changes: Change[] = []
  const inner: FolderPair[] = []
  for (let [i, j] = [0, 0]; i < old.length || j < young.length;) {
    const [a, b] = [old[i], young[j]]
    const order = a === undefined ? 1 : b === undefined ? -1 : comparePaths(a.path, b.path)
    const left = order <= 0 ? a : undefined
    const right = order >= 0 ? b : undefined
    const change = await changeOf(left, right, options)
    if (change !== undefined) changes.push(change)
    if (left?.type === 'directory' || right?.type === 'directory') {
      const other = (left ?? right) as VaultEntry
      inner.push({ old: contentsOf(left, other), young: contentsOf(right, other) })
    }
    if (order <= 0) i++
    if (order >= 0) j++
  }
  return { changes, inner }
}

/** What is in a folder; in what is none, nothing. */
function contentsOf(entry: VaultEntry | undefined, other: VaultEntry): StoredFolder {
  if (entry?.type === 'directory') return folderOf(entry)
  const { path } = entry ?? other
  return { path, reference: undefined, sizeBytes: 0 }
}

async function changeOf(
  before: Entry | undefined,
  after: Entry | undefined,
  options: DiffOptions,
): Promise<Change | undefined> {
  if (before === undefined || after === undefined) {
    const { path } = (before ?? after) as Entry
    return { path, action: before === undefined ? 'added' : 'removed', before, after, differs: [] }
  }
  const differs = await differencesOf(before, after, options)
  return differs.length === 0 ? undefined : { path: after.path, action: 'changed', before, after, differs }
}

async function differencesOf(before: Entry, after: Entry, options: DiffOptions): Promise<Difference[]> {
  if (before.type !== after.type) return ['type']
  const differs: Difference[] = []
  const hasTimes = before.mtimeNs !== undefined && after.mtimeNs !== undefined && before.type !== 'directory'
  const isTouched = hasTimes && before.mtimeNs !== after.mtimeNs
  if (before.type === 'file' && (await hasOtherBytes(before, after, isTouched || !hasTimes, options)))
    differs.push('content')
  if (before.target !== after.target) differs.push('target')
  if (before.mode !== after.mode && before.type !== 'symlink') differs.push('mode')
  if (isTouched && options.ignoreTimes !== true) differs.push('mtime')
  return [...differs, ...attributeDifferences(before.attributes, after.attributes)]
}

/** What only one side was asked for tells nothing. */
function attributeDifferences(before: EntryAttributes = {}, after: EntryAttributes = {}): Difference[] {
  const differs: Difference[] = []
  if (before.owner !== undefined && after.owner !== undefined && !isSameOwner(before.owner, after.owner))
    differs.push('owner')
  if (before.xattrs !== undefined && after.xattrs !== undefined && !sameXattrs(before.xattrs, after.xattrs))
    differs.push('xattrs')
  return differs
}

/** Names are what a machine calls the numbers. */
function isSameOwner(a: Owner, b: Owner): boolean {
  return a.uid === b.uid && a.gid === b.gid
}

async function hasOtherBytes(before: Entry, after: Entry, isTouched: boolean, options: DiffOptions): Promise<boolean> {
  if (before.sizeBytes !== after.sizeBytes) return true
  if ('reference' in before && 'reference' in after)
    return !isSameReference((before as VaultEntry).reference, (after as VaultEntry).reference)
  if (options.compare !== 'bytes') return isTouched
  return !(await isSameContent(before, after))
}

function isSameReference(a: VaultEntry['reference'], b: VaultEntry['reference']): boolean {
  if (a === undefined || b === undefined) return a === b
  return a.depth === b.depth && Buffer.compare(a.id, b.id) === 0
}

async function isSameContent(a: Entry, b: Entry): Promise<boolean> {
  if (a.content === undefined || b.content === undefined) {
    // A further name of a file has no content of its own in an archive that is read from front to back.
    const [one, other] = await Promise.all([hashOf(a), hashOf(b)])
    return one !== undefined && one === other
  }
  const other = new PieceQueue(readContent(b.content))
  try {
    for await (const piece of readContent(a.content)) if (!(await other.beginsWith(piece))) return false
    return await other.isAtEnd()
  } finally {
    await other.close()
  }
}

async function hashOf({ content, sha256 }: Entry): Promise<string | undefined> {
  return content === undefined ? sha256 : (await hashContent(content)).sha256
}

/** Bytes that come in pieces of their own, to be compared with others. */
class PieceQueue {
  readonly #pieces: AsyncGenerator<Uint8Array, void, void>
  #rest: Uint8Array = new Uint8Array(0)

  constructor(pieces: AsyncGenerator<Uint8Array, void, void>) {
    this.#pieces = pieces
  }

  /** Whether these bytes come next; if so they are passed over. */
  async beginsWith(bytes: Uint8Array): Promise<boolean> {
    for (let at = 0; at < bytes.length;) {
      if (await this.isAtEnd()) return false
      const count = Math.min(this.#rest.length, bytes.length - at)
      if (Buffer.compare(this.#rest.subarray(0, count), bytes.subarray(at, at + count)) !== 0) return false
      this.#rest = this.#rest.subarray(count)
      at += count
    }
    return true
  }

  async isAtEnd(): Promise<boolean> {
    while (this.#rest.length === 0) {
      const next = await this.#pieces.next()
      if (next.done === true) return true
      this.#rest = next.value
    }
    return false
  }

  async close(): Promise<void> {
    await this.#pieces.return()
  }
}
