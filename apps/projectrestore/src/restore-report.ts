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

/** `This would add 1, change 2 and remove 3 paths in /place` */
export function summarise({ totals, target }: RestorePlan): string {
  const { added, changed, removed } = totals
  return `This would add ${formatCount(added)}, change ${formatCount(changed)} and remove ${formatCount(removed)} paths in ${printablePath(target)}`
}

/** Whether carrying out a plan takes anything away or changes it. */
export function isDestructive({ totals }: RestorePlan): boolean {
  return totals.changed + totals.removed > 0
}

/** The paths of a plan that come or change, and that programs obey or run without being asked. */
export function unaskedOf(plan: RestorePlan): EntryPath[] {
  return plan.rows.flatMap(({ path, action, type }) =>
    (action === 'add' || action === 'change') && type !== 'directory' && actsUnasked(path) ? [path] : [],
  )
}

/** A plan for people: a row for each path that changes, or for every path. */
export function describePlan(plan: RestorePlan, showsKept: boolean): string {
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
  return `${rows.length === 0 ? '' : table}${summarise(plan)}, ${formatBytes(plan.totals.sourceBytes)} of content\n${conflicts}`
}

/** Tell on stderr what a restore did and what is worth knowing about it. Returns the exit status. */
export function tellResult(
  result: RestoreResult,
  unasked: readonly string[],
  context: { log: Log; common: CommonValues },
): number {
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
  const isPartial = tellAttributes(result, context)
  return Math.max(reportOmissions(result.omissions, common, log), isPartial ? PARTIAL_STATUS : 0)
}

/** Tell what became of owners and extended attributes. True when the system did not allow all that was asked for. */
function tellAttributes({ attributes }: RestoreResult, { log, common }: { log: Log; common: CommonValues }): boolean {
  if (attributes === undefined) return false
  const { owners, xattrs, dropped, failed } = attributes
  const lines = (rows: readonly UnsetAttribute[]): string[] =>
    rows.map(({ path, attribute, reason }) => `${printablePath(path)}: ${printablePath(attribute)}: ${reason}`)
  warnOfPaths(lines(dropped), 'without an attribute, which --privileged-xattrs restores', common, log)
  warnOfPaths(lines(failed), 'without its owner or an attribute', common, log)
  log.info(`${formatCounted(owners, 'owner')} and ${formatCounted(xattrs, 'extended attribute')} set`)
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
