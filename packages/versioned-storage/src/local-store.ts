import { closeSync, fstatSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { ArcError, printablePath, systemCallError } from '@arc/core'
import { type FileSystem, makeFolders, nodeFileSystem, sha256Hex } from '@arc/core/node'
import { type History, presentVersion, tagsBySeq } from './history.ts'
import { hashOpenFile } from './external-change.ts'
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
import { VersionJournal } from './version-journal.ts'
import { folderOf, walkTree } from './walk-tree.ts'
import { CONTROL_FOLDER } from './storage-path.ts'
import { WorkingTree } from './working-tree.ts'

const READER_TIMEOUT_MS = 10_000 // while another process recovers the index after a crash
const BATCH = 1000
const PAGE = 200 // of versions: what is alive at once decides how far the heap grows
const CACHED_VERSIONS = 100_000 // some 20 MB

/** See {@link openLocalStore} of `stores.ts`. */
export async function openLocalStore(folder: string, options: LocalStoreOptions = {}): Promise<VersionStore> {
  const { now = () => new Date(), fs = nodeFileSystem } = options
  const root = resolve(folder)
  const control = join(root, CONTROL_FOLDER)
  try {
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
    return new LocalStore(root, { tree, objects, journal, reader, fs })
  } catch (error) {
    await journal[Symbol.asyncDispose]()
    throw error
  }
}

interface Parts {
  tree: WorkingTree
  objects: ObjectFolder
  journal: VersionJournal
  /** A connection of its own, which does not see what is not yet committed. */
  reader: VersionIndex
  fs: FileSystem
}

class LocalStore implements VersionStore {
  readonly location: string
  readonly isWritable = true
  readonly #parts: Parts
  readonly #tree: WorkingTree
  #cache = new Map<string, History>()
  #cachedVersions = 0
  #generation = -1

  constructor(location: string, parts: Parts) {
    this.location = location
    this.#parts = parts
    this.#tree = parts.tree
  }

  enforcedBy(): 'arc' {
    return 'arc'
  }

  async stat(key: string): Promise<ItemStat | undefined> {
    return this.#withHash(this.#tree.stat(key))
  }

  async list(folder: string): Promise<readonly ItemStat[]> {
    return this.#tree.list(folder)
  }

  async *walk(prefix: string, options: CallOptions = {}): AsyncGenerator<readonly ItemStat[], void, undefined> {
    let batch: ItemStat[] = []
    for (const item of walkTree(this.#tree, folderOf(prefix))) {
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
    const opened = this.#tree.open(key)
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
    const opened = this.#tree.open(key)
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
    let cached = this.#cached(key)
    if (options.record === true && this.#tree.stamp(key) !== (cached?.stamp ?? null)) {
      await journal.commit([key], () => ({ edits: [], result: undefined }))
      cached = this.#cached(key)
    }
    return cached?.history ?? indexHistory(reader, key)
  }

  async *histories(prefix: string, options: CallOptions = {}): AsyncGenerator<readonly History[], void, undefined> {
    const { reader } = this.#parts
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
    const { reader } = this.#parts
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
    this.#tree.makeFolder(folder)
  }

  async removeFolder(folder: string): Promise<void> {
    this.#tree.removeFolder(folder)
  }

  async snapshot(prefix: string, tag: string): Promise<Snapshot | undefined> {
    const found = this.#parts.reader.snapshot(prefix, tag)
    return found === undefined ? undefined : { prefix, tag, atMs: found.at, items: found.items }
  }

  async snapshots(prefix: string): Promise<readonly Snapshot[]> {
    const all = this.#parts.reader.snapshots().filter((snapshot) => snapshot.prefix.startsWith(prefix))
    return all.map(({ prefix: of, tag, at, items }) => ({ prefix: of, tag, atMs: at, items }))
  }

  async pendingEvents(): Promise<readonly StoredEvent[]> {
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
        const opened = this.#tree.open(key)
        const actual = opened === undefined ? undefined : hashOpenFile(opened.fd, opened.sizeBytes)
        return actual === sha256 && this.#tree.stamp(key) === (row?.stamp ?? this.#tree.stamp(key))
      }
      const [first, ...others] = keys.filter(isSame)
      let method: 'reflink' | 'hardlink' = 'reflink'
      for (const key of first === undefined ? [] : others) {
        const shared = this.#tree.shareFile(first as string, key)
        method = shared.method
        if (journal.index.key(key)?.stamp !== undefined) journal.index.setStamp(key, shared.stamp)
      }
      return method
    })
  }

  async removeStray(key: string): Promise<void> {
    if (this.#tree.stat(key)?.type !== 'directory') this.#tree.remove(key)
  }

  localPath(key: string): string {
    return this.#tree.path(key)
  }

  async check(options: { repair: boolean; signal?: AbortSignal | undefined }): Promise<CheckReport> {
    const { checkLocalStore } = await import('./check-local-store.ts')
    return checkLocalStore(this.location, this.#parts, options)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#parts.journal[Symbol.asyncDispose]()
    this.#parts.reader[Symbol.dispose]()
  }

  /** What the index says of a file that is as Arc left it. */
  #withHash(item: ItemStat | undefined): ItemStat | undefined {
    if (item === undefined || item.type !== 'file') return item
    const cached = this.#cached(item.key)
    const present = cached === undefined ? undefined : presentVersion(cached.history)
    if (present === undefined || this.#tree.stamp(item.key) !== cached?.stamp) return item
    return { ...item, sha256: present.sha256, modified: new Date(present.atMs) }
  }

  readonly #stamps = new WeakMap<History, string | null>()

  /** A history with all its parts, as long as nobody has changed anything. */
  #cached(key: string): { history: History; stamp: string | null } | undefined {
    const { reader } = this.#parts
    for (let tries = 0; ; tries++) {
      const generation = reader.generation
      if (generation !== this.#generation || this.#cachedVersions > CACHED_VERSIONS) {
        this.#cache = new Map()
        this.#cachedVersions = 0
        this.#generation = generation
      }
      const known = this.#cache.get(key)
      if (known !== undefined) return { history: known, stamp: this.#stamps.get(known) ?? null }
      const row = reader.key(key)
      if (row === undefined) return undefined
      const history = historyOfRow(reader, key, row)
      const { versions, tags } = history
      if (reader.generation !== generation && tries < 100) continue // somebody wrote between the parts
      this.#cache.set(key, history)
      this.#stamps.set(history, row.stamp)
      this.#cachedVersions += versions.length + tags.size + 1
    }
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
