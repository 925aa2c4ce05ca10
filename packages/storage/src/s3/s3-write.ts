import { hash } from 'node:crypto'
import type { PutObjectCommandInput } from '@aws-sdk/client-s3'
import { isArcError } from '@arc/core'
import { sha256Hex } from '@arc/core/node'
import type { ObjectInfo, WriteOptions } from '../backend.ts'
import type { UploadInfo } from '../backend-features.ts'
import type { PartSession, PartTarget } from '../parted-upload.ts'
import { retried } from '../retry.ts'
import { bareEtag } from '../http-ranges.ts'
import type { S3Bucket } from './s3-bucket.ts'
import { listUploads } from './s3-listing.ts'
import { SHA256_METADATA } from '../sha256-metadata.ts'
import { statObject } from './s3-object.ts'

export const MAX_PARTS = 10_000

/** The conditions of a write as the service at hand understands them. */
export interface S3Conditions {
  IfNoneMatch?: string
  IfMatch?: string
}

/** The part of a command that puts the SHA-256 of a body into the signature, so that the service checks it. */
interface Signed {
  middlewareStack: {
    add(
      middleware: (
        next: (args: { request: unknown }) => Promise<never>,
      ) => (args: { request: unknown }) => Promise<never>,
      options: { step: 'build'; name: string },
    ): void
  }
}

/**
 * State the SHA-256 of a body in the header that the signature covers. Every service that checks signatures then checks
 * the body too, also one that has never heard of checksums; and the client need not hash it once more.
 */
function signBody<Command extends object>(command: Command, sha256: string): Command {
  const { middlewareStack } = command as unknown as Signed
  middlewareStack.add(
    (next) => async (args) => {
      const { headers } = args.request as { headers: Record<string, string> }
      headers['x-amz-content-sha256'] = sha256
      return next(args)
    },
    { step: 'build', name: 'arcBodySha256' },
  )
  return command
}

/** How {@link import('../parted-upload.ts').uploadInParts} writes an object. */
export function s3Target(bucket: S3Bucket, key: string, options: WriteOptions, conditions: S3Conditions): PartTarget {
  const common = commonInput(bucket, key, options)
  const { signal } = options
  return {
    putWhole: async (bytes) => {
      const sha256 = sha256Hex(bytes)
      const Metadata = { ...options.metadata, [SHA256_METADATA]: sha256 }
      const ChecksumSHA256 = Buffer.from(sha256, 'hex').toString('base64')
      const input = { ...common, ...conditions, Metadata, ChecksumSHA256, Body: bytes, ContentLength: bytes.length }
      const answer = await bucket.attempt('write', key, signal, async (sending) =>
        bucket.client.send(signBody(new bucket.sdk.PutObjectCommand(input), sha256), sending),
      )
      return written(key, bytes.length, answer, { ...options, sha256 })
    },
    begin: async () => {
      const upload = options.resume === true ? await unfinishedUpload(bucket, key, signal) : undefined
      return upload === undefined
        ? newSession(bucket, key, options, conditions)
        : resumedSession(bucket, upload, options, conditions)
    },
  }
}

function commonInput(bucket: S3Bucket, key: string, options: WriteOptions): PutObjectCommandInput {
  const { retainUntil, retentionMode = 'governance', tags, storageClass, contentType } = options
  return {
    Bucket: bucket.name,
    Key: key,
    ...(contentType === undefined ? {} : { ContentType: contentType }),
    ...(storageClass === undefined ? {} : { StorageClass: storageClass as 'STANDARD' }),
    ...(tags === undefined ? {} : { Tagging: new URLSearchParams(tags).toString() }),
    ...(retainUntil === undefined
      ? {}
      : {
          ObjectLockRetainUntilDate: retainUntil,
          ObjectLockMode: retentionMode === 'governance' ? ('GOVERNANCE' as const) : ('COMPLIANCE' as const),
        }),
  }
}

async function newSession(
  bucket: S3Bucket,
  key: string,
  options: WriteOptions,
  conditions: S3Conditions,
): Promise<PartSession> {
  // What an upload that may be resumed will hold is not certain yet.
  const sha256 = options.resume === true ? undefined : options.sha256
  const Metadata = { ...options.metadata, ...(sha256 === undefined ? {} : { [SHA256_METADATA]: sha256 }) }
  const input = { ...commonInput(bucket, key, options), Metadata }
  const { UploadId = '' } = await bucket.attempt('write', key, options.signal, async (sending) =>
    bucket.client.send(new bucket.sdk.CreateMultipartUploadCommand(input), sending),
  )
  return new S3Session(bucket, key, UploadId, { ...options, sha256 }, conditions, new Map())
}

