import { formatUnified, type TextDiff } from '@arc/diff'
import { type Style, visible } from '@arc/kit'

const HEADER_LINES = 2 // the names of the files, which the preview has shown

/** The hunks of a difference, as `diff -u` writes them, safe to show on a terminal. */
export function textHunks(diff: TextDiff, style: Style): string {
  const lines = formatUnified(diff, { before: 'before', after: 'after' }).split('\n').slice(HEADER_LINES, -1)
  return lines.map((line) => `${paint(line, style)}\n`).join('')
}

function paint(line: string, style: Style): string {
  const text = visible(line)
  if (line.startsWith('@@')) return style.quiet(text)
  if (line.startsWith('+')) return style.success(text)
  return line.startsWith('-') ? style.error(text) : text
}
