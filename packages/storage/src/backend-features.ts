import type { CallOptions, ObjectInfo } from './backend.ts'

/**
 * What only some backends can do. A member that is absent cannot be done; one that is there may still be refused by the
 * bucket at hand, which the capability of the same name tells.
 */
export interface BackendFeatures {
  /** Copy an object, or a past version of it, without its bytes passing through here. */
  copy?(from: string, to: string, options?: CopyOptions): Promise<ObjectInfo>
  /** Delete up to any number of objects in few requests; what could not be deleted is returned, not thrown. */
  deleteMany?(items: readonly DeleteItem[], options?: CallOptions): Promise<readonly DeleteFailure[]>
  /** All versions of every key that starts with `prefix`: keys in byte order, of one key the newest first. */
  listVersions?(prefix: string, options?: CallOptions): AsyncIterable<readonly VersionInfo[]>
  /** A URL by which whoever has it may read or write that one object for a while. */
  presign?(key: string, options: PresignOptions): Promise<string>
  readTags?(key: string, options?: VersionOptions): Promise<Readonly<Record<string, string>>>
  /** Replaces all tags. */
  writeTags?(key: string, tags: Readonly<Record<string, string>>, options?: VersionOptions): Promise<void>
  readLock?(key: string, options?: VersionOptions): Promise<ObjectLock>
  setRetention?(key: string, retention: Retention, options?: RetentionOptions): Promise<void>
  setLegalHold?(key: string, isHeld: boolean, options?: VersionOptions): Promise<void>
  setStorageClass?(key: string, storageClass: string, options?: CallOptions): Promise<void>
  /** Throws `ARC_OBJECT_CONFLICT` while somebody else holds it. */
  lease?(key: string, options: LeaseOptions): Promise<Lease>
  /** Uploads that were begun and neither finished nor given up; they cost money until they are. */
  listUploads?(prefix: string, options?: CallOptions): AsyncIterable<readonly UploadInfo[]>
  abortUpload?(upload: UploadInfo, options?: CallOptions): Promise<void>
  /**
   * Only where keys are paths: throw `ARC_BACKEND_UNSUITABLE` when a write of this key would, because a folder has its name,
   * or an object that of a folder it lies in. For those who must know before they do what comes before the write.
   */
  assertCanHold?(key: string, options?: CanHoldOptions): Promise<void>
}

export interface CanHoldOptions extends CallOptions {
  /** Keys that will have been deleted by then. */
  going?: readonly string[] | undefined
}

export interface VersionOptions extends CallOptions {
  version?: string | undefined
}

export interface CopyOptions extends CallOptions {
  /** Of `from`. */
  version?: string | undefined
}

export interface DeleteItem {
  readonly key: string
  readonly version?: string | undefined
}

export interface DeleteFailure extends DeleteItem {
  readonly error: Error
}

/** One past or present state of a key. */
export interface VersionInfo extends ObjectInfo {
  readonly version: string
  readonly isLatest: boolean
  /** The key was deleted at this moment; there is no content. */
  readonly isDeleteMarker: boolean
}

export interface PresignOptions extends VersionOptions {
  method: 'GET' | 'PUT'
  expiresInSeconds: number
}

export interface Retention {
  readonly until: Date
  readonly mode: 'governance' | 'compliance'
}

export interface RetentionOptions extends VersionOptions {
  /** Shorten or lift a retention of mode `governance`, as somebody who may. */
  bypassGovernance?: boolean | undefined
}

/** What keeps an object or version unchanged. */
export interface ObjectLock {
  readonly retention?: Retention | undefined
  readonly isHeld: boolean
}

export interface LeaseOptions extends CallOptions {
  /** How long it lasts unless renewed; services bound it (Azure: 15 to 60 seconds). */
  durationMs: number
}

/** The sole right to change an object. */
export interface Lease {
  readonly id: string
  renew(options?: CallOptions): Promise<void>
  release(options?: CallOptions): Promise<void>
}

export interface UploadInfo {
  readonly key: string
  readonly id: string
  readonly started: Date
}
