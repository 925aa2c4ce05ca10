import { type EntryPath, printablePath } from '@arc/core'
import {
  type CommonValues,
  formatBytes,
  formatCount,
  formatCounted,
  formatTable,
  type Log,
  reportOmissions,
  warnOfPaths,
} from '@arc/kit'
import {
  actsUnasked,
  listRestorePoints,
  type RestorePlan,
  type RestoreResult,
  type UnsetAttribute,
} from '@arc/restore-safe'

/** Restore points that a restore drops, or has dropped. */
export type DroppedPoints = NonNullable<RestoreResult['droppedPoints']>

/** `This would add 1, change 2 and remove 3 paths in /place, and drop the earlier tree of 2026-01-02 03:04:05` */
export function summarise({ totals, target }: RestorePlan, dropped: DroppedPoints = []): string {
  const { added, changed, removed } = totals
  const drops = dropped.length === 0 ? '' : `, and drop ${earlierTrees(dropped)}`
  return `This would add ${formatCount(added)}, change ${formatCount(changed)} and remove ${formatCounted(removed, 'path')} in ${printablePath(target)}${drops}`
}

/** More dates than these say less than the first and the last. */
const MAX_DATES = 4

/** Restore points by their dates: `the earlier tree of 2026-01-02 03:04:05`, `2 earlier trees (…)`. */
export function earlierTrees(points: DroppedPoints): string {
  const dates = points.map(({ replacedAt }) => pointDate(replacedAt))
  if (dates.length === 1) return `the earlier tree of ${dates.join('')}`
  const listed = dates.length > MAX_DATES ? `${dates[0]} to ${dates.at(-1)}` : dates.join(', ')
  return `${formatCount(dates.length)} earlier trees (${listed})`
}

/** When a restore point came to be, in UTC, to the second. */
export function pointDate(replacedAt: string): string {
  return replacedAt.slice(0, 19).replace('T', ' ')
}

/** Whether carrying out a plan takes anything away or changes it. */
export function isDestructive({ totals }: RestorePlan, dropped: DroppedPoints = []): boolean {
  return totals.changed + totals.removed + dropped.length > 0
}

/** The paths of a plan that come or change, and that programs obey or run without being asked. */
export function unaskedOf(plan: RestorePlan): EntryPath[] {
  return plan.rows.flatMap(({ path, action, type }) =>
    (action === 'add' || action === 'change') && type !== 'directory' && actsUnasked(path) ? [path] : [],
  )
}

/** A plan for people: a row for each path that changes, or for every path. */
export function describePlan(plan: RestorePlan, showsKept: boolean, dropped: DroppedPoints): string {
  const rows = plan.rows.filter((row) => showsKept || row.action !== 'keep')
  const table = formatTable(
    [{ header: 'Action' }, { header: 'Why' }, { header: 'Size', align: 'right' }, { header: 'Path' }],
    rows.map((row) => [
      row.action,
      row.action === 'change' ? (row.reason ?? '') : '',
      row.type === 'file' ? formatCount(row.sizeBytes) : row.type,
      printablePath(row.path),
    ]),
  )
  const conflicts = plan.conflicts.map(({ message, code }) => `conflict: ${message} [${code}]\n`).join('')
  return `${rows.length === 0 ? '' : table}${summarise(plan, dropped)}; ${formatBytes(plan.totals.sourceBytes)} of content\n${conflicts}`
}

export interface ReportContext {
  readonly log: Log
  readonly common: CommonValues
  /** An undo brings attributes back without being asked. */
  readonly isUndo?: boolean
}

/** Tell on stderr what a restore did and what is worth knowing about it. Returns the exit status. */
export function tellResult(result: RestoreResult, unasked: readonly string[], context: ReportContext): number {
  const { log, common } = context
  const { files, symlinks, writtenBytes, verifiedFiles, restorePoint, outwardLinks, droppedSetId, target } = result
  const links = outwardLinks.map(({ path, target: to }) => `${printablePath(path)} -> ${printablePath(to)}`)
  warnOfPaths(links, 'leading out of the folder', common, log)
  warnOfPaths(droppedSetId.map(printablePath), 'without its set-id bit, which --set-id restores', common, log)
  warnOfPaths(unasked.map(printablePath), 'that programs obey or run unasked; look at what is in them', common, log)
  const sums = verifiedFiles === 0 ? '' : `, ${formatCount(verifiedFiles)} checked against their SHA-256`
  const symlinkCount = symlinks === 0 ? '' : `, ${formatCounted(symlinks, 'link')}`
  log.info(`${formatCounted(files, 'file')}${symlinkCount}, ${formatBytes(writtenBytes)}${sums}`)
  if (result.recovery !== 'clean') log.info(`an interrupted restore was ${IN_WORDS[result.recovery]} first`)
  if (!result.tidy) log.warn('something of this restore could not be removed; `projectrestore recover` tries again')
  if (restorePoint !== undefined) {
    const kept = listRestorePoints(target).length
    log.info(
      `the tree from before is ${restorePoint}${kept > 1 ? `, one of ${formatCount(kept)}` : ''}; to go back: projectrestore undo --to ${printablePath(target)}`,
    )
  }
  if (result.droppedPoints !== undefined)
    log.info(`dropped ${earlierTrees(result.droppedPoints)}; --keep-points says how many stay`)
  const isPartial = tellAttributes(result, context)
  return Math.max(reportOmissions(result.omissions, common, log), isPartial ? PARTIAL_STATUS : 0)
}

/**
 * Tell what became of owners and extended attributes: how many were set, where somebody asked for them, and what was not. True
 * when the system did not allow all that was asked for.
 */
function tellAttributes({ attributes }: RestoreResult, { log, common, isUndo = false }: ReportContext): boolean {
  if (attributes === undefined) return false
  const { owners, xattrs, dropped, failed } = attributes
  const lines = (rows: readonly UnsetAttribute[]): string[] =>
    rows.map(({ path, attribute, reason }) => `${printablePath(path)}: ${printablePath(attribute)}: ${reason}`)
  warnOfPaths(lines(dropped), 'without an attribute, which --privileged-xattrs restores', common, log)
  warnOfPaths(lines(failed), 'without its owner or an attribute', common, log)
  if (!isUndo) log.info(`${formatCounted(owners, 'owner')} and ${formatCounted(xattrs, 'extended attribute')} set`)
  return failed.length > 0
}

const PARTIAL_STATUS = 4

/** What recovery did, as a participle. */
export const IN_WORDS: Readonly<Record<RestoreResult['recovery'], string>> = {
  clean: 'not found',
  cleaned: 'cleaned up',
  finished: 'finished',
  'rolled-back': 'rolled back',
}
