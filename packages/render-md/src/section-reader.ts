import type { ArcError, EntryPath } from '@arc/core'
import { type Attributes, LONG_BODY_BYTES, parseAttributes } from './attributes.ts'
import { MAX_CHARSET_BODY_BYTES } from './body-content.ts'
import { damaged, truncated } from './dump-record.ts'
import type { FileWindow } from './file-window.ts'
import type { FrameDigest } from './frame-digest.ts'
import { parseRowPath } from './manifest.ts'

/** No line outside of bodies is longer. */
export const MAX_LINE_BYTES: number = 64 * 1024
/** A window of this size holds a whole section, save for one whose fence states the length of its body. */
export const SECTION_WINDOW_BYTES: number = LONG_BODY_BYTES + 4 * MAX_LINE_BYTES

/** What is brought into the window at once, unless a section is longer: so much stays in the processor's cache. */
const STEP_BYTES = 256 * 1024

const LF = 0x0a
const SPACE = 0x20
const BACKTICK = 0x60
const HEADING_START = new TextEncoder().encode('### `')
const BEHIND_BODY = '\n\n'.length
const FENCE = /^(`{3,64}|~{3,64})([A-Za-z0-9+\-#._]+)(.*)$/s
const MAX_KNOWN_FENCES = 256
/** Whether a path is spelled by this character itself, wherever it stands within. */
const IS_PLAIN = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte >= SPACE && byte <= 0x7e && !'"\\`'.includes(String.fromCharCode(byte)) ? 1 : 0,
)

/** What an opening fence says. */
interface Fence {
  readonly closing: Uint8Array
  readonly attributes: Attributes
}

/** One entry's section: what its heading and fence say, and where its body lies. */
export interface Section {
  readonly path: EntryPath
  readonly pathText: string
  /** The path-text is ASCII and the path as it is. */
  readonly isPlain: boolean
  readonly attributes: Attributes
  readonly at: number
  readonly bodyAt: number
  readonly bodyBytes: number
}

/** Reads sections, one after the other, and digests what belongs to the frame. The window moves only when that is asked for. */
export class SectionReader {
  /** Where the next section begins in the document. */
  at: number
  readonly #window: FileWindow
  readonly #frame: FrameDigest
  readonly #fences = new Map<string, Fence>()
  /** From here on the frame is not digested yet. */
  #frameAt: number
  #pathText = ''
  #isPlain = false

  /** `frameAt` is where the frame begins, before the first section. */
  constructor(window: FileWindow, frame: FrameDigest, frameAt: number, at: number) {
    this.#window = window
    this.#frame = frame
    this.#frameAt = frameAt
    this.at = at
  }

  /**
   * Read a section. `beyond`: it does not end within the window; call {@link advance} and ask again. `end`:
   * something else follows. Throws `ARC_DUMP_DAMAGED`.
   */
  next(): Section | 'beyond' | 'end' {
    const { start } = this.#window
    const at = this.at - start
    if (this.#limit - at < HEADING_START.length && this.#canAdvance) return 'beyond'
    if (!this.#holds(HEADING_START, at)) {
      this.#digest(this.at)
      return 'end'
    }
    const fenceAt = this.#readHeading(at)
    if (fenceAt < 0) return 'beyond'
    const fenceEnd = this.#lineEnd(fenceAt, 'its fence is too long')
    if (fenceEnd < 0) return 'beyond'
    const fence = this.#readFence(fenceAt, fenceEnd)
    const pathText = this.#pathText
    const isPlain = this.#isPlain
    const path = isPlain
      ? plainPath(pathText, fence.attributes)
      : parseRowPath(pathText, fence.attributes.directory ? 'directory' : 'file')
    if (path === undefined) throw damaged('its path is not spelled as it must be', this.at, pathText)
    const bodyAt = start + fenceEnd + 1
    const bodyEnd = this.#findBodyEnd(fence, bodyAt, path)
    if (bodyEnd < 0) return 'beyond'
    const { attributes, closing } = fence
    const bodyBytes = bodyEnd - bodyAt
    checkBody(attributes, bodyBytes, this.at, path)
    const section: Section = { path, pathText, isPlain, attributes, at: this.at, bodyAt, bodyBytes }
    this.#digest(bodyAt)
    if (bodyEnd + closing.length + BEHIND_BODY > this.#window.end && this.#window.end < this.#window.sizeBytes) {
      if (attributes.symlink || attributes.hardlink) throw tooLongForLink(section)
      this.#window.load(bodyEnd - 1)
    }
    this.#passClosing(section, closing)
    if (!attributes.hardlink) this.#frameAt = bodyEnd
    this.at = bodyEnd + closing.length + BEHIND_BODY
    return section
  }

  /** Bring the next section, or more of it, into the window. */
  advance(): void {
    this.#digest(this.at)
    const isLonger = this.#window.start === this.at
    this.#window.load(this.at, isLonger ? SECTION_WINDOW_BYTES : STEP_BYTES)
  }

  /** Bytes in the window. */
  get #limit(): number {
    return this.#window.end - this.#window.start
  }

