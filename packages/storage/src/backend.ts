import type { ProgressListener } from '@arc/core'
import type { BackendFeatures } from './backend-features.ts'

/**
 * A place that keeps objects: bytes under a key. The same few verbs over memory, a folder, a bucket, a server; everything
 * that lives on a remote place stands on this port.
 *
 * Keys are well-formed Unicode, segments joined by `/`, none of them empty, `.` or `..`; a driver refuses any other with
 * `ARC_OBJECT_KEY_INVALID` before it does any I/O. An object appears whole or not at all, and once a write has resolved it
 * survives a crash of this machine (a remote service: of ours).
 */
export interface Backend extends AsyncDisposable, BackendFeatures {
  /** How its URLs begin: `memory`, `file`, `s3`, `gs`, `azblob`, `sftp`, `webdav+https`. */
  readonly scheme: string
  /** Where it is, as a URL without secrets: for messages and reports. */
  readonly location: string
  /** What it can do, found out by trying; asked once per backend. */
  capabilities(options?: CallOptions): Promise<Capabilities>
  /** `undefined` when there is no such object. */
  stat(key: string, options?: StatOptions): Promise<ObjectInfo | undefined>
  /**
   * Throws `ARC_OBJECT_NOT_FOUND`. The body is read once; leaving its loop early releases the connection. An object that is
   * replaced meanwhile gives its old bytes or `ARC_OBJECT_CONFLICT`, never a mixture.
   */
  read(key: string, options?: ReadOptions): Promise<ObjectBody>
  /** Replaces an object that is there, unless a condition says otherwise: then `ARC_OBJECT_CONFLICT`, and nothing has changed. */
  write(key: string, content: ObjectContent, options?: WriteOptions): Promise<ObjectInfo>
  /** Deleting what is not there is no error. */
  delete(key: string, options?: DeleteOptions): Promise<void>
  /** Every object whose key starts with `prefix`, in byte order of the keys' UTF-8, in batches of at most 1,000. */
  list(prefix: string, options?: ListOptions): AsyncIterable<readonly ObjectInfo[]>
}

/** What a driver takes as content. A sequence is written as it arrives; its pieces may be reused once the next is asked for. */
export type ObjectContent = Uint8Array | AsyncIterable<Uint8Array>

export interface CallOptions {
  signal?: AbortSignal | undefined
}

export interface StatOptions extends CallOptions {
  /** A past version, on a backend whose capabilities name `versions`. */
  version?: string | undefined
}

export interface ReadOptions extends StatOptions {
  /** Bytes `start` up to, not including, `end`; an `end` past the object's is no error, a `start` past it gives nothing. */
  range?: { readonly start: number; readonly end?: number | undefined } | undefined
  onProgress?: ProgressListener | undefined
}

export interface WriteOptions extends CallOptions {
  /** Write only if no object is there. Needs the capability `createOnly`. */
  ifAbsent?: boolean | undefined
  /** Write only if the object there still has this {@link ObjectInfo.etag}. Needs the capability `compareAndSwap`. */
  ifMatch?: string | undefined
  /** SHA-256 of the content in lower-case hex: bytes that differ end in `ARC_HASH_MISMATCH`, and no object appears. */
  sha256?: string | undefined
  /** Length of the content in bytes when known; needed by nobody, spares some drivers a buffer. */
  sizeBytes?: number | undefined
  contentType?: string | undefined
  /** Names of lower-case letters, digits and `-`; ASCII values. Kept where the capability `metadata` says so. */
  metadata?: Readonly<Record<string, string>> | undefined
  /** Keep this object unchanged until then. Needs the capability `objectLock`. */
  retainUntil?: Date | undefined
  /** Who may lift {@link WriteOptions.retainUntil} early: those with the right to (default), or nobody at all. */
  retentionMode?: 'governance' | 'compliance' | undefined
  /** Needs the capability `tags`. */
  tags?: Readonly<Record<string, string>> | undefined
  /** The service's own name of a class. Needs the capability `storageClasses`. */
  storageClass?: string | undefined
  /**
   * Go on with an upload of this key that was broken off: the content is given from its beginning again, and what the
   * service already holds of it, compared by hash, is not sent twice. What was sent stays when this fails, for the next
   * attempt; but not when the signal stopped it: that leaves nothing. Without effect where the capability `resume` is missing.
   */
  resume?: boolean | undefined
  onProgress?: ProgressListener | undefined
}

export interface DeleteOptions extends CallOptions {
  /** Delete this past version for good, instead of the object. */
  version?: string | undefined
  /** Delete what is under a retention of mode `governance`, as somebody who may. */
  bypassGovernance?: boolean | undefined
  /** Delete only if the object there still has this {@link ObjectInfo.etag}. Needs the capability `compareAndDelete`. */
  ifMatch?: string | undefined
}

export interface ListOptions extends CallOptions {
  /** Only keys behind this one. */
  startAfter?: string | undefined
}

export interface ObjectInfo {
  readonly key: string
  readonly sizeBytes: number
  readonly modified: Date
  /** Changes whenever the object is written; opaque, never a hash to rely on. */
  readonly etag?: string | undefined
  /** SHA-256 of the content, where the backend keeps it. */
  readonly sha256?: string | undefined
  readonly version?: string | undefined
  readonly storageClass?: string | undefined
  readonly contentType?: string | undefined
  readonly metadata?: Readonly<Record<string, string>> | undefined
}

/** Its pieces are the reader's own: nothing writes into them later. */
export interface ObjectBody extends AsyncIterable<Uint8Array> {
  readonly info: ObjectInfo
}

/**
 * `true`: tried here and seen to work. `false`: tried and seen not to, or known to be missing. What depends on a missing
 * capability refuses with `ARC_BACKEND_UNSUITABLE` before any I/O.
 */
export interface Capabilities {
  /** {@link WriteOptions.ifAbsent} is honoured, also between writers that race. */
  readonly createOnly: boolean
  /** {@link WriteOptions.ifMatch} is honoured, also between writers that race. */
  readonly compareAndSwap: boolean
  readonly compareAndDelete: boolean
  /** A write is seen at once by every later read and list. */
  readonly consistent: boolean
  readonly metadata: boolean
  /** The service keeps past versions of a key. */
  readonly versions: boolean
  readonly objectLock: boolean
  /** {@link BackendFeatures.setLegalHold}. */
  readonly legalHold?: boolean
  readonly tags?: boolean
  readonly storageClasses?: boolean
  readonly presign?: boolean
  readonly lease?: boolean
  /** {@link WriteOptions.resume}. */
  readonly resume?: boolean
}
