import { isTrouble, type Omission, type OmissionReason, printablePath } from '@arc/core'
import { formatCount } from './quantity.ts'
import { visible } from './visible-text.ts'

export interface OmissionSummaryOptions {
  /** Every path, as `-v` asks. Default: what was not asked for, {@link OmissionSummaryOptions.maxRows} of each reason. */
  readonly all?: boolean
  /** Default 5. */
  readonly maxRows?: number
}

const IN_WORDS: Readonly<Record<OmissionReason, string>> = {
  unreadable: 'could not be read',
  vanished: 'vanished while reading',
  changed: 'kept changing while reading',
  'special-file': 'sockets, pipes or devices',
  'link-loop': 'links that lead back to a folder above',
  submodule: 'submodules',
  'nested-repository': 'repositories inside the repository',
  deleted: 'tracked by git but deleted',
  binary: 'binary',
  filtered: 'filtered',
  'own-output': 'output of this program',
}

/**
 * What was left out, for people: one heading a reason, the unasked-for ones first with their paths. Every line ends in a
 * newline; empty when nothing was left out.
 */
export function omissionSummary(omissions: readonly Omission[], options: OmissionSummaryOptions = {}): string {
  if (omissions.length === 0) return ''
  const groups = [...Map.groupBy(omissions, (omission) => omission.reason).values()]
  groups.sort((a, b) => Number(isTrouble(b[0] as Omission)) - Number(isTrouble(a[0] as Omission)))
  const troubles = omissions.filter(isTrouble).length
  const rest = troubles === 0 || troubles === omissions.length ? '' : `, ${formatCount(troubles)} of them not asked for`
  return `left out: ${formatCount(omissions.length)}${rest}\n${groups.map((group) => formatGroup(group, options)).join('')}`
}

function formatGroup(group: readonly Omission[], { all = false, maxRows = 5 }: OmissionSummaryOptions): string {
  const first = group[0] as Omission
  const isListed = all || isTrouble(first)
  const shown = isListed ? group.slice(0, all ? group.length : maxRows) : []
  const rows = shown.map(
    ({ path, detail }) => `    ${printablePath(path)}${detail === undefined ? '' : `: ${visible(detail)}`}\n`,
  )
  if (isListed && shown.length < group.length)
    rows.push(`    … and ${formatCount(group.length - shown.length)} more (-v lists all)\n`)
  return `  ${IN_WORDS[first.reason]}: ${formatCount(group.length)}\n${rows.join('')}`
}
