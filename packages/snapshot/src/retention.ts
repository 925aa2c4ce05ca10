import { inspect } from 'node:util'
import { ArcError } from '@arc/core'
import type { SnapshotInfo } from './snapshot-info.ts'

/** Which snapshots to keep. A snapshot stays when any of the rules keeps it. */
export interface RetentionPolicy {
  /** The newest so many. */
  readonly keepLast?: number | undefined
  /** The newest of each of the last so many hours that have any; the same for the others. Weeks begin on Monday (ISO 8601). */
  readonly keepHourly?: number | undefined
  readonly keepDaily?: number | undefined
  readonly keepWeekly?: number | undefined
  readonly keepMonthly?: number | undefined
  readonly keepYearly?: number | undefined
  /** Everything that is at most so much older than the newest of its group, in milliseconds. */
  readonly keepWithinMs?: number | undefined
  /** Everything with one of these tags. */
  readonly keepTags?: readonly string[] | undefined
  /** Where hours and days begin, an IANA name such as `Europe/Berlin`; default `UTC`. */
  readonly timeZone?: string | undefined
}

/** What becomes of one snapshot. */
export interface SnapshotFate {
  readonly snapshot: SnapshotInfo
  readonly keep: boolean
  /** Every rule that keeps it, for people: `last 2 of 7`, `daily 2026-11-21, 3 of 30`, `tag release`. Empty when it goes. */
  readonly reasons: readonly string[]
}

/** The snapshots of one project on one host, which the rules are applied to together. */
export interface RetentionGroup {
  readonly project: string
  readonly host: string
  /**
   * The folders they were taken of, as they are recorded, that of the newest first. More than one: the project was moved, or several
   * are kept under one name.
   */
  readonly paths: readonly string[]
  /** Newest first. */
  readonly fates: readonly SnapshotFate[]
}

type Period = 'hourly' | 'daily' | 'weekly' | 'monthly' | 'yearly'

/** Judge snapshots by a policy, each project and host for itself. Throws `ARC_OPTION_INVALID` for a policy that makes no sense. */
export function judgeSnapshots(snapshots: readonly SnapshotInfo[], policy: RetentionPolicy): RetentionGroup[] {
  assertSensible(policy)
  const calendar = calendarOf(policy.timeZone ?? 'UTC')
  const groups = new Map<string, SnapshotInfo[]>()
  for (const snapshot of snapshots) {
    const key = JSON.stringify([snapshot.project, snapshot.host])
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [snapshot])
    else group.push(snapshot)
  }
  return [...groups.values()].map((group) => {
    const newestFirst = group.sort((a, b) => compareText(b.time, a.time) || b.sequence - a.sequence)
    const { project, host } = newestFirst[0] as SnapshotInfo
    const paths = [...new Set(newestFirst.flatMap(({ path }) => path ?? []))]
    return { project, host, paths, fates: judgeGroup(newestFirst, policy, calendar) }
  })
}

function judgeGroup(newestFirst: readonly SnapshotInfo[], policy: RetentionPolicy, calendar: Calendar): SnapshotFate[] {
  const periods: readonly { period: Period; count: number }[] = [
    { period: 'hourly', count: policy.keepHourly ?? 0 },
    { period: 'daily', count: policy.keepDaily ?? 0 },
    { period: 'weekly', count: policy.keepWeekly ?? 0 },
    { period: 'monthly', count: policy.keepMonthly ?? 0 },
    { period: 'yearly', count: policy.keepYearly ?? 0 },
  ]
  const last = policy.keepLast ?? 0
  const newestMs = Date.parse((newestFirst[0] as SnapshotInfo).time)
  const tags = new Set(policy.keepTags)
  const seen = new Map<Period, { count: number; bucket: string }>()
  return newestFirst.map((snapshot, i) => {
    const reasons: string[] = []
    const timeMs = Date.parse(snapshot.time)
    if (i < last) reasons.push(`last ${i + 1} of ${last}`)
    const buckets = calendar(timeMs)
    for (const { period, count } of periods) {
      const before = seen.get(period) ?? { count: 0, bucket: '' }
      const bucket = buckets[period]
      if (before.count >= count || before.bucket === bucket) continue
      seen.set(period, { count: before.count + 1, bucket })
      reasons.push(`${period} ${bucket}, ${before.count + 1} of ${count}`)
    }
    if (policy.keepWithinMs !== undefined && newestMs - timeMs <= policy.keepWithinMs) reasons.push('within')
    for (const tag of snapshot.tags) if (tags.has(tag)) reasons.push(`tag ${tag}`)
    return { snapshot, keep: reasons.length > 0, reasons }
  })
}

