import { printablePath } from '@arc/core'
import { hunksOf } from './hunk.ts'
import type { Change } from './sequence.ts'
import type { BinaryDiff, TextDiff } from './text.ts'
import { diffWords } from './words.ts'
import { contextLinesOf, type PatchOptions } from './unified.ts'

/** Longer lines are shown whole, without the words that changed. */
const MAX_WORD_LINE_LENGTH = 2000

/**
 * A difference as one HTML table, for a page with its own style: rows of class `same`, `removed`, `added` with two line
 * numbers, changed words in `<del>` and `<ins>`, `…` between hunks. Everything from the texts is escaped; a CR shows as `␍`.
 */
export function formatHtml(diff: TextDiff | BinaryDiff, options: PatchOptions): string {
  const name = (path: string | undefined): string =>
    path === undefined ? '<i>nothing</i>' : escapeHtml(printablePath(path))
  const caption = `<caption>${name(options.before)} → ${name(options.after)}</caption>`
  return `<table class="diff">${caption}\n${bodyOf(diff, options)}</table>\n`
}

function bodyOf(diff: TextDiff | BinaryDiff, options: PatchOptions): string {
  const note = (text: string): string => `<tr class="note"><td></td><td></td><td>${text}</td></tr>\n`
  if (diff.equal) return note('no difference')
  if (diff.kind === 'binary') return note('binary contents differ')
  const rows: string[] = []
  for (const hunk of hunksOf(diff, contextLinesOf(options))) {
    if (hunk.beforeStart > 0) rows.push(note('…'))
    let at = hunk.beforeStart
    let shift = hunk.afterStart - hunk.beforeStart
    for (const change of hunk.changes) {
      rows.push(sameRows(diff.before, at, change.beforeStart, shift), changedRows(diff, change))
      at = change.beforeEnd
      shift = change.afterEnd - change.beforeEnd
    }
    rows.push(sameRows(diff.before, at, hunk.beforeEnd, shift))
  }
  return rows.join('')
}

function sameRows(lines: readonly string[], start: number, end: number, shift: number): string {
  const rows = lines.slice(start, end).map((line, index) => {
    const number = start + index + 1
    return row('same', number, number + shift, escapeHtml(withoutEnd(line)) + missingEnd(line))
  })
  return rows.join('')
}

function changedRows({ before, after }: TextDiff, change: Change): string {
  const [removed, added] = [
    before.slice(change.beforeStart, change.beforeEnd),
    after.slice(change.afterStart, change.afterEnd),
  ]
  // Line by line only where one line became one: else it is a guess which line became which.
  const paired = removed.map((line, index) => {
    const other = added[index]
    const comparable =
      removed.length === added.length && Math.max(line.length, other?.length ?? 0) <= MAX_WORD_LINE_LENGTH
    return comparable && other !== undefined ? diffWords(withoutEnd(line), withoutEnd(other)) : undefined
  })
  const marked = (lines: readonly string[], kind: 'removed' | 'added', tag: string): string[] =>
    lines.map((line, index) => {
      const words = paired[index]
      const shown = words
        ?.filter((word) => word.kind === 'same' || word.kind === kind)
        .map((word) => (word.kind === 'same' ? escapeHtml(word.text) : `<${tag}>${escapeHtml(word.text)}</${tag}>`))
      const start = kind === 'removed' ? change.beforeStart : change.afterStart
      const number = start + index + 1
      const text = (shown?.join('') ?? escapeHtml(withoutEnd(line))) + missingEnd(line)
      return kind === 'removed' ? row(kind, number, undefined, text) : row(kind, undefined, number, text)
    })
  return [...marked(removed, 'removed', 'del'), ...marked(added, 'added', 'ins')].join('')
}

function row(kind: string, before: number | undefined, after: number | undefined, html: string): string {
  return `<tr class="${kind}"><td>${before ?? ''}</td><td>${after ?? ''}</td><td><pre>${html}</pre></td></tr>\n`
}

function withoutEnd(line: string): string {
  return line.endsWith('\n') ? line.slice(0, -1) : line
}

function missingEnd(line: string): string {
  return line.endsWith('\n') ? '' : '<i>no line end</i>'
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
  '\r': '\u240d', // else nobody sees where CRLF became LF
}

function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"'\r]/g, (character) => ENTITIES[character] ?? character)
}