  /** Whether more of this section can be brought into the window. */
  get #canAdvance(): boolean {
    const { start, end, sizeBytes, bytes } = this.#window
    return end < sizeBytes && (start !== this.at || end - start < bytes.length)
  }

  #holds(text: Uint8Array, at: number): boolean {
    const { bytes } = this.#window
    if (this.#limit - at < text.length) return false
    for (let i = 0; i < text.length; i++) if (bytes[at + i] !== text[i]) return false
    return true
  }

  /** Take the path-text out of the heading at `at`; returns where the opening fence is, or -1 when it lies beyond the window. */
  #readHeading(at: number): number {
    const { bytes } = this.#window
    const limit = this.#limit
    const textAt = at + HEADING_START.length
    let textEnd = textAt
    while (textEnd < limit && IS_PLAIN[bytes[textEnd] as number] === 1) textEnd++
    const isPlain =
      textEnd > textAt &&
      textEnd - textAt < MAX_LINE_BYTES - 2 * HEADING_START.length &&
      textEnd + 2 < limit &&
      bytes[textAt] !== SPACE &&
      bytes[textEnd - 1] !== SPACE &&
      bytes[textEnd] === BACKTICK &&
      bytes[textEnd + 1] === LF &&
      bytes[textEnd + 2] === LF
    this.#isPlain = isPlain
    if (!isPlain) return this.#readOddHeading(at)
    this.#pathText = this.#window.platform.latin1(bytes, textAt, textEnd)
    return textEnd + 3
  }

  #readOddHeading(at: number): number {
    const end = this.#lineEnd(at, 'its heading is too long')
    if (end < 0) return end
    const heading = this.#text(at, end)
    if (!heading.endsWith('`')) throw damaged('a heading is not closed', this.at)
    const pathText = heading.slice(HEADING_START.length, -1)
    const nextEnd = this.#lineEnd(end + 1, 'a line is too long')
    if (nextEnd < 0) return nextEnd
    if (this.#text(end + 1, nextEnd) !== '') throw damaged('the line after its heading is not empty', this.at, pathText)
    this.#pathText = pathText
    return nextEnd + 1
  }

  /** Index of the LF that ends the line at `at`, or -1 when it lies beyond the window. */
  #lineEnd(at: number, problem: string): number {
    const { bytes, start, sizeBytes } = this.#window
    const limit = Math.min(this.#limit, at + MAX_LINE_BYTES)
    let end = at
    while (end < limit && bytes[end] !== LF) end++
    if (end < limit) return end
    if (this.#canAdvance) return -1
    throw sizeBytes - start - at < MAX_LINE_BYTES ? truncated(sizeBytes) : damaged(problem, start + at)
  }

  #text(at: number, end: number): string {
    const line = this.#window.bytes.subarray(at, end)
    const { platform } = this.#window
    if (!platform.isUtf8(line)) throw damaged('it is not UTF-8', this.#window.start + at)
    return platform.utf8(line)
  }

  #readFence(fenceAt: number, end: number): Fence {
    // There are few different ones; what they may hold is ASCII.
    const line = this.#window.platform.latin1(this.#window.bytes, fenceAt, end)
    const known = this.#fences.get(line)
    if (known !== undefined) return known
    const match = FENCE.exec(line)
    const attributes = parseAttributes(match?.[3] ?? '?')
    if (match === null || attributes === undefined) {
      this.#text(fenceAt, end)
      throw damaged('its opening fence is not as it must be', this.at, this.#pathText)
    }
    const fence = { closing: this.#window.platform.encode(match[1] as string), attributes }
    if (this.#fences.size === MAX_KNOWN_FENCES) this.#fences.clear()
    this.#fences.set(line, fence)
    return fence
  }

  /** Where the body that begins at `bodyAt` ends, or -1 when that lies beyond the window. */
  #findBodyEnd({ closing, attributes }: Fence, bodyAt: number, path: EntryPath): number {
    const { bytes, start, end, sizeBytes, platform } = this.#window
    if (attributes.bytes !== undefined) {
      if (attributes.bytes > sizeBytes - bodyAt) throw truncated(sizeBytes)
      const bodyEnd = bodyAt + attributes.bytes
      return bodyEnd + closing.length + BEHIND_BODY > end && this.#canAdvance ? -1 : bodyEnd
    }
    // A body holds nothing like its fence, not even within a line: so every Markdown renderer finds the same end.
    const found = start + platform.indexOf(bytes, closing, bodyAt - start)
    const isWhole = found >= bodyAt && found + closing.length + BEHIND_BODY <= end
    if (!isWhole && this.#canAdvance) return -1
    if (found >= bodyAt && found + closing.length <= end && found - bodyAt <= LONG_BODY_BYTES) return found
    if (sizeBytes - bodyAt <= LONG_BODY_BYTES) throw truncated(sizeBytes)
    throw damaged('its closing fence is missing', bodyAt, path)
  }

  #passClosing({ bodyAt, bodyBytes, path }: Section, closing: Uint8Array): void {
    const { bytes, start, sizeBytes } = this.#window
    const bodyEnd = bodyAt + bodyBytes
    const at = bodyEnd - start
    if (bodyBytes > 0 && bytes[at - 1] !== LF) throw damaged('its closing fence does not begin a line', bodyEnd, path)
    const end = at + closing.length
    if (end + BEHIND_BODY > this.#limit) throw truncated(sizeBytes)
    if (!this.#holds(closing, at) || bytes[end] !== LF || bytes[end + 1] !== LF)
      throw damaged('its closing fence is not where it must be', bodyEnd, path)
  }

  /** Digest the frame up to `end`, all of which is in the window. */
  #digest(end: number): void {
    const { bytes, start } = this.#window
    this.#frame.add(bytes, this.#frameAt - start, end - start)
    this.#frameAt = end
  }
}

function plainPath(pathText: string, attributes: Attributes): EntryPath | undefined {
  if (!attributes.directory) return pathText as EntryPath
  return pathText.endsWith('/') ? (pathText.slice(0, -1) as EntryPath) : undefined
}

/** The error for a link whose body is no path. */
export function tooLongForLink({ bodyAt, path }: Section): ArcError {
  return damaged('its text is too long for a link', bodyAt, path)
}

function checkBody(attributes: Attributes, bodyBytes: number, at: number, path: EntryPath): void {
  const isEmptyKind = attributes.directory === true || attributes.omitted === true
  if (isEmptyKind && bodyBytes > 0) throw damaged('its body must be empty', at, path)
  if (attributes.noeol && bodyBytes === 0) throw damaged('its body lacks the line end that it says was added', at, path)
  if (attributes.charset !== undefined && bodyBytes === 0) throw damaged('it has a charset, but no body', at, path)
  if (attributes.charset !== undefined && bodyBytes > MAX_CHARSET_BODY_BYTES)
    throw damaged('its body is too large for its charset', at, path)
}
