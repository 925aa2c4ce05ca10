import { ArcError } from './error.ts'

declare const brand: unique symbol

/**
 * A path inside a source, or a symlink's target: any bytes at all, held as a string so that it can be a Map key and
 * survive JSON. Valid UTF-8 stands for itself; each other byte `0x80..0xFF` stands as the lone surrogate
 * `U+DC80..U+DCFF` (PEP 383, "surrogateescape"), so {@link encodePath} gives back exactly the bytes that were read.
 *
 * Components are joined by `/`; there is no leading `/`, no empty, `.` or `..` component (see `checkEntryPath`).
 */
export type EntryPath = string & { readonly [brand]: 'EntryPath' }

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const encoder = new TextEncoder()
const LONE_SURROGATE = /([\ud800-\udfff])/u

/** The path that these bytes spell. Never fails: every byte sequence has exactly one {@link EntryPath}. */
export function decodePath(bytes: Uint8Array): EntryPath {
  try {
    return utf8.decode(bytes) as EntryPath
  } catch {
    return decodeEscaping(bytes) as EntryPath
  }
}

function decodeEscaping(bytes: Uint8Array): string {
  let text = ''
  let at = 0
  while (at < bytes.length) {
    const length = sequenceLength(bytes, at)
    if (length === 0) text += String.fromCharCode(0xdc00 + (bytes[at++] as number))
    else text += utf8.decode(bytes.subarray(at, (at += length)))
  }
  return text
}

/** Length of the well-formed UTF-8 sequence at `at`, or 0 when the byte there starts none (Unicode 16, table 3-7). */
function sequenceLength(bytes: Uint8Array, at: number): number {
  const lead = bytes[at] as number
  if (lead < 0x80) return 1
  const length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2
  if (lead < 0xc2 || lead > 0xf4 || at + length > bytes.length) return 0
  const second = bytes[at + 1] as number
  const low = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80
  const high = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf
  if (second < low || second > high) return 0
  for (let i = 2; i < length; i++) if (((bytes[at + i] as number) & 0xc0) !== 0x80) return 0
  return length
}

/** The exact bytes of a path; the inverse of {@link decodePath}. */
export function encodePath(path: EntryPath): Uint8Array {
  if (path.isWellFormed()) return encoder.encode(path)
  const bytes = new Uint8Array(path.length * 3)
  let used = 0
  for (const part of path.split(LONE_SURROGATE)) {
    const unit = part.charCodeAt(0)
    if (part.isWellFormed()) used += encoder.encodeInto(part, bytes.subarray(used)).written
    else if (unit >= 0xdc80 && unit <= 0xdcff) bytes[used++] = unit - 0xdc00
    else throw notBytes(path)
  }
  return bytes.subarray(0, used)
}

function notBytes(path: string): ArcError {
  const shown = printablePath(path)
  return new ArcError('ARC_PATH_INVALID', `${shown} holds a lone surrogate that stands for no byte`, { path: shown })
}

/** True when the path is valid UTF-8 on disk, so that it needs no escaping anywhere. */
export function isUtf8Path(path: EntryPath): boolean {
  return path.isWellFormed()
}

/** Compare two paths by their bytes, the order of every listing in Arc (and of git's index). */
export function comparePaths(a: EntryPath, b: EntryPath): number {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i)
    const y = b.charCodeAt(i)
    if (x === y) continue
    if (x < 0xd800 && y < 0xd800) return x - y
    const before = a.charCodeAt(i - 1)
    const start = before >= 0xd800 && before < 0xdc00 ? i - 1 : i // not in the middle of a surrogate pair
    return compareBytes(encodePath(a.slice(start) as EntryPath), encodePath(b.slice(start) as EntryPath))
  }
  return a.length - b.length
}

/** Lexicographic order of two byte strings. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) if (a[i] !== b[i]) return (a[i] as number) - (b[i] as number)
  return a.length - b.length
}

// Controls, quotes and backslash, bidirectional overrides, line and paragraph separators, the BOM, lone surrogates.
const UNSAFE_TO_PRINT =
  /[\u0000-\u001f"\\\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]/u

/**
 * The path as it may be shown to a person: itself, or, where that could deceive or disturb a terminal, in double quotes
 * with C-style escapes (`"a\nb"`, `"\xff"`), as git quotes names.
 */
export function printablePath(path: string): string {
  if (path !== '' && !UNSAFE_TO_PRINT.test(path)) return path
  let text = '"'
  for (const character of path) text += UNSAFE_TO_PRINT.test(character) ? escapeCharacter(character) : character
  return `${text}"`
}

const SHORT_ESCAPES: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
}

function escapeCharacter(character: string): string {
  const short = SHORT_ESCAPES[character]
  if (short !== undefined) return short
  const unit = character.charCodeAt(0)
  if (unit >= 0xdc80 && unit <= 0xdcff) return `\\x${(unit - 0xdc00).toString(16)}`
  return unit < 0x80 ? `\\x${unit.toString(16).padStart(2, '0')}` : `\\u${unit.toString(16).padStart(4, '0')}`
}
