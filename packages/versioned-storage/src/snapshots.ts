import { ArcError, printablePath } from '@arc/core'
import { assertFlags } from './arguments.ts'
import { type Edit, isKeyEdit } from './edit.ts'
import { assertTag, type History, presentVersion, snapshotTag, snapshotTaken } from './history.ts'
import { NodeLock } from './lock.ts'
import type { PermittedStore } from './mount.ts'
import type { CallOptions, Decision, Snapshot } from './store.ts'
import type { VersionRecord } from './version.ts'
import { assertMayChange } from './version-changes.ts'

/** A snapshot, as it was made or found. */
export interface SnapshotInfo {
  readonly prefix: string
  readonly tag: string
  readonly created: Date
  readonly fileCount: number
}

/** What bringing a snapshot back did, or would do. */
export interface SnapshotRestore {
  /** Paths that got the content of the snapshot. */
  readonly restored: readonly string[]
  /** Paths that were not there then, and are deleted. */
  readonly removed: readonly string[]
  readonly unchangedCount: number
}

export interface SnapshotOptions extends CallOptions {
  tag: string
}

export interface RestoreSnapshotOptions extends SnapshotOptions {
  dryRun?: boolean | undefined
  /** Locks that the caller has, of files that may change; those of others are in the way. */
  locks?: readonly NodeLock[] | undefined
}

/** Keep the present version of every file below a prefix together under one name: all of them in one step, or none. */
export async function createSnapshot(
  store: PermittedStore,
  prefix: string,
  { tag, move = false, signal, now }: SnapshotOptions & { move?: boolean | undefined; now: Date },
): Promise<SnapshotInfo> {
  assertTag(tag)
  assertFlags({ move })
  const old = await store.snapshot(prefix, tag)
  if (old !== undefined && !move) throw snapshotTaken(prefix, tag)
  const keys = new Set(await presentKeys(store, prefix, signal))
  for (const [key] of old?.items ?? []) keys.add(key)
  return store.commit([...keys].sort(), (histories) => decideSnapshot(histories, { prefix, tag, now, old, move }), {
    signal,
  })
}

function decideSnapshot(
  histories: readonly History[],
  { prefix, tag, now, old, move }: { prefix: string; tag: string; now: Date; old: Snapshot | undefined; move: boolean },
): Decision<SnapshotInfo> {
  const name = snapshotTag(prefix, tag)
  // Somebody may have taken the name since it was looked for.
  if (!move && histories.some(({ tags }) => tags.has(name))) throw snapshotTaken(prefix, tag)
  const edits: Edit[] = []
  const items: [string, number][] = []
  const before = new Set(old?.items.map(([key]) => key))
  for (const history of histories) {
    const present = presentVersion(history)
    if (present !== undefined) {
      edits.push({ op: 'tag', key: history.key, name, seq: present.seq })
      items.push([history.key, present.seq])
    } else if (before.has(history.key)) edits.push({ op: 'untag', key: history.key, name })
  }
  const at = now.getTime()
  edits.push({ op: 'snapshot', prefix, tag, at, items })
  return { edits, result: { prefix, tag, created: now, fileCount: items.length }, isNewSnapshot: !move }
}

/**
 * Make everything below a prefix what it was: in one step, as new versions. Throws `ARC_VERSION_NOT_FOUND`, `ARC_LOCK_HELD`,
 * `ARC_LOCK_LOST`.
 */