type Calendar = (timeMs: number) => Readonly<Record<Period, string>>

/** The hour, day, week, month and year of a moment in a time zone. */
function calendarOf(timeZone: string): Calendar {
  const offsetMs = offsetsOf(timeZone)
  return (timeMs) => {
    const local = new Date(timeMs + offsetMs(timeMs))
    const text = local.toISOString()
    return {
      // The offset tells the two hours apart that bear one name when summer time ends.
      hourly: `${text.slice(0, 13)}${offsetMs(timeMs) === 0 ? '' : ` ${offsetMs(timeMs) / 3_600_000}`}`,
      daily: text.slice(0, 10),
      weekly: isoWeek(local),
      monthly: text.slice(0, 7),
      yearly: text.slice(0, 4),
    }
  }
}

const QUARTER_MS = 15 * 60_000

/** How far a time zone is ahead of UTC at a moment. Offsets change at full quarters of an hour, so one is asked for once. */
function offsetsOf(timeZone: string): (timeMs: number) => number {
  if (timeZone === 'UTC') return () => 0
  const format = formatOf(timeZone)
  const known = new Map<number, number>()
  return (timeMs) => {
    const quarter = Math.floor(timeMs / QUARTER_MS)
    const offset = known.get(quarter)
    if (offset !== undefined) return offset
    const parts = Object.fromEntries(format.formatToParts(quarter * QUARTER_MS).map(({ type, value }) => [type, value]))
    const part = (name: string): number => Number(parts[name])
    const local = Date.UTC(part('year'), part('month') - 1, part('day'), part('hour'), part('minute'), part('second'))
    const found = local - quarter * QUARTER_MS
    known.set(quarter, found)
    return found
  }
}

function formatOf(timeZone: string): Intl.DateTimeFormat {
  const numeric = 'numeric'
  const fields = {
    year: numeric,
    month: numeric,
    day: numeric,
    hour: numeric,
    minute: numeric,
    second: numeric,
  } as const
  try {
    return new Intl.DateTimeFormat('en-US', { timeZone, hourCycle: 'h23', ...fields })
  } catch (error) {
    throw new ArcError('ARC_OPTION_INVALID', `${timeZone} is no time zone`, {
      hint: 'Use an IANA name such as Europe/Berlin.',
      cause: error,
    })
  }
}

const DAY_MS = 86_400_000

/** The ISO 8601 week of a date: that of its Thursday. */
function isoWeek(date: Date): string {
  const day = Math.floor(date.getTime() / DAY_MS)
  const weekday = (((day + 3) % 7) + 7) % 7 // day 0 was a Thursday; Monday is 0
  const thursday = new Date((day - weekday + 3) * DAY_MS)
  const year = thursday.getUTCFullYear()
  const week = Math.floor((thursday.getTime() - Date.UTC(year, 0, 1)) / DAY_MS / 7) + 1
  return `${year}-W${String(week).padStart(2, '0')}`
}

const isCount = (value: unknown): boolean => Number.isInteger(value) && (value as number) >= 0

/** What each rule can be. */
const VALUES: ReadonlyMap<string, (value: unknown) => boolean> = new Map<keyof RetentionPolicy, typeof isCount>([
  ['keepLast', isCount],
  ['keepHourly', isCount],
  ['keepDaily', isCount],
  ['keepWeekly', isCount],
  ['keepMonthly', isCount],
  ['keepYearly', isCount],
  ['keepWithinMs', (value) => typeof value === 'number' && value >= 0],
  ['keepTags', (value) => Array.isArray(value) && value.every((tag) => typeof tag === 'string')],
  ['timeZone', (value) => typeof value === 'string'],
])

/** A rule that is misspelt keeps nothing: better none is applied. */
function assertSensible(policy: RetentionPolicy): void {
  const given = Object.entries(policy).filter(([, value]) => value !== undefined)
  for (const [name, value] of given) {
    const isValid = VALUES.get(name)
    if (isValid === undefined)
      throw new ArcError('ARC_OPTION_INVALID', `${name} is no rule of what to keep`, {
        hint: `Rules are ${[...VALUES.keys()].join(', ')}.`,
      })
    if (!isValid(value)) throw new ArcError('ARC_OPTION_INVALID', `${name} cannot be ${inspect(value)}`)
  }
  const { keepTags = [], timeZone: _, ...counts } = policy
  if (keepTags.length > 0 || Object.values(counts).some((count) => count !== undefined && count > 0)) return
  throw new ArcError('ARC_OPTION_INVALID', 'this policy keeps nothing', {
    hint: 'Give at least one rule that keeps snapshots; to forget everything, name the snapshots.',
  })
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : Number(a > b)
}
