import {
  ArcError,
  encodePath,
  type Entry,
  entryChanged,
  type EntryPath,
  type EntrySource,
  printablePath,
  type Steps,
  type SyncContent,
} from '@arc/core'
import { type EntryTable, sha256Hex, startSha256 } from '@arc/core/node'
import { formatMode, formatTime } from './attributes.ts'
import { kindOf } from './content-kind.ts'
import { type Language, languageOf, languageOfText, OTHER } from './languages.ts'
import { type LargeContentSurvey, readLargeContent, surveyLargeContent } from './large-content.ts'
import type { DumpOutput } from './output.ts'
import type { AddedEntry, DumpDocument, FinishedDocument, RenderOptions } from './render.ts'
import { StatisticsCounter } from './statistics.ts'
import { MAX_RECORD_BYTES } from './json-record.ts'
import { ScanBuffer } from './text-scan.ts'
import { ATTEMPTS, readWhole, WHOLE_BYTES } from './whole-content.ts'

const BUFFER_BYTES = WHOLE_BYTES + 65_536
const FLUSH_CHARACTERS = 1024 * 1024
const MIB = 1024 * 1024

interface WrittenContent extends AddedEntry {
  sha256: string
  contentBytes: number
  language: Language
  lines: number
}

/** A JSON or JSON Lines document in the making (docs/formats/arc-dump-1.md, 3 and 4). */
export class JsonDocument implements DumpDocument {
  readonly #output: DumpOutput
  readonly #format: 'json' | 'jsonl'
  readonly #times: boolean
  readonly #omitBinary: boolean
  readonly #statistics = new StatisticsCounter()
  /** Over the lines of the JSON Lines spelling, whichever is written. */
  #sha256 = startSha256()
  /** Text that is in the digest but not in the output yet. */
  #pending = ''
  readonly #scan = new ScanBuffer(BUFFER_BYTES)
  readonly #firstNames = new Map<string, { path: string; content: WrittenContent }>()
  #recordCount = 0

  /** `table` holds the entries that will be added, and more. Throws `ARC_LIMIT_EXCEEDED` when a file is too large for JSON. */
  constructor(
    source: EntrySource,
    table: EntryTable,
    output: DumpOutput,
    format: 'json' | 'jsonl',
    options: RenderOptions,
  ) {
    this.#output = output
    this.#format = format
    this.#times = options.times ?? false
    this.#omitBinary = options.binary === 'omit'
    if (!this.#omitBinary) assertFitting(table)
    const header = JSON.stringify({ arcDump: 1, name: source.name, git: source.git })
    if (format === 'json') this.#output.write(Buffer.from('{"dump":'))
    this.#write(header)
    this.#endLine()
    if (format === 'json') this.#pending += ',"entries":['
  }

  leaveOut(): void {}

  startJobs(): undefined {}

  knows(): boolean {
    return false
  }

  add(entry: Entry): AddedEntry | Steps<AddedEntry> {
    if (this.#pending.length > FLUSH_CHARACTERS) this.#flush()
    if (entry.type !== 'file') return this.#addLinkOrFolder(entry)
    const first = entry.hardLink === undefined ? undefined : this.#firstNames.get(entry.hardLink)
    return first === undefined ? this.#addFile(entry) : this.#addHardLink(entry, first)
  }

  finish(): FinishedDocument {
    const statistics = this.#statistics.result()
    const figures = JSON.stringify({ end: true, ...statistics }).slice(0, -1)
    this.#sha256.update(Buffer.from(figures))
    const footer = `${figures},"sha256":"${this.#sha256.digestHex()}"}`
    this.#pending += this.#format === 'json' ? `\n],"footer":${footer}}\n` : `${footer}\n`
    this.#flush()
    return { statistics, reusedEntries: 0 }
  }

  saveCache(): void {}

  [Symbol.dispose](): void {}

  #addLinkOrFolder(entry: Entry): AddedEntry {
    const { path, type, target } = entry
    const facts =
      target === undefined
        ? { mode: formatMode(entry.mode), mtime: this.#mtimeOf(entry) }
        : {
            mtime: this.#mtimeOf(entry),
            target,
            size: encodePath(target).length,
            sha256: sha256Hex(encodePath(target)),
          }
    this.#writeRecord(JSON.stringify({ path, type, ...facts }))
    this.#statistics.addOther()
    return { isOmitted: false }
  }

  #addHardLink({ path }: Entry, first: { path: string; content: WrittenContent }): AddedEntry {
    const { contentBytes: size, sha256 } = first.content
    this.#writeRecord(JSON.stringify({ path, type: 'hardlink', to: first.path, size, sha256 }))
    const byItsName = languageOf(path)
    return this.#count(byItsName === OTHER ? first.content : { ...first.content, language: byItsName })
  }

  #addFile(entry: Entry): AddedEntry | Steps<AddedEntry> {
    if (entry.content?.kind !== 'sync') throw new TypeError('a record needs content that is at hand')
    const head = JSON.stringify({
      path: entry.path,
      type: 'file',
      mode: formatMode(entry.mode),
      mtime: this.#mtimeOf(entry),
    })
    const content = entry.sizeBytes > WHOLE_BYTES ? undefined : this.#addWhole(entry, entry.content, head)
    return content === undefined ? this.#addLarge(entry, entry.content, head) : this.#takeNote(entry, content)
  }

