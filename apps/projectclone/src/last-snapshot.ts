import { ArcError, isArcError } from '@arc/core'
import { type SnapshotInfo, type SnapshotSelection, snapshotsOfFolder, type SnapshotStore } from '@arc/snapshot'
import type { ProjectPlace } from './project-source.ts'

/** The newest snapshot of this very folder. Throws `ARC_SNAPSHOT_UNKNOWN`. */
export async function lastOf(store: SnapshotStore, project: ProjectPlace, signal: AbortSignal): Promise<SnapshotInfo> {
  const last = (await snapshotsOf(store, project, signal)).at(-1)
  if (last !== undefined) return last
  throw new ArcError('ARC_SNAPSHOT_UNKNOWN', `there is no snapshot of ${project.path} in ${store.location}`, {
    hint: 'Take one with projectclone, or compare with another: projectclone diff SNAPSHOT.',
  })
}

/** The snapshots of this very folder, oldest first. */
export async function snapshotsOf(
  store: SnapshotStore,
  project: ProjectPlace,
  signal: AbortSignal,
): Promise<SnapshotInfo[]> {
  return snapshotsOfFolder(await store.list({ signal }), project)
}

/** What the newest snapshot of this very folder was to hold, as far as that can be known. */
export async function recordedSelection(
  store: SnapshotStore,
  project: ProjectPlace,
  signal: AbortSignal,
): Promise<SnapshotSelection | undefined> {
  try {
    return (await snapshotsOf(store, project, signal)).at(-1)?.selection
  } catch (error) {
    // Who may only write to the vault cannot look.
    if (isArcError(error) && error.code === 'ARC_KEY_WRITE_ONLY') return undefined
    throw error
  }
}
