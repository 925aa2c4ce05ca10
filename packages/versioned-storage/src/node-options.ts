import type { ProgressListener } from '@arc/core'
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
