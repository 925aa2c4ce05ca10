import { ArcError, isArcError } from '@arc/core'
import { nameOption } from '@arc/kit'
import {
  type ResolveOptions,
  resolveSnapshot,
  type RunFacts,
  type SnapshotInfo,
  type SnapshotStore,
} from '@arc/snapshot'

/** An argument that names a run. */
export const runArgument = nameOption(
  'the id of a run or its beginning, latest, latest~2, a tag, a note, or a time in UTC',
  { placeholder: 'RUN' },
)

/** A snapshot that was taken after a run. */
export interface RunSnapshot extends SnapshotInfo {
  readonly run: RunFacts
}

export function isRun(snapshot: SnapshotInfo): snapshot is RunSnapshot {
  return snapshot.run !== undefined
}

/** The run that a name means. Throws `ARC_SNAPSHOT_UNKNOWN`. */
export async function findRun(store: SnapshotStore, name: string, filter: ResolveOptions): Promise<RunSnapshot> {
  const found = await resolveSnapshot(store, name, { ...filter, runs: true }).catch((error: unknown) => {
    if (!isArcError(error) || error.code !== 'ARC_SNAPSHOT_UNKNOWN') throw error
    throw new ArcError(error.code, `there is no run ${name} in ${store.location}`, {
      hint: 'List them with projectclone runs.',
      cause: error,
    })
  })
  if (isRun(found)) return found
  throw new TypeError('a snapshot without a run was found among runs')
}

/** The snapshot before a run, if it is still there. */
export async function snapshotBefore(
  store: SnapshotStore,
  { run }: RunSnapshot,
  signal: AbortSignal | undefined,
): Promise<SnapshotInfo | undefined> {
  const all = await store.list({ signal })
  return all.find(({ id }) => id === run.before) ?? all.find(({ origin }) => origin?.snapshot === run.before)
}
