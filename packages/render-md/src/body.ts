import { isUtf8 } from 'node:buffer'
import type { Attributes, Charset } from './attributes.ts'
import type { TextFacts } from './text-scan.ts'

/** No fence is longer: a body that would need one is written as base64. */
export const LONGEST_FENCE = 64

const LF = 0x0a
const CR = 0x0d
const LINE_CONTENT_BYTES = 57 // 76 characters of base64
const LINE_CHARACTERS = 76
/** Bytes of a full line of base64 with its LF. */
export const BASE64_LINE_BYTES: number = LINE_CHARACTERS + 1

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

/** Put a CR before each LF. */
export function addReturns(body: Uint8Array): Buffer {
  let lineFeeds = 0
  for (const byte of body) if (byte === LF) lineFeeds++
  const content = Buffer.allocUnsafe(body.length + lineFeeds)
  let to = 0
  for (const byte of body) {
    if (byte === LF) content[to++] = CR
    content[to++] = byte
  }
  return content
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

/** The inverse of {@link encodeBase64Lines}, or `undefined` when `body` is in any other form. */
export function decodeBase64Lines(body: Buffer): Buffer | undefined {
  const content = Buffer.from(body.toString('latin1'), 'base64')
  return encodeBase64Lines(content).equals(body) ? content : undefined
}

// Bytes 0x80 to 0x9f in windows-1252; the five undefined ones (U+FFFD here) are never written. Own table: some Node releases
// decode windows-1252 as Latin-1 (nodejs/node#56542).
const WINDOWS_1252 =
  '\u20ac\ufffd\u201a\u0192\u201e\u2026\u2020\u2021\u02c6\u2030\u0160\u2039\u0152\ufffd\u017d\ufffd\ufffd\u2018\u2019\u201c\u201d\u2022\u2013\u2014\u02dc\u2122\u0161\u203a\u0153\ufffd\u017e\u0178'

/** The text of `content` in UTF-8 and the charset it was in, when a person could read it that way and the way back is exact. */
export function readCharset(content: Buffer, facts: TextFacts): { charset: Charset; text: Buffer } | undefined {
  const charset = guessCharset(content, facts)
  if (charset === undefined) return undefined
  let text: Buffer
  try {
    if (charset === 'windows-1252') text = Buffer.from(readWindows1252(content))
    else text = Buffer.from(new TextDecoder(charset, { fatal: true, ignoreBOM: true }).decode(content.subarray(2)))
  } catch {
    return undefined
  }
  return writeCharset(text, charset)?.equals(content) ? { charset, text } : undefined
}

function guessCharset(content: Buffer, facts: TextFacts): Charset | undefined {
  if (content[0] === 0xff && content[1] === 0xfe) return 'utf-16le'
  if (content[0] === 0xfe && content[1] === 0xff) return 'utf-16be'
  if (facts.hasControls) return undefined // windows-1252 has the same ones
  return content.some((byte) => byte >= 0x80 && byte < 0xa0 && WINDOWS_1252[byte - 0x80] === '\ufffd')
    ? undefined
    : 'windows-1252'
}

/** The bytes of a UTF-8 text in `charset`, or `undefined` when it has no such bytes. */
export function writeCharset(text: Buffer, charset: Charset): Buffer | undefined {
  if (charset === 'windows-1252') return writeWindows1252(text.toString('utf8'))
  const bytes = Buffer.from(`\ufeff${text.toString('utf8')}`, 'utf16le')
  return charset === 'utf-16be' ? bytes.swap16() : bytes
}

function readWindows1252(content: Buffer): string {
  return content
    .toString('latin1')
    .replace(/[\u0080-\u009f]/g, (character) => WINDOWS_1252.charAt(character.charCodeAt(0) - 0x80))
}

function writeWindows1252(text: string): Buffer | undefined {
  const bytes = Buffer.allocUnsafe(text.length)
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    const high = unit < 0x80 || (unit >= 0xa0 && unit <= 0xff) ? -1 : WINDOWS_1252.indexOf(text.charAt(i))
    if (high < 0 ? unit > 0xff || (unit >= 0x80 && unit < 0xa0) : unit === 0xfffd) return undefined
    bytes[i] = high < 0 ? unit : high + 0x80
  }
  return bytes
}

/** The content that a body stands for, or `undefined` when the body breaks a rule of its attributes (format, 2.4). */
export function decodeBody(body: Buffer, attributes: Attributes): Buffer | undefined {
  if (attributes.base64) return decodeBase64Lines(body)
  let content = body
  if (attributes.noeol) {
    if (content.at(-1) !== LF) return undefined
    content = content.subarray(0, -1)
  } else if (content.length > 0 && content.at(-1) !== LF) return undefined
  if (attributes.crlf) {
    if (content.includes(CR)) return undefined
    content = addReturns(content)
  }
  return attributes.charset === undefined
    ? content
    : isUtf8(content)
      ? writeCharset(content, attributes.charset)
      : undefined
}
