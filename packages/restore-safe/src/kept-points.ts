import { ArcError } from '@arc/core'
import type { RestorePoint } from './plan.ts'

/** How many trees from before are kept until a count is asked for. */
const INITIAL_KEEP_POINTS = 1

/** The count that was asked for when the newest of `points` came to be. */
export function lastAskedPoints(points: readonly RestorePoint[]): number {
  return points.at(-1)?.askedPoints ?? INITIAL_KEEP_POINTS
}

/**
 * Of the points that are there before a swap, those that go; the tree that is replaced becomes one more. A point that comes
 * in is used up, whatever is kept.
 */
export function pointsTooMany(
  points: readonly RestorePoint[],
  { keepPoints, incoming }: { readonly keepPoints: number; readonly incoming?: string | undefined },
): RestorePoint[] {
  const others = points.filter(({ id }) => id !== incoming)
  return others.slice(0, Math.max(0, others.length - Math.max(0, keepPoints - 1)))
}

/** Throw `ARC_OPTION_INVALID` unless `keepPoints` is a count. */
export function assertKeepPoints(keepPoints: number | undefined): void {
  if (keepPoints === undefined || (Number.isSafeInteger(keepPoints) && keepPoints >= 0)) return
  throw new ArcError('ARC_OPTION_INVALID', `keepPoints must be a whole number from 0 on, not ${keepPoints}`)
}
