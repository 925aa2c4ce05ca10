import { ArcError, type Entry, type EntrySource, isArcError, printablePath } from '@arc/core'
import { type FileSystem, nodeFileSystem } from '@arc/core/node'
import { stale } from './attempt.ts'
import { assertAttributesAvailable } from './attribute-rules.ts'
import { assertKeepPoints } from './kept-points.ts'
import { idleResult, isIdle } from './idle-plan.ts'
import { withLockedTarget } from './locked-target.ts'
import type { ApplyOptions } from './options.ts'
import type { RestorePlan, RestoreResult, RestoreRow } from './plan.ts'
import { assertEnoughSpace } from './space.ts'
import { StagedRestore } from './staged-restore.ts'
import { type Arrival, putInPlace } from './swap-job.ts'
import { locateTarget, type Target } from './target.ts'
import { readTarget, type TargetReading } from './target-reading.ts'

/**
 * Carry out a plan: stage the source's entries beside the target, checking every byte, then swap once. All or nothing:
 * whatever fails or stops it, even `kill -9`, the target is the tree from before or the new one, complete, and the next
 * restore of it (or `recoverTarget`) removes the rest. A plan that changes nothing leaves everything as it is, restore
 * points included.
 *
 * Throws the first of the plan's conflicts; `ARC_PLAN_STALE` when target or source are no longer those of the plan;
 * `ARC_TARGET_BUSY` while another restore of this target runs; `ARC_HASH_MISMATCH` or `ARC_ENTRY_CHANGED` when content is
 * not what its entry declares; `ARC_LIMIT_EXCEEDED`; or what the system refused. After every error the target is as before,
 * save when the disk fails while the finished swap is made durable.
 */
export function applyRestore(
  plan: RestorePlan,
  source: EntrySource,
  options: ApplyOptions = {},
): Promise<RestoreResult> {
  return carryOut(plan, source, options)
}

/** {@link applyRestore}, for undoing too. */
export async function carryOut(
  plan: RestorePlan,
  source: EntrySource,
  options: ApplyOptions & Pick<Arrival, 'keepsAllPoints'>,
): Promise<RestoreResult> {
  const fs = options.fs ?? nodeFileSystem
  assertKeepPoints(options.keepPoints)
  assertNoConflict(plan)
  assertAttributesAvailable(plan)
  const target = locateTarget(plan.target, fs)
  return withLockedTarget(target, options, async (recovery) => {
    const reading = readAsPlanned(target, plan, fs)
    // An undo costs no restore point by itself, and may be asked to drop some.
    if (isIdle(plan) && options.keepsAllPoints !== true) {
      await stagePlanned(undefined, plan, source, reading, options.signal)
      return { ...idleResult(plan), omissions: [...source.omissions], recovery }
    }
    if (options.checkSpace !== false) assertEnoughSpace(plan, target, options.kept === 'link', fs)
    const staged = new StagedRestore({
      ...options,
      fs,
      target,
      rules: plan,
      old: reading.state,
      totals: plan.totals,
    })
    await stagePlanned(staged, plan, source, reading, options.signal)
    staged.finish(source.rootMode)
    // Again, so that what was edited while the new tree was staged is not swapped away.
    if (reading.scan !== undefined) readAsPlanned(target, plan, fs)
    const points = putInPlace(target, reading.state, { ...options, fs, mode: plan.mode, replacedBy: source.name })
    return {
      ...staged.report(),
      target: target.path,
      mode: plan.mode,
      omissions: [...source.omissions],
      ...points,
      recovery,
    }
  })
}

/** Throw the first of a plan's conflicts. */
export function assertNoConflict(plan: RestorePlan): void {
  const conflict = plan.conflicts[0]
  if (conflict === undefined) return
  throw new ArcError(conflict.code, conflict.message, {
    ...(conflict.path === undefined ? {} : { path: conflict.path }),
    hint: conflict.hint ?? 'Nothing was changed. Look at the conflicts of the plan.',
    details: { conflicts: plan.conflicts },
  })
}

/** Look at the target, and throw `ARC_PLAN_STALE` unless it is as the plan found it. */
export function readAsPlanned(target: Target, plan: RestorePlan, fs: FileSystem): TargetReading {
  const reading = readPlanned(target, plan, fs)
  // Missing or empty makes no difference to what will be done.
  const same =
    reading.fingerprint === plan.targetFingerprint ||
    (reading.scan === undefined && /^(?:missing|empty)$/.test(plan.targetFingerprint))
  if (!same) throw stale(`${printablePath(target.path)} has changed since it was planned to restore to it`)
  return reading
}

function readPlanned(target: Target, plan: RestorePlan, fs: FileSystem): TargetReading {
  try {
    return readTarget(target, plan.mode, fs, plan)
  } catch (error) {
    if (!isArcError(error) || error.code !== 'ARC_TARGET_NOT_EMPTY') throw error
    throw stale(`${printablePath(target.path)} was missing or empty when it was planned, and is not any more`, error)
  }
}

/** Stage what was planned; without a place to stage it, only see that it still is what was planned. */
async function stagePlanned(
  staged: StagedRestore | undefined,
  plan: RestorePlan,
  source: EntrySource,
  reading: TargetReading,
  signal: AbortSignal | undefined,
): Promise<void> {
  const rows = new Map(plan.rows.map((row) => [row.path, row]))
  let expected = plan.rows.filter(isFromSource).length
  for await (const batch of source.entries({ signal })) {
    staged?.beginBatch()
    for (const entry of batch) {
      const row = rows.get(entry.path)
      if (row !== undefined && isFromSource(row)) {
        assertAsPlanned(row, entry)
        const pending = staged?.add(entry)
        if (pending !== undefined) await pending
        expected--
      } else if (plan.selective) staged?.hint(entry)
      else throw stale(`the source has gained ${printablePath(entry.path)} since it was planned`)
    }
  }
  if (expected !== 0) throw stale('the source no longer gives every entry that was planned')
  for (const entry of reading.scan?.entries ?? []) {
    const row = rows.get(entry.path)
    // A plan that says nothing about a path of the target would lose it unsaid.
    if (row === undefined) throw stale(`the plan does not say what becomes of ${printablePath(entry.path)}`)
    if (row.action === 'keep' && row.reason === 'not-in-source') await staged?.keep(entry)
  }
}

/** Throw `ARC_PLAN_STALE` unless these entries are those that a plan of everything was made for. */
export function assertAllAsPlanned(plan: RestorePlan, entries: readonly Entry[]): void {
  const rows = new Map(plan.rows.filter(isFromSource).map((row) => [row.path, row]))
  for (const entry of entries) {
    const row = rows.get(entry.path)
    if (row === undefined) throw stale(`${printablePath(entry.path)} is not part of the plan`)
    assertAsPlanned(row, entry)
  }
  if (rows.size !== entries.length) throw stale('the source no longer gives every entry that was planned')
}

function isFromSource(row: RestoreRow): boolean {
  return row.reason !== 'not-in-source' && row.reason !== 'implied'
}

function assertAsPlanned(row: RestoreRow, entry: Entry): void {
  if (row.type === entry.type && row.sizeBytes === entry.sizeBytes && row.sha256 === entry.sha256) return
  throw stale(`${printablePath(entry.path)} is no longer as it was planned`)
}
