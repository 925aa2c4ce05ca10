import { type ArcError, isArcError } from '@arc/core'
import { objectLocked } from '../backend-error.ts'
import type { DeleteOptions } from '../backend.ts'
import type {
  DeleteFailure,
  DeleteItem,
  ObjectLock,
  Retention,
  RetentionOptions,
  VersionOptions,
} from '../backend-features.ts'
import { type CallOptions } from '../backend.ts'
import { serviceError } from '../service-errors.ts'
import type { S3Bucket } from './s3-bucket.ts'

/** What keeps an object; both questions answer 404 or 400 where nothing does. */
export async function readLock(
  bucket: S3Bucket,
  key: string,
  { version, signal }: VersionOptions,
): Promise<ObjectLock> {
  const { client, sdk, name } = bucket
  const where = { Bucket: name, Key: key, VersionId: version }
  const [retained, hold] = await Promise.all([
    unlessUnset(
      bucket.attempt('look at the retention of', key, signal, async (sending) =>
        client.send(new sdk.GetObjectRetentionCommand(where), sending),
      ),
    ),
    unlessUnset(
      bucket.attempt('look at the hold of', key, signal, async (sending) =>
        client.send(new sdk.GetObjectLegalHoldCommand(where), sending),
      ),
    ),
  ])
  const { Mode, RetainUntilDate: until } = retained?.Retention ?? {}
  return {
    retention: until === undefined ? undefined : { until, mode: Mode === 'COMPLIANCE' ? 'compliance' : 'governance' },
    isHeld: hold?.LegalHold?.Status === 'ON',
  }
}

async function unlessUnset<Answer>(call: Promise<Answer>): Promise<Answer | undefined> {
  try {
    return await call
  } catch (error) {
    if (isArcError(error) && [400, 404].includes(Number(error.details['status']))) return undefined
    throw error
  }
}

export async function setRetention(
  bucket: S3Bucket,
  key: string,
  { until, mode }: Retention,
  { version, bypassGovernance, signal }: RetentionOptions,
): Promise<void> {
  const input = {
    Bucket: bucket.name,
    Key: key,
    VersionId: version,
    ...(bypassGovernance === true ? { BypassGovernanceRetention: true } : {}),
    Retention: {
      RetainUntilDate: until,
      Mode: mode === 'compliance' ? ('COMPLIANCE' as const) : ('GOVERNANCE' as const),
    },
  }
  await unlessLocked(bucket, key, { version, signal }, async () =>
    bucket.attempt('retain', key, signal, async (sending) =>
      bucket.client.send(new bucket.sdk.PutObjectRetentionCommand(input), sending),
    ),
  )
}

export async function setLegalHold(
  bucket: S3Bucket,
  key: string,
  isHeld: boolean,
  { version, signal }: VersionOptions,
): Promise<void> {
  const LegalHold = { Status: isHeld ? ('ON' as const) : ('OFF' as const) }
  const input = { Bucket: bucket.name, Key: key, VersionId: version, LegalHold }
  await bucket.attempt('hold', key, signal, async (sending) =>
    bucket.client.send(new bucket.sdk.PutObjectLegalHoldCommand(input), sending),
  )
}

export async function deleteObject(
  bucket: S3Bucket,
  key: string,
  { version, bypassGovernance, signal }: DeleteOptions,
  conditions: { IfMatch?: string },
): Promise<void> {
  const bypass = bypassGovernance === true ? { BypassGovernanceRetention: true } : {}
  const input = { Bucket: bucket.name, Key: key, VersionId: version, ...conditions, ...bypass }
  await unlessLocked(bucket, key, { version, signal }, async () =>
    bucket.attempt('delete', key, signal, async (sending) =>
      bucket.client.send(new bucket.sdk.DeleteObjectCommand(input), sending),
    ),
  )
}

/** A lock is answered as a lack of permission; only looking tells them apart. */
async function unlessLocked(
  bucket: S3Bucket,
  key: string,
  options: VersionOptions,
  call: () => Promise<unknown>,
): Promise<void> {
  try {
    await call()
  } catch (error) {
    if (!isArcError(error)) throw error
    if (error.code === 'ARC_OBJECT_NOT_FOUND' || isNoVersion(error)) return
    if (error.code === 'ARC_BACKEND_DENIED' && (await isLocked(bucket, key, options))) {
      throw objectLocked(bucket, key, { cause: error })
    }
    throw error
  }
}

function isNoVersion({ details }: ArcError): boolean {
  return details['status'] === 400 && (details['name'] === 'NoSuchVersion' || details['name'] === 'InvalidArgument')
}

async function isLocked(bucket: S3Bucket, key: string, options: VersionOptions): Promise<boolean> {
  try {
    const { retention, isHeld } = await readLock(bucket, key, options)
    return isHeld || retention !== undefined
  } catch (error) {
    if (!isArcError(error)) throw error
    return false // we may not even look: then the lack of permission is the answer
  }
}

const ITEMS_PER_REQUEST = 1000

export async function deleteObjects(
  bucket: S3Bucket,
  items: readonly DeleteItem[],
  { signal }: CallOptions,
): Promise<DeleteFailure[]> {
  const failures: DeleteFailure[] = []
  for (let at = 0; at < items.length; at += ITEMS_PER_REQUEST) {
    const Objects = items
      .slice(at, at + ITEMS_PER_REQUEST)
      .map(({ key, version }) => ({ Key: key, VersionId: version }))
    const { Errors = [] } = await bucket.attempt('delete', '', signal, async (sending) =>
      bucket.client.send(
        new bucket.sdk.DeleteObjectsCommand({ Bucket: bucket.name, Delete: { Objects, Quiet: true } }),
        sending,
      ),
    )
    for (const { Key = '', VersionId, Code = '', Message = '' } of Errors) {
      if (Code === 'NoSuchKey' || Code === 'NoSuchVersion') continue
      const status = Code === 'AccessDenied' ? 403 : undefined
      const failure = { status, name: Code, message: Message }
      const error = serviceError(bucket, 'delete', Key, undefined, failure, undefined) as Error
      failures.push({ key: Key, version: VersionId, error })
    }
  }
  return failures
}
