import {
  assertWithin,
  decodePath,
  type EntryPath,
  type GitState,
  type Limits,
  type Steps,
  type SyncContent,
} from '@arc/core'
import type { Attributes } from './attributes.ts'
import { BodyContent, PassingContent, type Turn } from './body-content.ts'
import { decodeBody } from './body-decoding.ts'
import type { DumpInput } from './dump-input.ts'
import { damaged, type DumpRecord, truncated } from './dump-record.ts'
import { equalBytes, FileWindow } from './file-window.ts'
import { FrameDigest } from './frame-digest.ts'
import { parseFrontMatter } from './front-matter.ts'
import { HardLinks } from './hard-links.ts'
import { type ContentHash, hashByPieces } from './hash-by-pieces.ts'
import { hashMismatch } from './hash-mismatch.ts'
import type { ManifestRow } from './manifest.ts'
import { findManifest, MANIFEST_START, ManifestReader } from './manifest-reader.ts'
import { type DefaultModes, FILES_HEADING } from './preamble.ts'
import { MAX_LINE_BYTES, type Section, SECTION_WINDOW_BYTES, SectionReader, tooLongForLink } from './section-reader.ts'

const PIECE_BYTES = 1024 * 1024
const FOOTER = /^<!-- arc-dump\/1 entries=(0|[1-9]\d*) sha256=([0-9a-f]{64}) -->$/

export interface MarkdownOptions {
  limits: Limits
  /** Decode all content and compare its hash with the manifest's. */
  verifyContent: boolean
  /**
   * When the content of a record may be read. `later`: at any time, from the document. `now`: until {@link MarkdownReader.advance},
   * at less cost. Unless it was verified, whoever reads it checks it against the record. `never`: records have none.
   */
  content: 'later' | 'now' | 'never'
}

/** A section with what must be taken from it before the window moves on. */
interface Reading {
  section: Section
  text: Uint8Array | undefined
  found: ContentHash | undefined
}

interface Hashing {
  readonly section: Section
  readonly steps: Steps<ContentHash>
}

/**
 * Reads a Markdown document once, sections and manifest side by side, checking all that docs/formats/arc-dump-1.md says a reader
 * must; what concerns the document as a whole, when its end is reached. Holds nothing of what it has given.
 */
export class MarkdownReader {
  readonly name: string
  readonly git: GitState | undefined
  readonly modes: DefaultModes
  readonly #input: DumpInput
  readonly #options: MarkdownOptions
  readonly #window: FileWindow
  readonly #frame: FrameDigest
  readonly #sections: SectionReader
  readonly #filesAt: number
  readonly #manifestAt: number
  #manifest: ManifestReader
  readonly #hardLinks: HardLinks
  /** That of the window as it is. */
  #turn: Turn = { isOver: false }
  /** A section whose body is too long for the window, while that is being hashed. */
  #hashing: Hashing | undefined
  #isBehindSections = false
  #sectionCount = 0
  #totalBytes = 0

