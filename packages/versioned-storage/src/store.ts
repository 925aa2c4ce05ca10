import type { ProgressListener } from '@arc/core'
import type { ProtectedFeature } from './backend-pasts.ts'
import type { Edit } from './edit.ts'
import type { History } from './history.ts'
import type { VersionInfo, VersionRecord } from './version.ts'

/**
 * A place that keeps keys and their past. Every mount stands on one. All that changes a past goes through
 * {@link VersionStore.commit}, as edits that were decided on the histories as they are at that moment; so what an edit
 * means and who may make it is said once, whatever the place.
 */
export interface VersionStore extends AsyncDisposable {
  /** Where it is, for messages; without secrets. */
  readonly location: string
  /** `false` for what can only be read: archives, revisions, pages. */
  readonly isWritable: boolean
  /** Who keeps holds, retention and storage classes: this package, or the service itself. */
  enforcedBy(feature: ProtectedFeature): 'arc' | 'backend'
  /** What is at the key now; `undefined` when nothing is. */
  stat(key: string, options?: CallOptions): Promise<ItemStat | undefined>
  /** What lies directly in a folder, in byte order of name; `''` is the root. Nothing for a folder that does not exist. */
  list(folder: string, options?: CallOptions): Promise<readonly ItemStat[]>
  /** All files whose key starts with `prefix`, in byte order, in batches. */
  walk(prefix: string, options?: CallOptions): AsyncIterable<readonly ItemStat[]>
  /** The present content. Throws `ARC_OBJECT_NOT_FOUND`. */
  read(key: string, options?: ReadRange): Promise<Content>
  /** The content of a version of {@link VersionStore.history}. */
  readVersion(key: string, version: VersionRecord, options?: ReadRange): Promise<Content>
  /** The past of a key. `record` first takes up what other programs changed. */
  history(key: string, options?: HistoryOptions): Promise<History>
  /**
   * The histories of all keys that start with `prefix`, those of deleted ones too, in batches. A key whose past is damaged
   * does not hide the others: it is left out, and {@link VersionStore.check} names it.
   */
  histories(prefix: string, options?: CallOptions): AsyncIterable<readonly History[]>
  /** The same as one long list, for prefixes with very many versions: keys in byte order, of one key the oldest first. */
  listVersions(prefix: string, options?: CallOptions): AsyncIterable<readonly VersionInfo[]>
  /** Put content aside, where a commit finds it. What no commit takes is removed later. */
  stage(content: ContentInput, options?: StageOptions): Promise<Staged>
  /**
   * Let `decide` look at the histories of `keys` while nobody else can change them, and make its edits durable, all or
   * none. `decide` may be called again when somebody was quicker; it must not have effects. Events of the decision are
   * recorded with the edits.
   */
  commit<T>(keys: readonly string[], decide: Decide<T>, options?: CommitOptions): Promise<T>
  /** Prolong the lease of the lock with that token; `false` when it is no longer that key's lock. */
  renewLock(key: string, token: number, untilMs: number): Promise<boolean>
  /** Folders exist by themselves only where the place has them; else there is nothing to do. */
  makeFolder(folder: string): Promise<void>
  /** Remove a folder that is empty. */
  removeFolder(folder: string): Promise<void>
  snapshot(prefix: string, tag: string): Promise<Snapshot | undefined>
  snapshots(prefix: string): Promise<readonly Snapshot[]>
  /** Events that were recorded and not yet taken out of the outbox, oldest first. */
  pendingEvents(): Promise<readonly StoredEvent[]>
  /** Take events out of the outbox. */
  forgetEvents(ids: readonly string[]): Promise<void>
  /** Let the plain files of keys share their bytes, those that still have that content. */
  share?(keys: readonly string[], sha256: string): Promise<'reflink' | 'hardlink' | undefined>
  /** Remove what is at a key and can have no versions, such as a link, never what it points to. */
  removeStray?(key: string): Promise<void>
  /** Where the present content lies on this machine's disk, if it does. */
  localPath?(key: string): string | undefined
  /** A URL by which others reach the present content. */
  url?(key: string, options: { expiresInSeconds: number }): Promise<string | undefined>
  /** Check everything; `repair` mends what can be mended. */
  check?(options: { repair: boolean; signal?: AbortSignal | undefined }): Promise<CheckReport>
}

export interface CallOptions {
  signal?: AbortSignal | undefined
}

export interface ReadRange extends CallOptions {
  /** Bytes `start` up to, not including, `end`. */
  range?: { readonly start: number; readonly end?: number | undefined } | undefined
}

export interface HistoryOptions extends CallOptions {
  record?: boolean | undefined
}

/** A file or folder as it is now. */
export interface ItemStat {
  readonly key: string
  readonly type: 'file' | 'directory'
  readonly sizeBytes: number
  readonly modified: Date
  /** Of the content, where it is known without reading it. */
  readonly sha256?: string | undefined
  /** Something that cannot be read: a link that leads nowhere or out of the mount, a pipe. */
  readonly problem?: string | undefined
}

/** Bytes in pieces, each valid until the next is asked for, and how many there are. */
export interface Content extends AsyncIterable<Uint8Array> {
  readonly sizeBytes: number
}

export type ContentInput = Uint8Array | AsyncIterable<Uint8Array>

export interface StageOptions extends CallOptions {
  /** Keep the content compressed where that makes it smaller. */
  compress?: boolean | undefined
  onProgress?: ProgressListener | undefined
}

/** Content that was put aside. */
export interface Staged {
  readonly sha256: string
  readonly sizeBytes: number
}

/** What a commit is to do. */
export interface Decision<T> {
  readonly edits: readonly Edit[]
  readonly result: T
  /** The snapshot of these edits must not be there: `ARC_TAG_TAKEN` when somebody was quicker. */
  readonly isNewSnapshot?: boolean | undefined
  /** To be put into the outbox together with the edits. */
  readonly events?: readonly StoredEvent[] | undefined
}

export type Decide<T> = (histories: readonly History[]) => Decision<T>

export interface CommitOptions extends CallOptions {
  /** Contents that edits of this commit may name for the first time. */
  staged?: readonly Staged[] | undefined
}

/** A snapshot as it is recorded. */
export interface Snapshot {
  readonly prefix: string
  readonly tag: string
  readonly atMs: number
  /** Key and `seq` of every file that was there. */
  readonly items: readonly (readonly [key: string, seq: number])[]
}

/** An event in the outbox. */
export interface StoredEvent {
  readonly id: string
  /** As JSON, ready to be sent. */
  readonly body: string
}

/** What {@link VersionStore.check} found. */
export interface CheckReport {
  readonly keys: number
  readonly versions: number
  readonly problems: readonly CheckProblem[]
  /** Whether nothing is wrong now. */
  readonly isClean: boolean
}

export interface CheckProblem {
  readonly kind:
    | 'content-missing'
    | 'content-damaged'
    | 'index-damaged'
    | 'manifest-damaged'
    | 'log-damaged'
    | 'file-differs'
    | 'litter'
  readonly key?: string | undefined
  readonly detail: string
  readonly isRepaired: boolean
}