/** Parts that the service has already are found again by their MD5, which is what it calls their ETag. */
async function resumedSession(
  bucket: S3Bucket,
  { key, id }: UploadInfo,
  options: WriteOptions,
  conditions: S3Conditions,
): Promise<PartSession> {
  const present = new Map<number, string>()
  const { client, sdk, name } = bucket
  for (let marker: string | undefined; ;) {
    const input = { Bucket: name, Key: key, UploadId: id, PartNumberMarker: marker }
    const page = await bucket.attempt('resume', key, options.signal, async (sending) =>
      client.send(new sdk.ListPartsCommand(input), sending),
    )
    for (const { PartNumber = 0, ETag } of page.Parts ?? []) present.set(PartNumber, bareEtag(ETag) ?? '')
    marker = page.NextPartNumberMarker
    if (page.IsTruncated !== true || marker === undefined) break // some give a marker on the last page too
  }
  return new S3Session(bucket, key, id, { ...options, sha256: undefined }, conditions, present)
}

/** The newest one that was begun for this key. */
async function unfinishedUpload(
  bucket: S3Bucket,
  key: string,
  signal: AbortSignal | undefined,
): Promise<UploadInfo | undefined> {
  let newest: UploadInfo | undefined
  for await (const uploads of listUploads(bucket, key, { signal })) {
    for (const upload of uploads) {
      if (upload.key === key && (newest === undefined || upload.started >= newest.started)) newest = upload
    }
  }
  return newest
}

class S3Session implements PartSession {
  readonly #bucket: S3Bucket
  readonly #key: string
  readonly #uploadId: string
  readonly #options: WriteOptions
  readonly #conditions: S3Conditions
  /** ETags of the parts that an earlier attempt has sent. */
  readonly #present: ReadonlyMap<number, string>
  readonly #parts: { PartNumber: number; ETag: string | undefined; ChecksumSHA256?: string }[] = []

  constructor(
    bucket: S3Bucket,
    key: string,
    uploadId: string,
    options: WriteOptions,
    conditions: S3Conditions,
    present: ReadonlyMap<number, string>,
  ) {
    this.#bucket = bucket
    this.#key = key
    this.#uploadId = uploadId
    this.#options = options
    this.#conditions = conditions
    this.#present = present
  }

  async put(number: number, bytes: Uint8Array): Promise<void> {
    const earlier = this.#present.get(number)
    if (earlier !== undefined && earlier === hash('md5', bytes, 'hex')) {
      this.#parts.push({ PartNumber: number, ETag: `"${earlier}"` })
      return
    }
    const { signal } = this.#options
    const sha256 = sha256Hex(bytes)
    const input = { ...this.#upload(), PartNumber: number, Body: bytes, ContentLength: bytes.length }
    const { ETag } = await retried(
      async () =>
        this.#bucket.attempt('write', this.#key, signal, async (sending) =>
          this.#bucket.client.send(signBody(new this.#bucket.sdk.UploadPartCommand(input), sha256), sending),
        ),
      { signal },
    )
    this.#parts.push({ PartNumber: number, ETag })
  }

  async finish(sizeBytes: number): Promise<ObjectInfo> {
    const { signal } = this.#options
    const parts = this.#parts.sort((a, b) => a.PartNumber - b.PartNumber)
    const input = { ...this.#upload(), ...this.#conditions, MultipartUpload: { Parts: parts } }
    const answer = await this.#bucket.attempt('finish', this.#key, signal, async (sending) =>
      this.#bucket.client.send(new this.#bucket.sdk.CompleteMultipartUploadCommand(input), sending),
    )
    if (bareEtag(answer.ETag)) return written(this.#key, sizeBytes, answer, this.#options)
    // Ceph does not tell the ETag of what was put together.
    const version = answer.VersionId
    const info = await statObject(this.#bucket, this.#key, { version, signal })
    return info ?? written(this.#key, sizeBytes, { VersionId: version }, this.#options)
  }

  async abandon(): Promise<void> {
    try {
      await abortUpload(this.#bucket, { key: this.#key, id: this.#uploadId })
    } catch (error) {
      if (!isArcError(error)) throw error // the service is away; listUploads finds what is left
    }
  }

  #upload(): { Bucket: string; Key: string; UploadId: string } {
    return { Bucket: this.#bucket.name, Key: this.#key, UploadId: this.#uploadId }
  }
}

/** Drop the parts of an upload. */
export async function abortUpload(
  bucket: S3Bucket,
  { key, id }: Pick<UploadInfo, 'key' | 'id'>,
  signal?: AbortSignal,
): Promise<void> {
  const input = { Bucket: bucket.name, Key: key, UploadId: id }
  await bucket.attempt('drop the upload of', key, signal, async (sending) =>
    bucket.client.send(new bucket.sdk.AbortMultipartUploadCommand(input), sending),
  )
}

function written(
  key: string,
  sizeBytes: number,
  answer: { ETag?: string | undefined; VersionId?: string | undefined },
  { sha256, contentType, metadata = {}, storageClass }: WriteOptions,
): ObjectInfo {
  const { VersionId: version, ETag } = answer
  return {
    key,
    sizeBytes,
    modified: new Date(),
    etag: bareEtag(ETag),
    version,
    sha256,
    contentType,
    metadata,
    storageClass,
  }
}
