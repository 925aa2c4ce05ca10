import type { Backend, ObjectInfo } from '@arc/storage'
import { type History, presentVersion, tagsBySeq } from './history.ts'
import { manifestHistory } from './manifest.ts'
import { parseSnapshot } from './manifest-schema.ts'
import { readJsonObject } from './manifest-slot.ts'
import { OUTBOX, SidecarCommits, snapshotName, SNAPSHOTS } from './sidecar-commits.ts'
import { GRACE_MS, SidecarObjects } from './sidecar-objects.ts'
import type { SidecarStoreOptions } from './stores.ts'
import type {
  CallOptions,
  CheckProblem,
  CheckReport,
  CommitOptions,
  Content,
  ContentInput,
  Decide,
  ItemStat,
  ReadRange,
  Snapshot,
  Staged,
  StageOptions,
  StoredEvent,
  VersionStore,
} from './store.ts'
import { nothingThere } from './store-error.ts'
import { type VersionInfo, versionInfo, type VersionRecord } from './version.ts'
import { isReserved } from './storage-path.ts'

/** See {@link openSidecarStore} of `stores.ts`. */
export async function openSidecarStore(backend: Backend, options: SidecarStoreOptions = {}): Promise<VersionStore> {
  const { now = () => new Date() } = options
  const objects = new SidecarObjects(backend, now)
  return new SidecarStore(backend, objects, await SidecarCommits.open(backend, objects, now), now)
}

class SidecarStore implements VersionStore {
  readonly location: string
  readonly isWritable = true
  readonly enforcedBy = 'arc'
  readonly #backend: Backend
  readonly #objects: SidecarObjects
  readonly #commits: SidecarCommits
  readonly #now: () => Date

  constructor(backend: Backend, objects: SidecarObjects, commits: SidecarCommits, now: () => Date) {
    this.location = backend.location
    this.#backend = backend
    this.#objects = objects
    this.#commits = commits
    this.#now = now
  }

  async stat(key: string, { signal }: CallOptions = {}): Promise<ItemStat | undefined> {
    if (isReserved(key) || key === '') return undefined
    const manifest = await this.#commits.read(key, signal)
    if (manifest.nextSeq > 1) {
      const present = presentVersion(manifestHistory(manifest))
      if (present !== undefined) return versionStat(key, present)
    } else {
      const info = await this.#backend.stat(key, { signal })
      if (info !== undefined) return plainStat(info)
    }
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
    const manifest = await this.#commits.read(key, options.signal)
    const present = presentVersion(manifestHistory(manifest))
    if (present !== undefined) return this.readVersion(key, present, options)
    if (manifest.nextSeq > 1) throw nothingThere(this.location, key)
    const body = await this.#backend.read(key, options)
    const end = Math.min(options.range?.end ?? body.info.sizeBytes, body.info.sizeBytes)
    const sizeBytes = Math.max(0, end - (options.range?.start ?? 0))
    return { sizeBytes, [Symbol.asyncIterator]: () => body[Symbol.asyncIterator]() }
  }

  async readVersion(key: string, { sha256, sizeBytes }: VersionRecord, options: ReadRange = {}): Promise<Content> {
    if (sha256 === undefined) throw nothingThere(this.location, key)
    return this.#objects.read(sha256, sizeBytes, options)
  }

  async history(
    key: string,
    { record, signal }: { record?: boolean | undefined; signal?: AbortSignal | undefined } = {},
  ): Promise<History> {
    if (record === true) await this.#commits.commit([key], () => ({ edits: [], result: undefined }), { signal })
    return manifestHistory(await this.#commits.read(key, signal))
  }

  histories(prefix: string, { signal }: CallOptions = {}): AsyncIterable<readonly History[]> {
    return this.#commits.histories(prefix, signal)
  }

  async *listVersions(
    prefix: string,
    { signal }: CallOptions = {},
  ): AsyncGenerator<readonly VersionInfo[], void, undefined> {
    for await (const batch of this.#commits.histories(prefix, signal)) {
      for (const { key, versions, tags, latest } of batch) {
        const names = tagsBySeq(tags)
        yield versions.map((record) => versionInfo(key, record, record.seq === latest?.seq, names.get(record.seq)))
      }
    }
  }

  stage(content: ContentInput, options: StageOptions = {}): Promise<Staged> {
    return this.#objects.stage(content, options)
  }

  commit<T>(keys: readonly string[], decide: Decide<T>, options: CommitOptions = {}): Promise<T> {
    return this.#commits.commit(keys, decide, options)
  }

  renewLock(key: string, token: number, untilMs: number): Promise<boolean> {
    return this.#commits.change(key, (manifest) =>
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
      const event = (await this.#commits.read(key)).events?.find((pending) => pending.id === id)
      if (event !== undefined) events.push(event)
      // Announced, and the commit never came: give a slow one time.
      else if (this.#now().getTime() - modified.getTime() > GRACE_MS) await this.#backend.delete(`${OUTBOX}${id}.json`)
    }
    return events
  }

  async forgetEvents(ids: readonly string[]): Promise<void> {
    for await (const { id, key } of this.#announced()) {
      if (!ids.includes(id)) continue
      await this.#commits.change(key, (manifest) => {
        const events = manifest.events?.filter((event) => event.id !== id) ?? []
        return { ...manifest, events: events.length === 0 ? undefined : events }
      })
      await this.#backend.delete(`${OUTBOX}${id}.json`)
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
    await this.#commits.recover()
    const problems: CheckProblem[] = []
    const named = new Set<string>()
    let keys = 0
    let count = 0
    for await (const batch of this.#commits.histories('', signal)) {
      for (const { key, versions } of batch) {
        keys++
        for (const version of versions) {
          count++
          if (version.sha256 === undefined || named.has(version.sha256)) continue
          named.add(version.sha256)
          const problem = await this.#contentProblem(key, version)
          if (problem !== undefined) problems.push(problem)
        }
      }
    }
    if (repair) await this.#objects.removeUnnamed(named, { signal })
    return { keys, versions: count, problems, isClean: problems.every(({ isRepaired }) => isRepaired) }
  }

  async #contentProblem(key: string, version: VersionRecord): Promise<CheckProblem | undefined> {
    try {
      for await (const _piece of await this.readVersion(key, version)) continue
      return undefined
    } catch (error) {
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

function versionStat(key: string, { sizeBytes, atMs, sha256 }: VersionRecord): ItemStat {
  return { key, type: 'file', sizeBytes, modified: new Date(atMs), sha256 }
}

function plainStat({ key, sizeBytes, modified, sha256 }: ObjectInfo): ItemStat {
  return { key, type: 'file', sizeBytes, modified, ...(sha256 !== undefined && { sha256 }) }
}
