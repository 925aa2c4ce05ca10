import { isArcError } from '@arc/core'
import { type CommitFacts, listCommits, openRepository, userAddress } from '@arc/git'
import { openDirectory } from '@arc/collect'
import type { Host } from '@arc/kit'
import type { SnapshotInfo } from '@arc/snapshot'

/** Changes of one minute. */
export interface Activity {
  readonly timeMs: number
  /** Paths that changed, at most {@link MOST_PATHS}. */
  readonly paths: number
}

/** When a project was worked on, as far as it can be told, oldest first, and what tells it. */
export interface ActivityHistory {
  readonly changes: readonly Activity[]
  readonly sources: ActivitySources
}

export interface ActivitySources {
  readonly commits: number
  /** Whose commits they are, when only one person's were taken. */
  readonly address?: string | undefined
  readonly files: number
  readonly snapshots: number
}

/** A checkout, a formatter or a generator changes thousands of files in a minute: they are not a thousand times the work. */
const MOST_PATHS = 20
const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
/** Fewer commits of the person's own tell less than those of everybody; fewer in all tell less than the files. */
const ENOUGH_COMMITS = 30
/** Snapshots further apart do not tell when the work between them was done. */
const LONGEST_GAP_MS = 4 * HOUR_MS

/**
 * Gather when a project was worked on: the times of its commits (the person's own, if there are enough) or, without a history in git,
 * those when its files were last modified; and the times of snapshots that found something new.
 */
export async function readActivity(
  root: string,
  snapshots: readonly SnapshotInfo[],
  host: Host,
): Promise<ActivityHistory> {
  const { commits, address } = await commitsOf(root, host)
  // Where git put the files, their times are those of a checkout.
  const files = commits.length >= ENOUGH_COMMITS ? [] : await modificationTimes(root, host)
  const taken = changingSnapshots(snapshots)
  const nowMs = host.now()
  const changes = gather(
    [
      ...commits.map(({ timeMs, paths }) => ({ timeMs, paths: Math.max(1, paths) })),
      ...files.map((timeMs) => ({ timeMs, paths: 1 })),
      ...taken.map((timeMs) => ({ timeMs, paths: 1 })),
    ].filter(({ timeMs }) => timeMs > 0 && timeMs <= nowMs),
  )
  return {
    changes,
    sources: { commits: commits.length, address, files: files.length, snapshots: taken.length },
  }
}

/** Changes minute by minute, oldest first. */
function gather(changes: readonly Activity[]): Activity[] {
  const minutes = new Map<number, number>()
  for (const { timeMs, paths } of changes) {
    const minute = Math.floor(timeMs / MINUTE_MS)
    minutes.set(minute, Math.min(MOST_PATHS, (minutes.get(minute) ?? 0) + paths))
  }
  return [...minutes]
    .map(([minute, paths]) => ({ timeMs: minute * MINUTE_MS, paths }))
    .sort((a, b) => a.timeMs - b.timeMs)
}

async function commitsOf(
  root: string,
  { env, signal }: Host,
): Promise<{ commits: readonly CommitFacts[]; address?: string | undefined }> {
  try {
    const repository = await openRepository(root, { env, signal })
    if (repository === undefined) return { commits: [] }
    const commits = await listCommits(repository, { signal })
    const address = await userAddress(repository, { signal })
    const own = commits.filter((commit) => commit.address === address)
    return own.length >= ENOUGH_COMMITS ? { commits: own, address } : { commits }
  } catch (error) {
    // Without git there are still the files.
    if (isArcError(error) && error.code.startsWith('ARC_GIT_')) return { commits: [] }
    throw error
  }
}

/** When each file was last modified; what git ignores is made by programs. */
async function modificationTimes(root: string, host: Host): Promise<number[]> {
  const { env, signal } = host
  await using source = await openDirectory(root, { ignoreRules: true, env, signal, now: () => host.now() })
  const times: number[] = []
  for await (const batch of source.entries({ signal }))
    for (const { type, mtimeNs } of batch)
      if (type === 'file' && mtimeNs !== undefined) times.push(Number(mtimeNs / 1_000_000n))
  return times
}

function changingSnapshots(snapshots: readonly SnapshotInfo[]): number[] {
  const times = snapshots.map(({ time }) => Date.parse(time))
  return times.filter((timeMs, i) => {
    const isNew = i > 0 && snapshots[i]?.root !== snapshots[i - 1]?.root
    return isNew && timeMs - (times[i - 1] as number) <= LONGEST_GAP_MS
  })
}
