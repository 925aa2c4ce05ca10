import { join } from 'node:path'
import { setImmediate as immediate } from 'node:timers/promises'
import { isArcError } from '@arc/core'
import type { FileSystem } from '@arc/core/node'
import type { Edit } from './edit.ts'
import type { History } from './history.ts'
import { historyOfRow, indexHistory } from './index-history.ts'
import type { ObjectFolder, StagedContent } from './object-folder.ts'
import type { CommitOptions, Decide, StoredEvent } from './store.ts'
import { damagedStore } from './store-error.ts'
import { recordExternalChange } from './external-change.ts'
import { latestStates, PlainFiles, type StateEdit } from './plain-files.ts'
import { VersionIndex } from './version-index.ts'
import { encodeRecord, type LoggedContent, type LogPosition, type LogRecord, VersionLog } from './version-log.ts'
import type { PreparedFile, WorkingTree } from './working-tree.ts'
import { WriteTurn } from './write-turn.ts'

/** A commit that waits for its turn. */
interface Job {
  readonly keys: readonly string[]
  readonly decide: Decide<unknown>
  readonly staged: readonly StagedContent[]
  readonly signal: AbortSignal | undefined
  readonly delivered: readonly string[]
  readonly resolve: (result: unknown) => void
  readonly reject: (error: unknown) => void
}

/** What one job will change once the log has it. */
interface Outcome {
  readonly job: Job
  readonly result: unknown
  readonly line: Buffer | undefined
  readonly files: readonly PreparedFile[]
  readonly removals: readonly string[]
  readonly unneeded: readonly string[]
}

const MAX_BATCH = 256 // commits that share one sync: enough to hide it, few enough not to keep others waiting

/**
 * The one writer of a local store in this process. A commit is durable once its record is in the log; commits that are
 * asked for at the same time share one sync. The order is: decide and index (not yet committed), prepare plain files,
 * append to the log and sync, name the plain files, commit the index. A crash at any point leaves a log that says what is
 * true, and whoever writes next brings the rest into line with it.
 */
export class VersionJournal implements AsyncDisposable {
  readonly index: VersionIndex
  readonly log: VersionLog
  readonly #turn: WriteTurn
  readonly #tree: WorkingTree
  readonly #objects: ObjectFolder
  readonly #now: () => Date
  readonly #files: PlainFiles
  readonly #queue: Job[] = []
  #draining: Promise<void> | undefined
  #last: Promise<unknown> = Promise.resolve()

  constructor(control: string, parts: { tree: WorkingTree; objects: ObjectFolder; fs: FileSystem; now: () => Date }) {
    this.#tree = parts.tree
    this.#objects = parts.objects
    this.#now = parts.now
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

  /** Do something while nobody else writes, in this process or another. */
  exclusively<T>(work: () => Promise<T>): Promise<T> {
    return this.#inTurn(async () => {
      await this.#turn.begin()
      try {
        await this.#replay()
        const result = await work()
        this.index.run('COMMIT')
        return result
      } catch (error) {
        this.#rollback()
        throw error
      }
    })
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

