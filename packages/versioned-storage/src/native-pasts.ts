import { randomUUID } from 'node:crypto'
import { ArcError, isArcError } from '@arc/core'
import type { Backend, VersionInfo as ListedVersion } from '@arc/storage'
import type { BackendPasts, HistoriesOptions, KeyChange, ProtectedFeature } from './backend-pasts.ts'
import { contentSha256, verified } from './content-bytes.ts'
import type { KeyEdit } from './edit.ts'
import type { History } from './history.ts'
import { changedManifest, type Manifest, manifestHistory } from './manifest.ts'
import type { ManifestSlot, ReadManifest } from './manifest-slot.ts'
import { listKey, type NativeFacts, takeUpListing } from './native-listing.ts'
import { NativeLocks } from './native-locks.ts'
import { NativeWrites } from './native-writes.ts'
import { PUT_METADATA, parsePutFacts } from './put-facts.ts'
import { objectContent, plainStat } from './sidecar-pasts.ts'
import { SpooledContent } from './spooled-content.ts'
import { isReserved } from './storage-path.ts'
import type { CheckProblem, Content, ContentInput, ItemStat, ReadRange, Staged, StageOptions } from './store.ts'
import { damageOf, nothingThere } from './store-error.ts'
import type { VersionRecord } from './version.ts'

const UNDER_WAY_MS = 60_000 // a writer that has not made its version part of the manifest by then has died
const MAX_TRIES = 100
const SHA256 = /^[0-9a-f]{64}$/
const KEPT_CHANGES = 128

/** Whether a backend was seen to keep versions, and has what native pasts are made of. */
export async function hasOwnVersions(backend: Backend): Promise<boolean> {
  const { versions, consistent, metadata } = await backend.capabilities()
  return versions && consistent && metadata && backend.listVersions !== undefined && backend.copy !== undefined
}

/**
 * Pasts that the service keeps: a version is one of the service's own, their order is the service's, and what any other
 * program writes is a version by itself. The manifest beside them adds what services do not have (numbers, SHA-256, tags,
 * metadata, locks) by the name that the service gave the version. A version is written first and made part of the manifest
 * then; until that it counts for nobody, and it is taken back when the manifest has changed so that it may not be written.
 */
export class NativePasts implements BackendPasts {
  readonly #backend: Backend
  readonly #slot: ManifestSlot
  readonly #writes: NativeWrites
  readonly #locks: NativeLocks
  readonly #now: () => Date

  private constructor(backend: Backend, slot: ManifestSlot, locks: NativeLocks, now: () => Date) {
    this.#backend = backend
    this.#slot = slot
    this.#writes = new NativeWrites(backend)
    this.#locks = locks
    this.#now = now
  }

  /** Throws `ARC_BACKEND_UNSUITABLE` when the backend was not seen to keep versions. */
  static async open(backend: Backend, slot: ManifestSlot, now: () => Date): Promise<NativePasts> {
    if (await hasOwnVersions(backend)) return new NativePasts(backend, slot, await NativeLocks.open(backend), now)
    throw new ArcError('ARC_BACKEND_UNSUITABLE', `${backend.location} keeps no versions of its own`, {
      hint: "Enable versions there, or give the mount versions: 'sidecar'.",
    })
  }

  /** For reading only: nothing is asked of the backend beforehand. */
  static reader(backend: Backend, slot: ManifestSlot, now: () => Date): NativePasts {
    return new NativePasts(backend, slot, NativeLocks.none(backend), now)
  }

  enforcedBy(feature: ProtectedFeature): 'arc' | 'backend' {
    return this.#locks.enforcedBy(feature)
  }

  async stat(key: string, signal?: AbortSignal): Promise<ItemStat | undefined> {
    const info = await this.#backend.stat(key, { signal })
    return info === undefined ? undefined : plainStat(info)
  }

