import { formatBytes, formatCount, formatDuration, formatTable, shellLine } from '@arc/kit'
import { totalsText } from '../change-report.ts'
import { oneLine, shortId, timeText } from '../snapshot-rows.ts'
import { endText } from './execute.ts'
import type { RunSnapshot } from './find-run.ts'

/** Runs as a table, one a line. */
export function runTable(runs: readonly RunSnapshot[]): string {
  return formatTable(
    [
      { header: 'Run' },
      { header: 'Started (UTC)' },
      { header: 'Project' },
      { header: 'Took', align: 'right' },
      { header: 'End', align: 'right' },
      { header: 'Changes' },
      { header: 'Command' },
    ],
    runs.map(({ id, project, run }) => [
      shortId(id),
      timeText(run.started),
      oneLine(project),
      formatDuration(tookMs(run)),
      run.signal ?? String(run.status),
      changesText(run.changes),
      oneLine(shellLine(run.command)),
    ]),
  )
}

/** All that is known of a run, line by line. `before` says what is known of the snapshot before it. */
export function describeRun({ id, project, host, run, git }: RunSnapshot, before: string): string {
  const { output, environment } = run
  const rows: readonly (readonly [string, string])[] = [
    ['run', id],
    ['command', shellLine(run.command)],
    ['end', `${endText(run)} after ${formatDuration(tookMs(run))}`],
    ['started', `${timeText(run.started)} UTC`],
    ['project', project],
    ['folder', run.folder === '' ? '.' : run.folder],
    ['host', host],
    ['git', [git?.branch, git?.commit?.slice(0, 12)].filter((part) => part !== undefined).join(' ')],
    ['before', before],
    ['changes', run.changes === undefined ? '' : totalsText(run.changes)],
    ['printed', `${formatBytes(output.printedBytes)}, of which ${formatBytes(output.sizeBytes)} are kept`],
    ['variables', `${formatCount(environment.names.length)}, digest ${environment.digest.slice(0, 16)}`],
  ]
  return rows.flatMap(([name, value]) => (value === '' ? [] : [`${name.padEnd(10)} ${oneLine(value)}\n`])).join('')
}

/** How long a run took. */
function tookMs({ started, ended }: RunSnapshot['run']): number {
  return Date.parse(ended) - Date.parse(started)
}

function changesText(changes: RunSnapshot['run']['changes']): string {
  if (changes === undefined) return '?'
  const parts = [['+', changes.added] as const, ['~', changes.changed] as const, ['-', changes.removed] as const]
  return parts.flatMap(([sign, count]) => (count === 0 ? [] : [`${sign}${formatCount(count)}`])).join(' ') || 'none'
}
