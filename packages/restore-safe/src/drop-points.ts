import { nodeFileSystem, syncDirectory } from '@arc/core/node'
import { attemptJob } from './attempt.ts'
import { assertKeepPoints } from './kept-points.ts'
import { lockTarget } from './lock.ts'
import type { JobOptions } from './options.ts'
import type { RestorePoint } from './plan.ts'
import { currentDate, recover } from './recovery.ts'
import { assertRemovable } from './remove-tree.ts'
import { forgetPoints, readRestorePoints } from './restore-point.ts'
import { locateTarget } from './target.ts'

/**
 * Drop the restore points of `target` but the newest `keepPoints`, and with them the room that their trees take. The target
 * itself is not touched. Resolves to those that are gone, oldest first. Throws `ARC_TARGET_BUSY` while a restore is running, and
 * `ARC_TARGET_UNSUITABLE`, before any is dropped, when something is mounted in one of them.
 */
export function dropRestorePoints(
  target: string,
  keepPoints: number,
  options: Pick<JobOptions, 'fs' | 'now'> = {},
): Promise<RestorePoint[]> {
  return attemptJob('drop restore points of', target, async () => {
    const fs = options.fs ?? nodeFileSystem
    assertKeepPoints(keepPoints)
    const located = locateTarget(target, fs)
    if (!fs.existsSync(located.controlFolder)) return []
    const lock = lockTarget(located, fs, options.now ?? currentDate)
    try {
      recover(located, fs)
      const points = readRestorePoints(located, fs)
      const dropped = points.slice(0, Math.max(0, points.length - keepPoints))
      for (const { path } of dropped) assertRemovable(path, fs)
      forgetPoints(located, dropped, fs)
      syncDirectory(located.controlFolder, fs)
      recover(located, fs)
      return dropped
    } finally {
      lock.release()
    }
  })
}
