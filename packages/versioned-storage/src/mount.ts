import { ArcError, printablePath } from '@arc/core'
import { heeding, heedingContent, heedingEach } from './abort.ts'
import type { ProtectedFeature } from './backend-pasts.ts'
import type { Edit } from './edit.ts'
import { type EventFacts, factsOfEdits, makeEvent, type StorageEvent } from './event.ts'
import { type History, NO_HISTORY } from './history.ts'
import type {
  CallOptions,
  CheckReport,
  CommitOptions,
  Content,
  ContentInput,
  Decide,
  Decision,
  HistoryOptions,
  ItemStat,
  ReadRange,
  Snapshot,
  Staged,
  StageOptions,
  StoredEvent,
  VersionStore,
} from './store.ts'
import { assertNotReserved } from './storage-path.ts'
import { isRoot } from './store-error.ts'
import type { VersionInfo, VersionRecord } from './version.ts'

/** What may be done on a mount; each includes those before it. */
export type Permission = 'readonly' | 'readwrite' | 'delete'

const RANK: Readonly<Record<Permission, number>> = { readonly: 0, readwrite: 1, delete: 2 }

/** The lesser of two permissions. */
export function lesserPermission(a: Permission, b: Permission): Permission {
  return RANK[a] < RANK[b] ? a : b
}

/** What each edit needs. An edit that is not named here would need the highest. */
const NEEDED: Readonly<Partial<Record<Edit['op'], Permission>>> = {
  put: 'readwrite',
  tag: 'readwrite',
  untag: 'readwrite',
  annotate: 'readwrite',
  protect: 'readwrite',
  lock: 'readwrite',
  unlock: 'readwrite',
  sequence: 'readwrite',
  snapshot: 'readwrite',
}

/** What a mount tells of what happened there. */
export interface MountListener {
  readonly now: () => Date
  /** Whether events must outlive this process until they are delivered. */
  readonly isDurable: () => boolean
  /** Whether anybody wants to hear of events; else none is made. */
  readonly isHeard: () => boolean
  readonly heard: (events: readonly StorageEvent[]) => void
}

export interface MountSettings {
  readonly name: string
  readonly permission: Permission
  /** What the mount adds in front of every path: empty, or ending in `/`. */
  readonly prefix: string
}

/**
 * A store as one mount may use it: the only way to reach it. Whatever a node, a virtual node, a snapshot or a server does
 * ends in one of these calls, so the permission is asked here and nowhere else.
 */
export class PermittedStore implements VersionStore {
  readonly mount: MountSettings
  readonly #store: VersionStore
  readonly #listener: MountListener

  constructor(store: VersionStore, mount: MountSettings, listener: MountListener) {
    this.#store = store
    this.mount = store.isWritable ? mount : { ...mount, permission: 'readonly' }
    this.#listener = listener
  }

  get location(): string {
    return this.#store.location
  }

  get isWritable(): boolean {
    return this.permits('readwrite')
  }

  enforcedBy(feature: ProtectedFeature): 'arc' | 'backend' {
    return this.#store.enforcedBy(feature)
  }

  permits(needed: Permission): boolean {
    return RANK[this.mount.permission] >= RANK[needed]
  }

  /** Throws `ARC_PERMISSION_DENIED`. */
  assertPermits(needed: Permission, path: string): void {
    if (this.permits(needed)) return
    const shown = printablePath(
      `${this.mount.name}:${path.startsWith(this.mount.prefix) ? path.slice(this.mount.prefix.length) : path}`,
    )
    const what =
      needed === 'delete' && this.permits('readwrite') ? 'nothing may be deleted there' : 'the mount is read-only'
    throw new ArcError('ARC_PERMISSION_DENIED', `${shown} cannot be changed: ${what}`, {
      path: shown,
      hint: `Give the mount the permission ${needed}, or use another one.`,
      details: { permission: this.mount.permission, needed },
    })
  }

