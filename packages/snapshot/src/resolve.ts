import { ArcError } from '@arc/core'
import { placeText, unknownSnapshot } from './problems.ts'
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

/** What means the newest snapshot, or one before it. */
export const LATEST: RegExp = /^latest(?:~(\d{1,6}))?$/
const HEX = /^[0-9a-f]{4,64}$/
const TIME = /^\d{4}(?:-\d{2}(?:-\d{2}(?:[T ]\d{2}(?::\d{2}(?::\d{2}(?:\.\d{1,3})?)?)?Z?)?)?)?$/

/** A folder of a machine, as its snapshots know it. */
export interface ProjectFolder {
  readonly host: string
  /** Absolute, with links resolved. */
  readonly path: string
}

export interface ResolveOptions extends SnapshotFilter, CallOptions {
  /**
   * Folders at hand, the likeliest first. Where the store has snapshots of one of them, a name that is no id is one of the first such
   * folder's. They do not count when a project or host is given.
   */
  folders?: readonly ProjectFolder[] | undefined
}

/** The snapshots a filter lets pass, oldest first. */
export async function listSnapshots(
  store: Pick<SnapshotStore, 'list'>,
  options: SnapshotFilter & CallOptions = {},
): Promise<SnapshotInfo[]> {
  return passing(await store.list(options), options)
}

function passing(snapshots: readonly SnapshotInfo[], filter: SnapshotFilter): SnapshotInfo[] {
  const { project, host, tags = [], runs = false } = filter
  return snapshots.filter(
    (snapshot) =>
      (project === undefined || snapshot.project === project) &&
      (host === undefined || snapshot.host === host) &&
      tags.every((tag) => snapshot.tags.includes(tag)) &&
      (!runs || snapshot.run !== undefined),
  )
}

/** The snapshots of this very folder. */
export function snapshotsOfFolder(snapshots: readonly SnapshotInfo[], { host, path }: ProjectFolder): SnapshotInfo[] {
  return snapshots.filter((snapshot) => snapshot.host === host && snapshot.path === path)
}

/**
 * The snapshot that a person means: an id or the beginning of one (4 hex digits or more), `latest`, `latest~2` (two before it; by
 * the store's log, not by its clocks), a tag or a note (the newest that has it), or a time in UTC (`2026-11-21`,
 * `2026-11-21T12:30`: the newest that was taken before the end of that day, minute…). A store is shared by projects, so what is no
 * id names a snapshot of the folder at hand; elsewhere it must fit one project only. Throws `ARC_SNAPSHOT_UNKNOWN`,
 * `ARC_SNAPSHOT_AMBIGUOUS`, and `ARC_ARGUMENT_INVALID` for no name at all.
 */
export async function resolveSnapshot(
  store: SnapshotStore,
  name: string,
  options: ResolveOptions = {},
): Promise<SnapshotInfo> {
  if (name === '')
    throw new ArcError('ARC_ARGUMENT_INVALID', 'no snapshot is named', { hint: 'Name one, such as latest, or its id.' })
  const all = await store.list(options)
  const snapshots = passing(all, options)
  const own = folderAtHand(all, options)
  const identified = byId(snapshots, name)
  if (identified !== undefined) return identified
  const groups = Map.groupBy(snapshots, ({ project }) => project).values()
  const found = [...groups].flatMap((group) => byName(group, name) ?? [])
  if (own !== undefined) {
    const meant = byName(snapshotsOfFolder(snapshots, own), name)
    if (meant !== undefined) return meant
    if ((store.damagedRecords?.length ?? 0) > 0) throw unknownSnapshot(name, store)
    throw unknownOf(own, name, found, store)
  }
  const [only] = found
  if (only === undefined) throw unknownSnapshot(name, store)
  if (found.length > 1) throw ambiguous(name, found, store)
  return only
}

/** The folder whose snapshots count, if any. */
function folderAtHand(
  snapshots: readonly SnapshotInfo[],
  { folders = [], project, host }: ResolveOptions,
): ProjectFolder | undefined {
  if (project !== undefined || host !== undefined) return undefined
  return folders.find((folder) => snapshotsOfFolder(snapshots, folder).length > 0)
}

function byName(snapshots: readonly SnapshotInfo[], name: string): SnapshotInfo | undefined {
  const ordered = inOrder(snapshots)
  return (
    nthLatest(ordered, name) ??
    ordered.findLast(({ tags }) => tags.includes(name)) ??
    ordered.findLast(({ note }) => note === name) ??
    (TIME.test(name) ? ordered.findLast(({ time }) => time < endOf(name)) : undefined)
  )
}

function unknownOf(
  { path }: ProjectFolder,
  name: string,
  others: readonly SnapshotInfo[],
  { location }: SnapshotStore,
): ArcError {
  const hint =
    others.length === 0
      ? 'List the snapshots, then name one by its id, the beginning of it, a tag, a time, or latest.'
      : `Other projects have it: ${candidates(others)}. Name one by its id.`
  return new ArcError('ARC_SNAPSHOT_UNKNOWN', `there is no snapshot ${name} of ${path} in ${placeText(location)}`, {
    hint,
  })
}

function ambiguous(name: string, found: readonly SnapshotInfo[], { location }: SnapshotStore): ArcError {
  return new ArcError(
    'ARC_SNAPSHOT_AMBIGUOUS',
    `${name} names snapshots of ${found.length} projects in ${placeText(location)}: ${candidates(found)}`,
    {
      hint: 'Name one by its id, or say of which project.',
      details: { snapshots: found.map(({ id, project, time }) => ({ id, project, time })) },
    },
  )
}

const MAX_CANDIDATES = 10

/** The newest first, for people. */
function candidates(found: readonly SnapshotInfo[]): string {
  const texts = found
    .toSorted((a, b) => compareText(b.time, a.time))
    .slice(0, MAX_CANDIDATES)
    .map(({ id, project, time }) => `${id.slice(0, 12)} of ${project} (${time.slice(0, 19).replace('T', ' ')} UTC)`)
  const more = found.length - texts.length
  return `${texts.join(', ')}${more > 0 ? ` and ${more} more` : ''}`
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
