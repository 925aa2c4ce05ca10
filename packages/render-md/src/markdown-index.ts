import { isUtf8 } from 'node:buffer'
import { assertWithin, decodePath, DEFAULT_LIMITS, type EntryPath, type Limits } from '@arc/core'
import { hashSyncContent, sha256Hex } from '@arc/core/node'
import { type Attributes, parseAttributes } from './attributes.ts'
import { bodyContent, MAX_CHARSET_BODY_BYTES } from './body-content.ts'
import { decodeBody } from './body.ts'
import { damaged, type DumpIndex, type DumpRecord, truncated } from './dump-record.ts'
import { FileWindow } from './file-window.ts'
import { FrameDigest } from './frame-digest.ts'
import { parseFrontMatter } from './front-matter.ts'
import { hashMismatch } from './hash-mismatch.ts'
import { type ManifestRow, parseRow, parseRowPath } from './manifest.ts'
import { LONG_BODY_BYTES } from './markdown-sections.ts'
import { parsePath } from './path-text.ts'
import { type DefaultModes, FILES_HEADING } from './preamble.ts'

const LF = 0x0a
const WINDOW_BYTES = 4 * 1024 * 1024
const MAX_LINE_BYTES = 64 * 1024
const ENCODING_PROBLEM = 'its content is not encoded as its attributes say'
const PIECE_BYTES = 1024 * 1024
const HEADING_START = '### `'
const MANIFEST_START = Buffer.from('## Manifest\n\n```arc-manifest\n')
const MANIFEST_END = '```'
const FENCE = /^(`{3,64}|~{3,64})([A-Za-z0-9+\-#._]+)(.*)$/s
const FOOTER = /^<!-- arc-dump\/1 entries=(0|[1-9]\d*) sha256=([0-9a-f]{64}) -->$/

export interface IndexOptions {
  limits?: Limits
  /** Decode and hash all content, too. */
  verifyContent?: boolean
  /** Called now and then with the bytes read so far; may throw to stop. */
  onBytes?: (doneBytes: number) => void
}

interface Section {
  path: EntryPath
  attributes: Attributes
  at: number
  bodyAt: number
  bodyBytes: number
  /** The content of a link. */
  text: Buffer | undefined
  /** What the content hashes to, and how long it is, when it was decoded. */
  found: { sha256: string; sizeBytes: number } | undefined
}

/** Read a Markdown document once and find everything in it, checking all that docs/formats/arc-dump-1.md says a reader must. */
export function indexMarkdown(fd: number, sizeBytes: number, options: IndexOptions = {}): DumpIndex {
  return new MarkdownIndexer(fd, sizeBytes, options).index()
}

class MarkdownIndexer {
  readonly #fd: number
  readonly #window: FileWindow
  readonly #limits: Limits
  readonly #verifyContent: boolean
  readonly #onBytes: (doneBytes: number) => void
  readonly #frame = new FrameDigest()
  readonly #sections: Section[] = []
  #at = 0

  constructor(fd: number, sizeBytes: number, options: IndexOptions) {
    this.#fd = fd
    this.#window = new FileWindow(fd, sizeBytes, WINDOW_BYTES)
    this.#limits = options.limits ?? DEFAULT_LIMITS
    this.#verifyContent = options.verifyContent ?? false
    this.#onBytes = options.onBytes ?? (() => {})
  }

  index(): DumpIndex {
    const { name, git, modes } = parseFrontMatter(this.#window)
    const preambleBytes = this.#findSections()
    this.#expect(`${FILES_HEADING}\n`, 'the line before the sections is not as it must be')
    while (this.#window.view(this.#at, this.#at + HEADING_START.length).toString('latin1') === HEADING_START) {
      this.#readSection()
      assertWithin('entries', this.#sections.length, this.#limits.maxEntries)
      this.#onBytes(this.#at)
    }
    const records = this.#readManifest(modes)
    this.#readFooter(preambleBytes)
    return { name, git, directoryMode: modes.directory, records }
  }

  /** Go to the line where the sections begin; returns the length of what is before it. */
  #findSections(): number {
    const heading = Buffer.from(`\n${FILES_HEADING}`)
    for (let at = 0; at < this.#window.sizeBytes; at += PIECE_BYTES) {
      const found = this.#window.find(heading, at, PIECE_BYTES + heading.length)
      if (found >= 0) return (this.#at = found + 1)
    }
    throw truncated(this.#window.sizeBytes)
  }

  #readSection(): void {
    const at = this.#at
    const heading = this.#takeLine('its heading is too long')
    if (!heading.endsWith('`')) throw damaged('a heading is not closed', at)
    const pathText = heading.slice(HEADING_START.length, -1)
    if (this.#takeLine('a line is too long') !== '')
      throw damaged('the line after its heading is not empty', at, pathText)
    const info = this.#takeLine('its fence is too long')
    const match = FENCE.exec(info)
    const attributes = parseAttributes(match?.[3] ?? '?')
    const path =
      attributes === undefined ? undefined : parseRowPath(pathText, attributes.directory ? 'directory' : 'file')
    if (match === null || attributes === undefined)
      throw damaged('its opening fence is not as it must be', at, pathText)
    if (path === undefined) throw damaged('its path is not spelled as it must be', at, pathText)
    const bodyAt = this.#at
    const fence = match[1] as string
    const bodyBytes = this.#bodyBytes(fence, attributes, path)
    checkBody(attributes, bodyBytes, at, path)
    this.#addFrame(at, attributes.hardlink ? bodyAt + bodyBytes : bodyAt)
    const section: Section = { path, attributes, at, bodyAt, bodyBytes, text: undefined, found: undefined }
    if (attributes.symlink || attributes.hardlink) this.#readLink(section)
    else if (this.#verifyContent && !attributes.directory && !attributes.omitted) section.found = this.#hash(section)
    this.#at = bodyAt + bodyBytes
    if (bodyBytes > 0 && this.#window.view(this.#at - 1, this.#at)[0] !== LF)
      throw damaged('its closing fence does not begin a line', this.#at, path)
    this.#expect(`${fence}\n\n`, 'its closing fence is not where it must be', path)
    this.#sections.push(section)
  }

  /** Length of the body that begins here. */
  #bodyBytes(fence: string, attributes: Attributes, path: EntryPath): number {
    if (attributes.bytes !== undefined) {
      if (attributes.bytes > this.#window.sizeBytes - this.#at) throw truncated(this.#window.sizeBytes)
      return attributes.bytes
    }
    // A body holds nothing like its fence, not even within a line: so every Markdown renderer finds the same end.
    const closing = Buffer.from(fence)
    const found = this.#window.find(closing, this.#at, LONG_BODY_BYTES + closing.length)
    if (found >= 0) return found - this.#at
    if (this.#window.sizeBytes - this.#at <= LONG_BODY_BYTES) throw truncated(this.#window.sizeBytes)
    throw damaged('its closing fence is missing', this.#at, path)
  }

  #readLink(section: Section): void {
    const { attributes, bodyAt, bodyBytes, path } = section
    if (bodyBytes > this.#limits.maxMetadataBytes) throw damaged('its text is too long for a link', bodyAt, path)
    // It is needed when the manifest is read, and the window moves on: hence the copy.
    section.text = decodeBody(Buffer.from(this.#window.view(bodyAt, bodyAt + bodyBytes)), attributes)
    if (section.text === undefined) throw damaged(ENCODING_PROBLEM, bodyAt, path)
    if (attributes.symlink) section.found = { sha256: sha256Hex(section.text), sizeBytes: section.text.length }
  }

  #hash(section: Section): Section['found'] {
    const { attributes, bodyAt, bodyBytes, path } = section
    if (bodyBytes > LONG_BODY_BYTES) return hashSyncContent(bodyContent({ fd: this.#fd, ...section }))
    const content = decodeBody(this.#window.view(bodyAt, bodyAt + bodyBytes), attributes)
    if (content === undefined) throw damaged(ENCODING_PROBLEM, bodyAt, path)
    return { sha256: sha256Hex(content), sizeBytes: content.length }
  }

  #readManifest(modes: DefaultModes): DumpRecord[] {
    this.#expect(MANIFEST_START.toString(), 'neither a heading nor the manifest follows')
    const records: DumpRecord[] = []
    const byPath = new Map<string, DumpRecord>()
    let totalBytes = 0
    for (const section of this.#sections) {
      const lineAt = this.#at
      const row = parseRow(this.#takeLine('the manifest is cut off'))
      if (row === undefined || row.path !== section.path)
        throw damaged('its line in the manifest is missing or wrong', lineAt, section.path)
      const record = this.#makeRecord(section, row, modes, byPath)
      this.#addFrame(lineAt, this.#at)
      totalBytes += row.sizeBytes
      assertWithin('bytes in one file', row.sizeBytes, this.#limits.maxFileBytes)
      assertWithin('bytes of content', totalBytes, this.#limits.maxTotalBytes)
      records.push(record)
      if (record.type === 'file' && record.linkOf === undefined) byPath.set(record.path, record)
    }
    this.#expect(`${MANIFEST_END}\n\n`, 'the manifest does not end where it must')
    return records
  }

  #makeRecord(
    section: Section,
    row: ManifestRow,
    modes: DefaultModes,
    files: ReadonlyMap<string, DumpRecord>,
  ): DumpRecord {
    const { attributes, path, at, found } = section
    const { mode, sizeBytes, sha256 } = row
    const type = attributes.directory ? 'directory' : attributes.symlink ? 'symlink' : 'file'
    if (row.type !== type) throw damaged('section and manifest disagree about what it is', at, path)
    if (found !== undefined && found.sha256 !== sha256) throw hashMismatch(path, sha256 ?? '-', found.sha256)
    if (found !== undefined && found.sizeBytes !== sizeBytes)
      throw damaged('section and manifest disagree about its size', at, path)
    const isOmitted = attributes.omitted ?? false
    const record: DumpRecord = { path, type, mode, sizeBytes, sha256, isOmitted, mtimeNs: attributes.mtimeNs }
    if (attributes.hardlink) return this.#linkTo(record, section, files)
    if (type !== 'symlink' && attributes.mode === modes[type])
      throw damaged('it states a mode that is the default', at, path)
    if (mode !== (type === 'symlink' ? 0 : (attributes.mode ?? modes[type])))
      throw damaged('section and manifest disagree about its mode', at, path)
    if (section.text !== undefined) record.target = decodePath(section.text)
    else if (type === 'file' && !isOmitted) record.content = bodyContent({ fd: this.#fd, ...section })
    return record
  }

  #linkTo(record: DumpRecord, section: Section, files: ReadonlyMap<string, DumpRecord>): DumpRecord {
    const { text } = section
    const path = text !== undefined && isUtf8(text) ? parsePath(text.toString('utf8')) : undefined
    const first = path === undefined ? undefined : files.get(path)
    if (first === undefined)
      throw damaged('it is a hard link to a file that does not come before it', section.at, record.path)
    if (first.sha256 !== record.sha256 || first.sizeBytes !== record.sizeBytes || first.mode !== record.mode) {
      throw damaged('it is a hard link, but the manifest says it differs from its file', section.at, record.path)
    }
    return { ...record, isOmitted: first.isOmitted, linkOf: first.path }
  }

  #readFooter(preambleBytes: number): void {
    const line = this.#window.line(this.#at, MAX_LINE_BYTES)
    const match = FOOTER.exec(line?.toString('utf8') ?? '')
    if (line === undefined || match === null) throw truncated(this.#window.sizeBytes)
    if (this.#at + line.length + 1 !== this.#window.sizeBytes)
      throw damaged('something follows the footer', this.#at + line.length + 1)
    for (let at = 0; at < preambleBytes; at += PIECE_BYTES)
      this.#addFrame(at, Math.min(at + PIECE_BYTES, preambleBytes))
    if (Number(match[1]) !== this.#sections.length)
      throw damaged('the footer counts other entries than there are', this.#at)
    if (this.#frame.digestHex() !== match[2])
      throw damaged('headings, fences, contents or manifest were changed', this.#at)
  }

  /** Go past exactly this text, which is part of the frame. */
  #expect(text: string, problem: string, path?: string): void {
    const bytes = Buffer.from(text)
    const found = this.#window.view(this.#at, this.#at + bytes.length)
    if (!found.equals(bytes))
      throw found.length < bytes.length ? truncated(this.#window.sizeBytes) : damaged(problem, this.#at, path)
    this.#addFrame(this.#at, this.#at + bytes.length)
    this.#at += bytes.length
  }

  /** The line that begins here, without its LF; go past it. */
  #takeLine(problem: string): string {
    const line = this.#window.line(this.#at, MAX_LINE_BYTES)
    if (line !== undefined) {
      if (!isUtf8(line)) throw damaged('it is not UTF-8', this.#at)
      this.#at += line.length + 1
      return line.toString('utf8')
    }
    throw this.#window.sizeBytes - this.#at < MAX_LINE_BYTES
      ? truncated(this.#window.sizeBytes)
      : damaged(problem, this.#at)
  }

  #addFrame(start: number, end: number): void {
    this.#frame.add(this.#window.view(start, end), 0, end - start)
  }
}

function checkBody(attributes: Attributes, bodyBytes: number, at: number, path: EntryPath): void {
  const isEmptyKind = attributes.directory === true || attributes.omitted === true
  if (isEmptyKind && bodyBytes > 0) throw damaged('its body must be empty', at, path)
  if (attributes.noeol && bodyBytes === 0) throw damaged('its body lacks the line end that it says was added', at, path)
  if (attributes.charset !== undefined && bodyBytes === 0) throw damaged('it has a charset, but no body', at, path)
  if (attributes.charset !== undefined && bodyBytes > MAX_CHARSET_BODY_BYTES)
    throw damaged('its body is too large for its charset', at, path)
}
