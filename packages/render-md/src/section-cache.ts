import { type BigIntStats, closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs'
import { ArcError, encodePath, type Entry, type EntryPath } from '@arc/core'
import { sha256Hex, StampCache } from '@arc/core/node'
import type { DefaultModes } from './preamble.ts'
import type { RenderOptions } from './render.ts'
import { readSectionRow, SECTION_ROW_BYTES, type SectionRows } from './section-rows.ts'
import type { DumpStatistics } from './statistics.ts'
import type { WrittenSection } from './written-section.ts'

/** Changes when a new version would write other bytes for the same tree, or other rows. */
const WRITER_VERSION = 'arc-dump/1 writer 3'

/** Where a document's sections are remembered between runs. */
export interface SectionCacheOptions {
  /** The cache file; disposable. */
  file: string
  /** The document of the earlier run, which the new one is going to replace. */
  document: string
  /** Whatever decides how an entry is rendered: another key is another cache. */
  key: string
}

/** What is remembered about a document as a whole. */
export interface DocumentNote {
  /** Identity of the document file right after it was published. */
  stamp: string
  /** Digest of the listing it was made of; missing when that alone does not tell that nothing has changed. */
  listing: string | undefined
  /** Paths of what was left out because it is binary. */
  omitted: EntryPath[]
  modes: DefaultModes
  /** Of the preamble without its contents; those follow from the paths. */
  headSha256: string
  preambleBytes: number
  documentBytes: number
  sha256: string | undefined
  statistics: DumpStatistics
}

/** The cache that a Markdown document with these options has; all of them are part of its key. */
export function cacheOf(options: RenderOptions): SectionCacheOptions | undefined {
  const { cache, binary = 'base64', times = false, contents = 'tree' } = options
  return cache && { ...cache, key: JSON.stringify([WRITER_VERSION, binary, times, contents, cache.key]) }
}

/** What is remembered about the document of these options, if it is still the one that this is about. */
export function readDocumentNote(options: SectionCacheOptions): DocumentNote | undefined {
  const text = StampCache.loadNote(options.file, options.key)
  if (text === undefined) return undefined
  const note = JSON.parse(text) as DocumentNote
  const fd = openDocument(options.document, note)
  if (fd === undefined) return undefined
  closeSync(fd)
  return note
}

function openDocument(path: string, note: DocumentNote): number | undefined {
  let fd: number
  try {
    fd = openSync(path, 'r')
  } catch {
    return undefined
  }
  if (stampText(fstatSync(fd, { bigint: true })) === note.stamp) return fd
  closeSync(fd)
  return undefined
}

/** The earlier document and what is known of its sections. */
export class SectionCache implements Disposable {
  readonly note: DocumentNote
  readonly #stamps: StampCache
  readonly #fd: number

  private constructor(note: DocumentNote, stamps: StampCache, fd: number) {
    this.note = note
    this.#stamps = stamps
    this.#fd = fd
  }

  /** The cache for these options and modes, if there is one and the document is still the one it describes. */
  static open(options: SectionCacheOptions, modes: DefaultModes): SectionCache | undefined {
    const stamps = StampCache.load(options.file, options.key, SECTION_ROW_BYTES)
    if (stamps === undefined) return undefined
    const note = JSON.parse(stamps.note) as DocumentNote
    if (note.modes.file !== modes.file || note.modes.directory !== modes.directory) return undefined
    const fd = openDocument(options.document, note)
    return fd === undefined ? undefined : new SectionCache(note, stamps, fd)
  }

  /** The section of an entry that has not changed since, and has its content. Ask in byte order of path. */
  find(entry: Entry): WrittenSection | undefined {
    const payload = this.#stamps.find(entry)
    if (payload === undefined) return undefined
    const section = readSectionRow(payload)
    if (section.isHardLink) return undefined // that was another file's content
    const isSame = entry.target === undefined || sha256Hex(encodePath(entry.target)) === section.sha256
    return isSame ? section : undefined
  }

  /** Begin to ask from the first path again. */
  rewind(): void {
    this.#stamps.rewind()
  }

  /** Fill a buffer from a place in the earlier document's sections. */
  read(into: Buffer, offset: number): void {
    const count = readSync(this.#fd, into, 0, into.length, offset + this.note.preambleBytes)
    if (count !== into.length) throw new ArcError('ARC_CACHE_INVALID', 'the earlier document changed while it was read')
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd)
  }
}

/** Remember a document, once it is published. A cache that cannot be written is no cache: nothing else depends on it. */
export function saveSectionCache(
  options: SectionCacheOptions,
  rows: SectionRows,
  note: Omit<DocumentNote, 'stamp'>,
): void {
  try {
    const stamp = documentStamp(options.document)
    rows.save(options.file, options.key, JSON.stringify({ ...note, stamp } satisfies DocumentNote))
  } catch {
    // The next run does without.
  }
}

function documentStamp(path: string): string {
  return stampText(statSync(path, { bigint: true }))
}

function stampText(stat: BigIntStats): string {
  return [stat.dev, stat.ino, stat.size, stat.mtimeNs, stat.ctimeNs].join(':')
}
