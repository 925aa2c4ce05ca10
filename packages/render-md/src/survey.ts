import type { EntryPath } from '@arc/core'
import type { EntryTable } from '@arc/core/node'
import { type Language, languageOf, NO_LANGUAGE } from './languages.ts'
import { rowPathText } from './manifest.ts'
import type { Naming } from './markdown-sections.ts'
import { COMMON_MODES, type DefaultModes } from './preamble.ts'
import { type DumpStatistics, StatisticsCounter } from './statistics.ts'

/**
 * What must be known of all entries before the first is written: default modes, which folders need no mention, and everything in
 * the preamble but the figures. Holds a path and a language an entry and nothing else.
 */
export class Survey {
  totalBytes = 0
  readonly #pathTexts: string[] = []
  readonly #languages: Language[] = []
  readonly #folders = new Map<number, { path: EntryPath; mode: number; hasTime: boolean }>()
  readonly #parents = new Set<string>()
  readonly #modeCounts = { file: new Map<number, number>(), directory: new Map<number, number>() }
  readonly #expected = new StatisticsCounter()
  #skipped: ReadonlySet<number> = new Set()

  /** `table` holds all entries, in byte order of path. */
  constructor(table: EntryTable) {
    for (let place = 0; place < table.rowCount; place++) {
      const path = table.path(place)
      const type = table.type(place)
      const mode = table.mode(place)
      this.totalBytes += table.sizeBytes(place)
      this.#pathTexts.push(rowPathText({ path, type }))
      const language = type === 'file' ? languageOf(path) : NO_LANGUAGE
      this.#languages.push(language)
      if (type === 'file') this.#expected.addFile(language, 0, 0)
      if (type === 'directory') {
        const hasTime = table.entry(place).mtimeNs !== undefined
        this.#folders.set(place, { path, mode, hasTime })
      }
      if (this.#folders.size > 0) this.#addParents(path)
      if (type === 'symlink') continue
      const counts = this.#modeCounts[type]
      counts.set(mode, (counts.get(mode) ?? 0) + 1)
    }
  }

  /** The most common permission bits; of equally common ones the lowest. */
  get commonModes(): DefaultModes {
    const ranked = (type: 'file' | 'directory'): number =>
      [...this.#modeCounts[type]].sort(([modeA, a], [modeB, b]) => b - a || modeA - modeB)[0]?.[0] ?? COMMON_MODES[type]
    return { file: ranked('file'), directory: ranked('directory') }
  }

  /** Leave out the folders of the default mode that entries below them imply (format, 1: Order), unless their times are wanted. */
  skipImpliedFolders(defaultMode: number, times: boolean): void {
    const implied = [...this.#folders].filter(
      ([, { path, mode, hasTime }]) => mode === defaultMode && this.#parents.has(path) && !(times && hasTime),
    )
    this.#skipped = new Set(implied.map(([place]) => place))
  }

  /** How heading and manifest spell the path of the entry at a place, and its language. */
  naming(place: number): Naming {
    return { pathText: this.#pathTexts[place] as string, language: this.#languages[place] as Language }
  }

  isSkipped(place: number): boolean {
    return this.#skipped.has(place)
  }

  /** Entries that are not skipped. */
  get entryCount(): number {
    return this.#pathTexts.length - this.#skipped.size
  }

  /** The statistics as they will be if everything can be read, but for the lines and bytes. */
  get expectedStatistics(): DumpStatistics {
    return this.#expected.result()
  }

  /** Path-texts in order, without what is skipped and without the places in `missing`. */
  pathTexts(missing: ReadonlySet<number>): readonly string[] {
    if (this.#skipped.size === 0 && missing.size === 0) return this.#pathTexts
    return this.#pathTexts.filter((_, place) => !this.#skipped.has(place) && !missing.has(place))
  }

  #addParents(path: EntryPath): void {
    for (let slash = path.lastIndexOf('/'); slash > 0; slash = path.lastIndexOf('/', slash - 1)) {
      const parent = path.slice(0, slash)
      if (this.#parents.has(parent)) return
      this.#parents.add(parent)
    }
  }
}
