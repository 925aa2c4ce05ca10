import { type CommitJob, recordOf } from './commit-job.ts'
import type { PutEdit } from './edit.ts'
import { type IndexBacklog, LaggingHistory, type LaggingPut } from './index-backlog.ts'
import type { History } from './history.ts'
import { historyOfRow } from './index-history.ts'
import type { IndexedContent } from './index-rows.ts'
import type { StagedContent } from './object-folder.ts'
import { isReadablePut } from './readable-edits.ts'
import type { Decision } from './store.ts'
import type { VersionIndex } from './version-index.ts'
import { encodeRecord, type LogEnd } from './version-log.ts'
import type { DecidedBatch, Outcome } from './commit-batch.ts'
import type { PreparedFile, WorkingTree } from './working-tree.ts'

interface PutParts {
  readonly index: VersionIndex
  readonly tree: WorkingTree
  readonly backlog: IndexBacklog
}

/** A batch that changes nothing in the index yet. */
export interface DecidedPuts extends DecidedBatch {
  readonly puts: readonly LaggingPut[]
}

/**
 * Decide commits that are all plain puts: one key that nobody locked and no other program changed, one small content, no
 * events. `undefined` when one of them is more than that, or fails: then nothing has happened, and all are decided on the
 * index instead.
 */
export class PutBatch {
  readonly #parts: PutParts
  readonly #puts: LaggingPut[] = []
  readonly #byKey = new Map<string, LaggingPut>()
  readonly #contents = new Set<string>()
  readonly #outcomes: Outcome[] = []
  #end: LogEnd

  constructor(parts: PutParts, start: LogEnd) {
    this.#parts = parts
    this.#end = start
  }

  decide(jobs: readonly CommitJob[]): DecidedPuts | undefined {
    let isWhole = false
    try {
      isWhole = jobs.every((job) => this.#decide(job))
    } catch {
      // Whatever it was: it is met again, and told, when this is decided on the index.
    } finally {
      if (!isWhole) for (const { files } of this.#outcomes) for (const file of files) this.#parts.tree.discard(file)
    }
    return isWhole ? { outcomes: this.#outcomes, puts: this.#puts, end: this.#end } : undefined
  }

  #decide(job: CommitJob): boolean {
    const { index, tree, backlog } = this.#parts
    const [key] = job.keys
    if (key === undefined || job.keys.length + job.delivered.length > 1 || job.staged.length > 1) return false
    if (job.signal?.aborted === true) return false
    const unnamed = this.#byKey.get(key)
    const before = unnamed ?? backlog.latest(key)
    const row = before === undefined ? index.key(key) : undefined
    if (row !== undefined && row.lockOwner !== null) return false // others may prolong the lease without a record
    const stamp = before?.stamp ?? row?.stamp ?? null
    if (unnamed === undefined && tree.stamp(key) !== stamp) return false
    const history = before === undefined ? historyOfRow(index, key, row) : new LaggingHistory(before)
    const decision = job.decide([history])
    const outcome = { job, result: decision.result, removals: [], unneeded: [] }
    if (decision.edits.length + (decision.events?.length ?? 0) === 0) {
      this.#outcomes.push({ ...outcome, line: undefined, files: [] })
      return true
    }
    const [staged] = job.staged
    const edit = plainPut(decision, history, staged)
    if (edit === undefined || staged?.plain === undefined) return false
    const file = tree.prepare(key, staged.plain, { isThere: unnamed === undefined && stamp !== null })
    this.#take(edit, staged, file, history.token, outcome)
    return true
  }

  #take(
    edit: PutEdit,
    staged: StagedContent,
    file: PreparedFile,
    token: number,
    outcome: Omit<Outcome, 'line' | 'files'>,
  ): void {
    const { sha256 } = staged
    const isKnown =
      this.#contents.has(sha256) || this.#parts.backlog.hasContent(sha256) || this.#parts.index.hasContent(sha256)
    const n = this.#end.n + 1
    const { line, sum } = encodeRecord(recordOf(n, [edit], isKnown ? [] : [staged]), this.#end.sum)
    this.#end = { ...this.#end, n, sum, offset: this.#end.offset + line.length }
    this.#contents.add(sha256)
    const put = {
      edit: edit.meta === undefined ? edit : { ...edit, meta: structuredClone(edit.meta) },
      content: isKnown ? undefined : ownContent(staged),
      stamp: file.stamp,
      token,
    }
    this.#puts.push(put)
    this.#byKey.set(edit.key, put)
    this.#outcomes.push({ ...outcome, line, files: [file] })
  }
}

/** Bytes are the caller's, who may use the buffer again once the put is acknowledged. */
function ownContent({ sha256, sizeBytes, encoding, bytes }: StagedContent): IndexedContent {
  return { sha: sha256, size: sizeBytes, encoding, bytes: bytes && Buffer.from(bytes) }
}

/** The one edit of a decision, when it is the next version of that key with that small content. */
function plainPut(
  { edits, events = [] }: Decision<unknown>,
  { key, nextSeq }: History,
  staged: StagedContent | undefined,
): PutEdit | undefined {
  const [edit] = edits
  if (edits.length !== 1 || events.length > 0 || edit?.op !== 'put') return undefined
  const isNext = edit.key === key && edit.seq === nextSeq
  const isWhole = isNext && staged?.bytes !== undefined && staged.sha256 === edit.sha
  return isWhole && isReadablePut(edit) ? edit : undefined
}
