import type { Backend } from '@arc/storage'
import type { BackendPasts, HistoriesOptions } from './backend-pasts.ts'
import type { History } from './history.ts'
import type { ManifestFormat } from './manifest.ts'
import { ChainedManifests, isChained } from './manifest-chain.ts'
import {
  keyOfManifest,
  MANIFEST_NAME,
  manifestFolder,
  manifestOf,
  MANIFESTS,
  type ManifestSlot,
  NumberedManifests,
  type ReadManifest,
  readJsonObject,
} from './manifest-slot.ts'
import { NativePasts } from './native-pasts.ts'
import { objectContent, plainStat, SidecarPasts } from './sidecar-pasts.ts'
import { isReserved } from './storage-path.ts'
import type { Content, ItemStat, ReadRange, Staged } from './store.ts'
import { ignoreMissing, readOnlyStore } from './store-error.ts'
import type { BackendStoreOptions } from './stores.ts'
import type { VersionRecord } from './version.ts'

/**
 * Pasts of a backend for who may only read: nothing is tried out there, since that takes writing, and what is present is
 * the plain object. A past is looked for when it is asked for, and read in the way in which it was kept.
 */
export class PastReader implements BackendPasts {
  readonly #backend: Backend
  readonly #open: () => Promise<BackendPasts>
  #pasts: Promise<BackendPasts> | undefined

  constructor(backend: Backend, versions: BackendStoreOptions['versions'], now: () => Date) {
    this.#backend = backend
    this.#open = async () => {
      const isNative = versions === 'auto' ? await keepsNative(backend) : versions === 'native'
      const slot = new FoundManifests(backend, isNative ? 'arc-native/1' : 'arc-versions/1')
      return isNative ? NativePasts.reader(backend, slot, now) : new SidecarPasts(backend, slot, now)
    }
  }

  enforcedBy(): 'arc' {
    return 'arc'
  }

  async stat(key: string, signal?: AbortSignal): Promise<ItemStat | undefined> {
    const info = await this.#backend.stat(key, { signal })
    return info === undefined ? undefined : plainStat(info)
  }

  readPresent(key: string, options: ReadRange): Promise<Content> {
    return objectContent(this.#backend, key, options)
  }

  async readVersion(key: string, version: VersionRecord, options: ReadRange): Promise<Content> {
    return (await this.#past()).readVersion(key, version, options)
  }

  async read(key: string, signal?: AbortSignal): Promise<ReadManifest> {
    return (await this.#past()).read(key, signal)
  }

  record(key: string, signal?: AbortSignal): Promise<ReadManifest> {
    return this.read(key, signal)
  }

  async *histories(prefix: string, options?: HistoriesOptions): AsyncGenerator<readonly History[], void, undefined> {
    yield* (await this.#past()).histories(prefix, options)
  }

  async stage(): Promise<Staged> {
    throw readOnlyStore(this.#backend.location)
  }

  async replace(): Promise<boolean> {
    throw readOnlyStore(this.#backend.location)
  }

  async release(): Promise<void> {}

  async settle(): Promise<void> {}

  async removeLitter(): Promise<[]> {
    throw readOnlyStore(this.#backend.location)
  }

  #past(): Promise<BackendPasts> {
    this.#pasts ??= this.#open().catch((error: unknown) => {
      this.#pasts = undefined
      throw error
    })
    return this.#pasts
  }
}

/** Whether the past is the service's: what the first manifest says; without any, whether objects have versions. */
async function keepsNative(backend: Backend): Promise<boolean> {
  for await (const batch of backend.list(MANIFESTS)) {
    for (const { key } of batch) {
      if (keyOfManifest(key) === undefined) continue
      const manifest = await readJsonObject(backend, key).catch(() => undefined) // one that is damaged is told when it is read
      if (typeof manifest === 'object' && manifest !== null && 'format' in manifest)
        return manifest.format === 'arc-native/1'
    }
  }
  for await (const batch of backend.list('')) {
    const plain = batch.find(({ key }) => !isReserved(key))
    if (plain !== undefined) return (await backend.stat(plain.key))?.version !== undefined
  }
  return false
}

/** Manifests however they are kept, for reading. */
class FoundManifests implements ManifestSlot {
  readonly #backend: Backend
  readonly #format: ManifestFormat

  constructor(backend: Backend, format: ManifestFormat) {
    this.#backend = backend
    this.#format = format
  }

  async read(key: string, signal?: AbortSignal): Promise<ReadManifest> {
    const [backend, format] = [this.#backend, this.#format]
    const name = `${manifestFolder(key)}/${MANIFEST_NAME}.json`
    const body = await backend.read(name, { signal }).catch(ignoreMissing)
    if (body === undefined) return new NumberedManifests(backend, format).read(key, signal)
    if (isChained(body.info)) return new ChainedManifests(backend, format).read(key, signal)
    const manifest = await manifestOf(body, name, { location: backend.location, format })
    return { manifest, etag: undefined, generation: 0 }
  }

  async replace(): Promise<boolean> {
    throw readOnlyStore(this.#backend.location)
  }
}
