import type { Entry, EntrySource, Steps } from '@arc/core'
import { type EntryTable, sha256Hex, takeSteps } from '@arc/core/node'
import { type ContentsStyle, writeContents } from './contents.ts'
import { MarkdownSections, type SectionOptions } from './markdown-sections.ts'
import { type DumpOutput, fillHead } from './output.ts'
import { isDelegable, ParallelSections } from './parallel-sections.ts'
import { type DefaultModes, FILES_HEADING, formatHead, titleOf } from './preamble.ts'
import type { DocumentFacts, DumpDocument, FinishedDocument, RenderOptions, SectionJobs } from './render.ts'
import { cacheOf, saveSectionCache, SectionCache, type SectionCacheOptions } from './section-cache.ts'
import { SectionLedger } from './section-ledger.ts'
import type { DumpStatistics } from './statistics.ts'
import type { Survey } from './survey.ts'
import type { SectionOrSteps, WrittenSection } from './written-section.ts'

const PIECE_BYTES = 64 * 1024

/** A Markdown document in the making (docs/formats/arc-dump-1.md, 2). */
export class MarkdownDocument implements DumpDocument {
  readonly #source: EntrySource
  readonly #table: EntryTable
  readonly #survey: Survey
  readonly #modes: DefaultModes
  readonly #output: DumpOutput
  readonly #contents: ContentsStyle
  readonly #times: boolean
  readonly #sectionOptions: SectionOptions
  readonly #ledger: SectionLedger
  readonly #sections: MarkdownSections
  readonly #cache: SectionCacheOptions | undefined
  readonly #earlier: SectionCache | undefined
  /** Length of the preamble, once it is written, and of its part before the contents. */
  #preambleBytes = 0
  #headBytes = 0
  #headSha256 = ''
  #reusedEntries = 0
  /** Places in the listing of what could not be added. */
  readonly #missing = new Set<number>()

  /** `survey` has seen all entries of `table`; those that it does not skip will be added, in this order. */
  constructor(
    source: EntrySource,
    table: EntryTable,
    survey: Survey,
    modes: DefaultModes,
    output: DumpOutput,
    options: RenderOptions,
  ) {
    this.#source = source
    this.#table = table
    this.#survey = survey
    this.#modes = modes
    this.#output = output
    this.#contents = options.contents ?? 'tree'
    const { binary = 'base64', times = false } = options
    this.#times = times
    this.#sectionOptions = { modes, binary, times }
    this.#ledger = new SectionLedger(survey.entryCount)
    this.#sections = new MarkdownSections(output, this.#sectionOptions, this.#ledger)
    this.#cache = cacheOf(options)
    this.#earlier = this.#cache && SectionCache.open(this.#cache, modes)
  }

  knows(entry: Entry): boolean {
    return this.#sections.isFurtherName(entry) || this.#find(entry) !== undefined
  }

