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
}

const LATEST = /^latest(?:~(\d{1,6}))?$/
const HEX = /^[0-9a-f]{4,64}$/
const TIME = /^\d{4}(?:-\d{2}(?:-\d{2}(?:[T ]\d{2}(?::\d{2}(?::\d{2}(?:\.\d{1,3})?)?)?Z?)?)?)?$/

/** The snapshots a filter lets pass, oldest first. */
export async function listSnapshots(
  store: SnapshotStore,
  options: SnapshotFilter & CallOptions = {},
): Promise<SnapshotInfo[]> {
  const { project, host, tags = [] } = options
  return (await store.list(options)).filter(
    (snapshot) =>
      (project === undefined || snapshot.project === project) &&
      (host === undefined || snapshot.host === host) &&
      tags.every((tag) => snapshot.tags.includes(tag)),
  )
}

/**
 * The snapshot that a person means: `latest`, `latest~2` (two before it), an id or the beginning of one (4 hex digits or
 * more), a tag or a note (the newest that has it), or a time in UTC (`2026-11-21`, `2026-11-21T12:30`: the newest that was
 * taken before the end of that day, minute…). Throws `ARC_SNAPSHOT_UNKNOWN`, `ARC_SNAPSHOT_AMBIGUOUS`.
 */
export async function resolveSnapshot(
  store: SnapshotStore,
  name: string,
  options: SnapshotFilter & CallOptions = {},
): Promise<SnapshotInfo> {
  const snapshots = await listSnapshots(store, options)
  const byTime = snapshots.toSorted((a, b) => compareText(a.time, b.time) || a.sequence - b.sequence)
  const found =
    nthLatest(byTime, name) ??
    byId(snapshots, name) ??
    byTime.findLast(({ tags }) => tags.includes(name)) ??
    byTime.findLast(({ note }) => note === name) ??
    (TIME.test(name) ? byTime.findLast(({ time }) => time < endOf(name)) : undefined)
  if (found === undefined) throw unknownSnapshot(name, store.location)
  return found
}

function nthLatest(byTime: readonly SnapshotInfo[], name: string): SnapshotInfo | undefined {
  const match = LATEST.exec(name)
  return match === null ? undefined : byTime.at(-1 - Number(match[1] ?? 0))
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
