import { medianSample, type Sample } from './measure.ts'

/** What a job takes as its subject grows. */
export interface Growth {
  kind: 'growth'
  job: string
  /** What is counted: `entries`. */
  of: string
  points: readonly GrowthPoint[]
  /** The time of the last point may be at most this power of its size. */
  target: number
}

interface GrowthPoint {
  count: number
  sample: Sample
}

/** Room for noise: 1 is linear. */
const MAX_EXPONENT = 1.1
/** Less than this is noise and start-up. */
const FLOOR_S = 0.1

/** A row of a job measured at several sizes. */
export function growth(job: string, of: string, samples: ReadonlyMap<number, readonly Sample[]>): Growth {
  const points = [...samples].map(([count, some]) => ({ count, sample: medianSample(some) }))
  return { kind: 'growth', job, of, points, target: MAX_EXPONENT }
}

/**
 * With which power of the size processor time grows at the last step, what the smallest size takes apart; 0 when it is too
 * little to tell.
 */
export function timeExponent({ points }: Growth): number {
  const [least] = points
  const [before, last] = points.slice(-2)
  if (least === undefined || before === undefined || last === undefined) return Number.NaN
  const rise = last.sample.cpuS - least.sample.cpuS
  if (rise < FLOOR_S) return 0
  const risen = Math.max(before.sample.cpuS - least.sample.cpuS, FLOOR_S / 10)
  return Math.log(rise / risen) / Math.log(last.count / before.count)
}
