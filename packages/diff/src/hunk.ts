import type { Change } from './sequence.ts'
import type { TextDiff } from './text.ts'

/** Changes that are shown together, with the lines around them. Line numbers from 0, ends not included. */
export interface Hunk extends Change {
  readonly changes: readonly Change[]
}

/** Group changes that are at most twice `contextLines` apart. */
export function hunksOf({ before, after, changes }: TextDiff, contextLines: number): Hunk[] {
  const groups: Change[][] = []
  for (const change of changes) {
    const last = groups.at(-1)
    const previous = last?.at(-1)
    if (last !== undefined && previous !== undefined && change.beforeStart - previous.beforeEnd <= 2 * contextLines) {
      last.push(change)
    } else groups.push([change])
  }
  return groups.flatMap((group) => {
    const [first, last] = [group[0], group.at(-1)]
    if (first === undefined || last === undefined) return []
    const lead = Math.min(contextLines, first.beforeStart)
    const tail = Math.min(contextLines, before.length - last.beforeEnd, after.length - last.afterEnd)
    return {
      beforeStart: first.beforeStart - lead,
      beforeEnd: last.beforeEnd + tail,
      afterStart: first.afterStart - lead,
      afterEnd: last.afterEnd + tail,
      changes: group,
    }
  })
}

/** A line behind its marker; one without a line end says so, as every diff does. */
export function markedLine(marker: string, line: string): string {
  return line.endsWith('\n') ? marker + line : `${marker}${line}\n\\ No newline at end of file\n`
}
