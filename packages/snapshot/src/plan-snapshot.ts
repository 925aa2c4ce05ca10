import { createHash } from 'node:crypto'
import { ArcError, type Entry, type EntryPath, type EntrySource, type Omission } from '@arc/core'
import { plainAttributes } from '@arc/core/node'
import { diffSources } from './diff-snapshots.ts'
import { listSnapshots } from './resolve.ts'
import type { SnapshotResult, SnapshotStore, TakeOptions } from './store.ts'

/** What a snapshot taken now would hold that the one before does not: plain data. */
export interface SnapshotPlan {
  readonly schemaVersion: 1
  readonly location: string
  readonly project: string
  readonly host: string
  /** The snapshot it is compared with: the latest of this project and host, if there is one. */
  readonly base: string | undefined
  /** By metadata, no file was read: the first 10,000. */
  readonly changes: readonly PlannedChange[]
  readonly totals: {
    readonly entries: number
    readonly contentBytes: number
    readonly added: number
    readonly changed: number
    readonly removed: number
    /** Bytes of the files that are new or have changed: what must be read. */
    readonly changedBytes: number
  }
  readonly omissions: readonly Omission[]
  /** Of the source as it was listed; {@link applySnapshot} refuses one that lists anything else. */
  readonly fingerprint: string
}

export interface PlannedChange {
  readonly path: EntryPath
  readonly action: 'added' | 'changed' | 'removed'
  readonly sizeBytes: number
}

const MAX_CHANGES = 10_000

/** Say what a snapshot of a source of random access would store. Changes nothing and reads no file. */
export async function planSnapshot(
  store: Pick<SnapshotStore, 'location' | 'list' | 'open'>,
  source: EntrySource,
  options: TakeOptions = {},
): Promise<SnapshotPlan> {
  const { signal, project = source.name, host = 'localhost' } = options
  const base = (await listSnapshots(store, { project, host, signal })).at(-1)?.id
  const { fingerprint, entries, contentBytes } = await surveyOf(source, signal)
  const totals = { entries, contentBytes, added: 0, changed: 0, removed: 0, changedBytes: 0 }
  const changes: PlannedChange[] = []
  await using before = base === undefined ? undefined : await store.open(base, { signal })
  for await (const batch of before === undefined
    ? everythingIn(source, signal)
    : diffSources(before, source, { signal })) {
    for (const { path, action, after } of batch) {
      totals[action]++
      const sizeBytes = after?.sizeBytes ?? 0
      if (after?.type === 'file') totals.changedBytes += sizeBytes
      if (changes.length < MAX_CHANGES) changes.push({ path, action, sizeBytes })
    }
  }
  const { location } = store
  return { schemaVersion: 1, location, project, host, base, changes, totals, omissions: source.omissions, fingerprint }
}

/**
 * Take the snapshot that was planned. Throws `ARC_PLAN_STALE` when the latest snapshot is another one by now, or what `source` lists
 * is. One that answers from memory what it listed once, as a folder that `@arc/collect` opened does, cannot tell: give one that was
 * opened after the plan was made. Whatever it lists, content and size of a file in a snapshot are what was read when it was taken, and
 * its time and mode what was listed.
 */
export async function applySnapshot(
  plan: SnapshotPlan,
  store: SnapshotStore,
  source: EntrySource,
  options: TakeOptions = {},
): Promise<SnapshotResult> {
  const { signal } = options
  const { project, host } = plan
  const base = (await listSnapshots(store, { project, host, signal })).at(-1)?.id
  const { fingerprint } = await surveyOf(source, signal)
  if (plan.location !== store.location || plan.base !== base || plan.fingerprint !== fingerprint) {
    throw new ArcError('ARC_PLAN_STALE', 'the project or its latest snapshot changed after the plan was made', {
      hint: 'Plan again, look at the new plan, then apply it.',
    })
  }
  return store.take(source, { ...options, project, host })
}

type Added = { path: EntryPath; action: 'added'; after: Entry }

async function* everythingIn(
  source: EntrySource,
  signal: AbortSignal | undefined,
): AsyncGenerator<readonly Added[], void, void> {
  for await (const batch of source.entries({ signal }))
    yield batch.map((after) => ({ path: after.path, action: 'added' as const, after }))
}

async function surveyOf(
  source: EntrySource,
  signal: AbortSignal | undefined,
): Promise<{ fingerprint: string; entries: number; contentBytes: number }> {
  if (source.access === 'sequential') {
    throw new ArcError('ARC_OPTION_INVALID', 'a source that can be read only once cannot be planned with', {
      hint: 'Take the snapshot without a plan.',
    })
  }
  const hash = createHash('sha256')
  let entries = 0
  let contentBytes = 0
  for await (const batch of source.entries({ signal })) {
    const rows = batch.map(({ path, type, mode, sizeBytes, mtimeNs, target, attributes }) =>
      JSON.stringify([path, type, mode, sizeBytes, String(mtimeNs), target, attributes && plainAttributes(attributes)]),
    )
    hash.update(rows.join('\n'))
    entries += batch.length
    for (const { type, sizeBytes } of batch) if (type === 'file') contentBytes += sizeBytes
  }
  return { fingerprint: hash.digest('hex'), entries, contentBytes }
}
