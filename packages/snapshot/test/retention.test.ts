import fc from 'fast-check'
import { expect, test } from 'vitest'
import { judgeSnapshots, type RetentionPolicy, type SnapshotInfo } from '../src/index.ts'

const HOUR_MS = 3_600_000

function snapshotAt(timeMs: number, sequence: number, more: Partial<SnapshotInfo> = {}): SnapshotInfo {
  return {
    id: String(sequence).padStart(64, '0'),
    sequence,
    time: new Date(timeMs).toISOString(),
    project: 'p',
    host: 'h',
    tags: [],
    statistics: {
      files: 0,
      directories: 0,
      symlinks: 0,
      contentBytes: 0,
      unchangedFiles: 0,
      newBytes: 0,
      storedBytes: 0,
    },
    omissions: [],
    omissionCount: 0,
    inconsistent: [],
    ...more,
  }
}

/** Which are kept, by the plainest reading of the rules there is. */
function keptPlainly(snapshots: readonly SnapshotInfo[], policy: RetentionPolicy): Set<string> {
  const newestFirst = [...snapshots].sort((a, b) => b.time.localeCompare(a.time) || b.sequence - a.sequence)
  const chosen = new Set(newestFirst.slice(0, policy.keepLast ?? 0).map(({ id }) => id))
  const periods: [number | undefined, (date: Date) => string][] = [
    [policy.keepHourly, (date) => date.toISOString().slice(0, 13)],
    [policy.keepDaily, (date) => date.toISOString().slice(0, 10)],
    [policy.keepWeekly, (date) => mondayOf(date)],
    [policy.keepMonthly, (date) => date.toISOString().slice(0, 7)],
    [policy.keepYearly, (date) => date.toISOString().slice(0, 4)],
  ]
  for (const [count = 0, bucketOf] of periods) {
    const newest = new Map<string, string>()
    for (const { id, time } of newestFirst) {
      const bucket = bucketOf(new Date(time))
      if (!newest.has(bucket)) newest.set(bucket, id)
    }
    for (const id of [...newest.values()].slice(0, count)) chosen.add(id)
  }
  const [newest] = newestFirst
  for (const { id, time, tags } of newestFirst) {
    const ageMs = Date.parse(newest?.time ?? time) - Date.parse(time)
    if (policy.keepWithinMs !== undefined && ageMs <= policy.keepWithinMs) chosen.add(id)
    if (tags.some((tag) => policy.keepTags?.includes(tag))) chosen.add(id)
  }
  return chosen
}

function mondayOf(date: Date): string {
  const monday = new Date(date)
  while (monday.getUTCDay() !== 1) monday.setUTCDate(monday.getUTCDate() - 1)
  return monday.toISOString().slice(0, 10)
}

function kept(snapshots: readonly SnapshotInfo[], policy: RetentionPolicy): Set<string> {
  const fates = judgeSnapshots(snapshots, policy).flatMap((group) => group.fates)
  for (const { keep, reasons } of fates) expect(keep).toBe(reasons.length > 0)
  return new Set(fates.filter(({ keep }) => keep).map(({ snapshot }) => snapshot.id))
}

const count = fc.option(fc.nat({ max: 5 }), { nil: undefined })
const policies = fc
  .record({
    keepLast: count,
    keepHourly: count,
    keepDaily: count,
    keepWeekly: count,
    keepMonthly: count,
    keepYearly: count,
    keepWithinMs: fc.option(fc.nat({ max: 400 * HOUR_MS }), { nil: undefined }),
    keepTags: fc.constantFrom([], ['a'], ['a', 'b']),
  })
  .filter(({ keepTags, ...counts }) => keepTags.length > 0 || Object.values(counts).some((value) => (value ?? 0) > 0))
const histories = fc
  .array(fc.tuple(fc.nat({ max: 30_000 }), fc.constantFrom<string[]>([], [], ['a'], ['b', 'c'])), { maxLength: 60 })
  .map((times) => times.map(([hours, tags], i) => snapshotAt(Date.UTC(2023, 10, 1) + hours * HOUR_MS, i + 1, { tags })))

