import type {
  Backend,
  CallOptions,
  Capabilities,
  DeleteOptions,
  ListOptions,
  ObjectBody,
  ObjectContent,
  ObjectInfo,
  ReadOptions,
  StatOptions,
  WriteOptions,
} from '../backend.ts'
import { backendUnsuitable } from '../backend-error.ts'
import type {
  CopyOptions,
  DeleteFailure,
  DeleteItem,
  ObjectLock,
  PresignOptions,
  Retention,
  RetentionOptions,
  UploadInfo,
  VersionInfo,
  VersionOptions,
} from '../backend-features.ts'
import { isArcError } from '@arc/core'
import { type CapabilityCache, CapabilityProbe } from '../capability-cache.ts'
import { loadDriver } from '../load-driver.ts'
import { assertKey, assertPrefix } from '../object-key.ts'
import { partBytesFor, uploadInParts } from '../parted-upload.ts'
import { rangedBody } from '../ranged-body.ts'
import type { S3Bucket } from './s3-bucket.ts'
import { listObjects, listObjectVersions, listUploads } from './s3-listing.ts'
import { deleteObject, deleteObjects, readLock, setLegalHold, setRetention } from './s3-lock.ts'
import { rangesOf, s3ObjectInfo, statObject } from './s3-object.ts'
import { etagFor, probeS3 } from './s3-probe.ts'
import { abortUpload, MAX_PARTS, type S3Conditions, s3Target } from './s3-write.ts'

/** What the service calls a state of an object that the next one replaces: versions were not on when it was written. */
const UNVERSIONED = 'null'

/** A bucket of Amazon S3 or of a service that speaks its protocol. */
export class S3Backend implements Backend {
  readonly scheme = 's3'
  readonly location: string
  readonly #bucket: S3Bucket
  readonly #probe: CapabilityProbe

