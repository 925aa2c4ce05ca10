import type { ArcError } from '@arc/core'
import { takeTurn } from '@arc/core/node'
import type { Backend, ObjectInfo } from '@arc/storage'
import { BackendCommits, OUTBOX, snapshotName, SNAPSHOTS } from './backend-commits.ts'
import { type BackendPasts, type ProtectedFeature, removeForGood } from './backend-pasts.ts'
import { type History, tagsBySeq } from './history.ts'
import { manifestHistory } from './manifest.ts'
import { parseSnapshot } from './manifest-schema.ts'
import { readJsonObject } from './manifest-slot.ts'
import { hasOwnVersions, NativePasts } from './native-pasts.ts'
import { openManifestSlot } from './open-manifest-slot.ts'
import { PastReader } from './past-reader.ts'
import { GRACE_MS } from './sidecar-objects.ts'
import { plainStat, SidecarPasts } from './sidecar-pasts.ts'
import { isReserved } from './storage-path.ts'
import type {
  CallOptions,
  CheckProblem,
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
import { nothingThere, readOnlyStore } from './store-error.ts'
import type { BackendStoreOptions } from './stores.ts'
import { type VersionInfo, versionInfo, type VersionRecord } from './version.ts'

/** A place that keeps its versions beside its objects, or has them of its own: see `stores.ts`. */
export async function openBackendStore(
  backend: Backend,
  { now = () => new Date(), versions = 'auto', readOnly = false }: BackendStoreOptions = {},
): Promise<VersionStore> {
  if (readOnly) return new BackendStore(backend, new PastReader(backend, versions, now), undefined, now)
  const isNative = versions === 'native' || (versions === 'auto' && (await hasOwnVersions(backend)))
  const slot = await openManifestSlot(backend, isNative ? 'arc-native/1' : 'arc-versions/1')
  const pasts = isNative ? await NativePasts.open(backend, slot, now) : new SidecarPasts(backend, slot, now)
  const commits = new BackendCommits(backend, slot, pasts)
  await commits.recover()
  return new BackendStore(backend, pasts, commits, now)
}

class BackendStore implements VersionStore {
  readonly location: string
  readonly isWritable: boolean
  readonly #backend: Backend
  readonly #pasts: BackendPasts
  /** `undefined` for who may only read. */
  readonly #commits: BackendCommits | undefined
  readonly #now: () => Date

  constructor(backend: Backend, pasts: BackendPasts, commits: BackendCommits | undefined, now: () => Date) {
    this.location = backend.location
    this.isWritable = commits !== undefined
    this.#backend = backend
    this.#pasts = pasts
    this.#commits = commits
    this.#now = now
  }

  enforcedBy(feature: ProtectedFeature): 'arc' | 'backend' {
    return this.#pasts.enforcedBy(feature)
  }

  async stat(key: string, { signal }: CallOptions = {}): Promise<ItemStat | undefined> {
    if (isReserved(key) || key === '') return undefined
    const present = await this.#pasts.stat(key, signal)
    if (present !== undefined) return present
    for await (const [first] of this.#backend.list(`${key}/`, { signal }))
      if (first !== undefined) return { key, type: 'directory', sizeBytes: 0, modified: first.modified }
    return undefined
  }

  async list(folder: string, { signal }: CallOptions = {}): Promise<readonly ItemStat[]> {
    const prefix = folder === '' ? '' : `${folder}/`
    const items = new Map<string, ItemStat>()
    for await (const batch of this.#backend.list(prefix, { signal })) {
      for (const info of batch) {
        if (isReserved(info.key)) continue
        const slash = info.key.indexOf('/', prefix.length)
        if (slash === -1) items.set(info.key, plainStat(info))
        else {
          const key = info.key.slice(0, slash)
          if (!items.has(key)) items.set(key, { key, type: 'directory', sizeBytes: 0, modified: info.modified })
        }
      }
    }
    return [...items.values()].sort((a, b) => (a.key < b.key ? -1 : 1))
  }

  async *walk(prefix: string, { signal }: CallOptions = {}): AsyncGenerator<readonly ItemStat[], void, undefined> {
    for await (const batch of this.#backend.list(prefix, { signal })) {
      const items = batch.filter(({ key }) => !isReserved(key)).map(plainStat)
      if (items.length > 0) yield items
    }
  }

  async read(key: string, options: ReadRange = {}): Promise<Content> {
    if (isReserved(key) || key === '') throw nothingThere(this.location, key)
    return this.#pasts.readPresent(key, options)
  }

  async readVersion(key: string, version: VersionRecord, options: ReadRange = {}): Promise<Content> {
    return this.#pasts.readVersion(key, version, options)
  }

  async history(key: string, { record, signal }: HistoryOptions = {}): Promise<History> {
    const { manifest } = await (record === true ? this.#pasts.record(key, signal) : this.#pasts.read(key, signal))
    return manifestHistory(manifest)
  }

  histories(prefix: string, { signal }: CallOptions = {}): AsyncIterable<readonly History[]> {
    return this.#pasts.histories(prefix, { signal })
  }

  async *listVersions(
    prefix: string,
    { signal }: CallOptions = {},
  ): AsyncGenerator<readonly VersionInfo[], void, undefined> {
    for await (const batch of this.#pasts.histories(prefix, { signal })) {
      for (const { key, versions, tags, latest } of batch) {
        const names = tagsBySeq(tags)
        yield versions.map((record) => versionInfo(key, record, record.seq === latest?.seq, names.get(record.seq)))
      }
    }
  }

  stage(content: ContentInput, options: StageOptions = {}): Promise<Staged> {
    return this.#pasts.stage(content, options)
  }

  async commit<T>(keys: readonly string[], decide: Decide<T>, options: CommitOptions = {}): Promise<T> {
    return this.#writable().commit(keys, decide, options)
  }

  async renewLock(key: string, token: number, untilMs: number): Promise<boolean> {
    return this.#writable().change(key, (manifest) =>
      manifest.lock?.token === token ? { ...manifest, lock: { ...manifest.lock, untilMs } } : undefined,
    )
  }

  async makeFolder(): Promise<void> {} // folders are what keys make of them

  async removeFolder(): Promise<void> {}

  async snapshot(prefix: string, tag: string): Promise<Snapshot | undefined> {
    return parseSnapshot(await readJsonObject(this.#backend, snapshotName(prefix, tag)))
  }

  async snapshots(prefix: string): Promise<readonly Snapshot[]> {
    const found: Snapshot[] = []
    for await (const batch of this.#backend.list(SNAPSHOTS)) {
      for (const { key } of batch) {
        const snapshot = parseSnapshot(await readJsonObject(this.#backend, key))
        if (snapshot?.prefix.startsWith(prefix) === true) found.push(snapshot)
      }
    }
    return found.sort((a, b) => a.atMs - b.atMs)
  }

  async pendingEvents(): Promise<readonly StoredEvent[]> {
    const events: StoredEvent[] = []
    for await (const { id, key, modified } of this.#announced()) {
      const event = (await this.#pasts.read(key)).manifest.events?.find((pending) => pending.id === id)
      if (event !== undefined) events.push(event)
      // Announced, and the commit never came: give a slow one time.
      else if (this.isWritable && this.#now().getTime() - modified.getTime() > GRACE_MS)
        await removeForGood(this.#backend, `${OUTBOX}${id}.json`)
    }
    return events
  }

  async forgetEvents(ids: readonly string[]): Promise<void> {
    for await (const { id, key } of this.#announced()) {
      if (!ids.includes(id)) continue
      await this.#writable().change(key, (manifest) => {
        const events = manifest.events?.filter((event) => event.id !== id) ?? []
        return { ...manifest, events: events.length === 0 ? undefined : events }
      })
      await removeForGood(this.#backend, `${OUTBOX}${id}.json`)
    }
  }

  async *#announced(): AsyncGenerator<{ id: string; key: string; modified: Date }, void, undefined> {
    const names: ObjectInfo[] = []
    for await (const batch of this.#backend.list(OUTBOX)) names.push(...batch)
    for (const { key: name, modified } of names) {
      const value = await readJsonObject(this.#backend, name)
      if (typeof value !== 'object' || value === null || !('key' in value) || typeof value.key !== 'string') continue
      yield { id: name.slice(OUTBOX.length, -'.json'.length), key: value.key, modified }
    }
  }

  async url(key: string, { expiresInSeconds }: { expiresInSeconds: number }): Promise<string | undefined> {
    return this.#backend.presign?.(key, { method: 'GET', expiresInSeconds })
  }

  async check({ repair, signal }: { repair: boolean; signal?: AbortSignal | undefined }): Promise<CheckReport> {
    await this.#commits?.recover()
    const problems: CheckProblem[] = []
    const named = new Set<string>()
    let keys = 0
    let count = 0
    const onDamaged = (key: string, { message: detail }: ArcError): void => {
      problems.push({ kind: 'manifest-damaged', key, detail, isRepaired: false })
    }
    for await (const batch of this.#pasts.histories('', { signal, onDamaged })) {
      for (const { key, versions } of batch) {
        keys++
        for (const version of versions) {
          count++
          if (version.sha256 === undefined) continue
          // Beside the objects a content is kept once, by the service once for each version.
          if (named.has(version.sha256) && version.backendVersion === undefined) continue
          named.add(version.sha256)
          const problem = await this.#contentProblem(key, version, signal)
          if (problem !== undefined) problems.push(problem)
        }
      }
    }
    // What a damaged manifest named cannot be told from litter.
    if (repair && !problems.some(({ kind }) => kind === 'manifest-damaged'))
      problems.push(...(await this.#pasts.removeLitter(named, signal)))
    return { keys, versions: count, problems, isClean: problems.every(({ isRepaired }) => isRepaired) }
  }

  #writable(): BackendCommits {
    if (this.#commits !== undefined) return this.#commits
    throw readOnlyStore(this.location)
  }

  async #contentProblem(
    key: string,
    version: VersionRecord,
    signal: AbortSignal | undefined,
  ): Promise<CheckProblem | undefined> {
    try {
      for await (const _piece of await this.readVersion(key, version, { signal })) await takeTurn(signal)
      return undefined
    } catch (error) {
      if (signal?.aborted === true) throw error
      return {
        kind: 'content-damaged',
        key,
        detail: error instanceof Error ? error.message : String(error),
        isRepaired: false,
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}
