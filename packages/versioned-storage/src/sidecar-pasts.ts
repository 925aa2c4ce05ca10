import { randomUUID } from 'node:crypto'
import type { Backend, ObjectInfo } from '@arc/storage'
import type { BackendPasts, HistoriesOptions, KeyChange } from './backend-pasts.ts'
import type { KeyEdit } from './edit.ts'
import { type History, presentVersion } from './history.ts'
import { mimeTypeOf } from './mime-type.ts'
import { changedManifest, type Manifest, manifestHistory } from './manifest.ts'
import { keyOfManifest, manifestFolder, MANIFESTS, type ManifestSlot, type ReadManifest } from './manifest-slot.ts'
import { SidecarObjects } from './sidecar-objects.ts'
import type { Content, ContentInput, ItemStat, ReadRange, Staged, StageOptions } from './store.ts'
import { damageOf, ignoreMissing, nothingThere } from './store-error.ts'
import type { VersionRecord } from './version.ts'

const MAX_TRIES = 100

/**
 * Pasts beside the objects: contents by hash, a manifest per key that names them. The manifest is what counts; the plain
 * object at the key is brought into line with it.
 */
export class SidecarPasts implements BackendPasts {
  readonly #backend: Backend
  readonly #slot: ManifestSlot
  readonly #objects: SidecarObjects
  readonly #now: () => Date

  constructor(backend: Backend, slot: ManifestSlot, now: () => Date) {
    this.#backend = backend
    this.#slot = slot
    this.#objects = new SidecarObjects(backend, now)
    this.#now = now
  }

  enforcedBy(): 'arc' {
    return 'arc'
  }

  async stat(key: string, signal?: AbortSignal): Promise<ItemStat | undefined> {
    const manifest = await this.#manifest(key, signal)
    const present = manifest && presentVersion(manifestHistory(manifest))
    if (present !== undefined) return versionStat(key, present)
    const isDeleted = manifest !== undefined && manifest.nextSeq > 1
    const info = isDeleted ? undefined : await this.#backend.stat(key, { signal })
    return info === undefined ? undefined : plainStat(info)
  }

  async readPresent(key: string, options: ReadRange): Promise<Content> {
    const manifest = await this.#manifest(key, options.signal)
    const present = manifest && presentVersion(manifestHistory(manifest))
    if (present !== undefined) return this.readVersion(key, present, options)
    if (manifest !== undefined && manifest.nextSeq > 1) throw nothingThere(this.#backend.location, key)
    return objectContent(this.#backend, key, options)
  }

  /** `undefined` when it is damaged: then the plain object is what there is. */
  async #manifest(key: string, signal?: AbortSignal): Promise<Manifest | undefined> {
    try {
      return (await this.#slot.read(key, signal)).manifest
    } catch (error) {
      damageOf(error)
      return undefined
    }
  }

  async readVersion(key: string, { sha256, sizeBytes }: VersionRecord, options: ReadRange): Promise<Content> {
    if (sha256 === undefined) throw nothingThere(this.#backend.location, key)
    return this.#objects.read(sha256, sizeBytes, options)
  }

  stage(content: ContentInput, options: StageOptions): Promise<Staged> {
    return this.#objects.stage(content, options)
  }

  async release(): Promise<void> {} // a content that nothing names is removed when it is old

  read(key: string, signal?: AbortSignal): Promise<ReadManifest> {
    return this.#slot.read(key, signal)
  }

  /** What lay at the key before Arc came becomes its first version. */
  async record(key: string, signal?: AbortSignal): Promise<ReadManifest> {
    const read = await this.#slot.read(key, signal)
    if (read.manifest.nextSeq > 1 || (await this.#backend.stat(key, { signal })) === undefined) return read
    const body = await this.#backend.read(key, { signal }).catch(ignoreMissing)
    if (body === undefined) return read
    const { sha256: sha, sizeBytes: size } = await this.#objects.stage(body, { signal })
    const at = Math.min(body.info.modified.getTime(), this.#now().getTime())
    const change = randomUUID()
    const edit: KeyEdit = { op: 'put', key, seq: 1, at, sha, size, origin: 'external' }
    await this.#slot.replace(read, changedManifest(read.manifest, [edit], change), change, signal)
    return this.#slot.read(key, signal)
  }

  async replace(read: ReadManifest, edits: readonly KeyEdit[], { id, events, signal }: KeyChange): Promise<boolean> {
    const manifest = changedManifest(read.manifest, edits, id, events)
    if (!(await this.#slot.replace(read, manifest, id, signal))) return false
    await this.settle(manifest.key, edits)
    return true
  }

  /** Write the plain object until it is what the manifest says; another writer may just have changed that. */
  async settle(key: string, edits: readonly KeyEdit[]): Promise<void> {
    if (!edits.some(({ op }) => op === 'put' || op === 'delete')) return
    let written: string | undefined | null = null
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const present = presentVersion(manifestHistory((await this.#slot.read(key)).manifest))
      if (present?.sha256 === written) return
      written = present?.sha256
      if (present?.sha256 === undefined) await this.#backend.delete(key)
      else
        await this.#backend.write(key, await this.#objects.read(present.sha256, present.sizeBytes, {}), {
          sizeBytes: present.sizeBytes,
          sha256: present.sha256,
          contentType: mimeTypeOf(key),
        })
    }
  }

  /** In the order of the backend's listing. */
  async *histories(
    prefix: string,
    { signal, onDamaged }: HistoriesOptions = {},
  ): AsyncGenerator<readonly History[], void, undefined> {
    const seen = new Set<string>()
    // A prefix may end within a segment; the escape concerns its last segment only when that is complete.
    for await (const batch of this.#backend.list(prefix === '' ? MANIFESTS : manifestFolder(prefix), { signal })) {
      const histories: History[] = []
      for (const { key: name } of batch) {
        const key = keyOfManifest(name)
        if (key === undefined || seen.has(key) || !key.startsWith(prefix)) continue
        seen.add(key)
        try {
          histories.push(manifestHistory((await this.#slot.read(key, signal)).manifest))
        } catch (error) {
          onDamaged?.(key, damageOf(error))
        }
      }
      if (histories.length > 0) yield histories
    }
  }

  async removeLitter(named: ReadonlySet<string>, signal?: AbortSignal): Promise<[]> {
    await this.#objects.removeUnnamed(named, { signal })
    return []
  }
}

/** The content of an object as it is at its key, or of one of its versions. */
export async function objectContent(
  backend: Backend,
  key: string,
  options: ReadRange & { version?: string | undefined },
): Promise<Content> {
  const body = await backend.read(key, options)
  const { sizeBytes } = body.info
  const start = Math.min(options.range?.start ?? 0, sizeBytes)
  const end = Math.min(options.range?.end ?? sizeBytes, sizeBytes)
  return { sizeBytes: Math.max(0, end - start), [Symbol.asyncIterator]: () => body[Symbol.asyncIterator]() }
}

function versionStat(key: string, { sizeBytes, atMs, sha256 }: VersionRecord): ItemStat {
  return { key, type: 'file', sizeBytes, modified: new Date(atMs), sha256 }
}

/** An object as people see it. */
export function plainStat({ key, sizeBytes, modified, sha256 }: ObjectInfo): ItemStat {
  return { key, type: 'file', sizeBytes, modified, ...(sha256 !== undefined && { sha256 }) }
}
