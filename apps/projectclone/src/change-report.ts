import { printablePath } from '@arc/core'
import { formatCount, type Host, type Style } from '@arc/kit'
import type { Change } from '@arc/snapshot'
import { entryJson } from './snapshot-rows.ts'

const LETTERS = { added: 'A', removed: 'D', changed: 'M' } as const

/** How many paths changed in which way. */
export interface ChangeTotals {
  added: number
  changed: number
  removed: number
}

/** One line about a changed path, as git writes it, and in what it differs. */
function changeLine({ action, path, before, after, differs }: Change, style: Style): string {
  const name = `${printablePath(path)}${(after ?? before)?.type === 'directory' ? '/' : ''}`
  const details = differs.filter((difference) => difference !== 'content')
  const text = `${LETTERS[action]} ${name}${details.length === 0 ? '' : `  (${differs.join(', ')})`}`
  if (action === 'added') return `${style.success(text)}\n`
  return `${action === 'removed' ? style.error(text) : text}\n`
}

/** A changed path as `--json` prints it. */
function changeJson({ path, action, differs, before, after }: Change): object {
  return { path, action, differs, before: before && entryJson(before), after: after && entryJson(after) }
}

/** Print every change line by line, or gather them; returns the totals, and what was gathered. */
export async function reportChanges(
  batches: AsyncIterable<readonly Change[]>,
  host: Host,
  options: { isJson: boolean; style: Style },
): Promise<{ totals: ChangeTotals; changes: readonly object[] }> {
  const totals: ChangeTotals = { added: 0, changed: 0, removed: 0 }
  const changes: object[] = []
  for await (const batch of batches) {
    for (const change of batch) totals[change.action]++
    if (options.isJson) for (const change of batch) changes.push(changeJson(change))
    else host.stdout.write(batch.map((change) => changeLine(change, options.style)).join(''))
  }
  return { totals, changes }
}

/** `3 added, 1 changed, 0 removed` */
export function totalsText({ added, changed, removed }: ChangeTotals): string {
  return `${formatCount(added)} added, ${formatCount(changed)} changed, ${formatCount(removed)} removed`
}
