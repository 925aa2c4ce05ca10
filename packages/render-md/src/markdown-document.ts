import type { Entry, EntrySource } from '@arc/core'
import { sha256Hex } from '@arc/core/node'
import { formatContents } from './contents.ts'
import { languageOf } from './languages.ts'
import { rowPathText } from './manifest.ts'
import { MarkdownSections } from './markdown-sections.ts'
import { type DumpOutput, fillHead } from './output.ts'
import { type DefaultModes, FILES_HEADING, formatPreamble, titleOf } from './preamble.ts'
import type { DumpDocument, RenderOptions, RenderResult } from './render.ts'
import { SectionCache, type SectionCacheOptions, SectionCacheWriter } from './section-cache.ts'
import { type DumpStatistics, StatisticsCounter } from './statistics.ts'

/** Changes when a new version would write other bytes for the same tree. */
const WRITER_VERSION = 'arc-dump/1 writer 1'

/** A Markdown document in the making (docs/formats/arc-dump-1.md, 2). */
export class MarkdownDocument implements DumpDocument {
  readonly #source: EntrySource
  readonly #entries: readonly Entry[]
  readonly #modes: DefaultModes
  readonly #output: DumpOutput
  readonly #options: RenderOptions
  readonly #sections: MarkdownSections
  readonly #cache: SectionCacheOptions | undefined
  readonly #earlier: SectionCache | undefined
  readonly #rows: SectionCacheWriter | undefined
  #preamble: Buffer | undefined
  #contents: Buffer | undefined
  #isUnchanged = false
  #reusedEntries = 0

  /** `entries` are all that will be added, in this order; some may be left out on the way. */
  constructor(source: EntrySource, entries: readonly Entry[], modes: DefaultModes, output: DumpOutput, options: RenderOptions) {
    this.#source = source
    this.#entries = entries
    this.#modes = modes
    this.#output = output
    this.#options = options
    const { binary = 'base64', times = false } = options
    this.#sections = new MarkdownSections(output, { modes, binary, times })
    if (options.cache === undefined) return
    const key = JSON.stringify([WRITER_VERSION, modes, binary, times, options.cache.key])
    this.#cache = { ...options.cache, key }
    this.#earlier = SectionCache.open(this.#cache)
    this.#rows = new SectionCacheWriter()
  }

  isUnchanged(): boolean {
    const earlier = this.#earlier
    if (earlier === undefined || earlier.sectionCount !== this.#entries.length) return false
    this.#isUnchanged = this.#entries.every((entry) => earlier.find(entry) !== undefined)
    earlier.rewind()
    if (!this.#isUnchanged) return false
    const preamble = this.#formatPreamble(earlier.note.statistics, this.#entries.map(rowPathText))
    this.#isUnchanged = sha256Hex(preamble) === earlier.note.preambleSha256
    return this.#isUnchanged
  }

  knows(entry: Entry): boolean {
    return this.#find(entry) !== undefined
  }

  add(entry: Entry): { isOmitted: boolean } {
    if (this.#preamble === undefined) this.#begin()
    const known = this.#find(entry)
    const earlier = this.#earlier
    const section =
      known === undefined || earlier === undefined
        ? this.#sections.add(entry)
        : this.#sections.addKnown(entry, known, (into, offset) => earlier.read(into, offset))
    if (known !== undefined) this.#reusedEntries++
    this.#rows?.add(entry, { ...section, offset: section.offset - (this.#preamble?.length ?? 0) })
    return section
  }

  finish(): Pick<RenderResult, 'statistics' | 'reusedEntries'> & { sha256?: string; sizeBytes?: number } {
    const earlier = this.#earlier
    if (this.#isUnchanged && earlier !== undefined) {
      const { statistics, sha256, documentBytes } = earlier.note
      return { statistics, sha256, sizeBytes: documentBytes, reusedEntries: this.#entries.length }
    }
    if (this.#preamble === undefined) this.#begin()
    const { frame, manifest, pathTexts } = this.#sections
    this.#sections.flush()
    this.#writeFrame(Buffer.from('## Manifest\n\n```arc-manifest\n'))
    this.#writeFrame(manifest.bytes)
    this.#writeFrame(Buffer.from('```\n\n'))
    const statistics = this.#sections.statistics.result()
    // Entries that could not be read are not in the contents either.
    if (pathTexts.length !== this.#entries.length) this.#contents = undefined
    const preamble = this.#formatPreamble(statistics, pathTexts)
    frame.add(preamble, 0, preamble.length)
    this.#output.write(Buffer.from(`<!-- arc-dump/1 entries=${pathTexts.length} sha256=${frame.digestHex()} -->\n`))
    fillHead(this.#output, this.#preamble?.length ?? 0, preamble, this.#sections.scratch)
    this.#preamble = preamble
    return { statistics, reusedEntries: this.#reusedEntries }
  }

  saveCache(sha256: string, statistics: DumpStatistics): void {
    if (this.#isUnchanged || this.#cache === undefined || this.#preamble === undefined) return
    const preambleSha256 = sha256Hex(this.#preamble)
    this.#rows?.save(this.#cache, { sha256, statistics, preambleSha256, preambleBytes: this.#preamble.length, documentBytes: this.#output.sizeBytes })
  }

  [Symbol.dispose](): void {
    this.#earlier?.[Symbol.dispose]()
  }

  /** Hard links depend on what was written for another entry, so they are always written anew. */
  #find(entry: Entry): ReturnType<SectionCache['find']> {
    return entry.hardLink === undefined ? this.#earlier?.find(entry) : undefined
  }

  /** Reserve the preamble, as long as it will be if every entry can be read. */
  #begin(): void {
    const expected = new StatisticsCounter()
    for (const entry of this.#entries) if (entry.type === 'file') expected.addFile(languageOf(entry.path), 0, 0)
    this.#preamble = this.#formatPreamble(expected.result(), this.#entries.map(rowPathText))
    this.#output.write(this.#preamble)
    this.#writeFrame(Buffer.from(`${FILES_HEADING}\n`))
  }

  #formatPreamble(statistics: DumpStatistics, pathTexts: readonly string[]): Buffer {
    const { name, git } = this.#source
    this.#contents ??= formatContents(pathTexts, this.#options.contents ?? 'tree', [titleOf(name)])
    return formatPreamble({ name, git, modes: this.#modes, statistics, contents: this.#contents })
  }

  #writeFrame(bytes: Buffer): void {
    this.#output.write(bytes)
    this.#sections.frame.add(bytes, 0, bytes.length)
  }
}
