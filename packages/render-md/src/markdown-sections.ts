import { type Entry, type EntryPath, encodePath, entryChanged, type Steps, type SyncContent } from '@arc/core'
import { sha256Hex } from '@arc/core/node'
import { type Attributes, formatAttributes, LONG_BODY_BYTES } from './attributes.ts'
import { type Language, languageOf, NO_LANGUAGE, OTHER } from './languages.ts'
import { surveyLargeContent, writeLargeBody } from './large-content.ts'
import { rowPathText } from './manifest.ts'
import type { DumpOutput } from './output.ts'
import { COMMON_MODES, type DefaultModes } from './preamble.ts'
import { makeBody, type SectionBody } from './section-body.ts'
import type { SectionLedger } from './section-ledger.ts'
import { ScanBuffer } from './text-scan.ts'
import { ATTEMPTS, readWhole, WHOLE_BYTES } from './whole-content.ts'
import type { SectionOrSteps, WrittenSection } from './written-section.ts'

const FLUSH_BYTES = 2 * 1024 * 1024
const HEAD_BYTES = 64 * 1024 // more than a path of 4,095 bytes takes, each escaped
const BUFFER_BYTES = FLUSH_BYTES + 2 * HEAD_BYTES + Math.ceil(WHOLE_BYTES * 1.4) // base64 and its line ends: 1.351

export interface SectionOptions {
  modes?: DefaultModes
  /** Write times of last modification. */
  times?: boolean
  /** What becomes of content that is no text; default `base64`. */
  binary?: 'base64' | 'omit'
}

type ContentFacts = Pick<WrittenSection, 'sha256' | 'contentBytes' | 'isOmitted'>

/** Fills a buffer from a place in an earlier document. */
type SectionBytes = (into: Buffer, offset: number) => void

/** What its path alone says about an entry. */
export interface Naming {
  /** The path as heading and manifest spell it. */
  pathText: string
  /** `Other` when its content may tell more. */
  language: Language
}

/** What is said about an entry in heading and manifest. */
interface Row extends Naming {
  entry: Entry
  /** Permission bits for the manifest: a hard link has those of the first name. */
  mode: number
}

interface FirstName {
  pathText: string
  mode: number
  section: WrittenSection
}

/**
 * Writes the sections of a Markdown document (format, 2.2 to 2.4). Content is read straight into the output buffer, examined
 * there, and moved only when its head turns out longer than that of an ordinary file.
 */
export class MarkdownSections {
  readonly #output: DumpOutput
  readonly #ledger: SectionLedger | undefined
  readonly #modes: DefaultModes
  readonly #times: boolean
  readonly #omitBinary: boolean
  readonly #scan = new ScanBuffer(BUFFER_BYTES)
  readonly #bytes = this.#scan.bytes
  readonly #firstNames = new Map<string, FirstName>()
  /** Bytes in the buffer that are not written yet. */
  #used = 0

  /** Without a ledger the sections are for another document, which keeps one. */
  constructor(output: DumpOutput, options: SectionOptions, ledger: SectionLedger | undefined) {
    this.#output = output
    this.#ledger = ledger
    this.#modes = options.modes ?? COMMON_MODES
    this.#times = options.times ?? false
    this.#omitBinary = options.binary === 'omit'
  }

