import { randomUUID } from 'node:crypto'
import { ArcError, isArcError } from '@arc/core'
import { sha256Hex } from '@arc/core/node'
import { type Backend, readBytes } from '@arc/storage'
import { type BackendPasts, removeForGood } from './backend-pasts.ts'
import { type Edit, isKeyEdit, type KeyEdit, type SnapshotEdit } from './edit.ts'
import { snapshotTaken } from './history.ts'
import { type Manifest, manifestHistory } from './manifest.ts'
import { parseJournalEntry } from './manifest-schema.ts'
import { backOff, isConflict, type ManifestSlot, type ReadManifest, readJsonObject } from './manifest-slot.ts'
import { assertReadable } from './readable-edits.ts'
import type { CommitOptions, Decide, Decision, StoredEvent } from './store.ts'
import { damagedStore, ignoreMissing } from './store-error.ts'

export const SNAPSHOTS = '.arc/snapshots/'
export const OUTBOX = '.arc/outbox/'
const JOURNAL = '.arc/journal/'
const MAX_TRIES = 100

/** Commits on a backend: of one key by replacing its manifest, of several by a journal that is rolled forward. */
export class BackendCommits {
  readonly #backend: Backend
  readonly #slot: ManifestSlot
  readonly #pasts: BackendPasts

  constructor(backend: Backend, slot: ManifestSlot, pasts: BackendPasts) {
    this.#backend = backend
    this.#slot = slot
    this.#pasts = pasts
  }

