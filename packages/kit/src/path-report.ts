import { isTrouble, type Omission } from '@arc/core'
import type { CommonValues } from './command.ts'
import type { Log } from './log.ts'
import { omissionSummary } from './omission-summary.ts'
import { formatCount, formatCounted } from './quantity.ts'

const PARTIAL_STATUS = 4
const MANY = 5

/** Tell what was left out: what was not asked for always, the rest with `-v`. Returns the exit status that follows. */
export function reportOmissions(omissions: readonly Omission[], common: CommonValues, log: Log): number {
  const isPartial = omissions.some(isTrouble)
  const text = omissionSummary(omissions, { all: common.verbosity > 0 }).trimEnd()
  if (isPartial) log.warn(text)
  else if (text !== '') log.detail(text)
  return isPartial ? PARTIAL_STATUS : 0
}

/** Warn of paths, in printable form: the first few, or with `-v` all; `what` continues "3 paths". Says nothing of none. */
export function warnOfPaths(paths: readonly string[], what: string, common: CommonValues, log: Log): void {
  if (paths.length === 0) return
  const shown = common.verbosity > 0 ? paths : paths.slice(0, MANY)
  const more =
    paths.length > shown.length ? [`… and ${formatCount(paths.length - shown.length)} more (-v lists all)`] : []
  const lines = [...shown, ...more].map((line) => `    ${line}`)
  log.warn(`${formatCounted(paths.length, 'path')} ${what}\n${lines.join('\n')}`)
}
