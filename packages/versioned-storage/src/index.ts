export { callProgram, type CallProgramOptions, type ProgramArgument, type ProgramResult } from './call-program.ts'
export type { CopyOptions, CopyReport, SkipStrategy } from './copy.ts'
export type { DeduplicationReport, DuplicateGroup } from './duplicates.ts'
export type { StorageEvent, StorageEventType, StorageListener } from './event.ts'
export type { ProtectedFeature } from './backend-pasts.ts'
export type { History, LockRecord } from './history.ts'
export type { JsonValue, Metadata } from './json.ts'
export type { LocalFile, LocalFileMode } from './local-file.ts'
export type { LockOptions, NodeLock } from './lock.ts'
export { StorageManager, type StorageManagerOptions } from './manager.ts'
export type { Permission } from './mount.ts'
export type { MountConfig } from './mount-config.ts'
export type { CleanupOptions, DiffRange, ProtectedVersion } from './node-versions.ts'
export type { NodeStat, ReadOptions, WriteOptions } from './node-options.ts'
export type { StorageNode } from './node.ts'
export type { Readable } from './readable.ts'
export { rebuildIndex } from './rebuild-index.ts'
export {
  type KeepReason,
  type PlannedVersion,
  planRetention,
  type RetentionPlan,
  type RetentionRules,
} from './retention.ts'
export { serveContent, type ServeOptions, serveToNode } from './serve.ts'

export type { RestoreSnapshotOptions, SnapshotInfo, SnapshotOptions, SnapshotRestore } from './snapshots.ts'
export type {
  CallOptions,
  CheckProblem,
  CheckReport,
  Content,
  ContentInput,
  Decide,
  Decision,
  ItemStat,
  Snapshot,
  Staged,
  StoredEvent,
  VersionStore,
} from './store.ts'
export { type BackendStoreOptions, type LocalStoreOptions, openBackendStore, openLocalStore } from './stores.ts'
export type { WriteResult } from './version-changes.ts'
export type { VersionInfo, VersionOrigin, VersionRecord, VersionReference, VersionSelector } from './version.ts'
export type { VirtualNode } from './virtual-node.ts'
export { signWebhook, verifyWebhook, type WebhookConfig } from './webhooks.ts'
