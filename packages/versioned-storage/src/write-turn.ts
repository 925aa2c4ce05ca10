import { setTimeout as delay } from 'node:timers/promises'
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { ArcError } from '@arc/core'
import { loadSqlite } from '@arc/core/node'
import { isBusy } from './sqlite-error.ts'

const SPINS = 24
const DEFAULT_TIMEOUT_MS = 60_000
/** How long who has passed the turnstile may begin again without: less than others wait there before they sleep. */
const PASS_MS = 2
/** For how long a process that met others reckons with them. */
const SHARED_MS = 200
const cell = new Int32Array(new SharedArrayBuffer(4))

/**
 * The right to write to a database, given to all processes in turn. SQLite alone lets whoever commits fastest commit
 * again: of four processes one got 1,260 turns and another one (docs/decisions/0014). Here nobody waits for the database
 * but the one who holds the turnstile, so whoever has written for a moment must pass behind somebody who waits.
 */
export class WriteTurn implements Disposable {
  readonly #turnstile: DatabaseSync
  readonly #pass: StatementSync
  readonly #leave: StatementSync
  readonly #take: StatementSync
  readonly #timeoutMs: number
  #passedAtMs = Number.NEGATIVE_INFINITY
  #othersAtMs = Number.NEGATIVE_INFINITY

  constructor(turnstilePath: string, database: DatabaseSync, timeoutMs: number = DEFAULT_TIMEOUT_MS) {
    const { DatabaseSync } = loadSqlite()
    this.#turnstile = new DatabaseSync(turnstilePath)
    // Others may hold it at this moment, each for a fraction of a millisecond.
    this.#turnstile.exec(`PRAGMA busy_timeout = ${timeoutMs}; PRAGMA journal_mode = MEMORY; PRAGMA busy_timeout = 0`)
    this.#pass = this.#turnstile.prepare('BEGIN IMMEDIATE')
    this.#leave = this.#turnstile.prepare('ROLLBACK')
    this.#take = database.prepare('BEGIN IMMEDIATE')
    this.#timeoutMs = timeoutMs
  }

  /** Whether other processes took turns a moment ago. */
  get isShared(): boolean {
    return performance.now() - this.#othersAtMs < SHARED_MS
  }

  /** Others were met elsewhere. */
  noteOthers(): void {
    this.#othersAtMs = performance.now()
  }

  /** Begin a write transaction of the database. Throws `ARC_TARGET_BUSY` after the time that was given. */
  async begin(signal?: AbortSignal): Promise<void> {
    const now = performance.now()
    if (now - this.#passedAtMs < PASS_MS && !this.isShared && attempt(this.#take)) return
    const deadline = now + this.#timeoutMs
    await this.#until(() => attempt(this.#pass), deadline, signal)
    try {
      await this.#until(() => attempt(this.#take), deadline, signal)
    } finally {
      this.#leave.run()
    }
    this.#passedAtMs = performance.now()
  }

  [Symbol.dispose](): void {
    this.#turnstile.close()
  }

  async #until(isDone: () => boolean, deadline: number, signal: AbortSignal | undefined): Promise<void> {
    for (let tries = 0; !isDone(); tries++) {
      signal?.throwIfAborted()
      this.noteOthers()
      // A turn takes a fraction of a millisecond, a timer at least one: wait a little before letting others of this process run.
      if (tries < SPINS) Atomics.wait(cell, 0, 0, 0.05 + Math.random() * 0.2)
      else await delay(1 + Math.random() * 4)
      if (performance.now() > deadline) throw busy(this.#timeoutMs)
    }
  }
}

function attempt(statement: StatementSync): boolean {
  try {
    statement.run()
    return true
  } catch (error) {
    if (isBusy(error)) return false
    throw error
  }
}

function busy(timeoutMs: number): ArcError {
  return new ArcError('ARC_TARGET_BUSY', `other processes kept the store busy for ${timeoutMs / 1000} seconds`, {
    retryable: true,
    hint: 'Wait until they have ended, then try again.',
  })
}
