import type { Activity, ActivityHistory, ActivitySources } from './activity.ts'
import { learnTimes, type Work, workOf } from './learn-times.ts'
import { DAY_MINUTES, formatTime, nextTime, type TimeOfDay } from './time-of-day.ts'

/** When to take snapshots, why, and what that would have been worth: plain data. */
export interface SchedulePlan {
  readonly schemaVersion: 1
  /** Local times of day, `18:30`, in ascending order. */
  readonly times: readonly string[]
  /**
   * `given`: the person chose them. `learned`: they did better than evenly spread ones on the part of the history that they were not
   * learned from. `not-better`: learned ones did not, so they are evenly spread. `too-little-history`: likewise, untried.
   */
  readonly reason: 'given' | 'learned' | 'not-better' | 'too-little-history'
  readonly history: {
    /** Minutes in which something changed, and days that have one. */
    readonly changes: number
    readonly days: number
    readonly from?: string | undefined
    readonly to?: string | undefined
    readonly sources: ActivitySources
  }
  readonly backtest?: Backtest | undefined
}

/** How schedules would have done on the last part of the history; what is learned was learned from the rest. */
interface Backtest {
  readonly from: string
  readonly to: string
  readonly changes: number
  readonly rows: readonly BacktestRow[]
}

export interface BacktestRow {
  readonly name: 'fixed 02:00' | 'evenly spread' | 'learned' | 'given'
  readonly times: readonly string[]
  /** How long a change waited for a snapshot: on average; and nine in ten at most. */
  readonly meanWaitMs: number
  readonly nineInTenMs: number
}

const FIXED: readonly TimeOfDay[] = [2 * 60]
/** The history is cut here: what comes before is learned from, what comes after is for the test. */
const TRAINING_PART = 0.7
const ENOUGH_CHANGES = 40
const ENOUGH_DAYS = 14
/** Of which in the part for the test. */
const ENOUGH_TEST_DAYS = 4
/** A gain that is less is no gain: it would be chance. */
const LEAST_GAIN = 0.05

/** Choose times of day for `perDay` snapshots, unless they are `given`, and try them on the history. */
export function planSchedule(
  { changes, sources }: ActivityHistory,
  { perDay, given }: { perDay: number; given?: readonly TimeOfDay[] | undefined },
): SchedulePlan {
  const history = {
    changes: changes.length,
    days: daysOf(changes),
    from: changes[0] && dateText(changes[0].timeMs),
    to: changes[0] && dateText((changes.at(-1) ?? changes[0]).timeMs),
    sources,
  }
  const cut = Math.floor(changes.length * TRAINING_PART)
  const cutMs = changes[cut]?.timeMs ?? 0
  const test = workOf(changes.slice(cut))
  const isEnough =
    changes.length >= ENOUGH_CHANGES && history.days >= ENOUGH_DAYS && daysOf(changes.slice(cut)) >= ENOUGH_TEST_DAYS
  const spread = evenlySpread(given?.length ?? perDay)
  const plan = (times: readonly TimeOfDay[], reason: SchedulePlan['reason'], rows: readonly BacktestRow[]) =>
    ({
      schemaVersion: 1,
      times: times.map(formatTime),
      reason,
      history,
      backtest: isEnough
        ? { from: dateText(cutMs), to: history.to ?? '', changes: changes.length - cut, rows }
        : undefined,
    }) as const
  if (!isEnough) return plan(given ?? spread, given === undefined ? 'too-little-history' : 'given', [])
  const rows = [tried('fixed 02:00', FIXED, test)]
  if (spread.length > 1) rows.push(tried('evenly spread', spread, test))
  if (given !== undefined) return plan(given, 'given', [...rows, tried('given', given, test)])
  const learned = tried('learned', learnTimes(workOf(changes.slice(0, cut)), perDay, cutMs), test)
  const isBetter = learned.meanWaitMs < (1 - LEAST_GAIN) * (rows.at(-1) as BacktestRow).meanWaitMs
  rows.push(learned)
  if (!isBetter) return plan(spread, 'not-better', rows)
  return plan(learnTimes(workOf(changes), perDay, changes.at(-1)?.timeMs ?? 0), 'learned', rows)
}

/** `count` times a day, as far from each other as can be, 02:00 among them. */
function evenlySpread(count: number): TimeOfDay[] {
  return Array.from({ length: count }, (_, i) => {
    const minutes = (FIXED[0] as number) + Math.round((i * DAY_MINUTES) / count)
    return minutes % DAY_MINUTES
  }).sort((a, b) => a - b)
}

function tried(name: BacktestRow['name'], times: readonly TimeOfDay[], work: readonly Work[]): BacktestRow {
  const waits = work
    .map(({ timeMs, weight }) => ({ weight, waitMs: nextTime(times, timeMs) - timeMs }))
    .sort((a, b) => a.waitMs - b.waitMs)
  const total = waits.reduce((sum, { weight }) => sum + weight, 0)
  const meanWaitMs = waits.reduce((sum, { weight, waitMs }) => sum + weight * waitMs, 0) / total
  let seen = 0
  const nineInTen = waits.find(({ weight }) => (seen += weight) >= 0.9 * total)
  return {
    name,
    times: times.map(formatTime),
    meanWaitMs: Math.round(meanWaitMs),
    nineInTenMs: Math.round(nineInTen?.waitMs ?? 0),
  }
}

function daysOf(changes: readonly Activity[]): number {
  return new Set(changes.map(({ timeMs }) => dateText(timeMs))).size
}

/** The local date. */
function dateText(timeMs: number): string {
  const date = new Date(timeMs)
  const [month, day] = [date.getMonth() + 1, date.getDate()].map((part) => String(part).padStart(2, '0'))
  return `${date.getFullYear()}-${month}-${day}`
}
