import { takeTurn } from '@arc/core/node'
import { applyRecord } from './log-replay.ts'
import { damagedStore, readOnlyStore } from './store-error.ts'
import type { Journal } from './version-journal.ts'
import type { VersionIndex } from './version-index.ts'
import type { LogPosition, VersionLog } from './version-log.ts'

const TURN_RECORDS = 100

/**
 * A journal for who may only read: what the log says is entered into an index of its own, in a temporary database, so that
 * nothing is written to the store, whoever writes there meanwhile.
 */
export class LogFollower implements Journal {
  readonly index: VersionIndex
  readonly log: VersionLog
  readonly #location: string
  #catchingUp: Promise<void> | undefined

  /** `index` is nobody else's. */
  constructor(location: string, log: VersionLog, index: VersionIndex) {
    this.#location = location
    this.log = log
    this.index = index
  }

  catchUp(): Promise<void> {
    this.#catchingUp ??= this.#follow().finally(() => (this.#catchingUp = undefined))
    return this.#catchingUp
  }

  async exclusively<T>(work: () => Promise<T>): Promise<T> {
    await this.catchUp()
    return work()
  }

  async commit<T>(): Promise<T> {
    throw readOnlyStore(this.#location)
  }

  async recover(): Promise<void> {}

  /** The index is closed by the store that reads it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#catchingUp?.catch(() => {})
    this.log[Symbol.dispose]()
  }

  async #follow(): Promise<void> {
    const { index, log } = this
    const start: LogPosition = index.position()
    if (!log.hasMore(start)) return
    const { parseRecord } = await import('./log-schema.ts')
    index.run('BEGIN')
    try {
      let count = 0
      for (const { body, after } of log.read(start)) {
        const record = parseRecord(body)
        if (record === undefined) throw damagedStore(log.path(after.segment), 'a record is malformed')
        applyRecord(index, record)
        index.setPosition(after, record.n)
        if (++count % TURN_RECORDS === 0) await takeTurn()
      }
      index.run('COMMIT')
    } catch (error) {
      index.run('ROLLBACK')
      throw error
    }
  }
}
