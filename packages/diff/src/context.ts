import { headerPath, quotePath } from './header-path.ts'
import { type Hunk, hunksOf, markedLine } from './hunk.ts'
import type { BinaryDiff, TextDiff } from './text.ts'
import { contextLinesOf, type PatchOptions, prefixed } from './unified.ts'

/** A difference as `diff -c` writes it; empty when there is none. `patch -p1` takes it. */
export function formatContext(diff: TextDiff | BinaryDiff, options: PatchOptions): string {
  if (diff.equal) return ''
  const [before, after] = [prefixed('a/', options.before), prefixed('b/', options.after)]
  if (diff.kind === 'binary') return `Binary files ${quotePath(before)} and ${quotePath(after)} differ\n`
  const hunks = hunksOf(diff, contextLinesOf(options)).map((hunk) => contextHunk(diff, hunk))
  return [`*** ${headerPath(before)}\n--- ${headerPath(after)}\n`, ...hunks].join('')
}

function contextHunk({ before, after }: TextDiff, hunk: Hunk): string {
  const removes = hunk.changes.some(({ beforeStart, beforeEnd }) => beforeEnd > beforeStart)
  const adds = hunk.changes.some(({ afterStart, afterEnd }) => afterEnd > afterStart)
  const old = hunk.changes.map(({ beforeStart: start, beforeEnd: end, afterStart, afterEnd }) => ({
    start,
    end,
    marker: afterEnd > afterStart ? '! ' : '- ',
  }))
  const fresh = hunk.changes.map(({ afterStart: start, afterEnd: end, beforeStart, beforeEnd }) => ({
    start,
    end,
    marker: beforeEnd > beforeStart ? '! ' : '+ ',
  }))
  // A side on which nothing changed is not written out.
  return [
    `***************\n*** ${range(hunk.beforeStart, hunk.beforeEnd)} ****\n`,
    ...(removes ? side(before, hunk.beforeStart, hunk.beforeEnd, old) : []),
    `--- ${range(hunk.afterStart, hunk.afterEnd)} ----\n`,
    ...(adds ? side(after, hunk.afterStart, hunk.afterEnd, fresh) : []),
  ].join('')
}

interface MarkedRange {
  readonly start: number
  readonly end: number
  readonly marker: string
}

function side(lines: readonly string[], start: number, end: number, ranges: readonly MarkedRange[]): string[] {
  const parts: string[] = []
  let at = start
  for (const marked of [...ranges, { start: end, end, marker: '' }]) {
    for (const line of lines.slice(at, marked.start)) parts.push(markedLine('  ', line))
    for (const line of lines.slice(marked.start, marked.end)) parts.push(markedLine(marked.marker, line))
    at = marked.end
  }
  return parts
}

function range(start: number, end: number): string {
  if (end - start <= 1) return String(end)
  return `${start + 1},${end}`
}
