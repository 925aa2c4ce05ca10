import { closeSync, fstatSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { ArcError, printablePath, systemCallError } from '@arc/core'
import { makeFolders, nodeFileSystem, sha256Hex } from '@arc/core/node'
import { type History, presentVersion, tagsBySeq } from './history.ts'
import { hashOpenFile } from './external-change.ts'
import { HistoryCache } from './history-cache.ts'
import { historyOfRow, indexHistory } from './index-history.ts'
import { clampRange, filePieces, inlineBytes, INLINE_BYTES, ObjectFolder } from './object-folder.ts'
import type { LocalStoreOptions } from './stores.ts'
import type {
  CallOptions,
  CheckReport,
  CommitOptions,
  Content,
  ContentInput,
  Decide,
  HistoryOptions,
  ItemStat,
  ReadRange,
  Snapshot,
  Staged,
  StageOptions,
  StoredEvent,
  VersionStore,
} from './store.ts'
import { damagedStore, nothingThere } from './store-error.ts'
import { type VersionInfo, versionInfo, type VersionRecord } from './version.ts'
import { VersionIndex } from './version-index.ts'
import { type Journal, VersionJournal } from './version-journal.ts'
import type { LogPosition } from './version-log.ts'
import { folderOf, walkTree } from './walk-tree.ts'
import { CONTROL_FOLDER } from './storage-path.ts'
import { WorkingTree } from './working-tree.ts'

const READER_TIMEOUT_MS = 10_000 // while another process recovers the index after a crash
const BATCH = 1000
const PAGE = 200 // of versions: what is alive at once decides how far the heap grows

/** See {@link openLocalStore} of `stores.ts`. */
export async function openLocalStore(folder: string, options: LocalStoreOptions = {}): Promise<VersionStore> {
  const { now = () => new Date(), fs = nodeFileSystem } = options
  const root = resolve(folder)
  const control = join(root, CONTROL_FOLDER)
  try {
    makeFolders(root, { fs })
    makeFolders(control, { fs, mode: 0o700 }) // it holds all contents, of files too that not everybody may read
    makeFolders(join(control, 'log'), { fs })
  } catch (error) {
    throw systemCallError(error, 'create', control)
  }
  const objects = new ObjectFolder(control, fs)
  objects.create()
  const tree = new WorkingTree(root, fs)
  const journal = new VersionJournal(control, { tree, objects, fs, now })
  try {
    await journal.recover()
    objects.removeAbandoned()
    const reader = new VersionIndex(join(control, 'index.db'), { busyTimeoutMs: READER_TIMEOUT_MS })
    return new LocalStore(root, { tree, objects, journal, reader })
  } catch (error) {
    await journal[Symbol.asyncDispose]()
    throw error
  }
}

interface Parts {
  tree: WorkingTree
  objects: ObjectFolder
  journal: Journal
  /** A connection of its own, which does not see what is not yet committed. */
  reader: VersionIndex
}

/** A folder and its past. With a {@link LogFollower} for a journal it can only be read. */
export class LocalStore implements VersionStore {
  readonly location: string
  readonly isWritable: boolean = true
  protected readonly tree: WorkingTree
  readonly #parts: Parts
  readonly #cache: HistoryCache
  /** How far the index was when it was last looked at. */
  #position: LogPosition

  constructor(location: string, parts: Parts) {
    this.location = location
    this.#parts = parts
    this.tree = parts.tree
    this.#cache = new HistoryCache(parts.reader)
    this.#position = parts.reader.position()
  }

  enforcedBy(): 'arc' {
    return 'arc'
  }

  async stat(key: string): Promise<ItemStat | undefined> {
    if (this.#lags()) await this.#parts.journal.catchUp()
    return this.#withHash(this.tree.stat(key))
  }

  async list(folder: string): Promise<readonly ItemStat[]> {
    return this.tree.list(folder)
  }

  async *walk(prefix: string, options: CallOptions = {}): AsyncGenerator<readonly ItemStat[], void, undefined> {
    let batch: ItemStat[] = []
    for (const item of walkTree(this.tree, folderOf(prefix))) {
      if (!item.key.startsWith(prefix)) continue
      batch.push(item)
      if (batch.length < BATCH) continue
      options.signal?.throwIfAborted()
      yield batch
      batch = []
    }
    if (batch.length > 0) yield batch
  }

  async read(key: string, { range, signal }: ReadRange = {}): Promise<Content> {
    const opened = this.tree.open(key)
    if (opened === undefined) throw nothingThere(this.location, key)
    const { fd, sizeBytes } = opened
    const { start, end } = clampRange(range, sizeBytes)
    if (end - start <= INLINE_BYTES) {
      try {
        const [bytes = new Uint8Array()] = filePieces(fd, start, end)
        return bytesContent(bytes)
      } finally {
        closeSync(fd)
      }
    }
    // Opened again when it is read: who only asks for the size must not hold a descriptor.
    const stamp = openStamp(fd)
    closeSync(fd)
    return { sizeBytes: end - start, [Symbol.asyncIterator]: () => this.#readLater(key, stamp, { start, end }, signal) }
  }

  async *#readLater(
    key: string,
    stamp: string,
    { start, end }: { start: number; end: number },
    signal: AbortSignal | undefined,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    const opened = this.tree.open(key)
    if (opened === undefined) throw nothingThere(this.location, key)
    try {
      if (openStamp(opened.fd) !== stamp) throw changedMeanwhile(key)
      yield* filePieces(opened.fd, start, end, signal)
    } finally {
      closeSync(opened.fd)
    }
  }

  async readVersion(key: string, { sha256, sizeBytes }: VersionRecord, options: ReadRange = {}): Promise<Content> {
    const content = sha256 === undefined ? undefined : this.#parts.reader.content(sha256)
    if (content === undefined)
      throw damagedStore(this.location, `the content of a version of ${printablePath(key)} is gone`)
    const { bytes, encoding, sha } = content
    if (bytes === undefined) return this.#parts.objects.read(sha, sizeBytes, encoding, options)
    const plain = inlineBytes(bytes, sizeBytes, encoding, this.location)
    if (sha256Hex(plain) !== sha)
      throw damagedStore(this.location, `the content of a version of ${printablePath(key)} is not what was written`)
    const { start, end } = clampRange(options.range, plain.length)
    return bytesContent(plain.subarray(start, end))
  }

  async history(key: string, options: HistoryOptions = {}): Promise<History> {
    const { reader, journal } = this.#parts
    if (this.#lags()) await journal.catchUp()
    const stamp = options.record === true ? this.tree.stamp(key) : undefined
    let cached = this.#cache.get(key, stamp)
    if (stamp !== undefined && stamp !== (cached?.stamp ?? null)) {
      await journal.commit([key], () => ({ edits: [], result: undefined }))
      if (this.#lags()) await journal.catchUp()
      cached = this.#cache.get(key, stamp)
    }
    return cached?.history ?? indexHistory(reader, key)
  }

  async *histories(prefix: string, options: CallOptions = {}): AsyncGenerator<readonly History[], void, undefined> {
    const { reader, journal } = this.#parts
    if (this.#lags()) await journal.catchUp()
    for (let from = prefix, isFirst = true; ; isFirst = false) {
      options.signal?.throwIfAborted()
      const rows = reader.keysFrom(from, isFirst, BATCH).filter(({ key }) => key.startsWith(prefix))
      if (rows.length === 0) return
      yield rows.map((row) => historyOfRow(reader, row.key, row))
      from = rows.at(-1)?.key ?? from
    }
  }

  async *listVersions(
    prefix: string,
    options: CallOptions = {},
  ): AsyncGenerator<readonly VersionInfo[], void, undefined> {
    const { reader, journal } = this.#parts
    if (this.#lags()) await journal.catchUp()
    let batch: VersionInfo[] = []
    for (let from = prefix, isFirst = true; ; isFirst = false) {
      const rows = reader.keysFrom(from, isFirst, BATCH).filter(({ key }) => key.startsWith(prefix))
      if (rows.length === 0) break
      for (const { id, key } of rows) {
        const latest = reader.latest(id)?.seq
        const tags = tagsBySeq(reader.tags(id))
        for (let after = 0; after >= 0;) {
          options.signal?.throwIfAborted()
          const versions = reader.versions(id, after, PAGE)
          for (const record of versions)
            batch.push(versionInfo(key, record, record.seq === latest, tags.get(record.seq)))
          after = versions.length < PAGE ? -1 : (versions.at(-1)?.seq ?? -1)
          if (batch.length < PAGE) continue
          yield batch
          batch = []
        }
      }
      from = rows.at(-1)?.key ?? from
    }
    if (batch.length > 0) yield batch
  }

  async stage(content: ContentInput, options: StageOptions = {}): Promise<Staged> {
    return this.#parts.objects.stage(content, options)
  }

  commit<T>(keys: readonly string[], decide: Decide<T>, options: CommitOptions = {}): Promise<T> {
    return this.#parts.journal.commit(keys, decide, options)
  }

  async renewLock(key: string, token: number, untilMs: number): Promise<boolean> {
    const { journal } = this.#parts
    return journal.exclusively(async () => journal.index.renewLock(key, token, untilMs))
  }

  async makeFolder(folder: string): Promise<void> {
    this.tree.makeFolder(folder)
  }

  async removeFolder(folder: string): Promise<void> {
    this.tree.removeFolder(folder)
  }

  async snapshot(prefix: string, tag: string): Promise<Snapshot | undefined> {
    if (this.#lags()) await this.#parts.journal.catchUp()
    const found = this.#parts.reader.snapshot(prefix, tag)
    return found === undefined ? undefined : { prefix, tag, atMs: found.at, items: found.items }
  }

  async snapshots(prefix: string): Promise<readonly Snapshot[]> {
    if (this.#lags()) await this.#parts.journal.catchUp()
    const all = this.#parts.reader.snapshots().filter((snapshot) => snapshot.prefix.startsWith(prefix))
    return all.map(({ prefix: of, tag, at, items }) => ({ prefix: of, tag, atMs: at, items }))
  }

  async pendingEvents(): Promise<readonly StoredEvent[]> {
    if (this.#lags()) await this.#parts.journal.catchUp()
    return this.#parts.reader.events().map(({ id, body }) => ({ id, body }))
  }

  async forgetEvents(ids: readonly string[]): Promise<void> {
    await this.#parts.journal.commit([], () => ({ edits: [], result: undefined }), { delivered: ids })
  }

  async share(keys: readonly string[], sha256: string): Promise<'reflink' | 'hardlink'> {
    const { journal } = this.#parts
    return journal.exclusively(async () => {
      const isSame = (key: string): boolean => {
        const row = journal.index.key(key)
        const opened = this.tree.open(key)
        const actual = opened === undefined ? undefined : hashOpenFile(opened.fd, opened.sizeBytes)
        return actual === sha256 && this.tree.stamp(key) === (row?.stamp ?? this.tree.stamp(key))
      }
      const [first, ...others] = keys.filter(isSame)
      let method: 'reflink' | 'hardlink' = 'reflink'
      for (const key of first === undefined ? [] : others) {
        const shared = this.tree.shareFile(first as string, key)
        if (shared === undefined) continue
        method = shared.method
        if (journal.index.key(key)?.stamp !== undefined) journal.index.setStamp(key, shared.stamp)
      }
      return method
    })
  }

  async removeStray(key: string): Promise<void> {
    if (this.tree.stat(key)?.type !== 'directory') this.tree.remove(key)
  }

  localPath(key: string): string {
    return this.tree.path(key)
  }

  async check(options: { repair: boolean; signal?: AbortSignal | undefined }): Promise<CheckReport> {
    const { checkLocalStore } = await import('./check-local-store.ts')
    return checkLocalStore(this.location, this.#parts, options)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#parts.journal[Symbol.asyncDispose]()
    this.#parts.reader[Symbol.dispose]()
  }

  /** Whether the log has more than the index: of this process, or of another. What was acknowledged is in the log. */
  #lags(): boolean {
    const { journal, reader } = this.#parts
    if (!journal.log.hasMore(this.#position)) return false
    this.#position = reader.position()
    this.#cache.clear()
    return journal.log.hasMore(this.#position)
  }

  /** What the index says of a file that is as Arc left it. */
  #withHash(item: ItemStat | undefined): ItemStat | undefined {
    if (item === undefined || item.type !== 'file') return item
    const stamp = this.tree.stamp(item.key)
    const cached = this.#cache.get(item.key, stamp)
    const present = cached === undefined ? undefined : presentVersion(cached.history)
    if (present === undefined || stamp !== cached?.stamp) return item
    return { ...item, sha256: present.sha256, modified: new Date(present.atMs) }
  }
}

function bytesContent(bytes: Uint8Array): Content {
  return {
    sizeBytes: bytes.length,
    async *[Symbol.asyncIterator]() {
      if (bytes.length > 0) yield bytes
    },
  }
}

function openStamp(fd: number): string {
  const { dev, ino, size, mtimeMs } = fstatSync(fd)
  return `${dev} ${ino} ${size} ${mtimeMs}`
}

function changedMeanwhile(key: string): ArcError {
  const shown = printablePath(key)
  return new ArcError('ARC_ENTRY_CHANGED', `${shown} was replaced before it was read`, {
    path: shown,
    hint: 'Read it again.',
    retryable: true,
  })
}
