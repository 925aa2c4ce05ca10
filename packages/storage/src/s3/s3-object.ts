import type { GetObjectCommandOutput, HeadObjectCommandOutput } from '@aws-sdk/client-s3'
import type { ObjectInfo, StatOptions } from '../backend.ts'
import { isArcError } from '@arc/core'
import { bareEtag, isNotFound } from '../http-ranges.ts'
import type { GetRange, RangeAnswer } from '../ranged-body.ts'
import type { S3Bucket } from './s3-bucket.ts'
import { withoutSha256 } from '../sha256-metadata.ts'

/** What an answer tells of an object. */
export function s3ObjectInfo(key: string, answer: HeadObjectCommandOutput | GetObjectCommandOutput): ObjectInfo {
  const { sha256, metadata } = withoutSha256(answer.Metadata)
  // "bytes 0-8388607/20000000": of a range, the size of the whole stands behind the slash.
  const whole = 'ContentRange' in answer ? answer.ContentRange?.split('/')[1] : undefined
  return {
    key,
    sizeBytes: whole === undefined ? (answer.ContentLength ?? 0) : Number(whole),
    modified: answer.LastModified ?? new Date(0),
    etag: bareEtag(answer.ETag),
    version: answer.VersionId,
    sha256,
    storageClass: answer.StorageClass,
    contentType: answer.ContentType,
    metadata,
  }
}

/** `undefined` when there is none. */
export async function statObject(
  bucket: S3Bucket,
  key: string,
  { version, signal }: StatOptions,
): Promise<ObjectInfo | undefined> {
  const { client, sdk, name } = bucket
  try {
    return await bucket.attempt('look at', key, signal, async (sending) => {
      const command = new sdk.HeadObjectCommand({ Bucket: name, Key: key, VersionId: version })
      return s3ObjectInfo(key, await client.send(command, sending))
    })
  } catch (error) {
    if (isArcError(error) && isOddVersion(error.details)) return undefined
    if (!isNotFound(error)) throw error
    await bucket.assertThere(signal)
    return undefined
  }
}

/** A version that is none, or that is a delete marker, is answered in several ways. */
function isOddVersion({ status, name }: Readonly<Record<string, unknown>>): boolean {
  return status === 405 || (status === 400 && (name === 'NoSuchVersion' || name === 'InvalidArgument'))
}

/** How {@link import('../ranged-body.ts').rangedBody} gets the parts of one object. */
export function rangesOf(bucket: S3Bucket, key: string, version: string | undefined): GetRange {
  const { client, sdk, name } = bucket
  return async (start, end, { signal, first }) => {
    if (end <= start) return nothing(bucket, key, version, signal)
    try {
      return await bucket.attempt('read', key, signal, async (sending) => {
        const range = `bytes=${start}-${end - 1}`
        const input = { Bucket: name, Key: key, Range: range, VersionId: version ?? first?.version }
        const answer = await client.send(new sdk.GetObjectCommand(input), sending)
        const chunks: Uint8Array[] = []
        const body = answer.Body as AsyncIterable<Uint8Array> | undefined
        if (body !== undefined) for await (const chunk of body) chunks.push(chunk)
        return { info: s3ObjectInfo(key, answer), chunks }
      })
    } catch (error) {
      if (isArcError(error) && error.details['status'] === 416) return nothing(bucket, key, version, signal)
      throw error
    }
  }
}

/** No bytes, because there are none there; the object still tells of itself. */
async function nothing(
  bucket: S3Bucket,
  key: string,
  version: string | undefined,
  signal: AbortSignal | undefined,
): Promise<RangeAnswer> {
  const info = await bucket.attempt('read', key, signal, async (sending) => {
    const command = new bucket.sdk.HeadObjectCommand({ Bucket: bucket.name, Key: key, VersionId: version })
    return s3ObjectInfo(key, await bucket.client.send(command, sending))
  })
  return { info, chunks: [] }
}