  async #run(jobs: readonly Job[]): Promise<void> {
    const settled: (() => void)[] = []
    try {
      await this.#turn.begin()
      try {
        await this.#replay()
        const outcomes = await this.#decideAll(jobs, settled)
        this.#publish(outcomes, settled)
        this.index.run('COMMIT')
        for (const { unneeded } of outcomes) for (const sha256 of unneeded) this.#removeUnneeded(sha256)
      } catch (error) {
        this.#rollback()
        throw error
      }
    } catch (error) {
      for (const job of jobs) job.reject(error)
      return
    } finally {
      for (const job of jobs) for (const staged of job.staged) this.#objects.discard(staged)
    }
    for (const settle of settled) settle()
  }

  async #decideAll(jobs: readonly Job[], settled: (() => void)[]): Promise<Outcome[]> {
    const start = this.index.position()
    const outcomes: Outcome[] = []
    const looked = new Set<string>() // from its first change on, the plain file of a key waits for its name
    let { n, sum } = start
    for (const job of jobs) {
      this.index.run('SAVEPOINT job')
      try {
        const outcome = await this.#decide(job, { n: n + 1, sum, looked })
        outcomes.push(outcome.outcome)
        if (outcome.outcome.line !== undefined) {
          n++
          sum = outcome.sum
        }
        this.index.run('RELEASE job')
        for (const key of job.keys) looked.add(key)
      } catch (error) {
        this.index.database.exec('ROLLBACK TO job; RELEASE job')
        if (isArcError(error) && error.code === 'ARC_STORE_DAMAGED') throw error
        settled.push(() => job.reject(error))
      }
    }
    const length = outcomes.reduce((total, { line }) => total + (line?.length ?? 0), 0)
    if (length > 0) this.index.setPosition({ segment: start.segment, offset: start.offset + length, sum }, n)
    this.#start = start
    return outcomes
  }

  /** Where the log ended before the batch at hand. */
  #start: LogPosition = { segment: 1, offset: 0, sum: '' }

  async #decide(
    job: Job,
    { n, sum, looked }: { n: number; sum: string; looked: ReadonlySet<string> },
  ): Promise<{ outcome: Outcome; sum: string }> {
    job.signal?.throwIfAborted()
    const contents = new Map<string, StagedContent>()
    const fresh = new Map<string, StagedContent>()
    const edits: Edit[] = []
    const takeUp = (staged: StagedContent): void => {
      contents.set(staged.sha256, staged)
      if (this.#takeUp(staged)) fresh.set(staged.sha256, staged)
    }
    const present = new Set<string>()
    const unchanged = new Map<string, History>()
    for (const key of job.keys) {
      if (looked.has(key)) continue
      const stamp = this.#tree.stamp(key)
      if (stamp !== null) present.add(key)
      const row = this.index.key(key)
      if (stamp === (row?.stamp ?? null)) {
        unchanged.set(key, historyOfRow(this.index, key, row))
        continue
      }
      const change = await recordExternalChange(key, stamp, {
        index: this.index,
        tree: this.#tree,
        objects: this.#objects,
        now: this.#now,
      })
      if (change === undefined) continue
      edits.push(change.edit)
      if (change.content !== undefined) takeUp(change.content)
      this.index.apply(change.edit)
      this.index.setStamp(key, change.stamp)
    }
    const histories = job.keys.map((key) => unchanged.get(key) ?? indexHistory(this.index, key))
    const decision = job.decide(histories)
    for (const staged of job.staged) takeUp(staged)
    const unneeded: string[] = []
    for (const edit of decision.edits) {
      const object = this.index.apply(edit)
      if (object !== undefined) unneeded.push(object)
    }
    edits.push(...decision.edits)
    const events = decision.events ?? []
    for (const event of events) this.index.addEvent(event, n)
    for (const id of job.delivered) this.index.dropEvent(id)
    const { files, removals } = await this.#files.prepare(decision.edits, contents, present)
    if (edits.length + events.length + job.delivered.length === 0)
      return { sum, outcome: { job, result: decision.result, line: undefined, files, removals, unneeded } }
    const encoded = encodeRecord(recordOf(n, edits, fresh, events, job.delivered), sum)
    return {
      sum: encoded.sum,
      outcome: { job, result: decision.result, line: encoded.line, files, removals, unneeded },
    }
  }

  /** Enter a content into the index; `false` when it has it. */
  #takeUp(staged: StagedContent): boolean {
    const { sha256, sizeBytes, encoding, bytes } = staged
    if (!this.index.addContent({ sha: sha256, size: sizeBytes, encoding, bytes })) return false
    this.#objects.adopt(staged)
    return true
  }

  #publish(outcomes: readonly Outcome[], settled: (() => void)[]): void {
    const lines = outcomes.flatMap(({ line }) => (line === undefined ? [] : [line]))
    if (lines.length > 0) {
      try {
        this.log.append(lines, this.#start)
      } catch (error) {
        try {
          this.log.takeBack(this.#start)
        } catch {
          // What went wrong first must be told; the next writer finds a torn record, or a whole one.
        }
        throw error
      }
    }
    for (const { job, files, removals, result } of outcomes) {
      try {
        for (const key of removals) this.#tree.remove(key)
        for (const file of files) this.#tree.publish(file)
        settled.push(() => job.resolve(result))
      } catch (error) {
        settled.push(() => job.reject(error)) // the version is recorded; the file is put right by the next who reads the log
      }
    }
  }

  #removeUnneeded(sha256: string): void {
    if (this.index.content(sha256) === undefined) this.#objects.removeObject(sha256)
  }

  /** Do what the log says behind the place up to which the index has it. */
  async #replay(): Promise<void> {
    const position = this.index.position()
    if (!this.log.hasMore(position)) return
    const { parseRecord } = await import('./log-schema.ts')
    const states = new Map<string, StateEdit>()
    const passed: StateEdit[][] = []
    let { n } = position
    for (const { body, after } of this.log.read(position)) {
      const record = parseRecord(body) ?? fail(damagedStore(this.log.path(after.segment), 'a record is malformed'))
      n = record.n
      applyRecord(this.index, record)
      const latest = latestStates(record.edits)
      for (const edit of latest) states.set(edit.key, edit)
      if (passed.push(latest) > MAX_BATCH) passed.shift()
      this.index.setPosition(after, n)
    }
    // A batch gives one plain file several states in a row, and may have been stopped between them.
    const passedStates = passed.flat()
    for (const edit of states.values()) await this.#files.bringIntoLine(edit, passedStates)
  }

  #rollback(): void {
    if (this.index.database.isTransaction) this.index.database.exec('ROLLBACK')
  }
}

function fail(error: Error): never {
  throw error
}

/** Do in the index what a record says. */
export function applyRecord(index: VersionIndex, record: LogRecord): void {
  for (const { sha, size, encoding, data } of record.contents ?? []) {
    index.addContent({ sha, size, encoding, bytes: data === undefined ? undefined : Buffer.from(data, 'base64') })
  }
  for (const edit of record.edits) index.apply(edit)
  for (const event of record.events ?? []) index.addEvent(event, record.n)
  for (const id of record.delivered ?? []) index.dropEvent(id)
}

function recordOf(
  n: number,
  edits: readonly Edit[],
  contents: ReadonlyMap<string, StagedContent>,
  events: readonly StoredEvent[],
  delivered: readonly string[],
): LogRecord {
  const logged = [...contents.values()].map(loggedContent)
  return {
    n,
    edits,
    ...(logged.length > 0 && { contents: logged }),
    ...(events.length > 0 && { events }),
    ...(delivered.length > 0 && { delivered }),
  }
}

function loggedContent({ sha256, sizeBytes, encoding, bytes }: StagedContent): LoggedContent {
  const data =
    bytes === undefined ? undefined : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64')
  return { sha: sha256, size: sizeBytes, ...(encoding && { encoding }), ...(data !== undefined && { data }) }
}
