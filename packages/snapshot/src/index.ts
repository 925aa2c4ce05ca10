export { copySnapshots, type CopyOptions } from './copy-snapshots.ts'
export { applyForget, type ForgetPlan, planForget, type PlanForgetOptions } from './forget.ts'
export { type Change, type Difference, type DiffOptions, diffSnapshots, diffSources } from './diff-snapshots.ts'
export { findEntries, type FindOptions, type FoundEntries } from './find-entries.ts'
export { applySnapshot, type PlannedChange, planSnapshot, type SnapshotPlan } from './plan-snapshot.ts'
export {
  listSnapshots,
  type ProjectFolder,
  type ResolveOptions,
  resolveSnapshot,
  type SnapshotFilter,
  snapshotsOfFolder,
} from './resolve.ts'
export { judgeSnapshots, type RetentionGroup, type RetentionPolicy, type SnapshotFate } from './retention.ts'
export type { RunDraft, RunFacts } from './run-facts.ts'
export type { SnapshotDraft, SnapshotInfo, SnapshotStatistics, TakenSnapshot } from './snapshot-info.ts'
export type { SnapshotSelection } from './snapshot-selection.ts'
export { transferSnapshots, type TransferOptions } from './transfer-snapshots.ts'
export type {
  CallOptions,
  OpenSnapshotOptions,
  SnapshotMode,
  SnapshotResult,
  SnapshotStore,
  TagChange,
  TakeOptions,
  VerifyOptions,
  VerifyProblem,
  VerifyReport,
} from './store.ts'
export {
  createVault,
  type CreateVaultOptions,
  openVault,
  type OpenVaultOptions,
  type Tombstone,
  type Vault,
} from './vault.ts'
export type { VaultOptions } from './vault-internals.ts'
export type { PrunedPack, PruneOptions } from './prunable.ts'
export { applyPrune, planPrune, type PrunePlan } from './prune.ts'
export type { DamagedRecord } from './damaged-records.ts'
export { applyRepair, planRepair, type RepairOptions, type RepairPlan, type RepairResult } from './repair.ts'
export { measureVault, type VaultStatistics } from './vault-statistics.ts'
export { addVaultKey, listVaultKeys, removeVaultKey, rotateVaultKeys } from './vault-key-slots.ts'
export { assertLogIntact, type LogProblem, type LogReport, verifyLog, type VerifyLogOptions } from './verify-log.ts'
export { openSnapshotFolder, type SnapshotFolder, type SnapshotFolderOptions } from './folder-store.ts'
