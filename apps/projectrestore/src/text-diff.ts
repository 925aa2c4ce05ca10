import { isUtf8 } from 'node:buffer'
import { type Style, visible } from '@arc/kit'
import { structuredPatch } from 'diff'

/** What comparing two texts may cost: beyond, it is only told that they differ. */
const MAX_EDITS = 5000
const TIMEOUT_MS = 1000
const CONTEXT_LINES = 3

/** Whether bytes are text that a line-by-line comparison makes sense of. */
export function isText(bytes: Uint8Array): boolean {
  return isUtf8(bytes) && !bytes.includes(0)
}

/**
 * The hunks in which `after` differs from `before`, as `diff -u` writes them, safe to show on a terminal; `undefined` when
 * working them out would cost too much.
 */
export function textHunks(before: Uint8Array, after: Uint8Array, style: Style): string | undefined {
  const patch = structuredPatch('', '', textOf(before), textOf(after), undefined, undefined, {
    context: CONTEXT_LINES,
    maxEditLength: MAX_EDITS,
    timeout: TIMEOUT_MS,
  })
  if (patch === undefined) return undefined
  return patch.hunks
    .map(({ oldStart, oldLines, newStart, newLines, lines }) => {
      const head = style.quiet(`@@ -${oldStart},${oldLines} +${newStart},${newLines} @@`)
      return `${head}\n${lines.map((line) => `${paint(line, style)}\n`).join('')}`
    })
    .join('')
}

function paint(line: string, style: Style): string {
  const text = visible(line)
  if (line.startsWith('+')) return style.success(text)
  return line.startsWith('-') ? style.error(text) : text
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString()
}
