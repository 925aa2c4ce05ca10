import type { DumpInput } from './dump-input.ts'
import { damaged, truncated } from './dump-record.ts'
import { equalBytes, FileWindow } from './file-window.ts'
import { type ManifestRow, parseRow } from './manifest.ts'
import { MAX_LINE_BYTES, type Section } from './section-reader.ts'

export const MANIFEST_START: Uint8Array = new TextEncoder().encode('## Manifest\n\n```arc-manifest\n')
const MANIFEST_END = new TextEncoder().encode('```\n\n')
const WINDOW_BYTES = 256 * 1024
const LF = 0x0a
const SPACE = 0x20
const ZERO = 0x30
const HASH_LENGTH = 64
const TYPE_LENGTH = 2
const MODE_LENGTH = 4
const MAX_SIZE_DIGITS = 15 // more may be no safe integer: left to the parser of any line
/** Of a line without its path-text. */
const MAX_FIXED_BYTES = HASH_LENGTH + TYPE_LENGTH + MODE_LENGTH + MAX_SIZE_DIGITS + 4
const IS_HEX = Uint8Array.from({ length: 256 }, (_, byte) => (/[0-9a-f]/.test(String.fromCharCode(byte)) ? 1 : 0))

/**
 * Where the manifest of a document begins, or -1. Found from the end of the document: no line of a manifest can look like its
 * beginning, so the last place that does is the one. In a damaged document it may be another.
 */
export function findManifest(input: DumpInput): number {
  const { sizeBytes, platform } = input
  const window = new FileWindow(input, WINDOW_BYTES)
  const step = WINDOW_BYTES - MANIFEST_START.length
  for (let end = sizeBytes; end > 0; end -= step) {
    const start = Math.max(0, end - step)
    const piece = window.view(start, end + MANIFEST_START.length - 1)
    let last = -1
    for (let at = 0; (at = platform.indexOf(piece, MANIFEST_START, at)) >= 0; at++) last = at
    if (last >= 0) return start + last
  }
  return -1
}

/** Reads the lines of a manifest, one for each section. */
export class ManifestReader {
  /** Where the next line begins. */
  at: number
  readonly #window: FileWindow
  readonly #start: number

  /** `at` is where the manifest begins. */
  constructor(input: DumpInput, at: number) {
    this.#window = new FileWindow(input, WINDOW_BYTES)
    this.at = this.#start = at + MANIFEST_START.length
  }

  /** The next line, which must be that of the section. Throws `ARC_DUMP_DAMAGED`. */
  next(section: Section): ManifestRow {
    const row = this.#readPlain(section)
    if (row !== undefined) return row
    const lineAt = this.at
    const other = parseRow(this.#takeLine())
    if (other === undefined || other.path !== section.path)
      throw damaged('its line in the manifest is missing or wrong', lineAt, section.path)
    return other
  }

  /** The lines that have been read, from the first. */
  *past(): Generator<ManifestRow, void, void> {
    const end = this.at
    this.at = this.#start
    while (this.at < end) yield parseRow(this.#takeLine()) as ManifestRow
  }

  /** Go past the end of the manifest. */
  finish(): void {
    const found = this.#window.view(this.at, this.at + MANIFEST_END.length)
    if (equalBytes(found, MANIFEST_END)) this.at += MANIFEST_END.length
    else if (found.length < MANIFEST_END.length) throw truncated(this.#window.sizeBytes)
    else throw damaged('the manifest does not end where it must', this.at)
  }

  /** Read the line of a file whose path-text needs no thought; `undefined` when it is anything else. */
  #readPlain({ attributes, isPlain, path, pathText }: Section): ManifestRow | undefined {
    if (!isPlain || attributes.directory || attributes.symlink) return undefined
    const window = this.#window
    const maxEnd = this.at + MAX_FIXED_BYTES + pathText.length
    if (this.at < window.start || (maxEnd > window.end && window.end < window.sizeBytes)) window.load(this.at)
    if (maxEnd > window.end) return undefined
    const { bytes } = window
    const start = this.at - window.start
    const hashEnd = start + HASH_LENGTH
    for (let i = start; i < hashEnd; i++) if (IS_HEX[bytes[i] as number] !== 1) return undefined
    if (bytes[hashEnd] !== SPACE || bytes[hashEnd + 1] !== ZERO + 1 || bytes[hashEnd + 2] !== ZERO) return undefined
    let at = hashEnd + 1 + TYPE_LENGTH
    let mode = 0
    for (const modeEnd = at + MODE_LENGTH; at < modeEnd; at++) {
      const digit = (bytes[at] as number) - ZERO
      if (digit < 0 || digit > 7) return undefined
      mode = mode * 8 + digit
    }
    if (bytes[at++] !== SPACE) return undefined
    const sizeAt = at
    let sizeBytes = 0
    for (let digit = digitAt(bytes, at); digit >= 0; digit = digitAt(bytes, ++at)) sizeBytes = sizeBytes * 10 + digit
    const digits = at - sizeAt
    if (digits === 0 || digits > MAX_SIZE_DIGITS || (digits > 1 && bytes[sizeAt] === ZERO)) return undefined
    if (bytes[at++] !== SPACE) return undefined
    for (let i = 0; i < pathText.length; i++) if (bytes[at + i] !== pathText.charCodeAt(i)) return undefined
    at += pathText.length
    if (bytes[at] !== LF) return undefined
    this.at = window.start + at + 1
    return { path, type: 'file', mode, sizeBytes, sha256: window.platform.latin1(bytes, start, hashEnd) }
  }

  #takeLine(): string {
    const { sizeBytes, platform } = this.#window
    const line = this.#window.line(this.at, MAX_LINE_BYTES)
    if (line !== undefined) {
      if (!platform.isUtf8(line)) throw damaged('it is not UTF-8', this.at)
      this.at += line.length + 1
      return platform.utf8(line)
    }
    throw sizeBytes - this.at < MAX_LINE_BYTES ? truncated(sizeBytes) : damaged('the manifest is cut off', this.at)
  }
}

function digitAt(bytes: Uint8Array, at: number): number {
  const digit = (bytes[at] as number) - ZERO
  return digit >= 0 && digit <= 9 ? digit : -1
}
