import type { BlobItem, BlockBlobClient } from '@azure/storage-blob'
import type { Capabilities } from '../backend.ts'
import type { CachedVerdict } from '../capability-cache.ts'
import { probeBase, sweepProbes } from '../probe-objects.ts'
import { isRefusal } from '../service-errors.ts'

/** What the probe needs of the driver. */
export interface ProbedContainer {
  blob(key: string, version?: string): BlockBlobClient
  attempt<Answer>(action: string, key: string, call: () => Promise<Answer>): Promise<Answer>
  /** All blobs whose names begin so, also those that nobody else sees. */
  list(prefix: string, include: { includeVersions?: true }): AsyncIterable<readonly BlobItem[]>
  /** Whether URLs can be signed with the credentials at hand. */
  readonly canSign: boolean
}

const RACERS = 4
const LEASE_S = 15

/** Find out what the container really does by writing a few small blobs below `prefix`; they are removed again. */
export async function probeAzure(container: ProbedContainer, prefix: string): Promise<CachedVerdict> {
  const probe = new AzureProbe(container, probeBase(prefix))
  try {
    return { capabilities: await probe.run(), notes: {} }
  } finally {
    await probe.removeAll()
  }
}

class AzureProbe {
  readonly #container: ProbedContainer
  readonly #base: string
  readonly #names = new Set<string>()
  #isVersioned = false

  constructor(container: ProbedContainer, base: string) {
    this.#container = container
    this.#base = base
  }

  async run(): Promise<Capabilities> {
    const [createOnly, compareAndSwap, compareAndDelete, versions, tags, lease] = await Promise.all([
      this.#createsOnly(),
      this.#swaps(),
      this.#deletesOnMatch(),
      this.#keepsVersions(),
      this.#keepsTags(),
      this.#leases(),
    ])
    this.#isVersioned = versions
    const tried = { createOnly, compareAndSwap, compareAndDelete, versions, tags, lease }
    const always = { consistent: true, metadata: true, storageClasses: true, resume: true }
    return { ...tried, ...always, presign: this.#container.canSign, objectLock: false, legalHold: false }
  }

  async removeAll(): Promise<void> {
    await Promise.allSettled([...this.#names].map(async (name) => this.#blob(name).deleteIfExists()))
    const container = this.#container
    const include = this.#isVersioned ? ({ includeVersions: true } as const) : {}
    await sweepProbes<BlobItem>(this.#base, (prefix) => container.list(prefix, include), {
      of: ({ name, properties }) => ({ key: name, modified: properties.lastModified }),
      // The present version goes by the name alone, and is a past one then, which the next probe finds.
      remove: async ({ name, versionId, isCurrentVersion }) =>
        container.blob(name, isCurrentVersion === true ? undefined : versionId).deleteIfExists(),
    })
  }

  #blob(name: string, version?: string): BlockBlobClient {
    this.#names.add(name)
    return this.#container.blob(`${this.#base}-${name}`, version)
  }

  /** `undefined` when the service understood and said no; an outage is no verdict and is thrown. */
  async #unlessRefused<Answer>(call: () => Promise<Answer>): Promise<Answer | undefined> {
    try {
      return await this.#container.attempt('try out', this.#base, call)
    } catch (error) {
      if (!isRefusal(error)) throw error
      return undefined
    }
  }

  async #put(name: string, conditions = {}): Promise<{ etag?: string; versionId?: string } | undefined> {
    return this.#unlessRefused(async () => this.#blob(name).upload(name, name.length, { conditions }))
  }

  async #createsOnly(): Promise<boolean> {
    const create = async (): Promise<unknown> => this.#put('create', { ifNoneMatch: '*' })
    const winners = (await Promise.all(Array.from({ length: RACERS }, create))).filter((won) => won !== undefined)
    return winners.length === 1 && (await create()) === undefined
  }

  async #swaps(): Promise<boolean> {
    const ifMatch = (await this.#put('swap'))?.etag
    if (ifMatch === undefined || (await this.#put('swap', { ifMatch })) === undefined) return false
    return (
      (await this.#put('swap', { ifMatch })) === undefined && (await this.#put('missing', { ifMatch })) === undefined
    )
  }

  async #deletesOnMatch(): Promise<boolean> {
    const old = (await this.#put('delete'))?.etag
    const current = (await this.#put('delete'))?.etag
    const remove = async (ifMatch = ''): Promise<unknown> =>
      this.#unlessRefused(async () => this.#blob('delete').delete({ conditions: { ifMatch } }))
    return (await remove(old)) === undefined && (await remove(current)) !== undefined
  }

  async #keepsVersions(): Promise<boolean> {
    const version = (await this.#put('versions'))?.versionId
    await this.#put('versions')
    if (version === undefined) return false
    const old = this.#blob('versions', version)
    return (await this.#unlessRefused(async () => old.getProperties())) !== undefined
  }

  async #keepsTags(): Promise<boolean> {
    await this.#put('tags')
    const answer = await this.#unlessRefused(async () => {
      await this.#blob('tags').setTags({ probe: 'yes' })
      return this.#blob('tags').getTags()
    })
    return answer?.tags['probe'] === 'yes'
  }

  async #leases(): Promise<boolean> {
    await this.#put('lease')
    const lease = this.#blob('lease').getBlobLeaseClient()
    if ((await this.#unlessRefused(async () => lease.acquireLease(LEASE_S))) === undefined) return false
    const second = this.#blob('lease').getBlobLeaseClient()
    const isKept = (await this.#unlessRefused(async () => second.acquireLease(LEASE_S))) === undefined
    await this.#unlessRefused(async () => lease.releaseLease())
    return isKept
  }
}
