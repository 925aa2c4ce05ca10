import { ArcError } from '@arc/core'
import { headerPath, quotePath } from './header-path.ts'
import { type Hunk, hunksOf, markedLine } from './hunk.ts'
import type { BinaryDiff, TextDiff } from './text.ts'

const CONTEXT_LINES = 3

export interface PatchOptions {
  /** Paths for the header, as they are in a source: any bytes (see `EntryPath`). `undefined`: there was or is no such file. */
  before: string | undefined
  after: string | undefined
  /** Unchanged lines around each change; 3 by default. */
  contextLines?: number | undefined
}

/** A difference as `diff -u` writes it, with the path prefixes of git; empty when there is none. `patch -p1` and `git apply` take it. */
export function formatUnified(diff: TextDiff | BinaryDiff, options: PatchOptions): string {
  if (diff.equal) return ''
  const [before, after] = [prefixed('a/', options.before), prefixed('b/', options.after)]
  if (diff.kind === 'binary') return `Binary files ${quotePath(before)} and ${quotePath(after)} differ\n`
  const hunks = hunksOf(diff, contextLinesOf(options)).map((hunk) => unifiedHunk(diff, hunk))
  return [`--- ${headerPath(before)}\n+++ ${headerPath(after)}\n`, ...hunks].join('')
}

export function prefixed(prefix: string, path: string | undefined): string {
  return path === undefined ? '/dev/null' : prefix + path
}

/** Throws `ARC_OPTION_INVALID` for what is no number of lines. */
export function contextLinesOf({ contextLines = CONTEXT_LINES }: PatchOptions): number {
  if (typeof contextLines === 'number' && contextLines >= 0) return Math.floor(contextLines)
  throw new ArcError('ARC_OPTION_INVALID', `contextLines is ${contextLines}, and must be a number of lines from 0`)
}

function unifiedHunk({ before, after }: TextDiff, hunk: Hunk): string {
  const parts = [`@@ -${range(hunk.beforeStart, hunk.beforeEnd)} +${range(hunk.afterStart, hunk.afterEnd)} @@\n`]
  const push = (marker: string, lines: readonly string[]): void => {
    for (const line of lines) parts.push(markedLine(marker, line))
  }
  let at = hunk.beforeStart
  for (const { beforeStart, beforeEnd, afterStart, afterEnd } of hunk.changes) {
    push(' ', before.slice(at, beforeStart))
    push('-', before.slice(beforeStart, beforeEnd))
    push('+', after.slice(afterStart, afterEnd))
    at = beforeEnd
  }
  push(' ', before.slice(at, hunk.beforeEnd))
  return parts.join('')
}

/** Start and number of lines; of no lines, the line before. A single line needs no number. */
function range(start: number, end: number): string {
  const count = end - start
  if (count === 1) return String(start + 1)
  return `${count === 0 ? start : start + 1},${count}`
}