  #takeNote({ path, hardLink }: Entry, content: WrittenContent): AddedEntry {
    if (hardLink !== undefined) this.#firstNames.set(hardLink, { path, content })
    return this.#count(content)
  }

  #count(content: WrittenContent): AddedEntry {
    this.#statistics.addFile(content.language, content.lines, content.contentBytes)
    return content
  }

  #addWhole(entry: Entry, content: SyncContent, head: string): WrittenContent | undefined {
    const { bytes } = this.#scan
    const contentBytes = readWhole(entry, content, bytes, 0)
    if (contentBytes > WHOLE_BYTES) return undefined
    const view = bytes.subarray(0, contentBytes)
    const what = kindOf(this.#scan, 0, view)
    const byItsName = languageOf(entry.path)
    const isOmitted = this.#omitBinary && what.kind === 'binary'
    const found = {
      sha256: sha256Hex(view),
      contentBytes,
      language: what.kind === 'binary' ? byItsName : languageOfText(byItsName, view),
      lines: what.kind === 'binary' ? 0 : what.facts.lineFeeds,
      isOmitted,
    }
    const member = isOmitted
      ? '"omitted":true'
      : what.kind === 'plain'
        ? `"text":${JSON.stringify(view.toString('utf8'))}`
        : `"base64":"${view.toString('base64')}"`
    this.#writeRecord(`${head.slice(0, -1)},${member}${closeFile(found)}`)
    return found
  }

  *#addLarge(entry: Entry, content: SyncContent, head: string): Steps<AddedEntry> {
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      const survey = yield* surveyLargeContent(content, this.#scan, languageOf(entry.path))
      const { sha256, contentBytes, language, lines, isText } = survey
      const isOmitted = this.#omitBinary && !isText
      const found = { sha256, contentBytes, language, lines, isOmitted }
      if (isOmitted) {
        this.#writeRecord(`${head.slice(0, -1)},"omitted":true${closeFile(found)}`)
        return this.#takeNote(entry, found)
      }
      assertFits(entry.path, isText ? contentBytes : base64Length(contentBytes))
      const start = `${head.slice(0, -1)},"${isText ? 'text' : 'base64'}":[`
      if (yield* this.#writeLarge(entry.path, content, survey, start, `]${closeFile(found)}`))
        return this.#takeNote(entry, found)
    }
    throw entryChanged(entry, entry.sizeBytes)
  }

  /** Write a record whose content comes in pieces; returns whether it was the same as in the survey. If not, nothing is written. */
  *#writeLarge(
    path: EntryPath,
    content: SyncContent,
    survey: LargeContentSurvey,
    head: string,
    tail: string,
  ): Steps<boolean> {
    this.#flush()
    const start = this.#output.sizeBytes
    const digest = this.#sha256.copy()
    let isSame = false
    try {
      this.#beginRecord()
      this.#write(head)
      const isUnchanged = yield* this.#writePieces(content, survey)
      this.#write(tail)
      this.#endLine()
      this.#flush()
      assertFits(path, this.#output.sizeBytes - start)
      isSame = isUnchanged
    } finally {
      this.#flush()
      if (isSame) this.#recordCount++
      else {
        this.#output.truncate(start)
        this.#sha256 = digest
      }
    }
    return isSame
  }

  *#writePieces(content: SyncContent, survey: LargeContentSurvey): Steps<boolean> {
    const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
    let separator = ''
    return yield* readLargeContent(content, survey, this.#scan, (piece) => {
      // The survey found valid UTF-8; a sequence cut by the end of a piece is completed by the next one.
      const text = survey.isText
        ? JSON.stringify(decoder.decode(piece, { stream: true }))
        : `"${piece.toString('base64')}"`
      this.#write(separator + text)
      this.#flush()
      separator = ','
    })
  }

  #mtimeOf(entry: Entry): string | undefined {
    return this.#times && entry.mtimeNs !== undefined ? formatTime(entry.mtimeNs) : undefined
  }

  #writeRecord(record: string): void {
    this.#beginRecord()
    this.#write(record)
    this.#endLine()
    this.#recordCount++
  }

  #beginRecord(): void {
    if (this.#format === 'json') this.#pending += this.#recordCount === 0 ? '\n' : ',\n'
  }

  /** Add text of a line to document and digest. */
  #write(text: string): void {
    this.#pending += text
    this.#sha256.update(Buffer.from(text))
  }

  #endLine(): void {
    if (this.#format === 'jsonl') this.#pending += '\n'
    this.#sha256.update(LINE_END)
  }

  #flush(): void {
    this.#output.write(Buffer.from(this.#pending))
    this.#pending = ''
  }
}

/** Throws `ARC_LIMIT_EXCEEDED` when a file of the listing is too large, whatever it holds. */
function assertFitting(table: EntryTable): void {
  for (let place = 0; place < table.rowCount; place++) assertFits(table.path(place), table.sizeBytes(place))
}

/** Throws `ARC_LIMIT_EXCEEDED` for a file whose record takes this much, or more: reading parses a record as one string. */
function assertFits(path: EntryPath, recordBytes: number): void {
  if (recordBytes <= MAX_RECORD_BYTES) return
  const shown = printablePath(path)
  throw new ArcError(
    'ARC_LIMIT_EXCEEDED',
    `${shown} is too large for JSON: its line would be longer than ${MAX_RECORD_BYTES / MIB} MiB`,
    {
      path: shown,
      hint: 'Write the dump as Markdown (a name that ends in .md), which takes files of any size, or leave the file out with --exclude or --max-size.',
    },
  )
}

function base64Length(sizeBytes: number): number {
  return Math.ceil(sizeBytes / 3) * 4
}

const LINE_END = Buffer.from('\n')

function closeFile({ contentBytes, sha256 }: WrittenContent): string {
  return `,"size":${contentBytes},"sha256":"${sha256}"}`
}