  /** `prefix` is where the objects are written by which the capabilities are found out; empty, or ending in `/`. */
  constructor(bucket: S3Bucket, { prefix, endpoint }: { prefix: string; endpoint: string }, cache: CapabilityCache) {
    this.#bucket = bucket
    this.location = bucket.location
    this.#probe = new CapabilityProbe(`${endpoint} ${bucket.location}/${prefix}`, cache, async () =>
      probeS3(bucket, prefix),
    )
  }

  async capabilities(options: CallOptions = {}): Promise<Capabilities> {
    options.signal?.throwIfAborted()
    return (await this.#probe.verdict()).capabilities
  }

  async stat(key: string, options: StatOptions = {}): Promise<ObjectInfo | undefined> {
    assertKey(key)
    await this.#assertVersions(options.version)
    return statObject(this.#bucket, key, options)
  }

  async read(key: string, options: ReadOptions = {}): Promise<ObjectBody> {
    assertKey(key)
    await this.#assertVersions(options.version)
    return rangedBody(this, key, options, rangesOf(this.#bucket, key, options.version))
  }

  async write(key: string, content: ObjectContent, options: WriteOptions = {}): Promise<ObjectInfo> {
    assertKey(key)
    options.signal?.throwIfAborted()
    const partBytes = partBytesFor(options.sizeBytes, MAX_PARTS)
    const { conditions, canHaveParts } = await this.#conditions(options)
    const target = s3Target(this.#bucket, key, options, conditions)
    if (!canHaveParts)
      target.begin = async () => {
        throw backendUnsuitable(this, `honours conditions only for objects of less than ${partBytes} bytes`)
      }
    try {
      const info = await uploadInParts(key, content, options, { partBytes, maxParts: MAX_PARTS, target })
      this.#compare(info)
      return info
    } catch (error) {
      if (Object.keys(conditions).length > 0 && isNotImplemented(error)) this.#probe.forget()
      throw error
    }
  }

  async delete(key: string, options: DeleteOptions = {}): Promise<void> {
    assertKey(key)
    await this.#assertVersions(options.version)
    if (options.ifMatch === undefined) return deleteObject(this.#bucket, key, options, {})
    const { capabilities, notes } = await this.#probe.verdict()
    if (!capabilities.compareAndDelete) throw backendUnsuitable(this, 'ignores conditions of deletes')
    return deleteObject(this.#bucket, key, options, { IfMatch: etagFor(options.ifMatch, notes['etagStyle']) })
  }

  async *list(prefix: string, options: ListOptions = {}): AsyncGenerator<readonly ObjectInfo[], void, undefined> {
    assertPrefix(prefix)
    yield* listObjects(this.#bucket, prefix, options)
  }

  async *listVersions(prefix: string, options: CallOptions = {}): AsyncGenerator<readonly VersionInfo[]> {
    assertPrefix(prefix)
    await this.#assertVersions('any')
    yield* listObjectVersions(this.#bucket, prefix, options)
  }

  async *listUploads(prefix: string, options: CallOptions = {}): AsyncGenerator<readonly UploadInfo[]> {
    assertPrefix(prefix)
    yield* listUploads(this.#bucket, prefix, options)
  }

  async abortUpload(upload: UploadInfo, { signal }: CallOptions = {}): Promise<void> {
    await abortUpload(this.#bucket, upload, signal)
  }

  async deleteMany(items: readonly DeleteItem[], options: CallOptions = {}): Promise<readonly DeleteFailure[]> {
    for (const { key } of items) assertKey(key)
    return deleteObjects(this.#bucket, items, options)
  }

  async copy(from: string, to: string, options: CopyOptions = {}): Promise<ObjectInfo> {
    assertKey(from)
    assertKey(to)
    return this.#copy(from, to, options, {})
  }

  async setStorageClass(key: string, storageClass: string, options: CallOptions = {}): Promise<void> {
    assertKey(key)
    await this.#copy(key, key, options, { StorageClass: storageClass as 'STANDARD' })
  }

  async readTags(key: string, { version, signal }: VersionOptions = {}): Promise<Readonly<Record<string, string>>> {
    assertKey(key)
    const { sdk, client, name } = this.#bucket
    const { TagSet = [] } = await this.#bucket.attempt('read the tags of', key, signal, async (sending) =>
      client.send(new sdk.GetObjectTaggingCommand({ Bucket: name, Key: key, VersionId: version }), sending),
    )
    return Object.fromEntries(TagSet.map(({ Key = '', Value = '' }) => [Key, Value]))
  }

  async writeTags(
    key: string,
    tags: Readonly<Record<string, string>>,
    { version, signal }: VersionOptions = {},
  ): Promise<void> {
    assertKey(key)
    const { sdk, client, name } = this.#bucket
    const TagSet = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }))
    const input = { Bucket: name, Key: key, VersionId: version, Tagging: { TagSet } }
    await this.#bucket.attempt('tag', key, signal, async (sending) =>
      client.send(new sdk.PutObjectTaggingCommand(input), sending),
    )
  }

  async readLock(key: string, options: VersionOptions = {}): Promise<ObjectLock> {
    assertKey(key)
    return readLock(this.#bucket, key, options)
  }

  async setRetention(key: string, retention: Retention, options: RetentionOptions = {}): Promise<void> {
    assertKey(key)
    await setRetention(this.#bucket, key, retention, options)
  }

  async setLegalHold(key: string, isHeld: boolean, options: VersionOptions = {}): Promise<void> {
    assertKey(key)
    await setLegalHold(this.#bucket, key, isHeld, options)
  }

  async presign(key: string, { method, expiresInSeconds, version }: PresignOptions): Promise<string> {
    assertKey(key)
    const { getSignedUrl } = await loadDriver(
      ['@aws-sdk/s3-request-presigner'],
      async () => import('@aws-sdk/s3-request-presigner'),
    )
    const { sdk, client, name } = this.#bucket
    const where = { Bucket: name, Key: key }
    const expires = { expiresIn: expiresInSeconds }
    if (method === 'PUT') return getSignedUrl(client, new sdk.PutObjectCommand(where), expires)
    return getSignedUrl(client, new sdk.GetObjectCommand({ ...where, VersionId: version }), expires)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#bucket.client.destroy()
  }

  async #copy(
    from: string,
    to: string,
    { version, signal }: CopyOptions,
    changes: { StorageClass?: 'STANDARD' },
  ): Promise<ObjectInfo> {
    const { sdk, client, name } = this.#bucket
    const path = [name, ...from.split('/')].map(encodeURIComponent).join('/')
    const CopySource = version === undefined ? path : `${path}?versionId=${encodeURIComponent(version)}`
    return this.#bucket.attempt('copy', from, signal, async (sending) => {
      const input = { Bucket: name, Key: to, CopySource, MetadataDirective: 'COPY' as const, ...changes }
      const { VersionId } = await client.send(new sdk.CopyObjectCommand(input), sending)
      const head = new sdk.HeadObjectCommand({ Bucket: name, Key: to, VersionId })
      return s3ObjectInfo(to, await client.send(head, sending))
    })
  }

  async #conditions(options: WriteOptions): Promise<{ conditions: S3Conditions; canHaveParts: boolean }> {
    const { ifAbsent = false, ifMatch, retainUntil, tags } = options
    const isConditional = ifAbsent || ifMatch !== undefined
    if (!isConditional && retainUntil === undefined && tags === undefined) return { conditions: {}, canHaveParts: true }
    const { capabilities, notes } = await this.#probe.verdict()
    const refuse = (what: string): never => {
      throw backendUnsuitable(this, what, { details: { capabilities } })
    }
    if (ifAbsent && !capabilities.createOnly) refuse('does not honour "only if absent" (If-None-Match)')
    if (ifMatch !== undefined && !capabilities.compareAndSwap) refuse('does not honour "only if unchanged" (If-Match)')
    if (retainUntil !== undefined && !capabilities.objectLock) refuse('was made without object lock')
    if (tags !== undefined && capabilities.tags !== true) refuse('keeps no tags')
    const conditions = {
      ...(ifAbsent ? { IfNoneMatch: '*' } : {}),
      ...(ifMatch === undefined ? {} : { IfMatch: etagFor(ifMatch, notes['etagStyle']) }),
    }
    return { conditions, canHaveParts: !isConditional || notes['conditionsOnParts'] === true }
  }

  /** Somebody may have turned the bucket's versions on or off since they were tried. */
  #compare({ version }: ObjectInfo): void {
    const { known } = this.#probe
    const isVersioned = version !== undefined && version !== UNVERSIONED
    if (known !== undefined && known.capabilities.versions !== isVersioned) this.#probe.forget()
  }

  async #assertVersions(version: string | undefined): Promise<void> {
    if (version === undefined || (await this.capabilities()).versions) return
    throw backendUnsuitable(this, 'keeps no versions')
  }
}

function isNotImplemented(error: unknown): boolean {
  return isArcError(error) && (error.details['status'] === 405 || error.details['status'] === 501)
}
