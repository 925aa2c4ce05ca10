export { applyRestore } from './apply.ts'
export { type InspectOptions, inspectRestore } from './inspect.ts'
export type { InspectionFileSystem } from './inspect-disk.ts'
export type { CheckOutcome, RestoreCheck, RestoreFinding, RestoreInspection, RestoreLikelihood } from './inspection.ts'
export type {
  ApplyOptions,
  JobOptions,
  PlanOptions,
  RestoreNewOptions,
  SwapOptions,
  TreeOptions,
  UndoOptions,
} from './options.ts'
export type {
  LinkPolicy,
  OutwardLink,
  RecoveryOutcome,
  RestoreConflict,
  RestoreMode,
  RestorePlan,
  RestorePoint,
  RestoreReason,
  RestoreResult,
  RestoreRow,
  RestoreSpace,
  RestoreTotals,
} from './plan.ts'
export { estimateLikelihood, readOutcomes, recordOutcome, type RestoreOutcome } from './outcome-log.ts'
export { parsePlan } from './plan-file.ts'
export { planRestore } from './planning.ts'
export { recoverTarget } from './recovery.ts'
export { restoreNew } from './restore-new.ts'
export { listRestorePoints } from './restore-point.ts'
export { planUndo, undoRestore } from './undo.ts'
export { actsUnasked } from './unasked-files.ts'
