import type { Language } from './languages.ts'

/** Files of one language in a dump. */
export interface LanguageStatistics {
  name: string
  files: number
  /** LF bytes in text files, as `wc -l` counts. */
  lines: number
  /** Content bytes. */
  bytes: number
}

/** What is in a dump, in figures. */
export interface DumpStatistics {
  /** Files, links and directories that are listed. */
  entries: number
  files: number
  lines: number
  bytes: number
  /** Most bytes first. */
  languages: LanguageStatistics[]
}

/** Adds up the figures of a dump while it is written. */
export class StatisticsCounter {
  readonly #languages = new Map<string, LanguageStatistics>()
  #entries = 0

  /** Count an entry that is not a file. */
  addOther(): void {
    this.#entries++
  }

  addFile(language: Language, lines: number, bytes: number): void {
    this.#entries++
    let row = this.#languages.get(language.name)
    if (row === undefined)
      this.#languages.set(language.name, (row = { name: language.name, files: 0, lines: 0, bytes: 0 }))
    row.files++
    row.lines += lines
    row.bytes += bytes
  }

  result(): DumpStatistics {
    const languages = [...this.#languages.values()].sort((a, b) => b.bytes - a.bytes || (a.name < b.name ? -1 : 1))
    const sum = (of: (row: LanguageStatistics) => number): number =>
      languages.reduce((total, row) => total + of(row), 0)
    return {
      entries: this.#entries,
      files: sum((row) => row.files),
      lines: sum((row) => row.lines),
      bytes: sum((row) => row.bytes),
      languages,
    }
  }
}
