import { ArcError, type Entry, type EntryPath, isArcError, type Omission } from '@arc/core'
import { takeSteps } from '@arc/core/node'
import { LineSearch, type SearchResult } from './content-filter.ts'
import { type Glob, parseGlob } from './glob.ts'
import type { SelectionOptions } from './options.ts'

/** The filters of one run, checked and compiled before anything is read. */
export class Selection {
  readonly #include: readonly Glob[]
  readonly #exclude: readonly Glob[]
  readonly #match: RegExp | undefined
  readonly #types: ReadonlySet<string> | undefined
  readonly #maxSizeBytes: number
  readonly #newerThanNs: bigint | undefined
  readonly #olderThanNs: bigint | undefined
  readonly #contentMatch: LineSearch | undefined
  readonly #contentNotMatch: LineSearch | undefined

  /** Throws `ARC_GLOB_INVALID` and `ARC_OPTION_INVALID`. */
  constructor(options: SelectionOptions) {
    this.#include = (options.include ?? []).map(parseGlob)
    this.#exclude = (options.exclude ?? []).map(parseGlob)
    this.#match =
      options.match === undefined ? undefined : new RegExp(options.match, options.match.flags.replace(/[gy]/g, ''))
    this.#types = options.types === undefined ? undefined : new Set(options.types)
    this.#maxSizeBytes = size(options.maxSizeBytes)
    this.#newerThanNs = moment(options.newerThan, 'newerThan')
    this.#olderThanNs = moment(options.olderThan, 'olderThan')
    this.#contentMatch = options.contentMatch && new LineSearch(options.contentMatch)
    this.#contentNotMatch = options.contentNotMatch && new LineSearch(options.contentNotMatch)
  }

  /** The exclude pattern that leaves out this path and all below it. */
  excludedBy(path: EntryPath, isFolder: boolean): string | undefined {
    for (const glob of this.#exclude) if (glob.matches(path, isFolder)) return `excluded by ${glob.pattern}`
    return undefined
  }

  /** Why the path is not wanted, by its name alone; what lies below it may still be. `undefined` when it is wanted. */
  unwantedPath(path: EntryPath, isFolder: boolean): string | undefined {
    if (this.#include.length > 0 && !this.#include.some((glob) => glob.matches(path, isFolder)))
      return 'matches no include pattern'
    if (this.#match !== undefined && !this.#match.test(path)) return `does not match ${String(this.#match)}`
    return undefined
  }

  /** Why the entry is not wanted, by its metadata. */
  unwantedEntry(entry: Entry): string | undefined {
    const { type, mtimeNs } = entry
    if (this.#types !== undefined && !this.#types.has(type)) return `is a ${type}`
    if (type === 'file' && entry.sizeBytes > this.#maxSizeBytes) return `larger than ${this.#maxSizeBytes} bytes`
    if (
      this.#newerThanNs !== undefined &&
      (type === 'directory' || mtimeNs === undefined || mtimeNs <= this.#newerThanNs)
    ) {
      return 'not newer than asked for'
    }
    if (
      this.#olderThanNs !== undefined &&
      (type === 'directory' || mtimeNs === undefined || mtimeNs >= this.#olderThanNs)
    ) {
      return 'not older than asked for'
    }
    return this.looksInside && type !== 'file' ? 'has no text to match' : undefined
  }

  /** Whether {@link unwantedEntry} or {@link unwantedContent} has anything to decide. */
  get filtersEntries(): boolean {
    const limits = [this.#types, this.#newerThanNs, this.#olderThanNs]
    return this.looksInside || this.#maxSizeBytes < Infinity || limits.some((limit) => limit !== undefined)
  }

  /** Whether {@link unwantedContent} has anything to decide. */
  get looksInside(): boolean {
    return this.#contentMatch !== undefined || this.#contentNotMatch !== undefined
  }

  /** Why a file is not wanted, by its text; an omission when it cannot be read. */
  async unwantedContent({ path, content }: Entry, signal: AbortSignal | undefined): Promise<Omission | undefined> {
    if (content === undefined) return undefined
    const search = async (lines: LineSearch): Promise<SearchResult> =>
      content.kind === 'sync' ? takeSteps(lines.search(content), signal) : lines.searchStream(content.stream())
    try {
      const wanted = this.#contentMatch === undefined ? 'found' : await search(this.#contentMatch)
      if (wanted !== 'found') return filtered(path, wanted === 'binary' ? 'is binary' : 'its text does not match')
      const refused = this.#contentNotMatch === undefined ? 'not-found' : await search(this.#contentNotMatch)
      if (refused !== 'not-found') return filtered(path, refused === 'binary' ? 'is binary' : 'its text matches')
    } catch (error) {
      if (!isArcError(error) || error.code !== 'ARC_ENTRY_UNREADABLE') throw error
      return { path, reason: 'unreadable', detail: error.message }
    }
    return undefined
  }
}

/** The omission for what a filter left out. */
export function filtered(path: EntryPath, detail: string): Omission {
  return { path, reason: 'filtered', detail }
}

function size(value: number | undefined): number {
  if (value === undefined) return Infinity
  if (value >= 0) return value
  throw new ArcError('ARC_OPTION_INVALID', `maxSizeBytes cannot be ${value}`, {
    hint: 'Give a number of bytes, 0 or more.',
  })
}

function moment(value: Date | bigint | undefined, option: string): bigint | undefined {
  if (value === undefined || typeof value === 'bigint') return value
  const ms = value.getTime()
  if (Number.isFinite(ms)) return BigInt(ms) * 1_000_000n
  throw new ArcError('ARC_OPTION_INVALID', `${option} is not a date`, { hint: 'Write a date such as 2026-01-31.' })
}
