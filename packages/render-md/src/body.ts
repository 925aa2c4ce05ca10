import { isUtf8 } from 'node:buffer'
import type { Charset } from './attributes.ts'
import { encodeCharset, WINDOWS_1252 } from './body-decoding.ts'
import type { TextFacts } from './text-scan.ts'

/** No fence is longer: a body that would need one is written as base64. */
export const LONGEST_FENCE = 64

const LF = 0x0a
const CR = 0x0d
const LINE_CONTENT_BYTES = 57 // 76 characters of base64
const LINE_CHARACTERS = 76

/** The fence for a text with these facts, or `undefined` when none would do. */
export function fenceFor(facts: Pick<TextFacts, 'longestBackticks' | 'longestTildes'>): string | undefined {
  if (facts.longestBackticks < 3) return '```'
  if (facts.longestBackticks < LONGEST_FENCE) return '`'.repeat(facts.longestBackticks + 1)
  if (facts.longestTildes < LONGEST_FENCE) return '~'.repeat(Math.max(3, facts.longestTildes + 1))
  return undefined
}

/** Whether bytes with these facts can be a body as they are: UTF-8 without disturbing control characters. */
export function isPlainText(bytes: Uint8Array, facts: TextFacts): boolean {
  return !facts.hasControls && (!facts.hasHighBytes || isUtf8(bytes))
}

/** Whether every line of the text ends in CR LF, so that its body can have LF. */
export function hasOnlyCrlf(facts: TextFacts): boolean {
  return facts.pairs > 0 && facts.pairs === facts.lineFeeds && facts.pairs === facts.returns
}

/** Take the CR out of each CR LF of `buffer[start, end)`, in place; returns the new end. */
export function dropReturns(buffer: Buffer, start: number, end: number): number {
  let to = start
  for (let from = start; from < end;) {
    let next = buffer.indexOf(CR, from)
    if (next < 0 || next >= end) next = end
    buffer.copyWithin(to, from, next)
    to += next - from
    from = next + 1
  }
  return to
}

/** Base64 in lines of 76 characters, each ended by LF. `content` may be a piece whose length is a multiple of 57. */
export function encodeBase64Lines(content: Buffer): Buffer {
  const text = content.toString('base64')
  const lineCount = Math.ceil(text.length / LINE_CHARACTERS)
  const body = Buffer.allocUnsafe(text.length + lineCount)
  for (let line = 0; line < lineCount; line++) {
    const at = line * (LINE_CHARACTERS + 1)
    const piece = text.slice(line * LINE_CHARACTERS, (line + 1) * LINE_CHARACTERS)
    body.write(piece, at, 'latin1')
    body[at + piece.length] = LF
  }
  return body
}

/** Pieces of content of this size make whole base64 lines. */
export const BASE64_PIECE_BYTES: number = LINE_CONTENT_BYTES * 16_384

/** The text of `content` in UTF-8 and the charset it was in, when a person could read it that way and the way back is exact. */
export function readCharset(content: Buffer, facts: TextFacts): { charset: Charset; text: Buffer } | undefined {
  const charset = guessCharset(content, facts)
  if (charset === undefined) return undefined
  let text: string
  try {
    if (charset === 'windows-1252') text = readWindows1252(content)
    else text = new TextDecoder(charset, { fatal: true, ignoreBOM: true }).decode(content.subarray(2))
  } catch {
    return undefined
  }
  const back = encodeCharset(text, charset)
  return back !== undefined && content.equals(back) ? { charset, text: Buffer.from(text) } : undefined
}

function guessCharset(content: Buffer, facts: TextFacts): Charset | undefined {
  if (content[0] === 0xff && content[1] === 0xfe) return 'utf-16le'
  if (content[0] === 0xfe && content[1] === 0xff) return 'utf-16be'
  if (facts.hasControls) return undefined // windows-1252 has the same ones
  return content.some((byte) => byte >= 0x80 && byte < 0xa0 && WINDOWS_1252[byte - 0x80] === '\ufffd')
    ? undefined
    : 'windows-1252'
}

function readWindows1252(content: Buffer): string {
  return content
    .toString('latin1')
    .replace(/[\u0080-\u009f]/g, (character) => WINDOWS_1252.charAt(character.charCodeAt(0) - 0x80))
}