  add(entry: Entry, place: number): SectionOrSteps {
    if (this.#preambleBytes === 0) this.#begin()
    const naming = this.#survey.naming(place)
    const known = this.#find(entry)
    const earlier = this.#earlier
    if (known === undefined || earlier === undefined) return this.#sections.add(entry, naming)
    this.#reusedEntries++
    return this.#sections.addKnown(entry, naming, known, (into, offset) => earlier.read(into, offset))
  }

  startJobs(jobs: number, signal: AbortSignal | undefined): SectionJobs | undefined {
    // Times and links would have to travel, too: documents with times are rare enough for one thread.
    if (this.#times) return undefined
    const covers = (entry: Entry): boolean => isDelegable(entry) && !this.knows(entry)
    const sections = ParallelSections.start(this.#table, jobs, this.#sectionOptions, covers, signal)
    this.#earlier?.rewind()
    if (sections === undefined) return undefined
    const add = async (entry: Entry, place: number): Promise<WrittenSection> => {
      if (this.#preambleBytes === 0) this.#begin()
      const { section, bytes } = await sections.next()
      const added = this.#sections.addKnown(entry, this.#survey.naming(place), section, (into, offset) =>
        into.set(bytes.subarray(offset, offset + into.length)),
      )
      return 'next' in added ? takeSteps(added, signal) : added
    }
    return { covers, add, close: () => sections.close() }
  }

  leaveOut(place: number): void {
    this.#missing.add(place)
  }

  *finish(): Steps<FinishedDocument> {
    if (this.#preambleBytes === 0) this.#begin()
    this.#sections.flush()
    this.#writeFrame(Buffer.from('## Manifest\n\n```arc-manifest\n'))
    for (const piece of this.#ledger.rows.manifest()) this.#writeFrame(piece)
    this.#writeFrame(Buffer.from('```\n\n'))
    const statistics = this.#ledger.statistics.result()
    yield* this.#fillPreamble(statistics)
    for (let at = 0; at < this.#preambleBytes; at += PIECE_BYTES) {
      const piece = this.#sections.scratch.subarray(0, Math.min(PIECE_BYTES, this.#preambleBytes - at))
      this.#output.read(piece, at)
      this.#ledger.frame.add(piece, 0, piece.length)
    }
    this.#output.write(
      Buffer.from(`<!-- arc-dump/1 entries=${statistics.entries} sha256=${this.#ledger.frame.digestHex()} -->\n`),
    )
    return { statistics, reusedEntries: this.#reusedEntries }
  }

  saveCache({ sha256, statistics, omitted }: DocumentFacts): void {
    if (this.#cache === undefined) return
    saveSectionCache(this.#cache, this.#ledger.rows, {
      sha256,
      statistics,
      modes: this.#modes,
      headSha256: this.#headSha256,
      listing: this.#missing.size === 0 ? this.#table.digestHex({ times: this.#times }) : undefined,
      omitted,
      preambleBytes: this.#preambleBytes,
      documentBytes: this.#output.sizeBytes,
    })
  }

  [Symbol.dispose](): void {
    this.#earlier?.[Symbol.dispose]()
  }

  /** The section of an entry in the earlier document. That of a further name says what was written for the first one, so it is made anew. */
  #find(entry: Entry): WrittenSection | undefined {
    if (this.#sections.isFurtherName(entry)) return undefined
    // Only a stamp tells whether the time that was written is still the right one.
    if (this.#times && entry.stamp === undefined && entry.mtimeNs !== undefined) return undefined
    return this.#earlier?.find(entry)
  }

  /** Write the preamble as it will be if every entry can be read, but for the figures. */
  #begin(): void {
    const head = this.#formatHead(this.#survey.expectedStatistics)
    this.#output.write(head)
    this.#headBytes = head.length
    this.#writeContents((piece) => this.#output.write(piece))
    this.#preambleBytes = this.#output.sizeBytes
    this.#ledger.startBytes = this.#preambleBytes
    this.#writeFrame(Buffer.from(`${FILES_HEADING}\n`))
  }

  /** Put the figures into the preamble; when entries are missing, or scripts are of languages that no name told of, write all of it anew. */
  *#fillPreamble(statistics: DumpStatistics): Steps<void> {
    const head = this.#formatHead(statistics)
    this.#headSha256 = sha256Hex(head)
    if (this.#missing.size === 0 && head.length === this.#headBytes) {
      this.#output.overwrite(head, 0)
      return
    }
    const pieces: Uint8Array[] = [head]
    this.#writeContents((piece) => pieces.push(Buffer.from(piece)))
    const preamble = Buffer.concat(pieces)
    yield* fillHead(this.#output, this.#preambleBytes, preamble, this.#sections.scratch)
    this.#preambleBytes = preamble.length
  }

  #formatHead(statistics: DumpStatistics): Buffer {
    const { name, git } = this.#source
    return formatHead({ name, git, modes: this.#modes, statistics })
  }

  /** The contents without what is missing. */
  #writeContents(write: (piece: Uint8Array) => void): void {
    if (this.#missing.size === this.#survey.entryCount) return
    writeContents(this.#survey.pathTexts(this.#missing), this.#contents, [titleOf(this.#source.name)], write)
  }

  #writeFrame(bytes: Buffer): void {
    this.#output.write(bytes)
    this.#ledger.frame.add(bytes, 0, bytes.length)
  }
}