  async commit<T>(
    keys: readonly string[],
    decide: Decide<T>,
    options: CommitOptions & { facts?: readonly EventFacts[] } = {},
  ): Promise<T> {
    const [first = ''] = keys
    this.assertPermits('readwrite', first)
    for (const key of keys) this.#assertKey(key)
    let events: StorageEvent[] = []
    const guarded = (histories: readonly History[]): Decision<T> => {
      const decision = decide(histories)
      for (const edit of decision.edits) {
        this.assertPermits(NEEDED[edit.op] ?? 'delete', 'key' in edit ? edit.key : edit.prefix)
      }
      if (!this.#listener.isHeard()) return decision
      const facts = decision.edits.length === 0 ? [] : [...factsOfEdits(decision.edits), ...(options.facts ?? [])]
      events = facts.map((fact) => this.#event(fact))
      const stored: StoredEvent[] = this.#listener.isDurable()
        ? events.map((event) => ({ id: event.id, body: JSON.stringify(event) }))
        : []
      return { ...decision, events: stored }
    }
    const result = await heeding(options.signal, () => this.#store.commit(keys, guarded, options))
    if (events.length > 0) this.#listener.heard(events)
    return result
  }

  async stage(content: ContentInput, options: StageOptions = {}): Promise<Staged> {
    this.assertPermits('readwrite', '')
    return heeding(options.signal, () => this.#store.stage(content, options))
  }

  async renewLock(key: string, token: number, untilMs: number): Promise<boolean> {
    this.assertPermits('readwrite', key)
    return this.#store.renewLock(key, token, untilMs)
  }

  async makeFolder(folder: string): Promise<void> {
    this.assertPermits('readwrite', folder)
    return this.#store.makeFolder(folder)
  }

  async removeFolder(folder: string): Promise<void> {
    this.assertPermits('delete', folder)
    return this.#store.removeFolder(folder)
  }

  async share(keys: readonly string[], sha256: string): Promise<'reflink' | 'hardlink' | undefined> {
    this.assertPermits('readwrite', keys[0] ?? '')
    return this.#store.share?.(keys, sha256)
  }

  async removeStray(key: string): Promise<void> {
    this.assertPermits('delete', key)
    await this.#store.removeStray?.(key)
  }

  async forgetEvents(ids: readonly string[]): Promise<void> {
    this.assertPermits('readwrite', '')
    return this.#store.forgetEvents(ids)
  }

  async check(options: { repair: boolean; signal?: AbortSignal | undefined }): Promise<CheckReport> {
    if (options.repair) this.assertPermits('delete', '')
    const nothing: CheckReport = { keys: 0, versions: 0, problems: [], isClean: true }
    return heeding(options.signal, async () => this.#store.check?.(options) ?? nothing)
  }

  // What only reads needs no permission beyond the mount itself.

  stat(key: string, options?: CallOptions): Promise<ItemStat | undefined> {
    return heeding(options?.signal, () => this.#store.stat(key, options))
  }

  list(folder: string, options?: CallOptions): Promise<readonly ItemStat[]> {
    return heeding(options?.signal, () => this.#store.list(folder, options))
  }

  walk(prefix: string, options?: CallOptions): AsyncIterable<readonly ItemStat[]> {
    return heedingEach(options?.signal, this.#store.walk(prefix, options))
  }

  async read(key: string, options?: ReadRange): Promise<Content> {
    const content = await heeding(options?.signal, () => this.#store.read(key, options))
    return heedingContent(options?.signal, content)
  }

  async readVersion(key: string, version: VersionRecord, options?: ReadRange): Promise<Content> {
    const content = await heeding(options?.signal, () => this.#store.readVersion(key, version, options))
    return heedingContent(options?.signal, content)
  }

  /** What other programs changed is recorded only through a mount that may write. */
  async history(key: string, options: HistoryOptions = {}): Promise<History> {
    if (key === '') return { ...NO_HISTORY, key }
    const record = options.record !== false && this.isWritable
    return heeding(options.signal, () => this.#store.history(key, { ...options, record }))
  }

  histories(prefix: string, options?: CallOptions): AsyncIterable<readonly History[]> {
    return heedingEach(options?.signal, this.#store.histories(prefix, options))
  }

  listVersions(prefix: string, options?: CallOptions): AsyncIterable<readonly VersionInfo[]> {
    return heedingEach(options?.signal, this.#store.listVersions(prefix, options))
  }

  snapshot(prefix: string, tag: string): Promise<Snapshot | undefined> {
    return this.#store.snapshot(prefix, tag)
  }

  snapshots(prefix: string): Promise<readonly Snapshot[]> {
    return this.#store.snapshots(prefix)
  }

  pendingEvents(): Promise<readonly StoredEvent[]> {
    return this.#store.pendingEvents()
  }

  /** For reading only: what is written there behind our back has no version until it is recorded. */
  localPath(key: string): string | undefined {
    return this.#store.localPath?.(key)
  }

  async url(key: string, options: { expiresInSeconds: number }): Promise<string | undefined> {
    this.#assertKey(key)
    return this.#store.url?.(key, options)
  }

  async [Symbol.asyncDispose](): Promise<void> {} // the store belongs to the manager

  /** Whether both are of one store, which several mounts may share. */
  isOfSameStore(other: PermittedStore): boolean {
    return this.#store === other.#store
  }

  /** Throws for what can have neither content nor past. */
  #assertKey(key: string): void {
    if (key === '') throw isRoot(`${this.mount.name}:`)
    assertNotReserved(key)
  }

  #event(facts: EventFacts): StorageEvent {
    return makeEvent(facts, this.mount.name, this.mount.prefix, this.#listener.now())
  }
}
