import {
  type Entry,
  type EntryPath,
  type EntrySource,
  isArcError,
  type Omission,
  type ProgressListener,
  randomContent,
  type Steps,
} from '@arc/core'
import { type EntryTable, hashContent, takeSteps, takeTurn } from '@arc/core/node'
import type { ContentsStyle } from './contents.ts'
import { JsonDocument } from './json-document.ts'
import { bringContent, listAll } from './listing.ts'
import { MarkdownDocument } from './markdown-document.ts'
import { findUnchanged } from './unchanged.ts'
import type { DumpOutput } from './output.ts'
import { COMMON_MODES } from './preamble.ts'
import type { SectionCacheOptions } from './section-cache.ts'
import { Spool } from './spool.ts'
import type { DumpStatistics } from './statistics.ts'
import { Survey } from './survey.ts'

/** The spellings of a dump. */
export type DumpFormat = 'md' | 'json' | 'jsonl'

export interface RenderOptions {
  /** Default `md`. */
  format?: DumpFormat
  /** Contents at the head of a Markdown document; default `tree`. */
  contents?: ContentsStyle
  /** Content that is no text: as base64 (default), or left out and recorded as an omission. */
  binary?: 'base64' | 'omit'
  /** Write times of last modification; by default a dump is the same whatever the clock said. */
  times?: boolean
  /** Reuse the sections of an earlier Markdown document for what has not changed since. */
  cache?: SectionCacheOptions | undefined
  /** Threads that read and examine the files of a Markdown document; default 1, the calling one. The document is the same. */
  jobs?: number
  /** Compute the digest of the document, which means to read it again; default `true`. */
  digest?: boolean
  signal?: AbortSignal | undefined
  onProgress?: ProgressListener | undefined
}

/** What became of a source. */
export interface RenderResult {
  statistics: DumpStatistics
  /** Hex SHA-256 of the document; `undefined` when no digest was asked for. */
  sha256: string | undefined
  sizeBytes: number
  /** What the source left out, and what could not be rendered. */
  omissions: readonly Omission[]
  /** Entries that were taken over from the earlier document. */
  reusedEntries: number
  /** `false`: nothing at all has changed, nothing was written, and the earlier document is the result. */
  isWritten: boolean
  /** To be called once the document is published: remembers it for the next run. */
  saveCache: () => void
}

/** A document in the making: one class for each spelling. */
export interface DumpDocument extends Disposable {
  /** Whether the next entry can be added without its content. */
  knows(entry: Entry): boolean
  /** Add the next entry, which is at this place of the listing, its content at hand. Steps, for what is large, must be finished first. */
  add(entry: Entry, place: number): AddedEntry | Steps<AddedEntry>
  /** Make sections on other threads from now on, where the document can. Ends with `close`. */
  startJobs(jobs: number, signal: AbortSignal | undefined): SectionJobs | undefined
  /** The entry at this place of the listing could not be added. */
  leaveOut(place: number): void
  /** Complete the document. */
  finish(): FinishedDocument | Steps<FinishedDocument>
  /** Remember the document, now that it is published. */
  saveCache(facts: DocumentFacts): void
}

/** What became of an entry. */
export interface AddedEntry {
  /** The content was left out because it is binary. */
  isOmitted: boolean
}

/** What a document says of itself in the end. */
export type FinishedDocument = Pick<RenderResult, 'statistics' | 'reusedEntries'>

/** What is remembered about a document. */
export interface DocumentFacts extends Pick<RenderResult, 'sha256' | 'statistics'> {
  /** Paths of what was left out because it is binary. */
  omitted: EntryPath[]
}

/** Threads that make a document's sections ahead. */
export interface SectionJobs {
  /** Whether they make the section of this entry. */
  covers(entry: Entry): boolean
  /** Add the next of the entries they cover, which is at this place of the listing. */
  add(entry: Entry, place: number): Promise<AddedEntry>
  close(): Promise<void>
}

/** After so many entries, or so many bytes, progress is told and signals are heard. */
const PROGRESS_ENTRIES = 256
const PROGRESS_BYTES = 16 * 1024 * 1024

/**
 * Write a source as one document. The output must be empty; it holds the document when this returns, unless `isWritten` is `false`.
 * A file that cannot be read, or keeps changing, becomes an omission; everything else that goes wrong is thrown.
 */
