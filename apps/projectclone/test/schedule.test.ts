import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { utimesSync } from 'node:fs'
import { join } from 'node:path'
import { ArcError } from '@arc/core'
import * as fc from 'fast-check'
import { afterEach, expect, test, vi } from 'vitest'
import { runDaily } from '../src/schedule/foreground.ts'
import { learnTimes, type Work, workOf } from '../src/schedule/learn-times.ts'
import type { SchedulePlan } from '../src/schedule/plan-schedule.ts'
import { nextTime } from '../src/schedule/time-of-day.ts'
import { makeScratch, type Scratch } from './scratch.ts'

const HOUR_MS = 3_600_000
const SLOT_MS = HOUR_MS / 4
/** About the end of the afternoon: it may pay to let the last minutes wait. */
const EVENING: unknown = expect.stringMatching(/^(17:30|17:45|18:00|18:15)$/)
const now = new Date(2026, 5, 1).getTime()

afterEach(() => {
  vi.useRealTimers()
})

/** Numbers from 0 to 1 that look random and are always the same. */
function* randoms(): Generator<number, never, void> {
  for (let state = 1; ;) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    yield state / 2 ** 32
  }
}

/** `count` moments, one a day or so, at the hours that `hourOf` makes of a random number. */
function moments(count: number, hourOf: (random: number) => number): number[] {
  const random = randoms()
  const next = (): number => random.next().value
  return Array.from({ length: count }, (_, i) => {
    const minutes = Math.floor(hourOf(next()) * 60)
    return new Date(2026, 0, 1 + Math.floor((i * 140) / count), 0, minutes).getTime()
  })
}

/** A repository called `app` with a commit at each of these moments. */
function commitAt(scratch: Scratch, times: readonly number[], address = 'a@example.org'): void {
  scratch.write('app', {})
  scratch.tool('git', 'init', '-q', '-b', 'main', 'app')
  const stream = times.map((timeMs, i) => {
    const person = `A <${address}> ${timeMs / 1000} +0000`
    return `commit refs/heads/main\nauthor ${person}\ncommitter ${person}\ndata 1\nx\nM 644 inline f${i}\ndata 1\n${i % 10}\n`
  })
  execFileSync('git', ['-C', join(scratch.path, 'app'), 'fast-import', '--quiet', '--date-format=raw'], {
    input: stream.join(''),
    env: scratch.env,
    stdio: ['pipe', 'ignore', 'pipe'],
  })
}

const plan = (scratch: Scratch, ...args: string[]): Promise<SchedulePlan> =>
  scratch.json(['schedule', ...args], { now })

const meanOf = ({ backtest }: SchedulePlan, name: string): number =>
  backtest?.rows.find((row) => row.name === name)?.meanWaitMs ?? Number.NaN

test('who works in the afternoon gets a snapshot in the evening, and the test on what was not learned from proves it', async () => {
  using scratch = makeScratch()
  commitAt(
    scratch,
    moments(300, (random) => 14 + 4 * random),
  )
  const found = await plan(scratch)
  expect(found).toMatchObject({ reason: 'learned', times: [EVENING], history: { sources: { commits: 300, files: 0 } } })
  expect(meanOf(found, 'learned')).toBeLessThan(0.4 * meanOf(found, 'fixed 02:00'))
  const three = await plan(scratch, '--per-day', '3')
  expect(three.times.at(-1)).toEqual(EVENING)
  expect(meanOf(three, 'learned')).toBeLessThan(0.4 * meanOf(three, 'evenly spread'))
  const text = await scratch.ok(['schedule'], { now })
  expect(text).toMatch(
    /^1 snapshot a day, at 1[78]:\d\d local time\nlearned from \d+ changes on \d+ days, 2026-01-01 to /,
  )
  expect(text).toMatch(/fixed 02:00 +02:00 +\d+ h.*\nlearned +1[78]:\d\d +\d h/)
  expect(text).toMatch(/waits \d\d % shorter than with fixed 02:00\.\n$/)
})

test('who works at any time is told that nothing can be learned', async () => {
  using scratch = makeScratch()
  commitAt(
    scratch,
    moments(400, (random) => 24 * random),
  )
  const found = await plan(scratch, '--per-day', '4')
  expect(found).toMatchObject({ reason: 'not-better', times: ['02:00', '08:00', '14:00', '20:00'] })
  expect(await scratch.ok(['schedule', '--per-day', '4'], { now })).toContain('were no better\n')
})

