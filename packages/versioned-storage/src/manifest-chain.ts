import type { Backend, ObjectInfo } from '@arc/storage'
import { emptyManifest, type Manifest, type ManifestFormat } from './manifest.ts'
import {
  encodeManifest,
  MANIFEST_NAME,
  manifestFolder,
  manifestOf,
  type ManifestSlot,
  MAX_TRIES,
  type ReadManifest,
} from './manifest-slot.ts'
import { damagedStore, ignoreMissing } from './store-error.ts'

/** Which version of the manifest's object a manifest was made from. */
const PARENT = 'arc-parent'
const NO_PARENT = 'none'

interface Link {
  readonly version: string
  readonly parent: string
  readonly manifest: Manifest
}

/**
 * For services that keep versions and ignore conditions: their own order of the versions of one object decides. Each
 * manifest names the version that it was made from; of those that name the same one the oldest counts, and all that were
 * made from another are nothing. So writing is asking, and looking at the list afterwards is the answer. This needs a list
 * in which no version ever appears behind one that was listed before; Ceph numbers them under one lock.
 */
export class ChainedManifests implements ManifestSlot {
  readonly #backend: Backend
  readonly #format: ManifestFormat

  constructor(backend: Backend, format: ManifestFormat) {
    this.#backend = backend
    this.#format = format
  }

  async read(key: string, signal?: AbortSignal): Promise<ReadManifest> {
    const tip = (await this.#chain(key, signal)).accepted.at(-1)
    const manifest = tip?.manifest ?? emptyManifest(key, this.#format)
    return { manifest, version: tip?.version, etag: undefined, generation: 0 }
  }

  async replace(read: ReadManifest, manifest: Manifest, change: string, signal?: AbortSignal): Promise<boolean> {
    const { key } = manifest
    const name = nameOf(key)
    const metadata = { [PARENT]: read.version ?? NO_PARENT }
    await this.#backend.write(name, encodeManifest(manifest), { metadata, contentType: 'application/json', signal })
    const { accepted, rejected } = await this.#chain(key)
    // Those that do not count go first: without what they stand behind, the oldest of them would seem to begin a chain.
    for (const version of [...rejected, ...accepted.slice(0, -1).map((link) => link.version)])
      await this.#backend.delete(name, { version })
    return accepted.at(-1)?.manifest.changes.includes(change) ?? false
  }

  /** What counts, oldest first, and what does not. */
  async #chain(key: string, signal?: AbortSignal): Promise<{ accepted: Link[]; rejected: string[] }> {
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const links = await this.#links(key, signal)
      if (links === undefined) continue
      const accepted: Link[] = []
      const rejected: string[] = []
      for (const link of links) {
        const tip = accepted.at(-1)
        if (tip === undefined || link.parent === tip.version) accepted.push(link)
        else rejected.push(link.version)
      }
      return { accepted, rejected }
    }
    throw damagedStore(nameOf(key), 'it comes and goes')
  }

  /** Every manifest there is, oldest first; `undefined` when one was removed meanwhile. */
  async #links(key: string, signal?: AbortSignal): Promise<Link[] | undefined> {
    const name = nameOf(key)
    const links: Link[] = []
    for await (const batch of this.#backend.listVersions?.(name, { signal }) ?? []) {
      for (const { key: listed, version, isDeleteMarker } of batch) {
        if (listed !== name || isDeleteMarker) continue
        const body = await this.#backend.read(name, { version, signal }).catch(ignoreMissing)
        if (body === undefined) return undefined
        const parent = body.info.metadata?.[PARENT] ?? NO_PARENT
        const manifest = await manifestOf(body, name, { location: this.#backend.location, format: this.#format })
        links.unshift({ version, parent, manifest })
      }
    }
    return links
  }
}

/** Whether a manifest's object is part of a chain. */
export function isChained({ metadata }: ObjectInfo): boolean {
  return metadata?.[PARENT] !== undefined
}

function nameOf(key: string): string {
  return `${manifestFolder(key)}/${MANIFEST_NAME}.json`
}
