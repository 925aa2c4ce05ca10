import type { CallOptions, ListOptions, ObjectInfo } from '../backend.ts'
import type { UploadInfo, VersionInfo } from '../backend-features.ts'
import { compareKeys, keyProblem } from '../object-key.ts'
import { bareEtag } from '../http-ranges.ts'
import type { S3Bucket } from './s3-bucket.ts'

const PAGE_SIZE = 1000

interface ShownOptions {
  /** Which names are listed; default: the keys. */
  isShown?: ((name: string) => boolean) | undefined
}

function isKey(name: string): boolean {
  return keyProblem(name) === undefined
}

/** Names come percent-encoded, because XML cannot hold every character. */
function decoded(name: string | undefined): string {
  return decodeURIComponent((name ?? '').replaceAll('+', ' '))
}

/** Objects whose names are no keys of ours, such as the markers by which some tools imitate folders, are left out. */
export async function* listObjects(
  bucket: S3Bucket,
  prefix: string,
  { startAfter, signal, isShown = isKey }: ShownOptions & ListOptions,
): AsyncGenerator<readonly ObjectInfo[], void, undefined> {
  const { sdk, client, name } = bucket
  const where = {
    Bucket: name,
    Prefix: prefix,
    StartAfter: startAfter,
    MaxKeys: PAGE_SIZE,
    EncodingType: 'url' as const,
  }
  for (let token: string | undefined; ;) {
    const page = await bucket.attempt('list', prefix, signal, async (sending) =>
      client.send(new sdk.ListObjectsV2Command({ ...where, ContinuationToken: token }), sending),
    )
    const batch: ObjectInfo[] = []
    for (const { Key, Size = 0, LastModified = new Date(0), ETag, StorageClass } of page.Contents ?? []) {
      const key = decoded(Key)
      if (!isShown(key)) continue
      batch.push({ key, sizeBytes: Size, modified: LastModified, etag: bareEtag(ETag), storageClass: StorageClass })
    }
    if (batch.length > 0) yield batch
    token = page.NextContinuationToken
    if (page.IsTruncated !== true || token === undefined) return
  }
}

/** Versions and delete markers of all keys, as the service orders them: by key, of each the newest first. */
export async function* listObjectVersions(
  bucket: S3Bucket,
  prefix: string,
  { signal, isShown = isKey }: ShownOptions & CallOptions,
): AsyncGenerator<readonly VersionInfo[], void, undefined> {
  const { sdk, client, name } = bucket
  const where = { Bucket: name, Prefix: prefix, MaxKeys: PAGE_SIZE, EncodingType: 'url' as const }
  let markers: { KeyMarker?: string | undefined; VersionIdMarker?: string | undefined } = {}
  for (;;) {
    const page = await bucket.attempt('list the versions of', prefix, signal, async (sending) =>
      client.send(new sdk.ListObjectVersionsCommand({ ...where, ...markers }), sending),
    )
    const batch = merged(page.Versions ?? [], page.DeleteMarkers ?? []).filter(({ key }) => isShown(key))
    if (batch.length > 0) yield batch
    if (page.IsTruncated !== true) return
    markers = { KeyMarker: decoded(page.NextKeyMarker), VersionIdMarker: page.NextVersionIdMarker }
  }
}

interface Listed {
  Key?: string | undefined
  VersionId?: string | undefined
  IsLatest?: boolean | undefined
  LastModified?: Date | undefined
  Size?: number | undefined
  ETag?: string | undefined
  StorageClass?: string | undefined
}

/**
 * The client gives versions and markers as two lists, each in the service's order, and which came first between the two is
 * lost. They are merged by key, the latest first, then by time, without changing the order within either.
 */
function merged(versions: readonly Listed[], markers: readonly Listed[]): VersionInfo[] {
  const left = versions.map((item) => versionInfo(item, false))
  const right = markers.map((item) => versionInfo(item, true))
  const all: VersionInfo[] = []
  let [i, j] = [0, 0]
  for (;;) {
    const [version, marker] = [left[i], right[j]]
    if (version === undefined && marker === undefined) break
    const takesVersion = marker === undefined || (version !== undefined && precedes(version, marker))
    const next = takesVersion ? left[i++] : right[j++]
    if (next !== undefined) all.push(next)
  }
  return all
}

function precedes(a: VersionInfo, b: VersionInfo): boolean {
  if (a.key !== b.key) return compareKeys(a.key, b.key) < 0
  if (a.isLatest !== b.isLatest) return a.isLatest
  return a.modified >= b.modified
}

function versionInfo(item: Listed, isDeleteMarker: boolean): VersionInfo {
  const { VersionId = 'null', IsLatest = false, LastModified = new Date(0), Size = 0, ETag, StorageClass } = item
  return {
    key: decoded(item.Key),
    version: VersionId,
    isLatest: IsLatest,
    isDeleteMarker,
    sizeBytes: Size,
    modified: LastModified,
    etag: bareEtag(ETag),
    storageClass: StorageClass,
  }
}

/** Uploads in parts that were begun and not ended. */
export async function* listUploads(
  bucket: S3Bucket,
  prefix: string,
  { signal }: CallOptions,
): AsyncGenerator<readonly UploadInfo[], void, undefined> {
  const { sdk, client, name } = bucket
  const where = { Bucket: name, Prefix: prefix, EncodingType: 'url' as const }
  let markers: { KeyMarker?: string | undefined; UploadIdMarker?: string | undefined } = {}
  for (;;) {
    const page = await bucket.attempt('list the uploads of', prefix, signal, async (sending) =>
      client.send(new sdk.ListMultipartUploadsCommand({ ...where, ...markers }), sending),
    )
    const batch = (page.Uploads ?? []).map(({ Key, UploadId = '', Initiated = new Date(0) }): UploadInfo => ({
      key: decoded(Key),
      id: UploadId,
      started: Initiated,
    }))
    if (batch.length > 0) yield batch
    if (page.IsTruncated !== true) return
    markers = { KeyMarker: decoded(page.NextKeyMarker), UploadIdMarker: page.NextUploadIdMarker }
  }
}
