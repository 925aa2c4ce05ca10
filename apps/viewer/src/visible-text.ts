import type { TextRun } from './protocol.ts'

// Controls but tab and line feed; what changes the direction of text, or has no width; separators; lone surrogates.
const HIDDEN = /(?:(?![\t\n])[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}])+/gu

/** Cut a text into what can be shown as it is and what is spelled out: text cannot look like something that it is not. */
export function visibleText(text: string): TextRun[] {
  const runs: TextRun[] = []
  let at = 0
  for (const match of text.matchAll(HIDDEN)) {
    if (match.index > at) runs.push({ text: text.slice(at, match.index), isMark: false })
    runs.push({ text: Array.from(match[0], nameOf).join(''), isMark: true })
    at = match.index + match[0].length
  }
  if (at < text.length) runs.push({ text: text.slice(at), isMark: false })
  return runs
}

const CONTROL_PICTURES = 0x2400
const DELETE = 0x7f
const DELETE_PICTURE = '\u2421'

function nameOf(character: string): string {
  const point = character.codePointAt(0) as number
  if (point < 0x20) return String.fromCharCode(CONTROL_PICTURES + point)
  if (point === DELETE) return DELETE_PICTURE
  return `[U+${point.toString(16).toUpperCase().padStart(4, '0')}]`
}
