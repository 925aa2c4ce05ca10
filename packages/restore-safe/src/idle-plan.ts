import type { RestorePlan, RestoreResult } from './plan.ts'

/**
 * Whether a plan would leave everything as it is. Carrying it out all the same would push the tree from before out of its
 * restore point.
 */
export function isIdle({ totals, conflicts, mode, targetFingerprint }: RestorePlan): boolean {
  if (mode === 'new' || targetFingerprint === 'missing' || targetFingerprint === 'empty') return false
  return totals.added + totals.changed + totals.removed === 0 && conflicts.length === 0
}

/** The result of a plan that leaves everything as it is, when it is not carried out. */
export function idleResult({ target, mode, outwardLinks, droppedSetId, omissions }: RestorePlan): RestoreResult {
  const nothing = { files: 0, directories: 0, symlinks: 0, hardLinks: 0, writtenBytes: 0, verifiedFiles: 0 }
  return {
    schemaVersion: 1,
    target,
    mode,
    ...nothing,
    outwardLinks,
    droppedSetId,
    omissions,
    recovery: 'clean',
    tidy: true,
  }
}
