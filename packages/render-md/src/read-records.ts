import { type ArcErrorCode, type EntryPath, isArcError, type Steps } from '@arc/core'
import type { DumpIndex, DumpRecord } from './dump-record.ts'
import { indexJson } from './json-index.ts'
import { MarkdownReader, type MarkdownOptions } from './markdown-reader.ts'
import type { OpenDocument } from './open-document.ts'
import { PathOrder } from './path-order.ts'

/** What tells of damage, of which there may be more than was met first. */
const DAMAGE: ReadonlySet<ArcErrorCode> = new Set<ArcErrorCode>([
  'ARC_DUMP_DAMAGED',
  'ARC_ENTRY_DUPLICATE',
  'ARC_HASH_MISMATCH',
  'ARC_PATH_INVALID',
  'ARC_PATH_UNSAFE',
])

/** Read a whole document; `take` gets each record in order. Whatever it was given counts only once this returns. */
export function* readRecords(
  document: OpenDocument,
  options: Omit<MarkdownOptions, 'limits'>,
  take: (record: DumpRecord) => void,
): Steps<Omit<DumpIndex, 'records'>> {
  const { input, limits, onBytes } = document
  if (document.spelling === 'json') {
    const index = yield* indexJson(input, { limits, onBytes })
    const order = new PathOrder(limits)
    for (const record of index.records) {
      order.add(record)
      take(record)
    }
    return index
  }
  const run = new MarkdownRun(document, options)
  try {
    while (run.step(take)) {
      yield
      run.advance()
    }
  } catch (error) {
    yield* run.explain(error)
    throw error
  }
  return run.head
}

/** One reading of a Markdown document, from window to window. */
export class MarkdownRun {
  readonly head: Omit<DumpIndex, 'records'>
  readonly #document: OpenDocument
  readonly #options: MarkdownOptions
  readonly #reader: MarkdownReader
  readonly #order: PathOrder

  constructor(document: OpenDocument, options: Omit<MarkdownOptions, 'limits'>) {
    this.#document = document
    this.#options = { limits: document.limits, ...options }
    this.#reader = new MarkdownReader(document.input, this.#options)
    this.#order = new PathOrder(document.limits)
    const { name, git, modes } = this.#reader
    this.head = { name, git, directoryMode: modes.directory }
  }

  /**
   * Give the records that lie in the window. False when those were the last, and the document is whole; else {@link advance} and go on.
   * For what it throws, ask {@link explain}.
   */
  step(take: (record: DumpRecord) => void): boolean {
    const reader = this.#reader
    this.#document.onBytes(reader.doneBytes)
    for (let record = reader.next(); record !== 'end'; record = reader.next()) {
      if (record === 'beyond') return true
      this.#order.add(record)
      take(record)
    }
    return false
  }

  /** The folders that only the path of the last record tells of, parents first. */
  impliedFolders(): readonly EntryPath[] {
    return this.#order.impliedFolders()
  }

  /** Go on to the next window; content that was given is gone. */
  advance(): void {
    this.#reader.advance()
  }

  /**
   * Sections and manifest were read side by side: when the error tells of damage, throw what is wrong with the document as its own order
   * has it.
   */
  *explain(error: unknown): Steps<void> {
    if (!isArcError(error) || !DAMAGE.has(error.code)) return
    const options = { ...this.#options, content: 'never' } as const
    const records = yield* new MarkdownReader(this.#document.input, options).readInOrder()
    const order = new PathOrder(this.#document.limits)
    for (const record of records) order.add(record)
  }
}
