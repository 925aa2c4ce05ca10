import { ArcError } from '@arc/core'
import type { FileSystem } from '@arc/core/node'
import { STAGE_NAME } from './control-folder.ts'
import type { JobOptions, SwapOptions } from './options.ts'
import type { RestoreMode } from './plan.ts'
import { currentDate } from './recovery.ts'
import { nextPointName } from './restore-point.ts'
import { exchange, moveIn } from './swap.ts'
import type { Target, TargetState } from './target.ts'

/** What is put in place, and what is said about it. */
export interface Arrival extends Pick<JobOptions, 'now'>, Pick<SwapOptions, 'durable' | 'keepPoints'> {
  readonly fs: FileSystem
  readonly mode: RestoreMode | 'undo'
  readonly replacedBy: string
  /** The folder inside the control folder that is put in place; default the staging folder. */
  readonly incoming?: string | undefined
}

const DEFAULT_KEEP_POINTS = 1
const MAX_NAME_LENGTH = 1024

/** Put a finished tree in the place of the target. Returns the restore point that the tree from before became, if any. */
export function putInPlace(target: Target, state: TargetState, arrival: Arrival): string | undefined {
  const { fs, mode, incoming = STAGE_NAME, keepPoints = DEFAULT_KEEP_POINTS } = arrival
  const context = { target, fs, durable: arrival.durable !== false }
  if (state.kind !== 'occupied') {
    moveIn(incoming, context)
    return undefined
  }
  const previous = nextPointName(target, fs)
  const replacedAt = (arrival.now ?? currentDate)().toISOString()
  const replacedBy = arrival.replacedBy.slice(0, MAX_NAME_LENGTH)
  exchange({ formatVersion: 1, incoming, previous, keepPoints, replacedAt, replacedBy, mode }, context)
  return keepPoints > 0 ? previous : undefined
}

/** Throw `ARC_OPTION_INVALID` unless `keepPoints` is a count. */
export function assertKeepPoints(keepPoints: number | undefined): void {
  if (keepPoints === undefined || (Number.isSafeInteger(keepPoints) && keepPoints >= 0)) return
  throw new ArcError('ARC_OPTION_INVALID', `keepPoints must be a whole number from 0 on, not ${keepPoints}`)
}
