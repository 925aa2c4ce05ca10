import { setTimeout as delay } from 'node:timers/promises'
import { ArcError, isArcError, printablePath } from '@arc/core'
import { type Backend, readBytes } from '@arc/storage'
import { emptyManifest, type Manifest } from './manifest.ts'
import { parseManifest } from './manifest-schema.ts'
import { damagedStore } from './store-error.ts'

/** Where manifests lie; below it each key is a folder, so that no key is in another's way. */
export const MANIFESTS = '.arc/keys/'
const MANIFEST_NAME = '%manifest'
const KEPT_GENERATIONS = 64
const MAX_TRIES = 200

/** A manifest as it was read, with what is needed to replace just this one. */
export interface ReadManifest {
  readonly manifest: Manifest
  /** `undefined` when there is none yet. */
  readonly etag: string | undefined
  readonly generation: number
}

/** How manifests are replaced without losing anybody's change. */
export interface ManifestSlot {
  read(key: string, signal?: AbortSignal): Promise<ReadManifest>
  /** Put `manifest` in the place of what was read; `false` when somebody was quicker. */
  replace(read: ReadManifest, manifest: Manifest, change: string, signal?: AbortSignal): Promise<boolean>
}

/** Folder of the manifests of a key. A segment that begins with the mark of our own names gets one more. */
export function manifestFolder(key: string): string {
  return MANIFESTS + key.replace(/(^|\/)%/g, '$1%%')
}

/** The key whose manifest has that name, or `undefined` when it is none. */
export function keyOfManifest(name: string): string | undefined {
  const [, key] = /^\.arc\/keys\/(.+)\/%manifest[^/]*\.json$/s.exec(name) ?? []
  return key?.replace(/(^|\/)%%/g, '$1%')
}

/**
 * The way that fits what the backend was seen to do: compare-and-swap, or numbered manifests that are created once each.
 * Throws `ARC_BACKEND_UNSUITABLE` for a backend that has neither: two writers would overwrite each other's past.
 */
export async function openManifestSlot(backend: Backend): Promise<ManifestSlot> {
  const capabilities = await backend.capabilities()
  if (capabilities.compareAndSwap && capabilities.createOnly) return new SwappedManifests(backend)
  if (capabilities.createOnly && capabilities.consistent) return new NumberedManifests(backend)
  throw new ArcError(
    'ARC_BACKEND_UNSUITABLE',
    `${backend.location} honours no conditions, so two writers could overwrite each other's versions`,
    {
      hint: 'Mount it read-only, or keep versions in another place.',
    },
  )
}

/** One object per key, replaced only if it still is what was read. */
class SwappedManifests implements ManifestSlot {
  readonly #backend: Backend

  constructor(backend: Backend) {
    this.#backend = backend
  }

  async read(key: string, signal?: AbortSignal): Promise<ReadManifest> {
    const name = `${manifestFolder(key)}/${MANIFEST_NAME}.json`
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const info = await this.#backend.stat(name, { signal })
      if (info === undefined) return { manifest: emptyManifest(key), etag: undefined, generation: 0 }
      const body = await this.#backend.read(name, { signal }).catch(ignoreMissing)
      if (body === undefined) continue
      const manifest = await manifestOf(body, name, this.#backend.location)
      // The condition of the later write must be about what was read, not about what was there before.
      return { manifest, etag: body.info.etag ?? info.etag, generation: 0 }
    }
    throw damagedStore(name, 'it comes and goes')
  }

  async replace({ etag }: ReadManifest, manifest: Manifest, change: string, signal?: AbortSignal): Promise<boolean> {
    const name = `${manifestFolder(manifest.key)}/${MANIFEST_NAME}.json`
    const condition = etag === undefined ? { ifAbsent: true } : { ifMatch: etag }
    try {
      await this.#backend.write(name, encode(manifest), { ...condition, contentType: 'application/json', signal })
      return true
    } catch (error) {
      if (!isConflict(error)) throw error
      // A retry of a request whose answer was lost conflicts with itself.
      const now = await this.read(manifest.key, signal)
      return now.manifest.changes.includes(change)
    }
  }
}

/**
 * Manifests with rising numbers, each created once: the highest is the one that counts. A writer that slept while its
 * number was given to another and removed again would create it anew; it finds out because a higher one does not name its
 * change.
 */