test('what is kept is what the plain reading of the rules keeps', () => {
  fc.assert(
    fc.property(histories, policies, (snapshots, policy) => {
      expect(kept(snapshots, policy)).toEqual(keptPlainly(snapshots, policy))
    }),
    { numRuns: 300 },
  )
})

test('the newest snapshot is always kept by a rule that counts, and more generous rules keep more', () => {
  fc.assert(
    fc.property(histories, policies, fc.integer({ min: 1, max: 9 }), (snapshots, policy, more) => {
      const generous = { ...policy, keepDaily: (policy.keepDaily ?? 0) + more }
      const before = kept(snapshots, policy)
      const after = kept(snapshots, generous)
      for (const id of before) expect(after.has(id)).toBe(true)
      if (snapshots.length > 0) expect(after.size).toBeGreaterThan(0)
    }),
    { numRuns: 200 },
  )
})

test('three years of hourly snapshots, forgotten every day, end as the rules say', () => {
  const policy = { keepLast: 3, keepHourly: 24, keepDaily: 30, keepWeekly: 8, keepMonthly: 12, keepYearly: 3 }
  let snapshots: SnapshotInfo[] = []
  for (let hour = 0; hour < 3 * 365 * 24; hour++) {
    snapshots.push(snapshotAt(Date.UTC(2024, 0, 1) + hour * HOUR_MS, hour + 1))
    if (hour % 24 !== 23) continue
    const keep = kept(snapshots, policy)
    if (hour % (24 * 100) === 23) expect(keep).toEqual(keptPlainly(snapshots, policy))
    snapshots = snapshots.filter(({ id }) => keep.has(id))
  }
  expect(snapshots.length).toBeGreaterThan(60)
  expect(snapshots.length).toBeLessThan(80)
  expect(snapshots[0]?.time.slice(0, 4)).toBe('2024')
})

test('projects and hosts do not share a rule, and a day begins where the time zone says', () => {
  const at = Date.UTC(2026, 5, 1, 23, 0)
  const groups = judgeSnapshots(
    [snapshotAt(at, 1), snapshotAt(at, 2, { host: 'other' }), snapshotAt(at + 2 * HOUR_MS, 3)],
    { keepDaily: 5, timeZone: 'Europe/Berlin' },
  )
  expect(groups.map(({ host, fates }) => [host, fates.map(({ reasons }) => reasons)])).toEqual([
    ['h', [['daily 2026-06-02, 1 of 5'], []]],
    ['other', [['daily 2026-06-02, 1 of 5']]],
  ])
})

test('a group tells of which folders its snapshots are', () => {
  const snapshots = ['/b/app', undefined, '/a/app', '/b/app'].map((path, i) => snapshotAt(i, i + 1, { path }))
  expect(judgeSnapshots(snapshots, { keepLast: 1 })).toMatchObject([{ project: 'p', paths: ['/b/app', '/a/app'] }])
})

const SENSELESS: readonly unknown[] = [
  {},
  { keepLast: 0 },
  { keepLast: -1 },
  { keepLast: Number.NaN },
  { keepLast: Infinity },
  { keepLast: '3' },
  { keepDaily: 1.5 },
  { keepWithinMs: '1h' },
  { keepTags: 'release' },
  { keepTags: [1] },
  { keeplast: 1 },
  { keepLast: 1, constructor: 1 },
  { keepLast: 1, timeZone: 5 },
  { keepLast: 1, timeZone: 'Nowhere/Land' },
]

test.each(SENSELESS)('a policy that makes no sense is refused: %j', (policy) => {
  expect(() => judgeSnapshots([snapshotAt(0, 1)], policy as RetentionPolicy)).toThrow(
    expect.objectContaining({ code: 'ARC_OPTION_INVALID' }) as Error,
  )
})