  /**
   * Add an entry whose content is at hand; steps must be finished before anything else is added. Throws `ARC_ENTRY_UNREADABLE` or
   * `ARC_ENTRY_CHANGED` with nothing of it written.
   */
  add(entry: Entry, naming: Naming = namingOf(entry)): SectionOrSteps {
    if (this.#used > FLUSH_BYTES) this.flush()
    if (entry.type === 'directory')
      return this.#addText(entry, naming, { directory: true, ...this.#attributesOf(entry) }, Buffer.alloc(0))
    if (entry.type === 'symlink') return this.#addSymlink(entry, naming)
    const first = entry.hardLink === undefined ? undefined : this.#firstNames.get(entry.hardLink)
    if (first !== undefined) return this.#addHardLink(entry, naming, first)
    if (entry.content?.kind !== 'sync') throw new TypeError('a section needs content that is at hand')
    const { pathText, language } = naming
    const row: Row = { entry, pathText, language, mode: entry.mode }
    const section = entry.sizeBytes > WHOLE_BYTES ? undefined : this.#addFile(row, entry.content)
    if (section === undefined) return this.#addLargeFile(row, entry.content)
    this.#list(row, section)
    return section
  }

  /** Whether an earlier section has the content of this entry. */
  isFurtherName({ hardLink }: Entry): boolean {
    return hardLink !== undefined && this.#firstNames.has(hardLink)
  }

  /** Add an entry that is no further name as an earlier document has it; `read` fills a buffer from a place in that document. */
  addKnown(entry: Entry, naming: Naming, known: WrittenSection, read: SectionBytes): SectionOrSteps {
    const row: Row = { entry, ...naming, mode: entry.mode }
    if (known.sizeBytes > WHOLE_BYTES) return this.#copyLargeSection(row, known, read)
    if (this.#used > FLUSH_BYTES) this.flush()
    const start = this.#used
    const section = { ...known, offset: this.#position }
    this.#used += known.sizeBytes
    read(this.#bytes.subarray(start, this.#used), known.offset)
    this.#ledger?.frame.add(this.#bytes, start, start + known.headBytes)
    this.#ledger?.frame.add(this.#bytes, this.#used - known.tailBytes, this.#used)
    this.#list(row, section)
    return section
  }

  /** Write what is still in the buffer. */
  flush(): void {
    if (this.#used > 0) this.#output.write(this.#bytes.subarray(0, this.#used))
    this.#used = 0
  }

  /** Scratch memory for whoever owns the document, between entries, after {@link MarkdownSections.flush}. */
  get scratch(): Buffer {
    return this.#bytes
  }

  get #position(): number {
    return this.#output.sizeBytes + this.#used
  }

  *#copyLargeSection(row: Row, known: WrittenSection, read: SectionBytes): Steps<WrittenSection> {
    this.flush()
    const section = { ...known, offset: this.#position }
    const bodyEnd = known.sizeBytes - known.tailBytes
    const copy = (from: number, to: number): Buffer => {
      const piece = this.#bytes.subarray(0, to - from)
      read(piece, known.offset + from)
      this.#output.write(piece)
      return piece
    }
    this.#ledger?.frame.add(copy(0, known.headBytes), 0, known.headBytes)
    for (let at = known.headBytes; at < bodyEnd; at += WHOLE_BYTES) {
      copy(at, Math.min(bodyEnd, at + WHOLE_BYTES))
      yield
    }
    this.#ledger?.frame.add(copy(bodyEnd, known.sizeBytes), 0, known.tailBytes)
    this.#list(row, section)
    return section
  }

  /** `undefined` when it turns out to be a large file, with nothing of it written. */
  #addFile(row: Row, content: SyncContent): WrittenSection | undefined {
    const bytes = this.#bytes
    const { entry, pathText, language } = row
    const start = this.#used
    const common = this.#attributesOf(entry)
    const ordinaryHead = headText(pathText, '```', language.tag, common)
    const contentAt = start + bytes.write(ordinaryHead, start)
    const contentBytes = readWhole(entry, content, bytes, contentAt)
    if (contentBytes > WHOLE_BYTES) return undefined
    const view = bytes.subarray(contentAt, contentAt + contentBytes)
    const sha256 = sha256Hex(view)
    const body = makeBody(this.#scan, contentAt, view, language)
    const isOmitted = this.#omitBinary && !body.isText
    if (isOmitted) Object.assign(body, { attributes: { omitted: true }, apart: Buffer.alloc(0) })
    const facts = { sha256, contentBytes, isOmitted }
    const isOrdinary =
      body.attributes === undefined &&
      body.fence === '```' &&
      body.language.tag === language.tag &&
      contentBytes <= LONG_BODY_BYTES
    if (isOrdinary) return this.#close(start, contentAt, body.end, body, facts)
    return this.#placeBody(pathText, start, contentAt, body, common, facts)
  }

  /** Give a body the head it needs, and move it behind that. */
  #placeBody(
    pathText: string,
    start: number,
    contentAt: number,
    body: SectionBody,
    common: Attributes,
    facts: ContentFacts,
  ): WrittenSection {
    const bodyBytes = body.apart?.length ?? body.end - contentAt
    const attributes: Attributes = { ...common, ...body.attributes }
    if (bodyBytes > LONG_BODY_BYTES) attributes.bytes = bodyBytes
    const head = headText(pathText, body.fence, body.language.tag, attributes)
    const bodyAt = start + Buffer.byteLength(head)
    if (body.apart === undefined) this.#bytes.copyWithin(bodyAt, contentAt, body.end)
    else body.apart.copy(this.#bytes, bodyAt)
    this.#bytes.write(head, start)
    return this.#close(start, bodyAt, bodyAt + bodyBytes, body, facts, attributes.hardlink)
  }

  /** Close the fence of the section whose head begins at `start` of the buffer, and whose body lies in `[bodyAt, tailAt)`. */
  #close(
    start: number,
    bodyAt: number,
    tailAt: number,
    body: Pick<SectionBody, 'fence' | 'language' | 'lines'>,
    facts: ContentFacts,
    isHardLink = false,
  ): WrittenSection {
    const { sha256, contentBytes, isOmitted } = facts
    const tailBytes = this.#bytes.write(`${body.fence}\n\n`, tailAt, 'latin1')
    this.#used = tailAt + tailBytes
    // No hash in the manifest covers where a hard link leads: that is part of the frame.
    this.#ledger?.frame.add(this.#bytes, start, isHardLink ? tailAt : bodyAt)
    this.#ledger?.frame.add(this.#bytes, tailAt, this.#used)
    const offset = this.#output.sizeBytes + start
    return {
      offset,
      sizeBytes: this.#used - start,
      headBytes: bodyAt - start,
      tailBytes,
      language: body.language,
      lines: body.lines,
      sha256,
      contentBytes,
      isOmitted,
      isHardLink,
    }
  }

  *#addLargeFile(row: Row, content: SyncContent): Steps<WrittenSection> {
    const { entry, pathText } = row
    this.flush()
    const offset = this.#output.sizeBytes
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      const survey = yield* surveyLargeContent(content, this.#scan, row.language)
      const { sha256, contentBytes, language, lines } = survey
      const isOmitted = this.#omitBinary && !survey.isText
      const how: Attributes = isOmitted ? { omitted: true } : { ...survey.attributes, bytes: survey.bodyBytes }
      const head = Buffer.from(headText(pathText, survey.fence, language.tag, { ...this.#attributesOf(entry), ...how }))
      const tail = Buffer.from(`${survey.fence}\n\n`)
      const body = isOmitted
        ? undefined
        : writeLargeBody(content, survey, this.#scan, (bytes) => this.#output.write(bytes))
      if (!(yield* this.#writeWhole(head, tail, body))) continue
      this.#ledger?.frame.add(head, 0, head.length)
      this.#ledger?.frame.add(tail, 0, tail.length)
      const sizeBytes = this.#output.sizeBytes - offset
      const sizes = { offset, sizeBytes, headBytes: head.length, tailBytes: tail.length }
      const section = { ...sizes, sha256, contentBytes, language, lines, isOmitted, isHardLink: false }
      this.#list(row, section)
      return section
    }
    throw entryChanged(entry, entry.sizeBytes)
  }

  /** Write a section, or nothing of it when `body` comes to `false` or is given up. */
  *#writeWhole(head: Buffer, tail: Buffer, body: Steps<boolean> | undefined): Steps<boolean> {
    const start = this.#output.sizeBytes
    let isWhole = false
    try {
      this.#output.write(head)
      isWhole = body === undefined || (yield* body)
      if (isWhole) this.#output.write(tail)
    } finally {
      if (!isWhole) this.#output.truncate(start)
    }
    return isWhole
  }

  #addSymlink(entry: Entry, naming: Naming): WrittenSection {
    const target = Buffer.from(encodePath(entry.target as EntryPath))
    return this.#addText(entry, naming, { symlink: true, ...this.#attributesOf(entry) }, target, {
      sha256: sha256Hex(target),
    })
  }

  #addHardLink(entry: Entry, naming: Naming, first: FirstName): WrittenSection {
    const { sha256, contentBytes, lines, isOmitted } = first.section
    const language = naming.language === OTHER ? first.section.language : naming.language
    return this.#addText(
      entry,
      naming,
      { hardlink: true },
      Buffer.from(first.pathText),
      { sha256, contentBytes, language, lines, isOmitted },
      first.mode,
    )
  }

  /** Add a section that is no file: its short text stands where content would. */
  #addText(
    entry: Entry,
    naming: Naming,
    kind: Attributes,
    text: Buffer,
    facts: Partial<WrittenSection> = {},
    mode: number = entry.mode,
  ): WrittenSection {
    const row: Row = { entry, ...naming, mode }
    const textAt = this.#used + HEAD_BYTES
    text.copy(this.#bytes, textAt)
    const body = makeBody(this.#scan, textAt, this.#bytes.subarray(textAt, textAt + text.length), NO_LANGUAGE)
    const content = { sha256: undefined, contentBytes: text.length, isOmitted: false }
    const section = { ...this.#placeBody(naming.pathText, this.#used, textAt, body, kind, content), ...facts }
    this.#list(row, section)
    return section
  }

  #attributesOf(entry: Entry): Attributes {
    const attributes: Attributes = {}
    if (entry.type !== 'symlink' && entry.mode !== this.#modes[entry.type]) attributes.mode = entry.mode
    if (this.#times && entry.mtimeNs !== undefined) attributes.mtimeNs = entry.mtimeNs
    return attributes
  }

  #list(row: Row, section: WrittenSection): void {
    const { entry, pathText, mode } = row
    const { hardLink } = entry
    this.#ledger?.add(entry, pathText, mode, section)
    if (hardLink !== undefined && !this.#firstNames.has(hardLink))
      this.#firstNames.set(hardLink, { pathText, mode, section })
  }
}

function namingOf(entry: Entry): Naming {
  return {
    pathText: rowPathText(entry),
    language: entry.type === 'file' ? languageOf(entry.path) : NO_LANGUAGE,
  }
}

function headText(pathText: string, fence: string, tag: string, attributes: Attributes): string {
  return `### \`${pathText}\`\n\n${fence}${tag}${formatAttributes(attributes)}\n`
}
