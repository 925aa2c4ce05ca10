import { randomBytes } from 'node:crypto'
import { isArcError } from '@arc/core'
import type { Capabilities, ObjectInfo } from '../backend.ts'
import type { CachedVerdict } from '../capability-cache.ts'
import { isProbeObject, probeBase, sweepProbes } from '../probe-objects.ts'
import { hasWrongCredentials, isRefusal } from '../service-errors.ts'
import type { S3Bucket } from './s3-bucket.ts'
import { statObject } from './s3-object.ts'
import { listObjects, listObjectVersions, listUploads } from './s3-listing.ts'
import { deleteObject, readLock, setLegalHold } from './s3-lock.ts'
import { abortUpload, s3Target, type S3Conditions } from './s3-write.ts'

/**
 * How the service takes an ETag in a condition: `quoted` as the standard says, or `bare` (Ceph before 17). Objects that
 * need several parts are created by another request, which may honour conditions or not.
 */
interface S3Notes extends Readonly<Record<string, string | boolean>> {
  readonly etagStyle: 'quoted' | 'bare'
  readonly conditionsOnParts: boolean
}

const RACERS = 4
const STYLES = ['quoted', 'bare'] as const

/** An ETag as the service at hand wants it in a condition. */
export function etagFor(etag: string, style: string | boolean | undefined): string {
  return style === 'bare' ? etag : `"${etag}"`
}

/**
 * Find out what the bucket really does by writing a few small objects below `prefix`: several services ignore conditions
 * without a word, and then every feature that stands on them would lose data. What was written is removed again.
 */
export async function probeS3(bucket: S3Bucket, prefix: string, signal?: AbortSignal): Promise<CachedVerdict> {
  const probe = new S3Probe(bucket, probeBase(prefix), signal)
  try {
    return await probe.run()
  } finally {
    await probe.removeAll()
    await probe.sweep()
  }
}

class S3Probe {
  readonly #bucket: S3Bucket
  readonly #base: string
  readonly #signal: AbortSignal | undefined
  readonly #written: { key: string; version: string | undefined }[] = []
  #verdict: CachedVerdict | undefined

  constructor(bucket: S3Bucket, base: string, signal: AbortSignal | undefined) {
    this.#bucket = bucket
    this.#base = base
    this.#signal = signal
  }

  async run(): Promise<CachedVerdict> {
    this.#verdict = await this.#tryOut()
    return this.#verdict
  }

  async #tryOut(): Promise<CachedVerdict> {
    if (!(await this.#mayWrite())) return READ_ONLY
    const [createOnly, conditionsOnParts, etagStyle, versions, tags, objectLock] = await Promise.all([
      this.#createsOnly(),
      this.#createsOnlyInParts(),
      this.#swaps(),
      this.#keepsVersions(),
      this.#keepsTags(),
      this.#locks(),
    ])
    const compareAndDelete = await this.#deletesOnMatch(etagStyle ?? 'quoted')
    const capabilities: Capabilities = {
      createOnly,
      compareAndSwap: etagStyle !== undefined,
      compareAndDelete,
      consistent: true,
      metadata: true,
      versions,
      objectLock,
      legalHold: objectLock,
      tags,
      storageClasses: true,
      presign: true,
      resume: true,
    }
    return { capabilities, notes: { etagStyle: etagStyle ?? 'quoted', conditionsOnParts } satisfies S3Notes }
  }

  async removeAll(): Promise<void> {
    const { client, sdk, name } = this.#bucket
    await Promise.allSettled(
      this.#written.map(async ({ key, version }) =>
        client.send(new sdk.DeleteObjectCommand({ Bucket: name, Key: key, VersionId: version })),
      ),
    )
  }

  /** What was not noted, and what others left. */
  async sweep(): Promise<void> {
    if (this.#verdict === undefined || this.#verdict === READ_ONLY) return
    const { versions, objectLock } = this.#verdict.capabilities
    const bucket = this.#bucket
    const options = { signal: this.#signal, isShown: isProbeObject }
    await sweepProbes<ObjectInfo>(
      this.#base,
      (prefix) => (versions ? listObjectVersions(bucket, prefix, options) : listObjects(bucket, prefix, options)),
      {
        of: (item) => item,
        remove: async ({ key, version }) => {
          if (objectLock) await setLegalHold(bucket, key, false, { version }).catch(() => {}) // a marker has none
          await deleteObject(bucket, key, { version }, {})
        },
      },
    )
    await sweepProbes(this.#base, (prefix) => listUploads(bucket, prefix, {}), {
      of: ({ key, started }) => ({ key, modified: started }),
      remove: async (upload) => abortUpload(bucket, upload),
    })
  }

  /** A bucket that is not there is no bucket that can do nothing. */
  async #mayWrite(): Promise<boolean> {
    try {
      await this.#put('first', {})
      return true
    } catch (error) {
      if (isArcError(error) && error.code === 'ARC_BACKEND_DENIED' && !hasWrongCredentials(error)) return false
      throw error
    }
  }

