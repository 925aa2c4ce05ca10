import { isTrouble, type Omission } from '@arc/core'
import { type CommonValues, type Log, omissionSummary } from '@arc/kit'

const PARTIAL_STATUS = 4

/** Tell what was left out: what was not asked for always, the rest with `-v`. Returns the exit status that follows. */
export function reportOmissions(omissions: readonly Omission[], common: CommonValues, log: Log): number {
  const isPartial = omissions.some(isTrouble)
  const text = omissionSummary(omissions, { all: common.verbosity > 0 }).trimEnd()
  if (isPartial) log.warn(text)
  else if (text !== '') log.detail(text)
  return isPartial ? PARTIAL_STATUS : 0
}
