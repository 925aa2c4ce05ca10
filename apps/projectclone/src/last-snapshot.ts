import { ArcError } from '@arc/core'
import { listSnapshots, type SnapshotInfo, type SnapshotStore } from '@arc/snapshot'
import type { Project } from './project-source.ts'

/** The newest snapshot of this very folder. Throws `ARC_SNAPSHOT_UNKNOWN`. */
export async function lastOf(
  store: SnapshotStore,
  { path, host }: Pick<Project, 'path' | 'host'>,
  signal: AbortSignal,
): Promise<SnapshotInfo> {
  const last = (await listSnapshots(store, { host, signal })).findLast((snapshot) => snapshot.path === path)
  if (last !== undefined) return last
  throw new ArcError('ARC_SNAPSHOT_UNKNOWN', `there is no snapshot of ${path} in ${store.location}`, {
    hint: 'Take one with projectclone, or compare with another: projectclone diff SNAPSHOT.',
  })
}
