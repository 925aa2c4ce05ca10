import type { Entry, EntrySource } from '@arc/core'
import { sha256Hex } from '@arc/core/node'
import { contentsLines, type ContentsStyle } from './contents.ts'
import { languageOf } from './languages.ts'
import { rowPathText } from './manifest.ts'
import { MarkdownSections, type WrittenSection } from './markdown-sections.ts'
import { type DumpOutput, fillHead } from './output.ts'
import { type DefaultModes, FILES_HEADING, formatHead, titleOf } from './preamble.ts'
import type { DumpDocument, RenderOptions, RenderResult } from './render.ts'
import { SectionCache, type SectionCacheOptions, SectionCacheWriter } from './section-cache.ts'
import { type DumpStatistics, StatisticsCounter } from './statistics.ts'

/** Changes when a new version would write other bytes for the same tree. */
const WRITER_VERSION = 'arc-dump/1 writer 1'
const PIECE_BYTES = 64 * 1024

/** A Markdown document in the making (docs/formats/arc-dump-1.md, 2). */
export class MarkdownDocument implements DumpDocument {
  readonly #source: EntrySource
  readonly #entries: readonly Entry[]
  readonly #modes: DefaultModes
  readonly #output: DumpOutput
  readonly #contents: ContentsStyle
  readonly #sections: MarkdownSections
  readonly #cache: SectionCacheOptions | undefined
  readonly #earlier: SectionCache | undefined
  readonly #rows: SectionCacheWriter | undefined
  /** Length of the preamble, once it is written, and of its part before the contents. */
  #preambleBytes = 0
  #headBytes = 0
  #headSha256 = ''
  #isUnchanged = false
  #reusedEntries = 0
  #addedEntries = 0
  /** Places in `#entries` of what could not be added. */
  readonly #missing = new Set<number>()

