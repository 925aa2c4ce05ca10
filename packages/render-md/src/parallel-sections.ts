import { ArcError, type Entry } from '@arc/core'
import { type EntryTable, isSharable, runWorkers, SharedFileList, TaskCounter } from '@arc/core/node'
import type { LocalContent } from '@arc/core/node'
import type { SectionOptions } from './markdown-sections.ts'
import type { SectionWork, TaskOutcome } from './section-worker.ts'
import { WHOLE_BYTES } from './whole-content.ts'
import type { WrittenSection } from './written-section.ts'

/** Tasks that each worker may be ahead of the document. */
const TASKS_AHEAD = 3

/** A section that a worker has made, and where its bytes are: `offset` is a place in them. */
export interface ReadySection {
  section: WrittenSection
  bytes: Uint8Array
}

type SharedEntry = Entry & { readonly content: LocalContent }

/** Whether workers make the section of an entry: a file of its own, not too large for one piece. */
export function isDelegable(entry: Entry): entry is SharedEntry {
  return isSharable(entry) && entry.hardLink === undefined && entry.sizeBytes <= WHOLE_BYTES
}

/** Makes the sections of many files on several threads, and gives them in the order of the listing. */
export class ParallelSections {
  readonly #list: SharedFileList
  readonly #tasks: TaskCounter
  readonly #outcomes = new Map<number, TaskOutcome>()
  readonly #running: Promise<void>
  readonly #stop = new AbortController()
  #failure: Error | undefined
  #wake: (() => void) | undefined
  #task = 0
  #file = 0

  private constructor(list: SharedFileList, jobs: number, options: SectionOptions, signal: AbortSignal | undefined) {
    this.#list = list
    this.#tasks = new TaskCounter(list.taskCount)
    const data: SectionWork = {
      files: list.shared,
      counter: this.#tasks.buffer,
      tasksAhead: jobs * TASKS_AHEAD,
      options,
    }
    const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
    this.#running = runWorkers<TaskOutcome>({
      module: new URL(`./section-worker.${extension}`, import.meta.url),
      data,
      workerCount: Math.min(jobs, list.taskCount),
      onMessage: (outcome) => {
        this.#outcomes.set(outcome.task, outcome)
        this.#wake?.()
      },
      signal: signal === undefined ? this.#stop.signal : AbortSignal.any([signal, this.#stop.signal]),
    }).catch((error: unknown) => {
      this.#failure = error instanceof Error ? error : new Error(String(error))
      this.#wake?.()
    })
  }

  /** Start on all entries of a table for which {@link isDelegable} and `isWanted` hold; `undefined` when there are none. */
  static start(
    table: EntryTable,
    jobs: number,
    options: SectionOptions,
    isWanted: (entry: Entry) => boolean,
    signal: AbortSignal | undefined,
  ): ParallelSections | undefined {
    const entries: SharedEntry[] = []
    for (let row = 0; row < table.rowCount; row++) {
      const entry = table.entry(row)
      if (isDelegable(entry) && isWanted(entry)) entries.push(entry)
    }
    const list = SharedFileList.of(entries)
    return list === undefined ? undefined : new ParallelSections(list, jobs, options, signal)
  }

  /** The section of the next of those entries. Throws what making it threw. */
  async next(): Promise<ReadySection> {
    const { first, end } = this.#list.task(this.#task)
    const outcome = this.#outcomes.get(this.#task) ?? (await this.#arrival(this.#task))
    const found = outcome.sections[this.#file - first]
    if (++this.#file === end) {
      this.#outcomes.delete(this.#task++)
      this.#tasks.release(this.#task)
    }
    if (found === undefined) throw new TypeError(`task ${outcome.task} lacks a section`)
    if ('message' in found)
      throw new ArcError(found.code as 'ARC_ENTRY_UNREADABLE', found.message, { details: { errno: found.errno } })
    return { section: found, bytes: outcome.bytes }
  }

  /** End the workers, whatever they are doing. */
  async close(): Promise<void> {
    this.#tasks.stop()
    this.#stop.abort()
    await this.#running
  }

  async #arrival(task: number): Promise<TaskOutcome> {
    for (;;) {
      const outcome = this.#outcomes.get(task)
      if (outcome !== undefined) return outcome
      if (this.#failure !== undefined) throw this.#failure
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }
}
