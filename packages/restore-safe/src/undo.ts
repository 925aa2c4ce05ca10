import { type FileSystem, nodeFileSystem } from '@arc/core/node'
import { assertAllAsPlanned, assertNoConflict, carryOut, readAsPlanned } from './apply.ts'
import { allAttributes } from './attribute-rules.ts'
import { assertKeepPoints } from './kept-points.ts'
import { withLockedTarget } from './locked-target.ts'
import type { ApplyOptions, UndoOptions } from './options.ts'
import type { RestorePlan, RestoreResult } from './plan.ts'
import { planRestore } from './planning.ts'
import { findRestorePoint } from './restore-point.ts'
import { setRootFacts } from './root-facts.ts'
import { putInPlace } from './swap-job.ts'
import { locateTarget, type Target } from './target.ts'
import { folderSource } from './target-reading.ts'
import { scanTarget } from './target-scan.ts'

/** Say what bringing back a restore point would do. The errors of {@link planRestore}; `ARC_NOT_FOUND` for an unknown point. */
export async function planUndo(target: string, point: string, options: UndoOptions = {}): Promise<RestorePlan> {
  const fs = options.fs ?? nodeFileSystem
  const { path } = findRestorePoint(locateTarget(target, fs), point, fs)
  const rules = options.only === undefined ? {} : allAttributes()
  return planRestore(folderSource(path, fs, rules), target, {
    ...options,
    ...rules,
    mode: 'replace',
    links: 'keep',
    setId: true,
    portable: false,
  })
}

/**
 * Bring back a restore point by a plan of {@link planUndo}. A whole point is swapped in as it lies: it is used up, and the
 * tree it replaces becomes the newest point, so an undo can be undone. The folder itself keeps its mode and owner. Of a plan made with `only`, the chosen paths are
 * restored from the point, which stays. No restore point is dropped unless `keepPoints` says so. The errors of {@link applyRestore}.
 */
export async function undoRestore(
  plan: RestorePlan,
  point: string,
  options: ApplyOptions = {},
): Promise<RestoreResult> {
  const fs = options.fs ?? nodeFileSystem
  const target = locateTarget(plan.target, fs)
  if (plan.selective) return undoPaths(plan, target, point, { ...options, fs })
  assertKeepPoints(options.keepPoints)
  assertNoConflict(plan)
  return withLockedTarget(target, options, async (recovery) => {
    const { path } = findRestorePoint(target, point, fs)
    const { state } = readAsPlanned(target, plan, fs)
    const { entries } = scanTarget(path, fs)
    assertAllAsPlanned(plan, entries)
    const { mode, owner } = state
    if (mode !== undefined) setRootFacts(path, { mode, owner }, fs)
    const arrival = { mode: 'undo', replacedBy: point, incoming: point, keepsAllPoints: true } as const
    const points = putInPlace(target, state, { ...options, ...arrival, fs })
    const count = (type: string): number => entries.filter((entry) => entry.type === type).length
    return {
      schemaVersion: 1,
      target: target.path,
      mode: plan.mode,
      files: count('file'),
      directories: count('directory'),
      symlinks: count('symlink'),
      hardLinks: 0,
      writtenBytes: 0,
      verifiedFiles: 0,
      outwardLinks: plan.outwardLinks,
      droppedSetId: [],
      omissions: [],
      ...points,
      recovery,
    }
  })
}

/** Restore chosen paths from a point. */
async function undoPaths(
  plan: RestorePlan,
  target: Target,
  point: string,
  options: ApplyOptions & { fs: FileSystem },
): Promise<RestoreResult> {
  const { path } = findRestorePoint(target, point, options.fs)
  return carryOut(plan, folderSource(path, options.fs, plan), { ...options, keepsAllPoints: true })
}