test('too little history is told, too', async () => {
  using scratch = makeScratch()
  commitAt(
    scratch,
    moments(20, (random) => 14 + 4 * random),
  )
  expect(await plan(scratch, '--per-day', '2')).toMatchObject({
    reason: 'too-little-history',
    times: ['02:00', '14:00'],
  })
  expect(await scratch.ok(['schedule'], { now })).toContain('are too few to learn from\n')
})

test('times can be given, and are tried on the history all the same', async () => {
  using scratch = makeScratch()
  commitAt(
    scratch,
    moments(300, (random) => 14 + 4 * random),
  )
  const found = await plan(scratch, '--at', '18:30', '--at', '9:05', '--at', '18:30')
  expect(found).toMatchObject({ reason: 'given', times: ['09:05', '18:30'] })
  expect(found.backtest?.rows.map(({ name }) => name)).toEqual(['fixed 02:00', 'evenly spread', 'given'])
  expect(await scratch.run(['schedule', '--at', '24:00'])).toMatchObject({ status: 2 })
})

test('of a history with others the commits of the person count', async () => {
  using scratch = makeScratch()
  const times = moments(300, (random) => 14 + 4 * random)
  commitAt(scratch, times.slice(0, 200), 'me@example.org')
  scratch.tool('git', '-C', 'app', 'config', 'user.email', 'me@example.org')
  const stream = times.map(
    (timeMs) => `commit refs/heads/main\ncommitter B <b@example.org> ${timeMs / 1000} +0000\ndata 0\n`,
  )
  execFileSync('git', ['-C', join(scratch.path, 'app'), 'fast-import', '--quiet', '--force'], {
    input: stream.join('').replace('\ndata 0\n', '\ndata 0\nfrom refs/heads/main^0\n'),
    env: scratch.env,
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  expect((await plan(scratch)).history.sources).toMatchObject({ commits: 200, address: 'me@example.org' })
})

test('without git the times of files count, and those of snapshots that found something', async () => {
  using scratch = makeScratch()
  const times = moments(60, (random) => 20 + 2 * random)
  const root = scratch.write('app', Object.fromEntries(times.map((_, i) => [`src/${i}`, String(i)])))
  for (const [i, timeMs] of times.entries()) utimesSync(join(root, `src/${i}`), timeMs / 1000, timeMs / 1000)
  scratch.write('app', { '.projectcloneignore': '' })
  for (const hour of [1, 2, 2.5, 9]) {
    scratch.write('app', { changing: hour === 2.5 ? '2' : String(hour) })
    utimesSync(join(root, 'changing'), 1000, hour === 2.5 ? 1002 : 1000 + hour)
    utimesSync(root, 1000, 1000)
    await scratch.ok([], { now: now + hour * HOUR_MS })
  }
  const found = await scratch.json<SchedulePlan>(['schedule'], { now: now + 10 * HOUR_MS })
  expect(found.history.sources).toEqual({ commits: 0, files: 62, snapshots: 1 })
  expect(found).toMatchObject({ reason: 'learned', times: [expect.stringMatching(/^2[12]:/)] })
})

test('learned times are the best there are', () => {
  const works = fc.array(fc.record({ slot: fc.nat(95), weight: fc.integer({ min: 1, max: 9 }) }), {
    minLength: 1,
    maxLength: 12,
  })
  const noon = new Date(2026, 0, 15).getTime()
  /** How long all work waits, tried one by one; a twentieth of it is anywhere. */
  const costOf = (weights: readonly number[], slots: readonly number[]): number =>
    weights.reduce((sum, weight, slot) => {
      const waits = slots.map((each) => ((each - slot - 1 + 96) % 96) + 0.5)
      return sum + weight * Math.min(...waits)
    }, 0)
  fc.assert(
    fc.property(works, fc.integer({ min: 1, max: 2 }), (all, count) => {
      const work: Work[] = all.map(({ slot, weight }) => ({ timeMs: noon + (slot + 0.5) * SLOT_MS, weight }))
      const faded = work.map(({ timeMs, weight }) => weight * 2 ** ((timeMs - noon) / (365 * 24 * HOUR_MS)))
      const total = faded.reduce((sum, weight) => sum + weight, 0)
      const weights = Array.from({ length: 96 }, () => (0.05 * total) / 96)
      for (const [i, { slot }] of all.entries()) weights[slot] = (weights[slot] ?? 0) + (faded[i] ?? 0)
      let least = Infinity
      for (let a = 0; a < 96; a++)
        for (let b = count === 1 ? a : 0; b <= a; b++) least = Math.min(least, costOf(weights, [a, b]))
      const slots = learnTimes(work, count, noon).map((minutes) => minutes / 15)
      expect(slots).toHaveLength(count)
      expect(costOf(weights, slots)).toBeCloseTo(least, 6)
    }),
    { numRuns: 30 },
  )
})

test('a change is the work of the two hours before it, or of the time since the change before', () => {
  const at = (hours: number): number => now + hours * HOUR_MS
  const work = workOf([
    { timeMs: at(0), paths: 8 },
    { timeMs: at(0.5), paths: 2 },
  ])
  expect(work.reduce((sum, { weight }) => sum + weight, 0)).toBeCloseTo(10)
  const first = work.filter(({ timeMs }) => timeMs < at(0))
  expect(first).toHaveLength(8)
  expect(Math.min(...first.map(({ timeMs }) => timeMs))).toBe(at(-2) + SLOT_MS / 2)
  expect(work.filter(({ timeMs }) => timeMs > at(0))).toHaveLength(2)
})

test('the next time of day is today, or else tomorrow', () => {
  const at = (hour: number, minute: number, day = 1): number => new Date(2026, 5, day, hour, minute).getTime()
  expect(nextTime([540, 1080], at(8, 59))).toBe(at(9, 0))
  expect(nextTime([540, 1080], at(9, 0))).toBe(at(9, 0))
  expect(nextTime([540, 1080], at(9, 1))).toBe(at(18, 0))
  expect(nextTime([540, 1080], at(18, 1))).toBe(at(9, 0, 2))
})

test('in the foreground snapshots are taken on time, one at a time, and again after one that failed', async () => {
  vi.useFakeTimers({ now: new Date(2026, 5, 1, 8, 0), toFake: ['Date', 'setTimeout', 'clearTimeout'] })
  const controller = new AbortController()
  const said: string[] = []
  const say = (message: string): void => void said.push(message)
  const log = { warn: say, info: say, detail: say, debug: say }
  const started: number[] = []
  let finish: (() => void) | undefined
  const task = async (): Promise<void> => {
    started.push(new Date().getHours())
    if (started.length === 1) throw new ArcError('ARC_VAULT_BUSY', 'not now')
    await new Promise<void>((done) => (finish = done))
  }
  let ended: unknown
  const running = runDaily([9 * 60, 12 * 60, 18 * 60], task, { host: { signal: controller.signal }, log }).catch(
    (error: unknown) => (ended = error),
  )
  await vi.advanceTimersByTimeAsync(2 * HOUR_MS)
  expect(started).toEqual([9])
  await vi.advanceTimersByTimeAsync(9 * HOUR_MS)
  expect(started).toEqual([9, 12])
  finish?.()
  await vi.advanceTimersByTimeAsync(14.5 * HOUR_MS)
  expect(started).toEqual([9, 12, 9])
  const enough = new Error('enough')
  controller.abort(enough)
  finish?.()
  await running
  expect(ended).toBe(enough)
  expect(said).toEqual([
    'next snapshot at 09:00',
    'not now [ARC_VAULT_BUSY]',
    'next snapshot at 12:00',
    'the snapshot before is still being taken: this one is left out',
    'next snapshot at 09:00',
  ])
})

test('a signal ends the foreground', async () => {
  using scratch = makeScratch()
  scratch.write('app', { file: 'x' })
  const child = scratch.start(['schedule', '--run'])
  let said = ''
  child.stderr?.on('data', (piece: Buffer) => {
    said += piece.toString()
    if (said.includes('next snapshot at 02:00')) child.kill('SIGINT')
  })
  const [status] = (await once(child, 'close')) as [number | null]
  expect(status, said).toBe(130)
})
