import { ArcError } from '@arc/core'
import { unknownSnapshot } from './problems.ts'
import type { SnapshotInfo } from './snapshot-info.ts'
import type { CallOptions, SnapshotStore } from './store.ts'

/** Which snapshots are meant. */
export interface SnapshotFilter {
  project?: string | undefined
  host?: string | undefined
  /** With all of these tags. */
  tags?: readonly string[] | undefined
  /** Only those that were taken after a run. */
  runs?: boolean | undefined
}

const LATEST = /^latest(?:~(\d{1,6}))?$/
const HEX = /^[0-9a-f]{4,64}$/
const TIME = /^\d{4}(?:-\d{2}(?:-\d{2}(?:[T ]\d{2}(?::\d{2}(?::\d{2}(?:\.\d{1,3})?)?)?Z?)?)?)?$/

/** The snapshots a filter lets pass, oldest first. */
export async function listSnapshots(
  store: SnapshotStore,
  options: SnapshotFilter & CallOptions = {},
): Promise<SnapshotInfo[]> {
  const { project, host, tags = [], runs = false } = options
  return (await store.list(options)).filter(
    (snapshot) =>
      (project === undefined || snapshot.project === project) &&
      (host === undefined || snapshot.host === host) &&
      tags.every((tag) => snapshot.tags.includes(tag)) &&
      (!runs || snapshot.run !== undefined),
  )
}

/**
 * The snapshot that a person means: `latest`, `latest~2` (two before it; by the store's log, not by its clocks), an id or the beginning of one (4 hex digits or
 * more), a tag or a note (the newest that has it), or a time in UTC (`2026-11-21`, `2026-11-21T12:30`: the newest that was
 * taken before the end of that day, minute…). Throws `ARC_SNAPSHOT_UNKNOWN`, `ARC_SNAPSHOT_AMBIGUOUS`.
 */
export async function resolveSnapshot(
  store: SnapshotStore,
  name: string,
  options: SnapshotFilter & CallOptions = {},
): Promise<SnapshotInfo> {
  const snapshots = await listSnapshots(store, options)
  const ordered = inOrder(snapshots)
  const found =
    nthLatest(ordered, name) ??
    byId(snapshots, name) ??
    ordered.findLast(({ tags }) => tags.includes(name)) ??
    ordered.findLast(({ note }) => note === name) ??
    (TIME.test(name) ? ordered.findLast(({ time }) => time < endOf(name)) : undefined)
  if (found === undefined) throw unknownSnapshot(name, store.location)
  return found
}

/**
 * Snapshots as they came about: in the order of the store's log, whose records follow one another, whatever the clocks said; those that
 * were copied from elsewhere where their time belongs among them.
 */
function inOrder(snapshots: readonly SnapshotInfo[]): SnapshotInfo[] {
  let latest = ''
  const timed = snapshots
    .toSorted((a, b) => a.sequence - b.sequence || compareText(a.time, b.time))
    .map((snapshot) => {
      if (snapshot.origin !== undefined) return { snapshot, time: snapshot.time }
      // A clock that was set back does not make a snapshot older than those before it.
      if (snapshot.time > latest) latest = snapshot.time
      return { snapshot, time: latest }
    })
  return timed
    .sort((a, b) => compareText(a.time, b.time) || a.snapshot.sequence - b.snapshot.sequence)
    .map(({ snapshot }) => snapshot)
}

function nthLatest(ordered: readonly SnapshotInfo[], name: string): SnapshotInfo | undefined {
  const match = LATEST.exec(name)
  return match === null ? undefined : ordered.at(-1 - Number(match[1] ?? 0))
}

function byId(snapshots: readonly SnapshotInfo[], name: string): SnapshotInfo | undefined {
  if (!HEX.test(name)) return undefined
  const found = snapshots.filter(({ id }) => id.startsWith(name))
  if (found.length > 1) {
    throw new ArcError('ARC_SNAPSHOT_AMBIGUOUS', `${name} begins the ids of ${found.length} snapshots`, {
      hint: 'Give more digits.',
      details: { ids: found.map(({ id }) => id) },
    })
  }
  return found[0]
}

/** The first text of a time that is behind everything that begins with `name`. */
function endOf(name: string): string {
  return `${name.replace(' ', 'T').replace(/Z$/, '')}~`
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : Number(a > b)
}