  constructor(input: DumpInput, options: MarkdownOptions) {
    this.#input = input
    this.#options = options
    this.#window = new FileWindow(input, SECTION_WINDOW_BYTES)
    this.#frame = new FrameDigest(input.platform)
    this.#hardLinks = new HardLinks(input.platform, () => this.#manifest.past())
    const { name, git, modes } = parseFrontMatter(this.#window)
    this.name = name
    this.git = git
    this.modes = modes
    this.#filesAt = this.#findFiles()
    this.#sections = new SectionReader(this.#window, this.#frame, this.#filesAt, this.#passFilesHeading())
    this.#manifestAt = findManifest(input)
    this.#manifest = new ManifestReader(input, this.#manifestAt)
  }

  /** How much of the document has been read. */
  get doneBytes(): number {
    return this.#sections.at
  }

  /**
   * The record of the next entry. `beyond`: none, until {@link advance} is called; at the latest after every megabyte or so. `end`: that
   * was the last one, and the document is whole. Throws `ARC_DUMP_DAMAGED`, `ARC_HASH_MISMATCH` or `ARC_LIMIT_EXCEEDED`.
   */
  next(): DumpRecord | 'beyond' | 'end' {
    if (this.#manifestAt < 0) throw truncated(this.#input.sizeBytes)
    if (this.#hashing !== undefined) return this.#goOnHashing(this.#hashing)
    if (this.#isBehindSections) {
      this.#finish()
      return 'end'
    }
    const section = this.#sections.next()
    if (section === 'beyond') return section
    if (section !== 'end') {
      this.#count()
      if (!this.#isInWindow(section) && this.#isHashed(section)) {
        this.#hashing = { section, steps: this.#hashLong(section) }
        return 'beyond'
      }
      const text = this.#linkText(section)
      const found = this.#found(section, text)
      return this.#makeRecord(section, text, found, this.#manifest.next(section))
    }
    if (this.#sections.at !== this.#manifestAt)
      throw damaged('neither a heading nor the manifest follows', this.#sections.at)
    this.#isBehindSections = true // what is left to do moves the window
    return 'beyond'
  }

  /** Go on to what lies beyond. Content that was given is gone. */
  advance(): void {
    this.#turn.isOver = true
    this.#turn = { isOver: false }
    if (!this.#isBehindSections && this.#hashing === undefined) this.#sections.advance()
  }

  #goOnHashing({ section, steps }: Hashing): DumpRecord | 'beyond' {
    const step = steps.next()
    if (step.done !== true) return 'beyond'
    this.#hashing = undefined
    return this.#makeRecord(section, undefined, step.value, this.#manifest.next(section))
  }

  /**
   * Read the whole document in its own order, first all sections, then the manifest, so that what is wrong with it is told in that
   * order, too. To be called instead of {@link next}, on a reader of its own: it holds all sections at once.
   */
  *readInOrder(): Steps<DumpRecord[]> {
    const readings: Reading[] = []
    for (let section = this.#sections.next(); section !== 'end'; section = this.#sections.next()) {
      if (section === 'beyond') {
        yield
        this.advance()
        continue
      }
      this.#count()
      const isLong = !this.#isInWindow(section) && this.#isHashed(section)
      const text = isLong ? undefined : this.#linkText(section)
      readings.push({
        section,
        text,
        found: isLong ? yield* this.#hashLong(section) : this.#found(section, text),
      })
    }
    const at = this.#sections.at
    const next = this.#window.view(at, at + MANIFEST_START.length)
    if (!equalBytes(next, MANIFEST_START)) {
      throw next.length < MANIFEST_START.length
        ? truncated(this.#input.sizeBytes)
        : damaged('neither a heading nor the manifest follows', at)
    }
    this.#manifest = new ManifestReader(this.#input, at)
    const records = readings.map(({ section, text, found }) =>
      this.#makeRecord(section, text, found, this.#manifest.next(section)),
    )
    this.#finish()
    return records
  }

  /** Where the line stands after which sections begin. */
  #findFiles(): number {
    const heading = this.#input.platform.encode(`\n${FILES_HEADING}`)
    for (let at = 0; at < this.#window.sizeBytes; at += PIECE_BYTES) {
      const found = this.#window.find(heading, at, PIECE_BYTES + heading.length)
      if (found >= 0) return found + 1
    }
    throw truncated(this.#window.sizeBytes)
  }

  /** Where the first section begins. */
  #passFilesHeading(): number {
    const heading = this.#input.platform.encode(`${FILES_HEADING}\n`)
    const end = this.#filesAt + heading.length
    const found = this.#window.view(this.#filesAt, end)
    if (equalBytes(found, heading)) return end
    throw found.length < heading.length
      ? truncated(this.#window.sizeBytes)
      : damaged('the line before the sections is not as it must be', this.#filesAt)
  }

  #count(): void {
    assertWithin('entries', ++this.#sectionCount, this.#options.limits.maxEntries)
  }

  /** What the body of a link says. */
  #linkText(section: Section): Uint8Array | undefined {
    const { attributes, bodyBytes } = section
    if (!attributes.symlink && !attributes.hardlink) return undefined
    if (bodyBytes > this.#options.limits.maxMetadataBytes) throw tooLongForLink(section)
    // It may be needed when the window has moved on: hence the copy.
    return Uint8Array.from(this.#decode(section))
  }

  /** What the content hashes to, as far as it is decoded. */
  #found(section: Section, text: Uint8Array | undefined): ContentHash | undefined {
    const { attributes } = section
    if (text !== undefined) return attributes.symlink ? this.#hashOf(text) : undefined
    return this.#isHashed(section) ? this.#hashOf(this.#decode(section)) : undefined
  }

  /** Whether the body is content, and its hash wanted. */
  #isHashed({ attributes }: Section): boolean {
    const { directory, hardlink, omitted, symlink } = attributes
    return this.#options.verifyContent && !(directory || hardlink || omitted || symlink)
  }

  #hashLong(section: Section): Steps<ContentHash> {
    return hashByPieces(new BodyContent(this.#input, section), this.#input.platform)
  }

  #hashOf(bytes: Uint8Array): ContentHash {
    return { sha256: this.#input.platform.sha256Hex(bytes), sizeBytes: bytes.length }
  }

  /** Whether the body can be seen; one that is long cannot. */
  #isInWindow({ bodyAt }: Section): boolean {
    return bodyAt >= this.#window.start
  }

  /** The content of a section in the window. */
  #decode({ attributes, bodyAt, bodyBytes, path }: Section): Uint8Array {
    const { bytes, start } = this.#window
    const body = bytes.subarray(bodyAt - start, bodyAt + bodyBytes - start)
    const content = decodeBody(body, attributes, this.#input.platform)
    if (content === undefined) throw damaged('its content is not encoded as its attributes say', bodyAt, path)
    return content
  }

  #makeRecord(
    section: Section,
    text: Uint8Array | undefined,
    found: ContentHash | undefined,
    row: ManifestRow,
  ): DumpRecord {
    const { attributes, path, at } = section
    const { mode, sizeBytes, sha256 } = row
    const type = attributes.directory ? 'directory' : attributes.symlink ? 'symlink' : 'file'
    if (row.type !== type) throw damaged('section and manifest disagree about what it is', at, path)
    if (found !== undefined && found.sha256 !== sha256) throw hashMismatch(path, sha256 ?? '-', found.sha256)
    if (found !== undefined && found.sizeBytes !== sizeBytes)
      throw damaged('section and manifest disagree about its size', at, path)
    this.#totalBytes += sizeBytes
    assertWithin('bytes in one file', sizeBytes, this.#options.limits.maxFileBytes)
    assertWithin('bytes of content', this.#totalBytes, this.#options.limits.maxTotalBytes)
    const isOmitted = attributes.omitted ?? false
    const record: DumpRecord = { path, type, mode, sizeBytes, sha256, isOmitted, mtimeNs: attributes.mtimeNs }
    if (attributes.hardlink) return this.#hardLinks.resolve(record, text, at)
    checkMode(type, mode, attributes, this.modes, at, path)
    if (type === 'symlink') record.target = text && decodePath(text)
    if (type !== 'file') return record
    if (!isOmitted) record.content = this.#contentOf(section)
    this.#hardLinks.addFile(record)
    return record
  }

  #contentOf(section: Section): SyncContent | undefined {
    const { content } = this.#options
    if (content === 'never') return undefined
    return content === 'now' && this.#isInWindow(section)
      ? new PassingContent(this.#decode(section), this.#turn)
      : new BodyContent(this.#input, section)
  }

  /** What concerns the document as a whole. */
  #finish(): void {
    this.#manifest.finish()
    const footerAt = this.#manifest.at
    const { sizeBytes, platform } = this.#window
    const line = this.#window.line(footerAt, MAX_LINE_BYTES)
    const match = line === undefined ? null : FOOTER.exec(platform.utf8(line))
    if (line === undefined || match === null) throw truncated(sizeBytes)
    const end = footerAt + line.length + 1
    if (end !== sizeBytes) throw damaged('something follows the footer', end)
    this.#digest(this.#sections.at, footerAt)
    this.#digest(0, this.#filesAt)
    if (Number(match[1]) !== this.#sectionCount)
      throw damaged('the footer counts other entries than there are', footerAt)
    if (this.#frame.digestHex() !== match[2])
      throw damaged('headings, fences, contents or manifest were changed', footerAt)
  }

  #digest(start: number, end: number): void {
    for (let at = start; at < end; at += PIECE_BYTES) {
      const piece = this.#window.view(at, Math.min(at + PIECE_BYTES, end))
      this.#frame.add(piece, 0, piece.length)
    }
  }
}

/** A section states a mode when it is not the default, and only then. */
function checkMode(
  type: DumpRecord['type'],
  mode: number,
  attributes: Attributes,
  modes: DefaultModes,
  at: number,
  path: EntryPath,
): void {
  if (type !== 'symlink' && attributes.mode === modes[type])
    throw damaged('it states a mode that is the default', at, path)
  if (mode !== (type === 'symlink' ? 0 : (attributes.mode ?? modes[type])))
    throw damaged('section and manifest disagree about its mode', at, path)
}
