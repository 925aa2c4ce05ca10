import type { ArcErrorCode, EntryPath, EntryType, Limits, Omission } from '@arc/core'
import type { AttributeRules } from './attribute-rules.ts'

/**
 * What a restore does to its target. `new`: the target must not exist, or be an empty folder. `replace`: afterwards the
 * target is exactly the source. `merge`: the source is laid over the target, and every other path of it stays.
 */
export type RestoreMode = 'new' | 'replace' | 'merge'

/**
 * What to do with symlinks. Making one never writes through it, whatever it points to; what differs is what later
 * programs may follow. `inside`: refuse those that lead out of the target. `keep`: restore each exactly as it was, and
 * report those that lead out. `refuse`: take no symlink at all.
 */
export type LinkPolicy = 'inside' | 'keep' | 'refuse'

/** Why a path is changed, or how it came into the plan. */
export type RestoreReason =
  | 'type' // another kind of thing is there
  | 'size'
  | 'content'
  | 'link-target'
  | 'mode'
  | 'mtime'
  | 'owner'
  | 'xattrs'
  | 'implied' // a folder that only the names of other entries tell of
  | 'not-in-source'

/** What will happen to one path. */
export interface RestoreRow {
  readonly path: EntryPath
  readonly action: 'add' | 'change' | 'remove' | 'keep'
  /** What is there afterwards; for `remove` what is there now (`special`: a socket, pipe or device). */
  readonly type: EntryType | 'special'
  readonly sizeBytes: number
  /** Permission bits, as {@link RestoreRow.type} is meant; set-id bits that are dropped are not in it. */
  readonly mode: number
  /** Present on `change`, on `remove`, and where there is something to say. */
  readonly reason?: RestoreReason | undefined
  /** The SHA-256 that the source declares for a file, in lower-case hex. */
  readonly sha256?: string | undefined
}

/** Why the plan cannot be carried out as it is; {@link applyRestore} throws the first one. */
export interface RestoreConflict {
  /** In printable form; `undefined` when the whole target is meant. */
  readonly path?: string | undefined
  readonly code: ArcErrorCode
  readonly message: string
  /** What to do about it. */
  readonly hint?: string | undefined
}

/** A symlink that leads out of the target: absolute, or by more `..` than it has folders above it. */
export interface OutwardLink {
  readonly path: EntryPath
  /** Where it points, as written. */
  readonly target: EntryPath
}

/** Counts of rows by action, and what they weigh. */
export interface RestoreTotals {
  readonly added: number
  readonly changed: number
  readonly removed: number
  readonly kept: number
  /** Content that comes from the source. */
  readonly sourceBytes: number
  /** Content of the target that stays and must be copied into the staging folder. */
  readonly keptBytes: number
  /** Content of the target that goes into the restore point only. */
  readonly removedBytes: number
}

/** What the restore needs of the disk that holds the target, and what is free there for this user. */
export interface RestoreSpace {
  readonly neededBytes: number
  readonly availableBytes: number
}

/**
 * What a restore would do: the preview, the dry run and the diff. Plain data that survives JSON. It holds for one state of
 * the target and one source; `applyRestore` refuses it with `ARC_PLAN_STALE` once either has changed.
 */
export interface RestorePlan extends AttributeRules {
  readonly schemaVersion: 1
  /** Absolute path of the folder to be restored, symlinks resolved. */
  readonly target: string
  readonly mode: RestoreMode
  /** True when `only` chose among the source's entries. */
  readonly selective: boolean
  readonly links: LinkPolicy
  readonly setId: boolean
  readonly portable: boolean
  readonly limits: Readonly<Limits>
  /** One row for each path of source and target, in byte order of path. */
  readonly rows: readonly RestoreRow[]
  readonly totals: RestoreTotals
  readonly space: RestoreSpace
  readonly conflicts: readonly RestoreConflict[]
  /** Links of the source that lead out of the target; under `inside` each is a conflict too. */
  readonly outwardLinks: readonly OutwardLink[]
  /** Paths that lose set-user-id or set-group-id, because `setId` was not asked for. */
  readonly droppedSetId: readonly EntryPath[]
  /** What the source itself had to leave out. */
  readonly omissions: readonly Omission[]
  /** SHA-256 over the target's paths, kinds, modes, sizes, times and inodes; `missing` or `empty` for a new target. */
  readonly targetFingerprint: string
}

/** What recovery found and did. */
export type RecoveryOutcome =
  | 'clean' // nothing was left behind
  | 'cleaned' // remains of a restore that had not reached its swap were removed
  | 'rolled-back' // the swap was half done: the tree from before is back
  | 'finished' // the swap was done, its bookkeeping was not

/** An owner or extended attribute that a path does not have now. */
export interface UnsetAttribute {
  readonly path: EntryPath
  /** `owner`, or the name of the extended attribute. */
  readonly attribute: string
  readonly reason: string
}

/** What became of owners and extended attributes. */
export interface AttributeReport {
  /** Paths that were given their owner. */
  readonly owners: number
  /** Extended attributes that were set, and read back. */
  readonly xattrs: number
  /** Extended attributes left out because their namespace was not asked for. */
  readonly dropped: readonly UnsetAttribute[]
  /** What the system or the file system did not allow: the result is partial. */
  readonly failed: readonly UnsetAttribute[]
}

/** What a restore did. Plain data. */
export interface RestoreResult {
  readonly schemaVersion: 1
  /** Absolute path of the restored folder, symlinks resolved. */
  readonly target: string
  readonly mode: RestoreMode
  readonly files: number
  readonly directories: number
  readonly symlinks: number
  /** Files that are further names of another file, counted in `files` too. */
  readonly hardLinks: number
  /** Bytes of content written. */
  readonly writtenBytes: number
  /** Files whose content was checked against a SHA-256 that the source declares. */
  readonly verifiedFiles: number
  readonly outwardLinks: readonly OutwardLink[]
  readonly droppedSetId: readonly EntryPath[]
  /** Present when owners or extended attributes were asked for. */
  readonly attributes?: AttributeReport | undefined
  /** What the source itself had to leave out. */
  readonly omissions: readonly Omission[]
  /** Names the tree from before, for `undoRestore`; absent when there was none, or `keepPoints` is 0. */
  readonly restorePoint?: string | undefined
  /** Restore points that were more than are kept, and are gone, oldest first; absent when there were none. */
  readonly droppedPoints?: readonly Pick<RestorePoint, 'id' | 'replacedAt'>[] | undefined
  /** What was found of an earlier restore, and done about it. */
  readonly recovery: RecoveryOutcome
  /** False when remains of this restore could not be removed; the next restore, or `recoverTarget`, tries again. */
  readonly tidy: boolean
}

/** A tree that a restore replaced. */
export interface RestorePoint {
  /** What `undoRestore` takes; later points sort after earlier ones. */
  readonly id: string
  /** When the tree was replaced, ISO 8601. */
  readonly replacedAt: string
  /** The name of the source it was replaced by. */
  readonly replacedBy: string
  readonly mode: RestoreMode | 'undo'
  /** How many restore points were asked for, then or before: it holds until another count is asked for. */
  readonly askedPoints: number
  /** Where the tree lies now. Read it, do not write to it. */
  readonly path: string
}
