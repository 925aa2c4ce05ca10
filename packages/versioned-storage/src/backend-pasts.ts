import type { ArcError } from '@arc/core'
import type { Backend } from '@arc/storage'
import type { KeyEdit } from './edit.ts'
import type { History } from './history.ts'
import type { ReadManifest } from './manifest-slot.ts'
import type {
  CallOptions,
  CheckProblem,
  Content,
  ContentInput,
  ItemStat,
  ReadRange,
  Staged,
  StageOptions,
  StoredEvent,
} from './store.ts'
import type { VersionRecord } from './version.ts'

/** What protects a version, or says where it is kept. */
export type ProtectedFeature = 'hold' | 'retention' | 'class'

/**
 * How a backend keeps the pasts of single keys: beside the objects, or as the service's own versions. What both share (the
 * order of changes, changes of many keys, snapshots, the outbox) is said once, in `BackendCommits`.
 */
export interface BackendPasts {
  enforcedBy(feature: ProtectedFeature): 'arc' | 'backend'
  /** The present content; `undefined` when there is none. */
  stat(key: string, signal?: AbortSignal): Promise<ItemStat | undefined>
  /** Throws `ARC_OBJECT_NOT_FOUND`. */
  readPresent(key: string, options: ReadRange): Promise<Content>
  readVersion(key: string, version: VersionRecord, options: ReadRange): Promise<Content>
  stage(content: ContentInput, options: StageOptions): Promise<Staged>
  /** Give up what was staged for a commit that took it or came to nothing. */
  release(staged: readonly Staged[]): Promise<void>
  /** The manifest of a key, with what other programs did as far as that can be told without writing. */
  read(key: string, signal?: AbortSignal): Promise<ReadManifest>
  /** The same, after what other programs did has become part of the manifest. */
  record(key: string, signal?: AbortSignal): Promise<ReadManifest>
  /** Make edits durable that were decided on `read`, all or none; `false` when somebody was quicker. */
  replace(read: ReadManifest, edits: readonly KeyEdit[], change: KeyChange): Promise<boolean>
  /** Do what {@link BackendPasts.replace} does behind the manifest, for a writer that was stopped there. */
  settle(key: string, edits: readonly KeyEdit[]): Promise<void>
  /** Histories of all keys that start with `prefix`, in batches; without those that are damaged, of which `onDamaged` hears. */
  histories(prefix: string, options?: HistoriesOptions): AsyncIterable<readonly History[]>
  /** Remove what nothing needs; `named` are the contents that versions have. */
  removeLitter(named: ReadonlySet<string>, signal?: AbortSignal): Promise<readonly CheckProblem[]>
}

export interface HistoriesOptions extends CallOptions {
  onDamaged?: ((key: string, error: ArcError) => void) | undefined
}

/** One change of the manifest of a key. */
export interface KeyChange {
  readonly id: string
  readonly events: readonly StoredEvent[]
  /** Contents that the edits may name for the first time. */
  readonly staged: readonly Staged[]
  readonly signal?: AbortSignal | undefined
}

/** Remove an object so that nothing of it is left, where a plain delete would leave a version and a marker. */
export async function removeForGood(backend: Backend, name: string): Promise<void> {
  if (!(await backend.capabilities()).versions) return backend.delete(name)
  for (let info = await backend.stat(name); info?.version !== undefined; info = await backend.stat(name))
    await backend.delete(name, { version: info.version })
}
