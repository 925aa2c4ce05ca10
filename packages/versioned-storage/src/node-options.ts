import { ArcError, type ProgressListener } from '@arc/core'
import type { Metadata } from './json.ts'
import type { PermittedStore } from './mount.ts'
import type { CallOptions } from './store.ts'
import type { VersionSelector } from './version.ts'

/** What a node needs of the manager that made it. */
export interface NodeContext {
  readonly now: () => Date
  /** Whether content of that path is kept compressed. */
  readonly compresses: (mount: string, path: string) => boolean
  /** The store of a mount for a path, opened when first needed, and the path's key there. */
  readonly locate: (mount: string, path: string) => Promise<Located>
}

export interface Located {
  readonly store: PermittedStore
  readonly key: string
}

export interface ReadOptions extends VersionSelector, CallOptions {
  /** Bytes `start` up to, not including, `end`. */
  range?: { readonly start: number; readonly end?: number | undefined } | undefined
  /** Throw `ARC_LIMIT_EXCEEDED` rather than take more into memory; default 512 MiB. */
  maxBytes?: number | undefined
  onProgress?: ProgressListener | undefined
}

export interface WriteOptions extends CallOptions {
  /** Make no version when the content is that of the latest one. */
  skipIfUnchanged?: boolean | undefined
  /** Facts about the new version. */
  metadata?: Metadata | undefined
  onProgress?: ProgressListener | undefined
}

/** What is at a node now. */
export interface NodeStat {
  readonly type: 'file' | 'directory'
  readonly sizeBytes: number
  readonly modified: Date
  readonly sha256: string | undefined
}

export interface UrlOptions extends CallOptions {
  /** How many seconds the URL is good for: from 1 to 604,800, which are seven days; 3,600 by default. */
  expiresIn?: number | undefined
  /** The same under a name that says its unit. */
  expiresInSeconds?: number | undefined
}

const DEFAULT_EXPIRY_SECONDS = 3600
const MAX_EXPIRY_SECONDS = 7 * 24 * 3600 // what S3 and Google sign at most

/** Throws `ARC_OPTION_INVALID` for what no service would sign. */
export function expiryOf({ expiresIn, expiresInSeconds }: UrlOptions): number {
  const seconds = expiresIn ?? expiresInSeconds ?? DEFAULT_EXPIRY_SECONDS
  const isOne = expiresIn === undefined || expiresInSeconds === undefined || expiresIn === expiresInSeconds
  if (isOne && Number.isInteger(seconds) && seconds >= 1 && seconds <= MAX_EXPIRY_SECONDS) return seconds
  throw new ArcError('ARC_OPTION_INVALID', `a URL cannot expire in ${String(seconds)} seconds`, {
    hint: `Give expiresIn, a whole number of seconds from 1 to ${MAX_EXPIRY_SECONDS}.`,
  })
}
