import { isArcError } from '@arc/core'
import { type CommitJob, recordOf } from './commit-job.ts'
import type { Edit } from './edit.ts'
import { recordExternalChange } from './external-change.ts'
import type { History } from './history.ts'
import { applyEdit } from './index-edits.ts'
import { historyOfRow, indexHistory } from './index-history.ts'
import type { ObjectFolder, StagedContent } from './object-folder.ts'
import type { PlainFiles } from './plain-files.ts'
import { assertReadable } from './readable-edits.ts'
import type { VersionIndex } from './version-index.ts'
import { encodeRecord, type LogEnd } from './version-log.ts'
import type { PreparedFile, WorkingTree } from './working-tree.ts'

/** What one job will change once the log has it. */
export interface Outcome {
  readonly job: CommitJob
  readonly result: unknown
  readonly line: Buffer | undefined
  readonly files: readonly PreparedFile[]
  readonly removals: readonly string[]
  /** Objects that no version has any longer. */
  readonly unneeded: readonly string[]
}

/** What a batch will change once the log has it. */
export interface DecidedBatch {
  readonly outcomes: readonly Outcome[]
  /** Where the log ends then. */
  readonly end: LogEnd
}

interface BatchParts {
  readonly index: VersionIndex
  readonly tree: WorkingTree
  readonly objects: ObjectFolder
  readonly files: PlainFiles
  readonly now: () => Date
}

/**
 * Decide any commits, one on top of the other, and enter into the index what they do, within the transaction of the holder
 * of the write turn. A job that fails alone is rejected by `settled`.
 */
export class CommitBatch {
  readonly #parts: BatchParts
  readonly #looked = new Set<string>() // from its first change on, the plain file of a key waits for its name

  constructor(parts: BatchParts) {
    this.#parts = parts
  }

  async decide(jobs: readonly CommitJob[], start: LogEnd, settled: (() => void)[]): Promise<DecidedBatch> {
    const { index } = this.#parts
    const outcomes: Outcome[] = []
    let end = start
    for (const job of jobs) {
      index.run('SAVEPOINT job')
      try {
        const decided = await this.#decide(job, end)
        outcomes.push(decided.outcome)
        end = decided.end
        index.run('RELEASE job')
        for (const key of job.keys) this.#looked.add(key)
      } catch (error) {
        index.database.exec('ROLLBACK TO job; RELEASE job')
        if (isArcError(error) && error.code === 'ARC_STORE_DAMAGED') throw error
        settled.push(() => job.reject(error))
      }
    }
    if (end !== start) index.setPosition(end, end.n)
    return { outcomes, end }
  }

  async #decide(job: CommitJob, before: LogEnd): Promise<{ outcome: Outcome; end: LogEnd }> {
    const { index } = this.#parts
    job.signal?.throwIfAborted()
    const n = before.n + 1
    const contents = new Map<string, StagedContent>()
    const fresh = new Map<string, StagedContent>()
    const takeUp = (staged: StagedContent): void => {
      contents.set(staged.sha256, staged)
      if (this.#takeUp(staged)) fresh.set(staged.sha256, staged)
    }
    const { edits, present, unchanged } = await this.#look(job, takeUp)
    const histories = job.keys.map((key) => unchanged.get(key) ?? indexHistory(index, key))
    const decision = job.decide(histories)
    const { events = [] } = decision
    const { delivered } = job
    await assertReadable({ edits: [...edits, ...decision.edits], events, delivered })
    for (const staged of job.staged) takeUp(staged)
    const unneeded: string[] = []
    for (const edit of decision.edits) {
      const object = applyEdit(index, edit)
      if (object !== undefined) unneeded.push(object)
    }
    edits.push(...decision.edits)
    for (const event of events) index.addEvent(event, n)
    for (const id of delivered) index.dropEvent(id)
    const { files, removals } = await this.#parts.files.prepare(decision.edits, contents, present)
    const outcome = { job, result: decision.result, files, removals, unneeded }
    if (edits.length + events.length + delivered.length === 0)
      return { outcome: { ...outcome, line: undefined }, end: before }
    const { line, sum } = encodeRecord(recordOf(n, edits, fresh.values(), events, delivered), before.sum)
    return { outcome: { ...outcome, line }, end: { ...before, n, sum, offset: before.offset + line.length } }
  }

  /** Record what other programs did to the plain files of a job's keys. */
  async #look(
    { keys }: CommitJob,
    takeUp: (staged: StagedContent) => void,
  ): Promise<{ edits: Edit[]; present: Set<string>; unchanged: Map<string, History> }> {
    const { index, tree } = this.#parts
    const edits: Edit[] = []
    const present = new Set<string>()
    const unchanged = new Map<string, History>()
    for (const key of keys) {
      if (this.#looked.has(key)) continue
      const stamp = tree.stamp(key)
      if (stamp !== null) present.add(key)
      const row = index.key(key)
      if (stamp === (row?.stamp ?? null)) {
        unchanged.set(key, historyOfRow(index, key, row))
        continue
      }
      const change = await recordExternalChange(key, stamp, this.#parts)
      if (change === undefined) continue
      edits.push(change.edit)
      if (change.content !== undefined) takeUp(change.content)
      applyEdit(index, change.edit)
      index.setStamp(key, change.stamp)
    }
    return { edits, present, unchanged }
  }

  /** Enter a content into the index; `false` when it has it. */
  #takeUp(staged: StagedContent): boolean {
    const { sha256, sizeBytes, encoding, bytes } = staged
    if (!this.#parts.index.addContent({ sha: sha256, size: sizeBytes, encoding, bytes })) return false
    this.#parts.objects.adopt(staged)
    return true
  }
}
