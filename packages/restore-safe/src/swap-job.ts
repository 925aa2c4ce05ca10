import type { FileSystem } from '@arc/core/node'
import { STAGE_NAME } from './control-folder.ts'
import { lastAskedPoints, pointsTooMany } from './kept-points.ts'
import type { JobOptions, SwapOptions } from './options.ts'
import type { RestoreMode, RestoreResult } from './plan.ts'
import { currentDate } from './recovery.ts'
import { nextPointName, readRestorePoints } from './restore-point.ts'
import { exchange, moveIn } from './swap.ts'
import type { Target, TargetState } from './target.ts'

/** What is put in place, and what is said about it. */
export interface Arrival extends Pick<JobOptions, 'now'>, Pick<SwapOptions, 'durable' | 'keepPoints'> {
  readonly fs: FileSystem
  readonly mode: RestoreMode | 'undo'
  readonly replacedBy: string
  /** The folder inside the control folder that is put in place; default the staging folder. */
  readonly incoming?: string | undefined
  /** Without `keepPoints`: drop none. */
  readonly keepsAllPoints?: boolean | undefined
}

const MAX_NAME_LENGTH = 1024

/** Put a finished tree in the place of the target. Returns what became of the tree from before and of those before it. */
export function putInPlace(
  target: Target,
  state: TargetState,
  arrival: Arrival,
): Pick<RestoreResult, 'restorePoint' | 'droppedPoints'> {
  const { fs, mode, incoming = STAGE_NAME } = arrival
  const context = { target, fs, durable: arrival.durable !== false }
  if (state.kind !== 'occupied') {
    moveIn(incoming, context)
    return {}
  }
  const points = readRestorePoints(target, fs)
  const asked = arrival.keepPoints ?? lastAskedPoints(points)
  const keepPoints = arrival.keepPoints ?? (arrival.keepsAllPoints === true ? points.length + 1 : asked)
  const previous = nextPointName(target, fs)
  const replacedAt = (arrival.now ?? currentDate)().toISOString()
  const replacedBy = arrival.replacedBy.slice(0, MAX_NAME_LENGTH)
  const journal = { incoming, previous, keepPoints, askedPoints: asked, replacedAt, replacedBy, mode }
  exchange({ formatVersion: 1, ...journal }, context)
  const dropped = pointsTooMany(points, journal)
  return {
    ...(keepPoints > 0 && { restorePoint: previous }),
    ...(dropped.length > 0 && { droppedPoints: dropped.map(({ id, replacedAt: at }) => ({ id, replacedAt: at })) }),
  }
}
