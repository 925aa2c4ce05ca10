import { isTrouble } from '@arc/core'
import { type CommonValues, formatCounted, type Host, type Log, omissionSummary, printJson } from '@arc/kit'
import type { SnapshotInfo } from '@arc/snapshot'
import { shortId, snapshotTable } from './snapshot-rows.ts'

const PARTIAL_STATUS = 4

/** What was transferred where, of how many. */
export interface Transfer {
  readonly location: string
  readonly snapshots: readonly SnapshotInfo[]
  readonly asked: number
  /** `exported`, `imported`. */
  readonly done: string
}

/** Tell of snapshots that were taken over; returns the exit status. */
export function reportTransfer(
  { location, snapshots, asked, done }: Transfer,
  { host, common, log }: { host: Host; common: CommonValues; log: Log },
): number {
  if (common.json) printJson(host, { location, snapshots })
  else if (snapshots.length > 0) host.stdout.write(snapshotTable(snapshots))
  const passed = asked - snapshots.length
  const rest = passed > 0 ? `, ${passed} were there already` : ''
  log.info(`${formatCounted(snapshots.length, 'snapshot')} ${done}${rest}`)
  const partial = snapshots.filter(({ omissions }) => omissions.some(isTrouble))
  for (const { id, omissions } of partial) log.warn(`${shortId(id)}: ${omissionSummary(omissions).trimEnd()}`)
  return partial.length > 0 ? PARTIAL_STATUS : 0
}