  /** The ETag and version that a write got, or `undefined` when the service refused. */
  async #write(
    name: string,
    conditions: S3Conditions,
  ): Promise<{ etag: string; version: string | undefined } | undefined> {
    return unlessRefused(this.#put(name, conditions))
  }

  async #put(name: string, conditions: S3Conditions): Promise<{ etag: string; version: string | undefined }> {
    const key = `${this.#base}-${name}`
    const bytes = Buffer.from(`${name} ${randomBytes(4).toString('hex')}`)
    const target = s3Target(this.#bucket, key, { signal: this.#signal }, conditions)
    const { version, etag = '' } = await target.putWhole(bytes)
    this.#written.push({ key, version })
    return { etag, version }
  }

  /** One of several at once may create an object, and none may do it again. */
  async #createsOnly(): Promise<boolean> {
    const create = async (): Promise<unknown> => this.#write('create', { IfNoneMatch: '*' })
    const winners = (await Promise.all(Array.from({ length: RACERS }, create))).filter((won) => won !== undefined)
    return winners.length === 1 && (await create()) === undefined
  }

  async #createsOnlyInParts(): Promise<boolean> {
    await this.#write('parts', {})
    const key = `${this.#base}-parts`
    const target = s3Target(this.#bucket, key, { signal: this.#signal }, { IfNoneMatch: '*' })
    const session = await unlessRefused(target.begin())
    if (session === undefined) return false
    try {
      await session.put(1, Buffer.from('part'))
      const { version } = await session.finish(4)
      this.#written.push({ key, version })
      return false
    } catch (error) {
      await session.abandon()
      if (!isRefusal(error)) throw error
      // "Not implemented" is no condition that was honoured.
      return isArcError(error) && error.code === 'ARC_OBJECT_CONFLICT'
    }
  }

  /** The spelling with which a matching write succeeds and a stale one fails, if there is one. */
  async #swaps(): Promise<S3Notes['etagStyle'] | undefined> {
    for (const style of STYLES) {
      const old = await this.#write(`swap-${style}`, {})
      if (old === undefined) return undefined
      const match = { IfMatch: etagFor(old.etag, style) }
      const swapped = await this.#write(`swap-${style}`, match)
      if (swapped === undefined) continue
      const isStaleRefused = (await this.#write(`swap-${style}`, match)) === undefined
      const isMissingRefused = (await this.#write(`swap-missing-${style}`, match)) === undefined
      return isStaleRefused && isMissingRefused ? style : undefined
    }
    return undefined
  }

  async #deletesOnMatch(style: S3Notes['etagStyle']): Promise<boolean> {
    const written = await this.#write('delete', {})
    if (written === undefined) return false
    const key = `${this.#base}-delete`
    const { client, sdk, name } = this.#bucket
    const remove = async (etag: string): Promise<unknown> =>
      unlessRefused(
        this.#bucket.attempt('delete', key, this.#signal, async (sending) => {
          const command = new sdk.DeleteObjectCommand({ Bucket: name, Key: key, IfMatch: etagFor(etag, style) })
          const answer = await client.send(command, sending)
          if (answer.DeleteMarker === true) this.#written.push({ key, version: answer.VersionId })
          return answer
        }),
      )
    if ((await remove('00000000000000000000000000000000')) !== undefined) return false
    return (await remove(written.etag)) !== undefined && (await this.#stat('delete')) === undefined
  }

  async #keepsVersions(): Promise<boolean> {
    const old = await this.#write('versions', {})
    const current = await this.#write('versions', {})
    if (old?.version === undefined || current?.version === undefined || old.version === current.version) return false
    return (await this.#stat('versions', old.version)) !== undefined
  }

  async #keepsTags(): Promise<boolean> {
    await this.#write('tags', {})
    const { client, sdk, name } = this.#bucket
    const where = { Bucket: name, Key: `${this.#base}-tags` }
    const Tagging = { TagSet: [{ Key: 'probe', Value: 'yes' }] }
    const answer = await unlessRefused(
      this.#bucket.attempt('tag', where.Key, this.#signal, async (sending) => {
        await client.send(new sdk.PutObjectTaggingCommand({ ...where, Tagging }), sending)
        return client.send(new sdk.GetObjectTaggingCommand(where), sending)
      }),
    )
    return answer?.TagSet?.[0]?.Value === 'yes'
  }

  /** A hold must keep the version from being deleted; unlike a retention it can be taken back at once. */
  async #locks(): Promise<boolean> {
    const written = await this.#write('lock', {})
    if (written?.version === undefined) return false
    const { version } = written
    const key = `${this.#base}-lock`
    const options = { version, signal: this.#signal }
    const held = await unlessRefused(setLegalHold(this.#bucket, key, true, options).then(() => true))
    if (held === undefined) return false
    const { client, sdk, name } = this.#bucket
    const removed = await unlessRefused(
      this.#bucket.attempt('delete', key, this.#signal, async (sending) =>
        client.send(new sdk.DeleteObjectCommand({ Bucket: name, Key: key, VersionId: version }), sending),
      ),
    )
    const { isHeld } = await readLock(this.#bucket, key, options)
    await setLegalHold(this.#bucket, key, false, options)
    return isHeld && removed === undefined
  }

  async #stat(name: string, version?: string): Promise<unknown> {
    return statObject(this.#bucket, `${this.#base}-${name}`, { version, signal: this.#signal })
  }
}

const READ_ONLY: CachedVerdict = {
  capabilities: {
    createOnly: false,
    compareAndSwap: false,
    compareAndDelete: false,
    consistent: true,
    metadata: true,
    versions: false,
    objectLock: false,
    presign: true,
  },
  notes: { etagStyle: 'quoted', conditionsOnParts: false } satisfies S3Notes,
}

/** `undefined` when the service understood and said no; an outage is no verdict and is thrown. */
async function unlessRefused<Answer>(call: Promise<Answer>): Promise<Answer | undefined> {
  try {
    return await call
  } catch (error) {
    if (!isRefusal(error)) throw error
    return undefined
  }
}
