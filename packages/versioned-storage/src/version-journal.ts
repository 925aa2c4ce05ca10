import { join } from 'node:path'
import { setImmediate as immediate } from 'node:timers/promises'
import type { FileSystem } from '@arc/core/node'
import { CommitBatch, type DecidedBatch } from './commit-batch.ts'
import type { CommitJob } from './commit-job.ts'
import { IndexBacklog } from './index-backlog.ts'
import { MAX_BATCH, MAX_LAG, replayLog } from './log-replay.ts'
import type { ObjectFolder, StagedContent } from './object-folder.ts'
import { PlainFiles } from './plain-files.ts'
import { PutBatch } from './put-batch.ts'
import type { CommitOptions, Decide } from './store.ts'
import { VersionIndex } from './version-index.ts'
import { type LogEnd, VersionLog } from './version-log.ts'
import type { WorkingTree } from './working-tree.ts'
import { WriteTurn } from './write-turn.ts'

/** After its last put a writer brings the index up to date; others need not wait for that. */
const IDLE_MS = 20

interface JournalParts {
  readonly tree: WorkingTree
  readonly objects: ObjectFolder
  readonly fs: FileSystem
  readonly now: () => Date
}

/** What stands between a local store and its log. */
export type Journal = Pick<VersionJournal, keyof VersionJournal>

/**
 * The one writer of a local store in this process. A commit is durable once its record is in the log, and is acknowledged
 * then; commits that are asked for at the same time share one sync. The order is: decide, prepare plain files, append to the
 * log and sync, name the plain files, commit the index. Of plain puts the index has many at once, a little later. A crash
 * at any point leaves a log that says what is true, and whoever comes next brings the rest into line with it.
 */
export class VersionJournal implements AsyncDisposable {
  readonly index: VersionIndex
  readonly log: VersionLog
  readonly #turn: WriteTurn
  readonly #parts: JournalParts
  readonly #files: PlainFiles
  readonly #backlog = new IndexBacklog()
  readonly #queue: CommitJob[] = []
  /** Where the log ends, unless somebody else has written meanwhile. */
  #end: LogEnd | undefined
  /** The index could not take what the log has: no more is put on top before it can. */
  #hasFailed = false
  #draining: Promise<void> | undefined
  #last: Promise<unknown> = Promise.resolve()
  #catchingUp: Promise<void> | undefined
  #catchUpTimer: NodeJS.Timeout | undefined

  constructor(control: string, parts: JournalParts) {
    this.#parts = parts
    this.index = new VersionIndex(join(control, 'index.db'))
    this.index.create()
    this.#files = new PlainFiles(this.index, parts.tree, parts.objects)
    this.log = new VersionLog(join(control, 'log'), parts.fs)
    this.#turn = new WriteTurn(join(control, 'turn.db'), this.index.database)
  }

