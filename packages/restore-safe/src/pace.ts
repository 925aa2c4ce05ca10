import { setImmediate } from 'node:timers/promises'
import type { ProgressEvent } from '@arc/core'
import type { JobOptions } from './options.ts'

const ENTRIES_PER_STRETCH = 256

/**
 * Keeps a long run of synchronous work answerable: after each stretch of entries the event loop gets its turn, so that a
 * signal can arrive, an abort is obeyed, and progress is told.
 */
export class Pace {
  doneEntries = 0
  doneBytes = 0
  readonly #options: Pick<JobOptions, 'signal' | 'onProgress'>
  readonly #phase: string
  readonly #totals: Partial<Pick<ProgressEvent, 'totalEntries' | 'totalBytes'>>

  constructor(
    phase: string,
    options: Pick<JobOptions, 'signal' | 'onProgress'>,
    totals: Partial<Pick<ProgressEvent, 'totalEntries' | 'totalBytes'>> = {},
  ) {
    this.#phase = phase
    this.#options = options
    this.#totals = totals
  }

  /** Count an entry; true when it is time for a {@link Pace.pause}. */
  count(bytes: number): boolean {
    this.doneEntries++
    this.doneBytes += bytes
    return this.doneEntries % ENTRIES_PER_STRETCH === 0
  }

  async pause(): Promise<void> {
    this.tell()
    await setImmediate()
    this.#options.signal?.throwIfAborted()
  }

  /** Tell how far the job is. */
  tell(): void {
    const { doneEntries, doneBytes } = this
    this.#options.onProgress?.({ phase: this.#phase, doneEntries, doneBytes, ...this.#totals })
  }
}
