import { randomUUID } from 'node:crypto'
import type { Backend } from '@arc/storage'
import { type Edit, isKeyEdit, type KeyEdit } from './edit.ts'
import { type History, presentVersion } from './history.ts'
import { changedManifest, type Manifest, manifestHistory } from './manifest.ts'
import {
  backOff,
  ignoreMissing,
  keyOfManifest,
  manifestFolder,
  MANIFESTS,
  type ManifestSlot,
  openManifestSlot,
  type ReadManifest,
  readJsonObject,
} from './manifest-slot.ts'
import { parseJournalEntry } from './manifest-schema.ts'
import { type SidecarObjects } from './sidecar-objects.ts'
import type { CommitOptions, Decide, Decision, StoredEvent } from './store.ts'
import { damagedStore } from './store-error.ts'
import { ArcError } from '@arc/core'
import { sha256Hex } from '@arc/core/node'

export const SNAPSHOTS = '.arc/snapshots/'
export const OUTBOX = '.arc/outbox/'
const JOURNAL = '.arc/journal/'
const MAX_TRIES = 100

/**
 * Commits of a sidecar store: of one key by replacing its manifest, of several by a journal that is rolled forward. The
 * manifest is what counts; the plain object at the key is brought into line with it.
 */
export class SidecarCommits {
  readonly #backend: Backend
  readonly #slot: ManifestSlot
  readonly #objects: SidecarObjects
  readonly #now: () => Date

  constructor(backend: Backend, slot: ManifestSlot, objects: SidecarObjects, now: () => Date) {
    this.#backend = backend
    this.#slot = slot
    this.#objects = objects
    this.#now = now
  }

  static async open(backend: Backend, objects: SidecarObjects, now: () => Date): Promise<SidecarCommits> {
    const commits = new SidecarCommits(backend, await openManifestSlot(backend), objects, now)
    await commits.recover()
    return commits
  }

