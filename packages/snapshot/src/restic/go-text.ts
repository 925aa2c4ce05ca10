import { type EntryPath, encodePath } from '@arc/core'

// What Go's `unicode.IsPrint` lets pass.
const PRINTABLE = /[\p{L}\p{M}\p{N}\p{P}\p{S} ]/u
const PLAIN_NAME = /^[\w.+@=~,%#:;()[\]{}!$^' -]*$/

const SHORT_ESCAPES: Readonly<Record<string, string>> = {
  '\x07': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
  '"': '\\"',
  '\\': '\\\\',
}
const SHORT_CODES: ReadonlyMap<number, number> = new Map(
  Object.entries(SHORT_ESCAPES).map(([character, escape]) => [escape.charCodeAt(1), character.charCodeAt(0)]),
)

/** A name as Go's `strconv.Quote` spells it, without the quotes around it: any bytes, as printable text. */
export function quoteName(name: EntryPath): string {
  if (PLAIN_NAME.test(name)) return name
  let text = ''
  for (const character of name) {
    const code = character.codePointAt(0) as number
    const short = SHORT_ESCAPES[character]
    if (short !== undefined) text += short
    else if (code >= 0xdc80 && code <= 0xdcff) text += `\\x${(code - 0xdc00).toString(16)}`
    else if (PRINTABLE.test(character)) text += character
    else if (code < 0x20 || code === 0x7f) text += `\\x${code.toString(16).padStart(2, '0')}`
    else if (code < 0x10000) text += `\\u${code.toString(16).padStart(4, '0')}`
    else text += `\\U${code.toString(16).padStart(8, '0')}`
  }
  return text
}

const ESCAPE = /\\(?:([abfnrtv"\\])|x([\da-fA-F]{2})|u([\da-fA-F]{4})|U([\da-fA-F]{8})|([0-7]{3}))/y

/** The bytes that a name in quotes stands for; `undefined` when Go's `strconv.Unquote` would refuse it. */
export function unquoteName(quoted: string): Uint8Array | undefined {
  if (!quoted.includes('\\')) return quoted.includes('"') || quoted.includes('\n') ? undefined : utf8(quoted)
  const pieces: Uint8Array[] = []
  for (let at = 0; at < quoted.length;) {
    const backslash = quoted.indexOf('\\', at)
    const plain = quoted.slice(at, backslash < 0 ? quoted.length : backslash)
    if (plain.includes('"') || plain.includes('\n')) return undefined
    pieces.push(utf8(plain))
    if (backslash < 0) break
    ESCAPE.lastIndex = backslash
    const found = ESCAPE.exec(quoted)
    const piece = found === null ? undefined : unescaped(found)
    if (piece === undefined) return undefined
    pieces.push(piece)
    at = ESCAPE.lastIndex
  }
  return Buffer.concat(pieces)
}

function unescaped([, short, byte, ...others]: RegExpExecArray): Uint8Array | undefined {
  const [fourDigits, eightDigits, octal] = others
  if (short !== undefined) {
    const code = SHORT_CODES.get(short.charCodeAt(0))
    return code === undefined ? undefined : Buffer.of(code)
  }
  if (byte !== undefined) return Buffer.of(Number.parseInt(byte, 16))
  if (octal !== undefined) {
    const code = Number.parseInt(octal, 8)
    return code > 0xff ? undefined : Buffer.of(code)
  }
  const code = Number.parseInt(fourDigits ?? eightDigits ?? '', 16)
  const isScalar = code <= 0x10ffff && (code < 0xd800 || code > 0xdfff)
  return isScalar ? utf8(String.fromCodePoint(code)) : undefined
}

/** A JSON string as Go's `encoding/json` writes it. Bytes that are no UTF-8 become U+FFFD, as there. */
export function goString(text: string): string {
  return JSON.stringify(text.toWellFormed()).replace(/[<>&\u2028\u2029]/g, escaped)
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}

/** The bytes of a path, base64 as Go writes bytes. */
export function goBytes(path: EntryPath): string {
  return Buffer.from(encodePath(path)).toString('base64')
}

function utf8(text: string): Uint8Array {
  return Buffer.from(text.toWellFormed())
}
