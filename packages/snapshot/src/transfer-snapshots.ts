import { unknownSnapshot } from './problems.ts'
import type { SnapshotInfo } from './snapshot-info.ts'
import type { CallOptions, SnapshotStore } from './store.ts'

export interface TransferOptions extends CallOptions {
  /** Ids of the snapshots; default all. */
  ids?: readonly string[] | undefined
}

/**
 * Take the snapshots of one store again in another, oldest first, whatever the format of either; returns the new ones. Time, host,
 * project, path, note and tags stay. Those that were transferred before are passed by. Every byte is read and stored anew:
 * between vaults `copySnapshots` does less.
 */
export async function transferSnapshots(
  from: SnapshotStore,
  to: SnapshotStore,
  options: TransferOptions = {},
): Promise<SnapshotInfo[]> {
  const { ids, ...calls } = options
  const snapshots = await from.list(calls)
  const unknown = ids?.find((id) => !snapshots.some((snapshot) => snapshot.id === id))
  if (unknown !== undefined) throw unknownSnapshot(unknown, from)
  const there = new Set((await to.list(calls)).flatMap(({ id, origin }) => [id, origin?.snapshot ?? id]))
  const transferred: SnapshotInfo[] = []
  for (const snapshot of snapshots) {
    const { id, time, project, host, path, note, tags, origin, selection } = snapshot
    if (ids?.includes(id) === false || there.has(id) || there.has(origin?.snapshot ?? id)) continue
    await using source = await from.open(id, calls)
    const result = await to.take(source, {
      ...calls,
      project,
      host,
      path,
      note,
      tags,
      selection,
      time: new Date(time),
      origin: origin ?? { vault: from.id ?? from.mode, snapshot: id },
    })
    transferred.push(result.snapshot)
  }
  return transferred
}