  /** Finish the changes of many keys that somebody began and did not end. */
  async recover(): Promise<void> {
    for await (const batch of this.#backend.list(JOURNAL)) {
      for (const { key: name } of batch) {
        const value = await readJsonObject(this.#backend, name)
        if (value === undefined) continue
        const entry = parseJournalEntry(value)
        if (entry === undefined) throw damagedStore(`${this.#backend.location}/${name}`, 'a journal is malformed')
        await this.#rollForward(entry.id, entry.edits, entry.events)
      }
    }
  }

  async commit<T>(keys: readonly string[], decide: Decide<T>, options: CommitOptions): Promise<T> {
    const { signal, staged = [] } = options
    try {
      for (let tries = 0; tries < MAX_TRIES; tries++) {
        signal?.throwIfAborted()
        const reads: ReadManifest[] = []
        for (const key of keys) reads.push(await this.#pasts.record(key, signal))
        const decision = decide(reads.map(({ manifest }) => manifestHistory(manifest)))
        if (decision.edits.length === 0) return decision.result
        await assertReadable(decision)
        if (await this.#attempt(reads, decision, options)) return decision.result
        await this.#withdraw(decision.events ?? [])
        await backOff(tries, signal)
      }
    } finally {
      await this.#pasts.release(staged)
    }
    throw this.#busy(keys)
  }

  #busy(keys: readonly string[]): ArcError {
    return new ArcError('ARC_TARGET_BUSY', `others kept changing ${keys.join(', ')} in ${this.#backend.location}`, {
      retryable: true,
      hint: 'Try again when there is less to do.',
    })
  }

  async #attempt(
    reads: readonly ReadManifest[],
    { edits, events = [], isNewSnapshot = false }: Decision<unknown>,
    { signal, staged = [] }: CommitOptions,
  ): Promise<boolean> {
    const [only] = reads
    const id = randomUUID()
    await this.#assertFit(edits.filter(isKeyEdit), signal)
    await this.#announce(events, only?.manifest.key)
    if (reads.length === 1 && only !== undefined && edits.every(isKeyEdit))
      return this.#pasts.replace(only, edits, { id, events, staged, signal })
    // Decided on manifests that were read one after the other: valid only if none changed meanwhile.
    for (const read of reads) {
      const now = await this.#slot.read(read.manifest.key, signal)
      if (now.manifest.changes.at(-1) !== read.manifest.changes.at(-1)) return false
    }
    if (isNewSnapshot) {
      await this.#claim(edits, signal).catch(async (error: unknown) => {
        await this.#withdraw(events)
        throw error
      })
    }
    const entry = { format: 'arc-journal/1', id, edits, events }
    await this.#backend.write(`${JOURNAL}${id}.json`, Buffer.from(JSON.stringify(entry)), { signal })
    const unfit = await this.#rollForward(id, edits, events)
    if (unfit !== undefined) throw unfit
    return true
  }

  /** Once a change is recorded it counts: whether a place can hold the objects it asks for must be known before. */
  async #assertFit(edits: readonly KeyEdit[], signal: AbortSignal | undefined): Promise<void> {
    if (this.#backend.assertCanHold === undefined) return
    const going = edits.flatMap(({ op, key }) => (op === 'delete' ? [key] : []))
    for (const { op, key } of edits) if (op === 'put') await this.#backend.assertCanHold(key, { going, signal })
  }

  /**
   * Do all edits of a journal, those too that somebody else has done, and forget it. Answers with why an object could not be
   * put at its key, when somebody took the place meanwhile: that will not change, so the journal does not wait for it.
   */
  async #rollForward(
    id: string,
    edits: readonly Edit[],
    events: readonly StoredEvent[],
  ): Promise<ArcError | undefined> {
    const byKey = [...Map.groupBy(edits.filter(isKeyEdit), ({ key }) => key)]
    // Where keys are paths, what goes may be in the way of what comes.
    byKey.sort(([, a], [, b]) => Number(isDeletion(b)) - Number(isDeletion(a)))
    let isFirst = true
    let unfit: ArcError | undefined
    for (const [key, keyEdits] of byKey) {
      try {
        await this.#applyOnce(key, keyEdits, id, isFirst ? events : [])
      } catch (error) {
        const isRecorded = isUnsuitable(error) && (await this.#slot.read(key)).manifest.changes.includes(id)
        if (!isRecorded) throw error
        unfit = error
      }
      isFirst = false
    }
    for (const edit of edits) if (!isKeyEdit(edit)) await this.#applySnapshot(edit)
    await removeForGood(this.#backend, `${JOURNAL}${id}.json`)
    return unfit
  }

  async #applyOnce(key: string, edits: readonly KeyEdit[], id: string, events: readonly StoredEvent[]): Promise<void> {
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const read = await this.#pasts.record(key)
      if (read.manifest.changes.includes(id)) return this.#pasts.settle(key, edits)
      // Somebody may have added a version since it was decided: then ours comes behind it.
      const offset = Math.max(0, read.manifest.nextSeq - Math.min(...edits.map(newSeq)))
      const moved = edits.map((edit) =>
        edit.op === 'put' || edit.op === 'delete' ? { ...edit, seq: edit.seq + offset } : edit,
      )
      if (await this.#pasts.replace(read, moved, { id, events, staged: [] })) return
      await backOff(tries)
    }
    // The journal stays: whoever opens the store next goes on with it.
    throw this.#busy([key])
  }

  async #applySnapshot(edit: Exclude<Edit, KeyEdit>): Promise<void> {
    const name = snapshotName(edit.prefix, edit.tag)
    if (edit.op === 'unsnapshot') return removeForGood(this.#backend, name)
    const bytes = encodeSnapshot(edit)
    const there = await readBytes(this.#backend, name).catch(ignoreMissing)
    if (there !== undefined && Buffer.from(there).equals(bytes)) return // a second time would leave a version of it
    await this.#backend.write(name, bytes, { contentType: 'application/json' })
  }

  /** Of several who make a snapshot of one name at once, one gets it. */
  async #claim(edits: readonly Edit[], signal: AbortSignal | undefined): Promise<void> {
    if (!(await this.#backend.capabilities()).createOnly) return // the tags of its versions were looked at
    for (const edit of edits) {
      if (edit.op !== 'snapshot') continue
      const condition = { ifAbsent: true, contentType: 'application/json', signal }
      try {
        await this.#backend.write(snapshotName(edit.prefix, edit.tag), encodeSnapshot(edit), condition)
      } catch (error) {
        throw isConflict(error) ? snapshotTaken(edit.prefix, edit.tag) : error
      }
    }
  }

  /** Say where events will be before they are there, so that whoever delivers them finds them. */
  async #announce(events: readonly StoredEvent[], key: string | undefined): Promise<void> {
    if (key === undefined) return
    for (const { id } of events) await this.#backend.write(`${OUTBOX}${id}.json`, Buffer.from(JSON.stringify({ key })))
  }

  /** Take back what was announced of a change that was not made: the next try is another change. */
  async #withdraw(events: readonly StoredEvent[]): Promise<void> {
    for (const { id } of events) await removeForGood(this.#backend, `${OUTBOX}${id}.json`)
  }

  /** Change a manifest outside of any history: what says nothing about versions. */
  async change(key: string, change: (manifest: Manifest) => Manifest | undefined): Promise<boolean> {
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const read = await this.#slot.read(key)
      const next = change(read.manifest)
      if (next === undefined) return false
      const id = randomUUID()
      if (await this.#slot.replace(read, { ...next, changes: [...next.changes, id].slice(-128) }, id)) return true
      await backOff(tries)
    }
    return false
  }
}

function encodeSnapshot({ prefix, tag, at, items }: SnapshotEdit): Uint8Array {
  return Buffer.from(JSON.stringify({ format: 'arc-snapshot/1', prefix, tag, atMs: at, items }))
}

export function snapshotName(prefix: string, tag: string): string {
  return `${SNAPSHOTS}${sha256Hex(Buffer.from(`${prefix}\n${tag}`))}.json`
}

function isDeletion(edits: readonly KeyEdit[]): boolean {
  return edits.some(({ op }) => op === 'delete')
}

function isUnsuitable(error: unknown): error is ArcError {
  return isArcError(error) && error.code === 'ARC_BACKEND_UNSUITABLE'
}

function newSeq(edit: KeyEdit): number {
  return edit.op === 'put' || edit.op === 'delete' ? edit.seq : Number.POSITIVE_INFINITY
}
