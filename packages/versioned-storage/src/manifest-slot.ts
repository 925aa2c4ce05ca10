import { setTimeout as delay } from 'node:timers/promises'
import { ArcError, isArcError, printablePath } from '@arc/core'
import { type Backend, readBytes } from '@arc/storage'
import { emptyManifest, type Manifest, type ManifestFormat } from './manifest.ts'
import { parseManifest } from './manifest-schema.ts'
import { damagedStore, ignoreMissing } from './store-error.ts'

/** Where manifests lie; below it each key is a folder, so that no key is in another's way. */
export const MANIFESTS = '.arc/keys/'
export const MANIFEST_NAME = '%manifest'
const KEPT_GENERATIONS = 64
export const MAX_TRIES = 200

/** A manifest as it was read, with what is needed to replace just this one. */
export interface ReadManifest {
  readonly manifest: Manifest
  /** `undefined` when there is none yet. */
  readonly etag: string | undefined
  readonly generation: number
  /** The version of the manifest's object, where the service keeps versions. */
  readonly version?: string | undefined
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

/** One object per key, replaced only if it still is what was read. */
export class SwappedManifests implements ManifestSlot {
  readonly #backend: Backend
  readonly #format: ManifestFormat
  readonly #keepsVersions: boolean

  constructor(backend: Backend, format: ManifestFormat, keepsVersions: boolean) {
    this.#backend = backend
    this.#format = format
    this.#keepsVersions = keepsVersions
  }

  async read(key: string, signal?: AbortSignal): Promise<ReadManifest> {
    const name = `${manifestFolder(key)}/${MANIFEST_NAME}.json`
    const body = await this.#backend.read(name, { signal }).catch(ignoreMissing)
    if (body === undefined) return { manifest: emptyManifest(key, this.#format), etag: undefined, generation: 0 }
    const { etag, version } = body.info // of what was read: a look before or after might be about another one
    const manifest = await manifestOf(body, name, { location: this.#backend.location, format: this.#format })
    return { manifest, etag, version, generation: 0 }
  }

  async replace(read: ReadManifest, manifest: Manifest, change: string, signal?: AbortSignal): Promise<boolean> {
    const { etag, version } = read
    const name = `${manifestFolder(manifest.key)}/${MANIFEST_NAME}.json`
    const condition = etag === undefined ? { ifAbsent: true } : { ifMatch: etag }
    try {
      await this.#backend.write(name, encodeManifest(manifest), {
        ...condition,
        contentType: 'application/json',
        signal,
      })
      if (this.#keepsVersions && version !== undefined) await this.#backend.delete(name, { version })
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
export class NumberedManifests implements ManifestSlot {
  readonly #backend: Backend
  readonly #format: ManifestFormat

  constructor(backend: Backend, format: ManifestFormat) {
    this.#backend = backend
    this.#format = format
  }

  async read(key: string, signal?: AbortSignal): Promise<ReadManifest> {
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const generation = (await this.#generations(key, signal)).at(-1)
      if (generation === undefined)
        return { manifest: emptyManifest(key, this.#format), etag: undefined, generation: 0 }
      const name = manifestName(key, generation)
      const body = await this.#backend.read(name, { signal }).catch(ignoreMissing)
      if (body !== undefined)
        return {
          manifest: await manifestOf(body, name, { location: this.#backend.location, format: this.#format }),
          etag: undefined,
          generation,
        }
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
      await this.#backend.write(manifestName(key, ours), encodeManifest(manifest), {
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

export function isConflict(error: unknown): boolean {
  return isArcError(error) && error.code === 'ARC_OBJECT_CONFLICT'
}

function manifestName(key: string, generation: number): string {
  return `${manifestFolder(key)}/${MANIFEST_NAME}-${String(generation).padStart(12, '0')}.json`
}

/**
 * A manifest as an object holds it. Throws `ARC_BACKEND_FAILED` for one that no reader would take: edits are checked before,
 * so what is wrong with it is what the service says of its versions.
 */
export function encodeManifest(manifest: Manifest): Uint8Array {
  if (parseManifest(manifest) !== undefined) return Buffer.from(JSON.stringify(manifest))
  const shown = printablePath(manifest.key)
  throw new ArcError('ARC_BACKEND_FAILED', `what the service lists of ${shown} makes no sense: nothing was noted`, {
    path: shown,
    hint: 'Look at the versions there, their dates and sizes.',
  })
}

/** The manifest in a body. Throws `ARC_STORE_DAMAGED` when it is none, `ARC_BACKEND_UNSUITABLE` when it is of the other kind. */
export async function manifestOf(
  body: AsyncIterable<Uint8Array>,
  name: string,
  { location, format }: { location: string; format: ManifestFormat },
): Promise<Manifest> {
  const manifest = parseManifest(await readJson(body, name))
  if (manifest?.format === format) return manifest
  const place = `${location}/${printablePath(name)}`
  if (manifest === undefined) throw damagedStore(place, 'it is no manifest that this release can read')
  const [own, other] = format === 'arc-native/1' ? ['native', 'sidecar'] : ['sidecar', 'native']
  throw new ArcError('ARC_BACKEND_UNSUITABLE', `${place}: the versions there are of the kind ${other}, not ${own}`, {
    path: place,
    hint: `Give the mount versions: '${other}'.`,
  })
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
