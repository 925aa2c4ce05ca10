import { ArcError, encodePath, type Entry, entryChanged, type EntrySource, type SyncContent } from '@arc/core'
import { sha256Hex, startSha256 } from '@arc/core/node'
import { formatMode, formatTime } from './attributes.ts'
import { isPlainText } from './body.ts'
import { languageOf } from './languages.ts'
import { type LargeContentSurvey, readLargeContent, surveyLargeContent } from './large-content.ts'
import type { DumpOutput } from './output.ts'
import type { DumpDocument, RenderOptions, RenderResult } from './render.ts'
import { StatisticsCounter } from './statistics.ts'
import { MAX_RECORD_BYTES } from './json-record.ts'
import { ScanBuffer } from './text-scan.ts'
import { ATTEMPTS, readWhole, WHOLE_BYTES } from './whole-content.ts'

const BUFFER_BYTES = WHOLE_BYTES + 65_536
const FLUSH_CHARACTERS = 1024 * 1024

interface WrittenContent {
  sha256: string
  contentBytes: number
  lines: number
  isOmitted: boolean
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
  #count = 0

  constructor(source: EntrySource, output: DumpOutput, format: 'json' | 'jsonl', options: RenderOptions) {
    this.#output = output
    this.#format = format
    this.#times = options.times ?? false
    this.#omitBinary = options.binary === 'omit'
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

  add(entry: Entry): { isOmitted: boolean } {
    if (this.#pending.length > FLUSH_CHARACTERS) this.#flush()
    if (entry.type !== 'file') return this.#addLinkOrFolder(entry)
    const first = entry.hardLink === undefined ? undefined : this.#firstNames.get(entry.hardLink)
    const content = first === undefined ? this.#addFile(entry) : this.#addHardLink(entry, first)
    if (entry.hardLink !== undefined && first === undefined)
      this.#firstNames.set(entry.hardLink, { path: entry.path, content })
    this.#statistics.addFile(languageOf(entry.path), content.lines, content.contentBytes)
    return content
  }

  finish(): Pick<RenderResult, 'statistics' | 'reusedEntries'> {
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

  #addLinkOrFolder(entry: Entry): { isOmitted: boolean } {
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

  #addHardLink(entry: Entry, first: { path: string; content: WrittenContent }): WrittenContent {
    const { contentBytes: size, sha256 } = first.content
    this.#writeRecord(JSON.stringify({ path: entry.path, type: 'hardlink', to: first.path, size, sha256 }))
    return first.content
  }

  #addFile(entry: Entry): WrittenContent {
    if (entry.content?.kind !== 'sync') throw new TypeError('a record needs content that is at hand')
    const head = JSON.stringify({
      path: entry.path,
      type: 'file',
      mode: formatMode(entry.mode),
      mtime: this.#mtimeOf(entry),
    })
    const content = entry.sizeBytes > WHOLE_BYTES ? undefined : this.#addWhole(entry, entry.content, head)
    return content ?? this.#addLarge(entry, entry.content, head)
  }

  #addWhole(entry: Entry, content: SyncContent, head: string): WrittenContent | undefined {
    const { bytes } = this.#scan
    const contentBytes = readWhole(entry, content, bytes, 0)
    if (contentBytes > WHOLE_BYTES) return undefined
    const view = bytes.subarray(0, contentBytes)
    const facts = this.#scan.scan(0, contentBytes)
    const isText = isPlainText(view, facts)
    const isOmitted = this.#omitBinary && !isText
    const found = { sha256: sha256Hex(view), contentBytes, lines: isText ? facts.lineFeeds : 0, isOmitted }
    const member = isOmitted
      ? '"omitted":true'
      : isText
        ? `"text":${JSON.stringify(view.toString('utf8'))}`
        : `"base64":"${view.toString('base64')}"`
    this.#writeRecord(`${head.slice(0, -1)},${member}${closeFile(found)}`)
    return found
  }

  #addLarge(entry: Entry, content: SyncContent, head: string): WrittenContent {
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      const survey = surveyLargeContent(content, this.#scan)
      const isText = survey.attributes.base64 !== true
      const isOmitted = this.#omitBinary && !isText
      const { sha256, contentBytes, lines } = survey
      const found = { sha256, contentBytes, lines, isOmitted }
      if (isOmitted) {
        this.#writeRecord(`${head.slice(0, -1)},"omitted":true${closeFile(found)}`)
        return found
      }
      if (
        this.#writeLarge(
          content,
          survey,
          `${head.slice(0, -1)},"${isText ? 'text' : 'base64'}":[`,
          `]${closeFile(found)}`,
        )
      )
        return found
    }
    throw entryChanged(entry, entry.sizeBytes)
  }

  /** Write a record whose content comes in pieces; returns whether it was the same as in the survey. If not, nothing is written. */
  #writeLarge(content: SyncContent, survey: LargeContentSurvey, head: string, tail: string): boolean {
    this.#flush()
    const start = this.#output.sizeBytes
    const digest = this.#sha256.copy()
    let isSame = false
    try {
      this.#beginRecord()
      this.#write(head)
      const isUnchanged = this.#writePieces(content, survey)
      this.#write(tail)
      this.#endLine()
      this.#flush()
      if (this.#output.sizeBytes - start > MAX_RECORD_BYTES) throw recordTooLong()
      isSame = isUnchanged
    } finally {
      this.#flush()
      if (isSame) this.#count++
      else {
        this.#output.truncate(start)
        this.#sha256 = digest
      }
    }
    return isSame
  }

  #writePieces(content: SyncContent, survey: LargeContentSurvey): boolean {
    const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
    let separator = ''
    return readLargeContent(content, survey, this.#scan, (piece) => {
      // The survey found valid UTF-8; a sequence cut by the end of a piece is completed by the next one.
      const isText = survey.attributes.base64 !== true
      this.#write(
        separator +
          (isText ? JSON.stringify(decoder.decode(piece, { stream: true })) : `"${piece.toString('base64')}"`),
      )
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
    this.#count++
  }

  #beginRecord(): void {
    if (this.#format === 'json') this.#pending += this.#count === 0 ? '\n' : ',\n'
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

/** Reading a record parses it as one string, so no reader could take a longer one. */
function recordTooLong(): ArcError {
  return new ArcError(
    'ARC_LIMIT_EXCEEDED',
    `a file of the project is too large for JSON (more than ${MAX_RECORD_BYTES} bytes as a line)`,
    {
      hint: 'Write the dump as Markdown, which takes files of any size, or leave the file out with --max-size.',
    },
  )
}

const LINE_END = Buffer.from('\n')

function closeFile({ contentBytes, sha256 }: WrittenContent): string {
  return `,"size":${contentBytes},"sha256":"${sha256}"}`
}
