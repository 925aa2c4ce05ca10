import { formatCount, formatCounted, formatDuration, formatTable, visible } from '@arc/kit'
import type { BacktestRow, SchedulePlan } from './plan-schedule.ts'

/** A plan in words, with the table of its backtest. */
export function describePlan(plan: SchedulePlan): string {
  const { times, backtest, history } = plan
  const head = `${formatCounted(times.length, 'snapshot')} a day, at ${listText(times)} local time\n${reasonText(plan)}\n`
  if (backtest === undefined) return head
  const { from, to, changes, rows } = backtest
  const table = formatTable(
    [
      { header: 'Schedule' },
      { header: 'Times' },
      { header: 'Waits on average', align: 'right' },
      { header: 'Nine in ten within', align: 'right' },
    ],
    rows.map((row) => [row.name, row.times.join(' '), formatDuration(row.meanWaitMs), formatDuration(row.nineInTenMs)]),
  )
  const what = `How long a change would have waited for a snapshot from ${from} to ${to} (${formatCounted(changes, 'change')} of ${formatCount(history.changes)}):`
  return `${head}\n${what}\n\n${table}\n${gainText(rows)}\n`
}

function reasonText({ reason, history }: SchedulePlan): string {
  const { commits, address, files, snapshots } = history.sources
  const whose = address === undefined ? '' : ` of ${visible(address)}`
  const sources = `${formatCounted(commits, 'commit')}${whose}, ${formatCounted(files, 'file')}, ${formatCounted(snapshots, 'snapshot')}`
  const changes = `${formatCounted(history.changes, 'change')} on ${formatCounted(history.days, 'day')}`
  switch (reason) {
    case 'given':
      return `as you said; seen so far: ${changes} (${sources})`
    case 'learned':
      return `learned from ${changes}, ${history.from} to ${history.to} (${sources})`
    case 'not-better':
      return `evenly spread: times learned from ${changes} (${sources}) were no better`
    case 'too-little-history':
      return `evenly spread: ${changes} (${sources}) are too few to learn from`
  }
}

/** What the last row is worth, beside the others. */
function gainText(rows: readonly BacktestRow[]): string {
  const last = rows.at(-1)
  if (last === undefined) return ''
  const gains = rows.slice(0, -1).map(({ name, meanWaitMs }) => {
    const percent = Math.round(100 * (1 - last.meanWaitMs / meanWaitMs))
    if (percent === 0) return `as long as with ${name}`
    return `${Math.abs(percent)} % ${percent < 0 ? 'longer' : 'shorter'} than with ${name}`
  })
  return `With the ${last.name} times a change waits ${listText(gains)}.`
}

function listText(parts: readonly string[]): string {
  return parts.length < 2 ? parts.join('') : `${parts.slice(0, -1).join(', ')} and ${parts.at(-1)}`
}