export async function restoreSnapshot(
  store: PermittedStore,
  prefix: string,
  { tag, dryRun = false, locks = [], signal, now }: RestoreSnapshotOptions & { now: Date },
): Promise<SnapshotRestore> {
  assertTag(tag)
  assertLocks(locks)
  assertFlags({ dryRun })
  const snapshot = await store.snapshot(prefix, tag)
  if (snapshot === undefined) {
    throw new ArcError('ARC_VERSION_NOT_FOUND', `there is no snapshot ${tag} of ${printablePath(prefix)}`, {
      hint: 'List the snapshots there are.',
      details: { tag, prefix },
    })
  }
  const keys = new Set(snapshot.items.map(([key]) => key))
  for (const key of await presentKeys(store, prefix, signal)) keys.add(key)
  const decide = (histories: readonly History[]): Decision<SnapshotRestore> => decideRestore(histories, snapshot, now)
  if (!dryRun) {
    const facts = [{ type: 'snapshot_restored', key: prefix, tag } as const]
    const tokenOf = (key: string): number | undefined => {
      for (const lock of locks) if (lock.tokenOf(store, key) !== undefined) return lock.token
      return undefined
    }
    const guarded = (histories: readonly History[]): Decision<SnapshotRestore> => {
      const decision = decide(histories)
      const changed = new Set(decision.edits.filter(isKeyEdit).map(({ key }) => key))
      for (const history of histories)
        if (changed.has(history.key)) assertMayChange(history, { now, token: tokenOf(history.key) })
      return decision
    }
    return store.commit([...keys].sort(), guarded, { signal, facts })
  }
  const histories: History[] = []
  for (const key of keys) histories.push(await store.history(key, { signal }))
  return decide(histories).result
}

function assertLocks(locks: unknown): void {
  if (Array.isArray(locks) && locks.every((lock) => lock instanceof NodeLock)) return
  throw new ArcError('ARC_OPTION_INVALID', 'locks must be a list of locks', { hint: 'Give what lock() resolved to.' })
}

function decideRestore(histories: readonly History[], snapshot: Snapshot, now: Date): Decision<SnapshotRestore> {
  const wanted = new Map(snapshot.items)
  const edits: Edit[] = []
  const restored: string[] = []
  const removed: string[] = []
  let unchangedCount = 0
  const at = now.getTime()
  for (const history of histories) {
    const { key, nextSeq: seq } = history
    const present = presentVersion(history)
    const seqThen = wanted.get(key)
    if (seqThen === undefined) {
      if (present === undefined) continue
      edits.push({ op: 'delete', key, seq, at, origin: 'restore' })
      removed.push(key)
      continue
    }
    const { sha256: sha, sizeBytes: size, metadata: meta } = versionOf(history, seqThen)
    if (present?.sha256 === sha) unchangedCount++
    else {
      edits.push({ op: 'put', key, seq, at, sha, size, origin: 'restore', ...(meta && { meta }) })
      restored.push(key)
    }
  }
  return { edits, result: { restored, removed, unchangedCount } }
}

function versionOf({ key, versions }: History, seq: number): VersionRecord & { sha256: string } {
  const version = versions.find((record) => record.seq === seq)
  if (version?.sha256 !== undefined) return { ...version, sha256: version.sha256 }
  throw new ArcError('ARC_STORE_DAMAGED', `the version that a snapshot has of ${printablePath(key)} is gone`, {
    path: printablePath(key),
    hint: 'Run fsck on the store.',
  })
}

/** Forget a snapshot; its versions are then kept only by what else keeps them. */
export async function removeSnapshot(
  store: PermittedStore,
  prefix: string,
  { tag, signal }: SnapshotOptions,
): Promise<boolean> {
  assertTag(tag)
  const snapshot = await store.snapshot(prefix, tag)
  if (snapshot === undefined) return false
  const name = snapshotTag(prefix, tag)
  const keys = snapshot.items.map(([key]) => key)
  await store.commit(
    keys,
    (histories) => {
      const untags: Edit[] = histories
        .filter(({ tags }) => tags.has(name))
        .map(({ key }) => ({ op: 'untag', key, name }))
      return { edits: [...untags, { op: 'unsnapshot', prefix, tag }], result: undefined }
    },
    { signal },
  )
  return true
}

async function presentKeys(store: PermittedStore, prefix: string, signal: AbortSignal | undefined): Promise<string[]> {
  const keys: string[] = []
  for await (const batch of store.walk(prefix, { signal })) {
    for (const item of batch) if (item.problem === undefined) keys.push(item.key)
  }
  return keys
}
