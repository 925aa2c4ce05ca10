export { applyRestore } from './apply.ts'
export type { ConfinedPlaces } from './confined-places.ts'
export { confinementBroken, type ConfinedReport } from './confined-report.ts'
export { dropRestorePoints } from './drop-points.ts'
export { idleResult, isIdle } from './idle-plan.ts'
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
export type { AttributeRules } from './attribute-rules.ts'
export type {
  AttributeReport,
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
  UnsetAttribute,
} from './plan.ts'
export { estimateLikelihood, readOutcomes, recordOutcome, type RestoreOutcome } from './outcome-log.ts'
export { parsePlan } from './plan-file.ts'
export { planRestore } from './planning.ts'
export { recoverTarget } from './recovery.ts'
export {
  type ConfinedResult,
  type FillConfined,
  restoreConfined,
  type RestoreConfinedOptions,
} from './restore-confined.ts'
export { removeTree } from './remove-tree.ts'
export { restoreNew } from './restore-new.ts'
export { type DroppedPointsOptions, listDroppedPoints, listRestorePoints } from './restore-point.ts'
export { stageConfined, type StageConfinedOptions } from './stage-confined.ts'
export { planUndo, undoRestore } from './undo.ts'
export { actsUnasked } from './unasked-files.ts'
