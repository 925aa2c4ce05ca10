import type { Attributes, Charset } from './attributes.ts'
import type { Platform } from './platform.ts'

const LF = 0x0a
const CR = 0x0d
const LINE_CHARACTERS = 76
/** Bytes of a full line of base64 with its LF. */
export const BASE64_LINE_BYTES: number = LINE_CHARACTERS + 1

// Bytes 0x80 to 0x9f in windows-1252; the five undefined ones (U+FFFD here) are never written. Own table: some Node releases
// decode windows-1252 as Latin-1 (nodejs/node#56542).
export const WINDOWS_1252 =
  '\u20ac\ufffd\u201a\u0192\u201e\u2026\u2020\u2021\u02c6\u2030\u0160\u2039\u0152\ufffd\u017d\ufffd\ufffd\u2018\u2019\u201c\u201d\u2022\u2013\u2014\u02dc\u2122\u0161\u203a\u0153\ufffd\u017e\u0178'

/** The content that a body stands for, or `undefined` when the body breaks a rule of its attributes (format, 2.4). */
export function decodeBody(body: Uint8Array, attributes: Attributes, platform: Platform): Uint8Array | undefined {
  if (attributes.base64) return decodeBase64Lines(body, platform)
  let content = body
  if (attributes.noeol) {
    if (content.at(-1) !== LF) return undefined
    content = content.subarray(0, -1)
  } else if (content.length > 0 && content.at(-1) !== LF) return undefined
  if (attributes.crlf) {
    if (content.includes(CR)) return undefined
    content = addReturns(content, platform)
  }
  if (attributes.charset === undefined) return content
  return platform.isUtf8(content) ? encodeCharset(platform.utf8(content), attributes.charset) : undefined
}

/** Put a CR before each LF. */
export function addReturns(body: Uint8Array, platform: Platform): Uint8Array {
  let lineFeeds = 0
  for (const byte of body) if (byte === LF) lineFeeds++
  const content = platform.allocate(body.length + lineFeeds)
  let to = 0
  for (const byte of body) {
    if (byte === LF) content[to++] = CR
    content[to++] = byte
  }
  return content
}

/** What base64 in lines of 76 characters, each ended by LF, stands for; `undefined` when `body` is in any other form. */
export function decodeBase64Lines(body: Uint8Array, platform: Platform): Uint8Array | undefined {
  const lineCount = Math.ceil(body.length / BASE64_LINE_BYTES)
  const text = platform.allocate(body.length - lineCount)
  for (let line = 0; line < lineCount; line++) {
    const at = line * BASE64_LINE_BYTES
    const end = Math.min(at + LINE_CHARACTERS, body.length - 1)
    if (body[end] !== LF || end === at) return undefined
    platform.copy(body, at, end, text, line * LINE_CHARACTERS)
  }
  return platform.decodeBase64(text)
}

/** The bytes of a text in `charset`, or `undefined` when it has no such bytes. UTF-16 gets a byte order mark. */
export function encodeCharset(text: string, charset: Charset): Uint8Array | undefined {
  return charset === 'windows-1252' ? encodeWindows1252(text) : encodeUtf16(text, charset === 'utf-16le')
}

function encodeUtf16(text: string, isLittleEndian: boolean): Uint8Array {
  const marked = `\ufeff${text}`
  const bytes = new Uint8Array(2 * marked.length)
  const [low, high] = isLittleEndian ? [0, 1] : [1, 0]
  for (let i = 0; i < marked.length; i++) {
    const unit = marked.charCodeAt(i)
    bytes[2 * i + low] = unit
    bytes[2 * i + high] = unit >> 8
  }
  return bytes
}

function encodeWindows1252(text: string): Uint8Array | undefined {
  const bytes = new Uint8Array(text.length)
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    const high = unit < 0x80 || (unit >= 0xa0 && unit <= 0xff) ? -1 : WINDOWS_1252.indexOf(text.charAt(i))
    if (high < 0 ? unit > 0xff || (unit >= 0x80 && unit < 0xa0) : unit === 0xfffd) return undefined
    bytes[i] = high < 0 ? unit : high + 0x80
  }
  return bytes
}