  /** `entries` are all that will be added, in this order. */
  constructor(source: EntrySource, entries: readonly Entry[], modes: DefaultModes, output: DumpOutput, options: RenderOptions) {
    this.#source = source
    this.#entries = entries
    this.#modes = modes
    this.#output = output
    this.#contents = options.contents ?? 'tree'
    const { binary = 'base64', times = false } = options
    this.#sections = new MarkdownSections(output, { modes, binary, times })
    if (options.cache === undefined) return
    const key = JSON.stringify([WRITER_VERSION, modes, binary, times, this.#contents, options.cache.key])
    this.#cache = { ...options.cache, key }
    this.#earlier = SectionCache.open(this.#cache)
    this.#rows = new SectionCacheWriter()
  }

  isUnchanged(): boolean {
    const earlier = this.#earlier
    if (earlier === undefined || earlier.sectionCount !== this.#entries.length) return false
    if (sha256Hex(this.#formatHead(earlier.note.statistics)) !== earlier.note.headSha256) return false
    this.#isUnchanged = this.#entries.every((entry) => earlier.find(entry) !== undefined)
    earlier.rewind()
    return this.#isUnchanged
  }

  knows(entry: Entry): boolean {
    return this.#find(entry) !== undefined
  }

  add(entry: Entry): { isOmitted: boolean } {
    if (this.#preambleBytes === 0) this.#begin()
    const place = this.#addedEntries++
    try {
      const section = this.#addSection(entry)
      this.#rows?.add(entry, { ...section, offset: section.offset - this.#preambleBytes })
      return section
    } catch (error) {
      this.#missing.add(place)
      throw error
    }
  }

  finish(): Pick<RenderResult, 'statistics' | 'reusedEntries'> & { sha256?: string; sizeBytes?: number } {
    const earlier = this.#earlier
    if (this.#isUnchanged && earlier !== undefined) {
      const { statistics, sha256, documentBytes } = earlier.note
      return { statistics, sha256, sizeBytes: documentBytes, reusedEntries: this.#entries.length }
    }
    if (this.#preambleBytes === 0) this.#begin()
    this.#sections.flush()
    this.#writeFrame(Buffer.from('## Manifest\n\n```arc-manifest\n'))
    for (const piece of this.#sections.manifest.pieces()) this.#writeFrame(piece)
    this.#writeFrame(Buffer.from('```\n\n'))
    const statistics = this.#sections.statistics.result()
    this.#fillPreamble(statistics)
    for (let at = 0; at < this.#preambleBytes; at += PIECE_BYTES) {
      const piece = this.#sections.scratch.subarray(0, Math.min(PIECE_BYTES, this.#preambleBytes - at))
      this.#output.read(piece, at)
      this.#sections.frame.add(piece, 0, piece.length)
    }
    this.#output.write(Buffer.from(`<!-- arc-dump/1 entries=${statistics.entries} sha256=${this.#sections.frame.digestHex()} -->\n`))
    return { statistics, reusedEntries: this.#reusedEntries }
  }

  saveCache(sha256: string, statistics: DumpStatistics): void {
    if (this.#isUnchanged || this.#cache === undefined) return
    const documentBytes = this.#output.sizeBytes
    this.#rows?.save(this.#cache, { sha256, statistics, headSha256: this.#headSha256, preambleBytes: this.#preambleBytes, documentBytes })
  }

  [Symbol.dispose](): void {
    this.#sections[Symbol.dispose]()
    this.#earlier?.[Symbol.dispose]()
  }

  #addSection(entry: Entry): WrittenSection {
    const earlier = this.#earlier
    const known = this.#find(entry)
    if (known === undefined || earlier === undefined) return this.#sections.add(entry)
    this.#reusedEntries++
    return this.#sections.addKnown(entry, known, (into, offset) => earlier.read(into, offset))
  }

  /** Hard links depend on what was written for another entry, so they are always written anew. */
  #find(entry: Entry): WrittenSection | undefined {
    return entry.hardLink === undefined ? this.#earlier?.find(entry) : undefined
  }

  /** Write the preamble as it will be if every entry can be read, but for the figures. */
  #begin(): void {
    const expected = new StatisticsCounter()
    for (const entry of this.#entries) if (entry.type === 'file') expected.addFile(languageOf(entry.path), 0, 0)
    const head = this.#formatHead(expected.result())
    this.#output.write(head)
    this.#headBytes = head.length
    for (const piece of this.#contentsPieces()) this.#output.write(piece)
    this.#preambleBytes = this.#output.sizeBytes
    this.#writeFrame(Buffer.from(`${FILES_HEADING}\n`))
  }

  /** Put the figures into the preamble; when entries are missing that were expected, write all of it anew. */
  #fillPreamble(statistics: DumpStatistics): void {
    const head = this.#formatHead(statistics)
    this.#headSha256 = sha256Hex(head)
    if (this.#missing.size === 0 && head.length === this.#headBytes) {
      this.#output.overwrite(head, 0)
      return
    }
    const preamble = Buffer.concat([head, ...this.#contentsPieces()])
    fillHead(this.#output, this.#preambleBytes, preamble, this.#sections.scratch)
    this.#preambleBytes = preamble.length
  }

  #formatHead(statistics: DumpStatistics): Buffer {
    const { name, git } = this.#source
    return formatHead({ name, git, modes: this.#modes, statistics })
  }

  /** The contents without what is missing. */
  *#contentsPieces(): Generator<Buffer, void, void> {
    if (this.#missing.size === this.#entries.length) return
    let text = ''
    for (const line of contentsLines(this.#pathTexts(), this.#contents, [titleOf(this.#source.name)])) {
      text += line
      if (text.length < PIECE_BYTES) continue
      yield Buffer.from(text)
      text = ''
    }
    yield Buffer.from(text)
  }

  *#pathTexts(): Generator<string, void, void> {
    for (const [place, entry] of this.#entries.entries()) if (!this.#missing.has(place)) yield rowPathText(entry)
  }

  #writeFrame(bytes: Buffer): void {
    this.#output.write(bytes)
    this.#sections.frame.add(bytes, 0, bytes.length)
  }
}