  readPresent(key: string, options: ReadRange): Promise<Content> {
    return objectContent(this.#backend, key, options)
  }

  async readVersion(key: string, record: VersionRecord, options: ReadRange): Promise<Content> {
    const { sha256, backendVersion: version } = record
    if (sha256 === undefined || version === undefined) throw nothingThere(this.#backend.location, key)
    const content = await objectContent(this.#backend, key, { ...options, version })
    if (options.range !== undefined) return content
    const pieces = verified(content, sha256, `${key} (version ${version})`)
    return { sizeBytes: content.sizeBytes, [Symbol.asyncIterator]: () => pieces[Symbol.asyncIterator]() }
  }

  stage(content: ContentInput, options: StageOptions): Promise<Staged> {
    return SpooledContent.take(content, options)
  }

  async release(staged: readonly Staged[]): Promise<void> {
    for (const content of staged) {
      await this.#writes.takeBack(content)
      if (content instanceof SpooledContent) content[Symbol.dispose]()
    }
  }

  async read(key: string, signal?: AbortSignal): Promise<ReadManifest> {
    const read = await this.#slot.read(key, signal)
    const listed = await listKey(this.#backend, key, signal)
    return { ...read, manifest: (await this.#takeUp(read.manifest, listed, signal)).manifest }
  }

  async record(key: string, signal?: AbortSignal): Promise<ReadManifest> {
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const read = await this.#slot.read(key, signal)
      const listed = await listKey(this.#backend, key, signal)
      const { manifest, isChanged, stale } = await this.#takeUp(read.manifest, listed, signal)
      for (const version of stale) await this.#backend.delete(key, { version })
      if (!isChanged) return { ...read, manifest }
      const id = randomUUID()
      const changes = [...manifest.changes, id].slice(-KEPT_CHANGES)
      await this.#slot.replace(read, { ...manifest, changes }, id, signal)
    }
    throw new ArcError('ARC_TARGET_BUSY', `others kept changing ${key} in ${this.#backend.location}`, {
      retryable: true,
      hint: 'Try again when there is less to do.',
    })
  }

  async replace(read: ReadManifest, edits: readonly KeyEdit[], change: KeyChange): Promise<boolean> {
    const { key } = read.manifest
    const kept = await this.#locks.found(read.manifest, edits)
    if (kept !== undefined) {
      // Somebody else protects what was to be removed: note that, so that it is decided again with it.
      const id = randomUUID()
      await this.#slot.replace(read, changedManifest(read.manifest, kept, id), id, change.signal)
      return false
    }
    const protectedManifest = await this.#locks.protect(read.manifest, edits, change.signal)
    const manifest = changedManifest(protectedManifest, edits, change.id, change.events)
    const written = await this.#writes.write(read.manifest, edits, change)
    const next = withRemovals(read.manifest, withWritten(manifest, written.bySeq))
    const isDone = written.areNext && (await this.#slot.replace(read, next, change.id, change.signal))
    if (!isDone) {
      await this.#remove(key, written.unstaged)
      return false
    }
    this.#writes.keep(change.staged)
    await this.#remove(key, next.removing ?? [])
    return true
  }

  async settle(): Promise<void> {} // what is still to be removed is named in the manifest

  async *histories(
    prefix: string,
    options: HistoriesOptions = {},
  ): AsyncGenerator<readonly History[], void, undefined> {
    const { signal } = options
    let listed: ListedVersion[] = []
    for await (const batch of this.#backend.listVersions?.(prefix, { signal }) ?? []) {
      for (const version of batch) {
        if (isReserved(version.key)) continue
        const first = listed[0]
        if (first !== undefined && first.key !== version.key) {
          yield await this.#historyOf(first.key, listed.reverse(), options)
          listed = []
        }
        listed.push(version)
      }
    }
    const last = listed[0]
    if (last !== undefined) yield await this.#historyOf(last.key, listed.reverse(), options)
  }

  async removeLitter(_named: ReadonlySet<string>, signal?: AbortSignal): Promise<CheckProblem[]> {
    const problems: CheckProblem[] = []
    for await (const batch of this.histories('', { signal })) {
      for (const { key } of batch) {
        const { removing = [] } = (await this.#slot.read(key, signal)).manifest
        const isListed = new Set((await listKey(this.#backend, key, signal)).map(({ version }) => version))
        const left = removing.filter((version) => isListed.has(version))
        await this.#remove(key, left)
        for (const version of left) {
          const detail = `version ${version} of the service was to be removed`
          problems.push({ kind: 'litter', key, detail, isRepaired: true })
        }
      }
    }
    return problems
  }

  async #historyOf(
    key: string,
    listed: readonly ListedVersion[],
    { signal, onDamaged }: HistoriesOptions,
  ): Promise<History[]> {
    try {
      const { manifest } = await this.#slot.read(key, signal)
      return [manifestHistory((await this.#takeUp(manifest, listed, signal)).manifest)]
    } catch (error) {
      onDamaged?.(key, damageOf(error))
      return []
    }
  }

  #takeUp(
    manifest: Manifest,
    listed: readonly ListedVersion[],
    signal: AbortSignal | undefined,
  ): ReturnType<typeof takeUpListing> {
    return takeUpListing(manifest, listed, (version) => this.#look(version, signal), this.#now())
  }

  /** A version that is not in the manifest: what Arc wrote with it, or what can be found out. */
  async #look(
    { key, version, isDeleteMarker, sizeBytes, modified }: ListedVersion,
    signal?: AbortSignal,
  ): Promise<NativeFacts> {
    const external = { sizeBytes, atMs: modified.getTime(), origin: 'external' as const, metadata: undefined }
    const unknown = { ...external, sha256: undefined, token: undefined, isUnderWay: false }
    if (isDeleteMarker) return unknown
    const info = await this.#backend.stat(key, { version, signal })
    if (info === undefined) return { ...unknown, isUnderWay: true } // it went while we looked
    const put = parsePutFacts(info.metadata?.[PUT_METADATA])
    // By the service's clock against ours: should they differ by more, a version is taken up early and its writer tries again.
    const isUnderWay = put !== undefined && Math.abs(Date.now() - modified.getTime()) < UNDER_WAY_MS
    if (isUnderWay) return { ...unknown, isUnderWay }
    const noted = info.sha256 !== undefined && SHA256.test(info.sha256) ? info.sha256 : undefined // by whatever program
    const sha256 = noted ?? (await contentSha256(await objectContent(this.#backend, key, { version, signal })))
    if (put === undefined) return { ...external, sha256, token: undefined, isUnderWay }
    const { at: atMs, origin, meta: metadata, token } = put
    return { sha256, sizeBytes, atMs, origin, metadata, token, isUnderWay }
  }

  async #remove(key: string, versions: readonly string[]): Promise<void> {
    for (const version of versions) {
      try {
        await this.#backend.delete(key, { version })
      } catch (error) {
        // Protected since it was decided: it stays on the service, and fsck tries again.
        if (!isArcError(error) || error.code !== 'ARC_OBJECT_LOCKED') throw error
      }
    }
  }
}

/** A manifest that knows what the service calls its new versions. */
function withWritten(manifest: Manifest, bySeq: ReadonlyMap<number, string>): Manifest {
  const versions = manifest.versions.map((record) => {
    const backendVersion = bySeq.get(record.seq)
    return backendVersion === undefined ? record : { ...record, backendVersion }
  })
  return { ...manifest, versions }
}

/**
 * A manifest that says what the service is to remove: what it names no more. When that is the present version, which only
 * happens to one that repeats the version before it, that one takes its place: on some services (Google) an object whose
 * newest version is removed is gone, whatever versions there are.
 */
function withRemovals(before: Manifest, after: Manifest): Manifest {
  const [old, left] = [before.versions.at(-1), after.versions.at(-1)]
  const isDropped = old !== undefined && !after.versions.some(({ seq }) => seq === old.seq)
  const isFree = left?.legalHold !== true && left?.retainUntilMs === undefined
  const takesPlace = isDropped && isFree && left !== undefined && left.sha256 === old.sha256
  const versions = takesPlace
    ? [...after.versions.slice(0, -1), { ...left, backendVersion: old.backendVersion }]
    : after.versions
  const named = new Set(versions.map(({ backendVersion }) => backendVersion))
  const dropped = before.versions.flatMap(({ backendVersion: id }) => (id === undefined || named.has(id) ? [] : [id]))
  const removing = [...new Set([...(after.removing ?? []), ...dropped])]
  return { ...after, versions, removing: removing.length === 0 ? undefined : removing }
}
