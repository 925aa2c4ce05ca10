/**
 * Runs jobs on the thread pool, at most `limit` at a time, and hands on their results in the order they were started:
 * so the bytes of an archive do not depend on how many threads made it.
 */
export class OrderedJobs<Result> {
  /** How many may run at the same time: a whole number, at least 1. */
  limit: number
  readonly #onResult: (result: Result) => void | Promise<void>
  readonly #running: Promise<Result>[] = []

  constructor(limit: number, onResult: (result: Result) => void | Promise<void>) {
    this.limit = limit
    this.#onResult = onResult
  }

  /** Start a job, having waited until there is room for it. */
  async start(job: () => Promise<Result>): Promise<void> {
    await this.room()
    const running = job()
    running.catch(() => {}) // thrown when its turn comes
    this.#running.push(running)
  }

  /** Wait until there is room for a job. */
  async room(): Promise<void> {
    while (this.#running.length >= this.limit) await this.#handOn()
  }

  /** Wait for all jobs. */
  async finish(): Promise<void> {
    while (this.#running.length > 0) await this.#handOn()
  }

  async #handOn(): Promise<void> {
    const result = await (this.#running.shift() as Promise<Result>)
    await this.#onResult(result)
  }
}
