import { ArcError } from '@arc/core'
import { prefixed, formatUnified } from './unified.ts'
import { quotePath } from './header-path.ts'
import type { BinaryDiff, TextDiff } from './text.ts'

/** A file on one side of a patch. */
export interface PatchFile {
  /** As in a source: any bytes (see `EntryPath`). */
  readonly path: string
  /** Permission bits; git knows only whether the owner may execute. */
  readonly mode?: number | undefined
}

/**
 * A difference with the header that `git diff` writes, so that `git apply` (and GNU patch from 2.7) also creates and deletes
 * files, empty ones included, renames them and changes their mode. `undefined` on one side: there was or is no such file.
 * Binary contents can only be named: `git apply` refuses such a patch.
 */
export function formatGitPatch(
  diff: TextDiff | BinaryDiff,
  before: PatchFile | undefined,
  after: PatchFile | undefined,
  options: { contextLines?: number | undefined } = {},
): string {
  for (const side of [before, after]) assertPatchFile(side)
  const [from, to] = [before?.path ?? after?.path, after?.path ?? before?.path]
  if (from === undefined || to === undefined) return ''
  const extended = extendedHeader(diff, before, after)
  const body = formatUnified(diff, { before: before?.path, after: after?.path, ...options })
  if (extended === '' && body === '') return ''
  return `diff --git ${quotePath(prefixed('a/', from))} ${quotePath(prefixed('b/', to))}\n${extended}${body}`
}

/** A path alone would read as a side that has none, and the patch as one that changes nothing. */
function assertPatchFile(side: PatchFile | undefined): void {
  if (side === undefined || (typeof side === 'object' && side !== null && typeof side.path === 'string')) return
  throw new ArcError(
    'ARC_OPTION_INVALID',
    'a side of a patch must be given as { path }, or undefined where there is none',
    {
      hint: "Write { path: 'plan.md' }.",
    },
  )
}

function extendedHeader(
  diff: TextDiff | BinaryDiff,
  before: PatchFile | undefined,
  after: PatchFile | undefined,
): string {
  if (before === undefined) return `new file mode ${gitMode(after)}\n`
  if (after === undefined) return `deleted file mode ${gitMode(before)}\n`
  const lines: string[] = []
  if (gitMode(before) !== gitMode(after)) lines.push(`old mode ${gitMode(before)}`, `new mode ${gitMode(after)}`)
  if (before.path !== after.path) {
    lines.push(
      `similarity index ${similarity(diff)}%`,
      `rename from ${quotePath(before.path)}`,
      `rename to ${quotePath(after.path)}`,
    )
  }
  return lines.map((line) => `${line}\n`).join('')
}

function gitMode(file: PatchFile | undefined): string {
  return ((file?.mode ?? 0) & 0o100) === 0 ? '100644' : '100755'
}

/** Which part of the lines stayed, in percent. For people only. */
function similarity(diff: TextDiff | BinaryDiff): number {
  if (diff.equal) return 100
  if (diff.kind === 'binary') return 0
  const lines = diff.before.length + diff.after.length
  return Math.floor((100 * (lines - diff.addedLines - diff.removedLines)) / lines)
}