class NumberedManifests implements ManifestSlot {
  readonly #backend: Backend

  constructor(backend: Backend) {
    this.#backend = backend
  }

  async read(key: string, signal?: AbortSignal): Promise<ReadManifest> {
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const generation = (await this.#generations(key, signal)).at(-1)
      if (generation === undefined) return { manifest: emptyManifest(key), etag: undefined, generation: 0 }
      const name = manifestName(key, generation)
      const body = await this.#backend.read(name, { signal }).catch(ignoreMissing)
      if (body !== undefined)
        return { manifest: await manifestOf(body, name, this.#backend.location), etag: undefined, generation }
    }
    throw damagedStore(manifestFolder(key), 'its manifests come and go')
  }

  async replace(
    { generation }: ReadManifest,
    manifest: Manifest,
    change: string,
    signal?: AbortSignal,
  ): Promise<boolean> {
    const { key } = manifest
    const ours = generation + 1
    try {
      await this.#backend.write(manifestName(key, ours), encode(manifest), {
        ifAbsent: true,
        contentType: 'application/json',
        signal,
      })
    } catch (error) {
      if (!isConflict(error)) throw error
      return (await this.read(key, signal)).manifest.changes.includes(change)
    }
    const generations = await this.#generations(key, signal)
    if (generations.at(-1) !== ours && !(await this.read(key, signal)).manifest.changes.includes(change)) {
      await this.#backend.delete(manifestName(key, ours))
      return false
    }
    for (const old of generations)
      if (old <= ours - KEPT_GENERATIONS) await this.#backend.delete(manifestName(key, old))
    return true
  }

  async #generations(key: string, signal?: AbortSignal): Promise<number[]> {
    const prefix = `${manifestFolder(key)}/${MANIFEST_NAME}-`
    const numbers: number[] = []
    for await (const batch of this.#backend.list(prefix, { signal })) {
      for (const { key: name } of batch) {
        const number = /^(\d{12})\.json$/.exec(name.slice(prefix.length))?.[1]
        if (number !== undefined) numbers.push(Number(number))
      }
    }
    return numbers.sort((a, b) => a - b)
  }
}

/** Wait a little longer after each conflict, so that writers who race get out of step. */
export async function backOff(tries: number, signal?: AbortSignal): Promise<void> {
  await delay(Math.random() * Math.min(200, 2 ** Math.min(tries, 8)), undefined, signal === undefined ? {} : { signal })
}

function isConflict(error: unknown): boolean {
  return isArcError(error) && error.code === 'ARC_OBJECT_CONFLICT'
}

export function ignoreMissing(error: unknown): undefined {
  if (isArcError(error) && error.code === 'ARC_OBJECT_NOT_FOUND') return undefined
  throw error
}

function manifestName(key: string, generation: number): string {
  return `${manifestFolder(key)}/${MANIFEST_NAME}-${String(generation).padStart(12, '0')}.json`
}

function encode(manifest: Manifest): Uint8Array {
  return Buffer.from(JSON.stringify(manifest))
}

async function manifestOf(body: AsyncIterable<Uint8Array>, name: string, location: string): Promise<Manifest> {
  const manifest = parseManifest(await readJson(body, name))
  if (manifest !== undefined) return manifest
  throw damagedStore(`${location}/${printablePath(name)}`, 'it is no manifest that this release can read')
}

/** The JSON of a body. Throws `ARC_STORE_DAMAGED` when it is none. */
async function readJson(body: AsyncIterable<Uint8Array>, name: string): Promise<unknown> {
  const pieces: Uint8Array[] = []
  for await (const piece of body) pieces.push(Uint8Array.from(piece))
  try {
    return JSON.parse(Buffer.concat(pieces).toString()) as unknown
  } catch (error) {
    throw damagedStore(name, 'it is not JSON', error)
  }
}

/** The JSON of an object; `undefined` when there is none. */
export async function readJsonObject(backend: Backend, name: string): Promise<unknown> {
  const bytes = await readBytes(backend, name).catch(ignoreMissing)
  if (bytes === undefined) return undefined
  return readJson(
    {
      async *[Symbol.asyncIterator]() {
        yield bytes
      },
    },
    name,
  )
}