  async read(key: string, signal?: AbortSignal): Promise<Manifest> {
    return (await this.#slot.read(key, signal)).manifest
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

  async commit<T>(keys: readonly string[], decide: Decide<T>, { signal }: CommitOptions): Promise<T> {
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      signal?.throwIfAborted()
      const reads: ReadManifest[] = []
      for (const key of keys) reads.push(await this.#recorded(key, signal))
      const decision = decide(reads.map(({ manifest }) => manifestHistory(manifest)))
      if (decision.edits.length === 0) return decision.result
      if (await this.#attempt(reads, decision, signal)) return decision.result
      await backOff(tries, signal)
    }
    throw new ArcError('ARC_TARGET_BUSY', `others kept changing ${keys.join(', ')} in ${this.#backend.location}`, {
      retryable: true,
      hint: 'Try again when there is less to do.',
    })
  }

  async #attempt(
    reads: readonly ReadManifest[],
    { edits, events = [] }: Decision<unknown>,
    signal?: AbortSignal,
  ): Promise<boolean> {
    const [only] = reads
    const [edit] = edits
    const change = randomUUID()
    await this.#announce(events, only?.manifest.key)
    if (reads.length === 1 && only !== undefined && edits.every(isKeyEdit)) {
      const manifest = changedManifest(only.manifest, edits, change, events)
      if (!(await this.#slot.replace(only, manifest, change, signal))) return false
      await this.#bringIntoLine(manifest.key, edits)
      return true
    }
    // Decided on manifests that were read one after the other: valid only if none changed meanwhile.
    for (const read of reads) {
      const now = await this.#slot.read(read.manifest.key, signal)
      if (now.manifest.changes.at(-1) !== read.manifest.changes.at(-1)) return false
    }
    if (edit === undefined) return true
    const entry = { format: 'arc-journal/1', id: change, edits, events }
    await this.#backend.write(`${JOURNAL}${change}.json`, Buffer.from(JSON.stringify(entry)), { signal })
    await this.#rollForward(change, edits, events)
    return true
  }

  /** Do all edits of a journal, those too that somebody else has done, and forget it. */
  async #rollForward(id: string, edits: readonly Edit[], events: readonly StoredEvent[]): Promise<void> {
    const byKey = Map.groupBy(edits.filter(isKeyEdit), ({ key }) => key)
    let isFirst = true
    for (const [key, keyEdits] of byKey) {
      await this.#applyOnce(key, keyEdits, id, isFirst ? events : [])
      isFirst = false
    }
    for (const edit of edits) if (!isKeyEdit(edit)) await this.#applySnapshot(edit)
    await this.#backend.delete(`${JOURNAL}${id}.json`)
  }

  async #applyOnce(key: string, edits: readonly KeyEdit[], id: string, events: readonly StoredEvent[]): Promise<void> {
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const read = await this.#slot.read(key)
      if (read.manifest.changes.includes(id)) break
      // Somebody may have added a version since it was decided: then ours comes behind it.
      const offset = Math.max(0, read.manifest.nextSeq - Math.min(...edits.map(newSeq)))
      const moved = edits.map((edit) =>
        edit.op === 'put' || edit.op === 'delete' ? { ...edit, seq: edit.seq + offset } : edit,
      )
      if (await this.#slot.replace(read, changedManifest(read.manifest, moved, id, events), id)) break
      await backOff(tries)
    }
    await this.#bringIntoLine(key, edits)
  }

  async #applySnapshot(edit: Exclude<Edit, KeyEdit>): Promise<void> {
    const name = snapshotName(edit.prefix, edit.tag)
    if (edit.op === 'unsnapshot') return this.#backend.delete(name)
    const { prefix, tag, at, items } = edit
    const snapshot = { format: 'arc-snapshot/1', prefix, tag, atMs: at, items }
    await this.#backend.write(name, Buffer.from(JSON.stringify(snapshot)), { contentType: 'application/json' })
  }

  /** A manifest, after what lay at the key before Arc came has become its first version. */
  async #recorded(key: string, signal?: AbortSignal): Promise<ReadManifest> {
    const read = await this.#slot.read(key, signal)
    if (read.manifest.nextSeq > 1 || (await this.#backend.stat(key, { signal })) === undefined) return read
    const body = await this.#backend.read(key, { signal }).catch(ignoreMissing)
    if (body === undefined) return read
    const { sha256: sha, sizeBytes: size } = await this.#objects.stage(body, { signal })
    const at = Math.min(body.info.modified.getTime(), this.#now().getTime())
    const change = randomUUID()
    const edit: KeyEdit = { op: 'put', key, seq: 1, at, sha, size, origin: 'external' }
    await this.#slot.replace(read, changedManifest(read.manifest, [edit], change), change, signal)
    return this.#slot.read(key, signal)
  }

  /** Write the plain object until it is what the manifest says; another writer may just have changed that. */
  async #bringIntoLine(key: string, edits: readonly KeyEdit[]): Promise<void> {
    if (!edits.some(({ op }) => op === 'put' || op === 'delete')) return
    let written: string | undefined | null = null
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const present = presentVersion(manifestHistory((await this.#slot.read(key)).manifest))
      if (present?.sha256 === written) return
      written = present?.sha256
      if (present?.sha256 === undefined) await this.#backend.delete(key)
      else
        await this.#backend.write(key, await this.#objects.read(present.sha256, present.sizeBytes, {}), {
          sizeBytes: present.sizeBytes,
          sha256: present.sha256,
        })
    }
  }

  /** Say where events will be before they are there, so that whoever delivers them finds them. */
  async #announce(events: readonly StoredEvent[], key: string | undefined): Promise<void> {
    if (key === undefined) return
    for (const { id } of events) await this.#backend.write(`${OUTBOX}${id}.json`, Buffer.from(JSON.stringify({ key })))
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

  /** Histories below a prefix, in the order of the backend's listing. */
  async *histories(prefix: string, signal?: AbortSignal): AsyncGenerator<readonly History[], void, undefined> {
    const seen = new Set<string>()
    // A prefix may end within a segment; the escape concerns its last segment only when that is complete.
    for await (const batch of this.#backend.list(prefix === '' ? MANIFESTS : manifestFolder(prefix), { signal })) {
      const histories: History[] = []
      for (const { key: name } of batch) {
        const key = keyOfManifest(name)
        if (key === undefined || seen.has(key) || !key.startsWith(prefix)) continue
        seen.add(key)
        histories.push(manifestHistory(await this.read(key, signal)))
      }
      if (histories.length > 0) yield histories
    }
  }
}

export function snapshotName(prefix: string, tag: string): string {
  return `${SNAPSHOTS}${sha256Hex(Buffer.from(`${prefix}\n${tag}`))}.json`
}

function newSeq(edit: KeyEdit): number {
  return edit.op === 'put' || edit.op === 'delete' ? edit.seq : Number.POSITIVE_INFINITY
}