export async function renderDump(
  source: EntrySource,
  output: DumpOutput,
  options: RenderOptions = {},
): Promise<RenderResult> {
  using spool = new Spool()
  const table = await listAll(source, spool, options)
  const { format = 'md', digest = true } = options
  const unchanged = format === 'md' ? await findUnchanged(source, table, options) : undefined
  if (unchanged !== undefined) return unchanged
  const survey = new Survey(table)
  const modes = format === 'md' ? survey.commonModes : COMMON_MODES
  survey.skipImpliedFolders(modes.directory, options.times ?? false)
  using document: DumpDocument =
    format === 'md'
      ? new MarkdownDocument(source, table, survey, modes, output, options)
      : new JsonDocument(source, table, output, format, options)
  const { signal } = options
  const failed = await addAll(document, table, survey, spool, options)
  const finished = document.finish()
  const result = 'next' in finished ? await takeSteps(finished, signal) : finished
  const sha256 = digest ? (await hashContent(randomContent(output), { signal })).sha256 : undefined
  return {
    ...result,
    sha256,
    sizeBytes: output.sizeBytes,
    isWritten: true,
    omissions: [...source.omissions, ...failed],
    saveCache() {
      const omitted = failed.filter(({ reason }) => reason === 'binary').map(({ path }) => path)
      document.saveCache({ sha256, statistics: result.statistics, omitted })
    },
  }
}

async function addAll(
  document: DumpDocument,
  table: EntryTable,
  survey: Survey,
  spool: Spool,
  options: RenderOptions,
): Promise<Omission[]> {
  const jobs = (options.jobs ?? 1) > 1 ? document.startJobs(options.jobs ?? 1, options.signal) : undefined
  try {
    return await addEach(document, table, survey, { ...options, jobs, spool })
  } finally {
    await jobs?.close()
  }
}

interface AddOptions extends Pick<RenderOptions, 'signal' | 'onProgress'> {
  jobs: SectionJobs | undefined
  spool: Spool
}

async function addEach(
  document: DumpDocument,
  table: EntryTable,
  survey: Survey,
  options: AddOptions,
): Promise<Omission[]> {
  const { jobs, spool } = options
  const omissions: Omission[] = []
  const totalEntries = survey.entryCount
  const { totalBytes } = survey
  let doneBytes = 0
  let nextBytes = PROGRESS_BYTES
  for (let place = 0; place < table.rowCount; place++) {
    if (place % PROGRESS_ENTRIES === 0 || doneBytes >= nextBytes) {
      nextBytes = doneBytes + PROGRESS_BYTES
      options.onProgress?.({ phase: 'reading', doneEntries: place, doneBytes, totalEntries, totalBytes })
      await takeTurn(options.signal)
    }
    doneBytes += table.sizeBytes(place)
    if (survey.isSkipped(place)) continue
    const entry = table.entry(place)
    try {
      const isAtHand = entry.content?.kind !== 'stream' || document.knows(entry)
      const added = jobs?.covers(entry)
        ? await jobs.add(entry, place)
        : document.add(isAtHand ? entry : await bringContent(entry, spool, options.signal), place)
      const { isOmitted } = 'next' in added ? await takeSteps(added, options.signal) : added
      if (isOmitted) omissions.push({ path: entry.path, reason: 'binary' })
    } catch (error) {
      omissions.push(omissionFor(entry, error))
      document.leaveOut(place)
    }
  }
  options.onProgress?.({ phase: 'reading', doneEntries: totalEntries, doneBytes: totalBytes, totalEntries, totalBytes })
  return omissions
}

/** Trouble with one file is a fact about that file; anything else ends the dump. */
function omissionFor(entry: Entry, error: unknown): Omission {
  if (isArcError(error)) {
    if (error.code === 'ARC_ENTRY_CHANGED') return { path: entry.path, reason: 'changed', detail: error.message }
    if (error.code === 'ARC_ENTRY_UNREADABLE') {
      const isGone = error.details['errno'] === 'ENOENT'
      return { path: entry.path, reason: isGone ? 'vanished' : 'unreadable', detail: error.message }
    }
  }
  throw error
}
