import type { EntrySource, Limits, ProgressListener } from '@arc/core'
import type { SnapshotDraft, SnapshotInfo, TakenSnapshot } from './snapshot-info.ts'

/** How a store keeps snapshots. */
export type SnapshotMode = 'vault' | 'copy' | 'link' | 'archive'

export interface CallOptions {
  signal?: AbortSignal | undefined
  onProgress?: ProgressListener | undefined
}

/** How a snapshot is taken. */
export interface TakeOptions extends SnapshotDraft, CallOptions {
  /** Where to remember what files looked like, so that the next run opens only what changed; a folder, disposable. Needs `path`. */
  cacheFolder?: string | undefined
  /** Read every file, whatever the cache says; default false. */
  paranoid?: boolean | undefined
  /** Threads that read, hash and compress; default: what suits the machine and the amount. The result is the same. */
  jobs?: number | undefined
}

/** What became of the source. */
export interface SnapshotResult {
  readonly snapshot: TakenSnapshot
  /** False when the tree is the same as that of the snapshot before, to the last bit. */
  readonly isChanged: boolean
}

export interface OpenSnapshotOptions extends CallOptions {
  /** Only this path and what is below it; paths stay as they are. Throws `ARC_ENTRY_MISSING` when there is none. */
  under?: string | undefined
  /**
   * Bounds on what may come out, for whoever acts on it. Of archives in place of those that follow from what the snapshot's record
   * says is in it. Of a vault in place of the usual ones: `maxEntries`, `maxDepth`, `maxPathBytes`, which hold without this too,
   * and `maxRatio`, the bytes of everything to those of the folders that are no repetition of others, beyond 4 GiB.
   */
  limits?: Partial<Limits> | undefined
}

export interface TagChange {
  add?: readonly string[] | undefined
  remove?: readonly string[] | undefined
}

/** How thoroughly to verify. */
export interface VerifyOptions extends CallOptions {
  /**
   * `metadata` (default): every record, index and listing, and that all they name is there with the right size. `data`:
   * also every byte of content. A fraction: that part of the content, chosen by `part`.
   */
  read?: 'metadata' | 'data' | number | undefined
  /** Which part a fraction takes: runs with 0, 1, 2 … go through everything in turn. Default 0. */
  part?: number | undefined
}

/** One thing that is not as it should be. */
export interface VerifyProblem {
  readonly code: 'damaged' | 'missing' | 'unreadable'
  /** The object concerned, as the backend or the disk names it. */
  readonly object: string
  readonly message: string
  /** Files that cannot be restored because of it, in printable form, each with one snapshot that has it; at most 1,000. */
  readonly files: readonly { readonly snapshot: string; readonly path: string }[]
}

export interface VerifyReport {
  readonly problems: readonly VerifyProblem[]
  readonly snapshots: number
  readonly objects: number
  readonly readBytes: number
}

/**
 * Where snapshots are kept: the one face of vault, copies, links and archives. All verbs of this package stand on it. A
 * snapshot is seen whole or not at all, whatever happens to its writer.
 */
export interface SnapshotStore extends AsyncDisposable {
  /** Names of records that could not be read when snapshots were last listed: those snapshots are left out. Verifying tells why. */
  readonly damagedRecords?: readonly string[] | undefined
  /** `restic` and `predecessor` are other programs' formats: `take` works in a repository of restic, `remove` and `tag` in neither. */
  readonly mode: SnapshotMode | 'restic' | 'predecessor'
  /** Names the store wherever it lies, if it has such a name. */
  readonly id?: string | undefined
  /** For messages: a path or URL without secrets. */
  readonly location: string
  /** Every snapshot, oldest first. */
  list(options?: CallOptions): Promise<SnapshotInfo[]>
  /** The entries of a snapshot. Throws `ARC_SNAPSHOT_UNKNOWN`. */
  open(id: string, options?: OpenSnapshotOptions): Promise<EntrySource>
  take(source: EntrySource, options?: TakeOptions): Promise<SnapshotResult>
  /** Drop snapshots. In a vault the space comes back with pruning. */
  remove(ids: readonly string[], options?: CallOptions & { reason?: string | undefined }): Promise<void>
  tag(id: string, change: TagChange, options?: CallOptions): Promise<SnapshotInfo>
  verify(options?: VerifyOptions): Promise<VerifyReport>
}
