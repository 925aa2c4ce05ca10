import { existsSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { ArcError, printablePath } from '@arc/core'
import { nodeFileSystem } from '@arc/core/node'
import { heedingEach } from './abort.ts'
import { contentSha256, verified } from './content-bytes.ts'
import { type History, presentVersion } from './history.ts'
import { LocalStore, openLocalStore } from './local-store.ts'
import { LogFollower } from './log-follower.ts'
import { ObjectFolder } from './object-folder.ts'
import { openPrivateIndex } from './private-index.ts'
import { CONTROL_FOLDER } from './storage-path.ts'
import type { Content, HistoryOptions, ItemStat, ReadRange, VersionStore } from './store.ts'
import { readOnlyStore } from './store-error.ts'
import type { LocalStoreOptions } from './stores.ts'
import type { VersionRecord } from './version.ts'
import { VersionLog } from './version-log.ts'
import { WorkingTree } from './working-tree.ts'

const MAX_HASHES = 10_000

/** What changes a store. */
const CHANGES: ReadonlySet<unknown> = new Set<keyof VersionStore>([
  'stage',
  'commit',
  'renewLock',
  'makeFolder',
  'removeFolder',
  'forgetEvents',
  'share',
  'removeStray',
])

/**
 * A folder as a store, without a trace in it: with `readOnly` for good, else until something is written, when nothing was
 * kept there before.
 */
export async function openFolder(folder: string, options: LocalStoreOptions = {}): Promise<VersionStore> {
  const root = resolve(folder)
  const { readOnly = false, fs = nodeFileSystem } = options
  if (!readOnly && existsSync(join(root, CONTROL_FOLDER, 'log'))) return openLocalStore(root, options)
  if (statSync(root, { throwIfNoEntry: false })?.isDirectory() === false) throw noFolder(root)
  const control = join(root, CONTROL_FOLDER)
  const index = openPrivateIndex(join(control, 'index.db'))
  const journal = new LogFollower(root, new VersionLog(join(control, 'log'), fs, { readOnly: true }), index)
  const tree = new WorkingTree(root, fs)
  const reader = new LocalReader(root, { tree, objects: new ObjectFolder(control, fs), journal, reader: journal.index })
  if (readOnly) {
    const refuse = (): never => {
      throw readOnlyStore(root)
    }
    return until(reader, refuse, false)
  }
  return until(reader, () => openLocalStore(root, options), true)
}

/**
 * What a folder has now, from its files, and what it had, from its log. What another program did to a file since then is
 * shown as the version that it will become when it is recorded.
 */
class LocalReader extends LocalStore {
  readonly #hashes = new Map<string, { stamp: string; sha256: string; sizeBytes: number }>()

  override async stat(key: string): Promise<ItemStat | undefined> {
    return this.tree.stat(key) // for the hash all of the log would have to be read first
  }

  override async history(key: string, options: HistoryOptions = {}): Promise<History> {
    const history = await super.history(key, { ...options, record: false })
    const change = await this.#changeSince(history, options.signal)
    if (change === undefined) return history
    const { token, lock, tags } = history
    const versions = [...history.versions, change]
    return { key, token, lock, tags, versions, latest: change, nextSeq: change.seq + 1 }
  }

  override async readVersion(key: string, version: VersionRecord, options: ReadRange = {}): Promise<Content> {
    const { latest } = await super.history(key)
    if (version.sha256 === undefined || version.seq <= (latest?.seq ?? 0))
      return super.readVersion(key, version, options)
    const content = await this.read(key, options)
    if (options.range !== undefined) return content
    const pieces = verified(content, version.sha256, key)
    return { sizeBytes: content.sizeBytes, [Symbol.asyncIterator]: () => pieces[Symbol.asyncIterator]() }
  }

  async #changeSince(history: History, signal: AbortSignal | undefined): Promise<VersionRecord | undefined> {
    const { key, nextSeq: seq, latest } = history
    const present = presentVersion(history)
    const item = this.tree.stat(key)
    if (item === undefined && present !== undefined)
      return { seq, atMs: Date.now(), sha256: undefined, sizeBytes: 0, origin: 'external' }
    const stamp = this.tree.stamp(key)
    if (stamp === null || item === undefined) return undefined
    const { sha256, sizeBytes } = await this.#hash(key, stamp, signal)
    if (sha256 === present?.sha256) return undefined
    const atMs = Math.max(item.modified.getTime(), latest?.atMs ?? 0)
    return { seq, atMs, sha256, sizeBytes, origin: 'external' }
  }

  async #hash(
    key: string,
    stamp: string,
    signal: AbortSignal | undefined,
  ): Promise<{ sha256: string; sizeBytes: number }> {
    const known = this.#hashes.get(key)
    if (known?.stamp === stamp) return known
    const content = await this.read(key, { signal })
    const { sizeBytes } = content
    const hashed = { stamp, sha256: await contentSha256(heedingEach(signal, content)), sizeBytes }
    if (this.#hashes.size >= MAX_HASHES) this.#hashes.clear()
    this.#hashes.set(key, hashed)
    return hashed
  }
}

/** A store that is `reader` until something is to be changed, and from then on what `open` gives. */
function until(reader: VersionStore, open: () => Promise<VersionStore>, isWritable: boolean): VersionStore {
  let current = reader
  let opening: Promise<VersionStore> | undefined
  const begin = async (): Promise<VersionStore> => {
    opening ??= open()
    try {
      current = await opening
      return current
    } catch (error) {
      opening = undefined
      throw error
    }
  }
  const history = async (key: string, options: HistoryOptions = {}): Promise<History> => {
    const isNew = options.record === true && isWritable && current === reader
    const store = isNew && (await reader.stat(key))?.type === 'file' ? await begin() : current
    return store.history(key, store === reader ? { ...options, record: false } : options)
  }
  const check: VersionStore['check'] = async (options) => {
    const store = options.repair ? await begin() : current
    return store.check?.(options) ?? { keys: 0, versions: 0, problems: [], isClean: true }
  }
  const dispose = async (): Promise<void> => {
    if (current !== reader) await current[Symbol.asyncDispose]()
    await reader[Symbol.asyncDispose]()
  }
  const own: Readonly<Record<string | symbol, unknown>> = { isWritable, history, check, [Symbol.asyncDispose]: dispose }
  return new Proxy(reader, {
    get(_target, name) {
      if (name in own) return own[name]
      if (!CHANGES.has(name)) return bound(current, name)
      return async (...args: unknown[]) => {
        const change = bound(await begin(), name)
        return typeof change === 'function' ? (Reflect.apply(change, undefined, args) as unknown) : undefined
      }
    },
  })
}

function bound(store: VersionStore, name: string | symbol): unknown {
  const member: unknown = Reflect.get(store, name, store)
  if (typeof member !== 'function') return member
  return (...args: unknown[]) => Reflect.apply(member, store, args) as unknown
}

function noFolder(root: string): ArcError {
  const shown = printablePath(root)
  return new ArcError('ARC_TARGET_UNSUITABLE', `${shown} is a file, not a folder`, {
    path: shown,
    hint: 'Name the folder that it lies in.',
  })
}
