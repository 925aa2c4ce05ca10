import { stripVTControlCharacters } from 'node:util'

const NARROW = /^[\u0020-\u007e]*$/
const INVISIBLE = /^[\p{Mark}\p{Cc}\p{Cf}]/u
// East Asian Wide and Fullwidth (UAX 11), as blocks: exact enough for columns, small enough to read.
const WIDE =
  /^[\u1100-\u115f\u231a\u231b\u2329\u232a\u23e9-\u23ec\u23f0\u23f3\u25fd\u25fe\u2e80-\u303e\u3041-\u3247\u3250-\ua4c6\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe10-\ufe19\ufe30-\ufe6b\uff01-\uff60\uffe0-\uffe6\u{16fe0}-\u{18aff}\u{1b000}-\u{1b2ff}\u{20000}-\u{3fffd}]/u
const EMOJI = /^(?:\p{Emoji_Presentation}|\p{Emoji}\ufe0f|\p{Regional_Indicator}{2})/u

/** How many cells of a terminal `text` takes: 2 for wide characters and emoji, 0 for combining marks and colour codes. */
export function displayWidth(text: string): number {
  if (NARROW.test(text)) return text.length
  let width = 0
  for (const { segment } of segmenter().segment(stripVTControlCharacters(text))) width += segmentWidth(segment)
  return width
}

/** `text` without what does not fit into `width` cells, ending in `…` when something was cut. Takes no colour codes. */
export function truncateToWidth(text: string, width: number): string {
  if (displayWidth(text) <= width) return text
  let kept = ''
  let used = 1
  for (const { segment } of segmenter().segment(text)) {
    used += segmentWidth(segment)
    if (used > width) break
    kept += segment
  }
  return width < 1 ? '' : `${kept}…`
}

function segmentWidth(segment: string): number {
  if (INVISIBLE.test(segment)) return 0
  return WIDE.test(segment) || EMOJI.test(segment) ? 2 : 1
}

let shared: Intl.Segmenter | undefined

function segmenter(): Intl.Segmenter {
  return (shared ??= new Intl.Segmenter('en', { granularity: 'grapheme' }))
}
