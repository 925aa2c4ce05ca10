import { printablePath } from '@arc/core'
import { choose, formatBytes, formatCount, type Host } from '@arc/kit'
import type { RestorePlan, RestoreRow } from '@arc/restore-safe'

/** A list with more lines helps nobody: then whole folders are offered. */
const MAX_LINES = 2000

/** Let the person choose among the paths that a plan would change. Resolves to paths, each with all that lies below it. */
export async function choosePaths(plan: RestorePlan, host: Host): Promise<readonly string[]> {
  const changing = plan.rows.filter(
    ({ action, type, reason }) =>
      action !== 'keep' && reason !== 'implied' && (type !== 'directory' || action !== 'add'),
  )
  const rows = changing.length > 0 ? changing : plan.rows.filter(({ action }) => action !== 'keep')
  if (rows.length === 0) return []
  const choices = linesFor(rows)
  const message = `What is to be restored in ${printablePath(plan.target)}?`
  return choose(host, { message, choices }, 'Name the paths with --only instead.')
}

function linesFor(rows: readonly RestoreRow[]): { value: string; label: string; hint: string }[] {
  if (rows.length <= MAX_LINES)
    return rows.map((row) => ({
      value: row.path,
      label: `${row.action.padEnd(6)} ${printablePath(row.path)}`,
      hint: hintOf(row),
    }))
  return [...foldersOf(rows)].map(([folder, count]) => ({
    value: folder,
    label: printablePath(folder),
    hint: `${formatCount(count)} paths`,
  }))
}

function hintOf({ type, sizeBytes, reason }: RestoreRow): string {
  const what = type === 'file' ? formatBytes(sizeBytes) : type
  return reason === undefined || reason === 'not-in-source' ? what : `${what}, ${reason}`
}

/** How many rows lie at or below each folder of the greatest depth of which there are not too many. */
function foldersOf(rows: readonly RestoreRow[]): Map<string, number> {
  let found = countPrefixes(rows, 1)
  for (let depth = 2; ; depth++) {
    const deeper = countPrefixes(rows, depth)
    if (deeper.size > MAX_LINES || deeper.size === found.size) return found
    found = deeper
  }
}

function countPrefixes(rows: readonly RestoreRow[], depth: number): Map<string, number> {
  const counts = new Map<string, number>()
  for (const { path } of rows) {
    const prefix = path.split('/', depth).join('/')
    counts.set(prefix, (counts.get(prefix) ?? 0) + 1)
  }
  return counts
}
