import type { ProgressEvent } from '@arc/core'
import { isTurnDue, takeTurn } from '@arc/core/node'
import type { JobOptions } from './options.ts'

/** Keeps a long run of synchronous work answerable: whenever a turn of the event loop is due, an abort is obeyed and progress told. */
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

  /** Count an entry; true when a {@link Pace.pause} is due. */
  count(bytes: number): boolean {
    this.doneEntries++
    this.doneBytes += bytes
    return isTurnDue()
  }

  async pause(): Promise<void> {
    this.tell()
    await takeTurn(this.#options.signal)
  }

  /** Tell how far the job is. */
  tell(): void {
    const { doneEntries, doneBytes } = this
    this.#options.onProgress?.({ phase: this.#phase, doneEntries, doneBytes, ...this.#totals })
  }
}