  commit<T>(
    keys: readonly string[],
    decide: Decide<T>,
    options: CommitOptions & { delivered?: readonly string[] } = {},
  ): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const staged = (options.staged ?? []) as unknown as readonly StagedContent[]
      const { signal, delivered = [] } = options
      this.#queue.push({
        keys,
        decide,
        staged,
        signal,
        delivered,
        resolve: resolve as (result: unknown) => void,
        reject,
      })
      // Whoever asks within the same turn of the event loop shares a sync.
      this.#draining ??= immediate().then(() => this.#drain())
    })
  }

  /** Bring index and plain files into line with the log, after whatever happened. */
  async recover(): Promise<void> {
    await this.exclusively(() => this.#files.afterReboot())
  }

  /** Let the index have all that the log has at this moment. */
  catchUp(): Promise<void> {
    this.#catchingUp ??= this.#inTurn(() => {
      this.#catchingUp = undefined // who asks from now on may need more
      return this.#alone(async () => {})
    })
    return this.#catchingUp
  }

  /** Do something while nobody else writes, in this process or another. */
  exclusively<T>(work: () => Promise<T>): Promise<T> {
    return this.#inTurn(() => this.#alone(work))
  }

  async #alone<T>(work: () => Promise<T>): Promise<T> {
    await this.#turn.begin()
    try {
      await this.#alignIndex()
      const result = await work()
      this.index.run('COMMIT')
      this.#hasFailed = false
      return result
    } catch (error) {
      this.#forget()
      throw error
    }
  }

  /** One transaction at a time: they share a connection. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(work)
    this.#last = result.then(
      () => undefined,
      () => undefined,
    )
    return result
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#draining
    if (this.#backlog.length > 0) await this.catchUp().catch(() => {}) // the log has it, for whoever opens the store next
    clearTimeout(this.#catchUpTimer)
    await this.#last
    this.#turn[Symbol.dispose]()
    this.log[Symbol.dispose]()
    this.index[Symbol.dispose]()
  }

  async #drain(): Promise<void> {
    try {
      while (this.#queue.length > 0) await this.#inTurn(() => this.#run(this.#queue.splice(0, MAX_BATCH)))
    } finally {
      this.#draining = undefined
    }
  }

  async #run(jobs: readonly CommitJob[]): Promise<void> {
    const settled: (() => void)[] = []
    try {
      if (this.#hasFailed) await this.#alone(async () => {})
      await this.#turn.begin()
      if (!(await this.#putAll(jobs, settled))) await this.#commitAll(jobs, settled)
    } catch (error) {
      this.#forget()
      for (const job of jobs) job.reject(error)
      return
    } finally {
      for (const job of jobs) for (const staged of job.staged) this.#parts.objects.discard(staged)
    }
    for (const settle of settled) settle()
  }

  /** Carry out a batch that is all plain puts; else say so, with nothing done. */
  async #putAll(jobs: readonly CommitJob[], settled: (() => void)[]): Promise<boolean> {
    const { index } = this
    const isKnown = this.#end !== undefined && !this.log.hasMore(this.#end)
    const start = isKnown && this.#end !== undefined ? this.#end : await this.#alignIndex()
    const decided = new PutBatch({ index, tree: this.#parts.tree, backlog: this.#backlog }, start).decide(jobs)
    if (decided === undefined) return false
    this.#publish(decided, start, settled)
    this.#backlog.add(decided.puts, start, decided.end)
    this.#end = decided.end
    this.#afterwards(() => {
      if (this.#backlog.length >= MAX_LAG || this.#turn.isShared) this.#backlog.writeTo(index)
      index.run('COMMIT')
    })
    if (this.#backlog.length > 0) this.#catchUpWhenIdle()
    return true
  }

  async #commitAll(jobs: readonly CommitJob[], settled: (() => void)[]): Promise<void> {
    const start = await this.#alignIndex()
    const decided = await new CommitBatch({ ...this.#parts, index: this.index, files: this.#files }).decide(
      jobs,
      start,
      settled,
    )
    this.#publish(decided, start, settled)
    this.#end = decided.end
    this.#afterwards(() => {
      this.index.run('COMMIT')
      for (const { unneeded } of decided.outcomes) for (const sha256 of unneeded) this.#removeUnneeded(sha256)
    })
  }

  #publish({ outcomes }: DecidedBatch, start: LogEnd, settled: (() => void)[]): void {
    const lines = outcomes.flatMap(({ line }) => (line === undefined ? [] : [line]))
    if (lines.length > 0) {
      try {
        this.log.append(lines, start)
      } catch (error) {
        try {
          this.log.takeBack(start)
        } catch {
          // What went wrong first must be told; the next writer finds a torn record, or a whole one.
        }
        throw error
      }
    }
    const { tree } = this.#parts
    for (const { job, files, removals, result } of outcomes) {
      try {
        for (const key of removals) tree.remove(key)
        for (const file of files) tree.publish(file)
        settled.push(() => job.resolve(result))
      } catch (error) {
        settled.push(() => job.reject(error)) // the version is recorded; the file is put right by the next who reads the log
      }
    }
  }

  /** What the log has is done: an index that cannot take it now reads it there later. */
  #afterwards(step: () => void): void {
    try {
      step()
    } catch {
      this.#hasFailed = true
      this.#forget()
    }
  }

  #removeUnneeded(sha256: string): void {
    if (this.index.content(sha256) === undefined) this.#parts.objects.removeObject(sha256)
  }

  /** Bring the index into line with the log, within the transaction of this turn. */
  async #alignIndex(): Promise<LogEnd> {
    this.#backlog.writeTo(this.index)
    if (await replayLog(this.index, this.log, this.#files)) this.#turn.noteOthers()
    return (this.#end = this.index.position())
  }

  /** What is not committed is read from the log again. */
  #forget(): void {
    this.#backlog.clear()
    this.#end = undefined
    if (this.index.database.isTransaction) this.index.database.exec('ROLLBACK')
  }

  #catchUpWhenIdle(): void {
    this.#catchUpTimer ??= setTimeout(() => {
      this.#catchUpTimer = undefined
      if (this.#backlog.length > 0) this.catchUp().catch(() => {}) // whoever needs it is told
    }, IDLE_MS)
    this.#catchUpTimer.refresh()
  }
}
