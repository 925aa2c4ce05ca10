import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { SnapshotInfo } from '@arc/snapshot'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { bisect, type Verdict } from '../src/runs/bisection.ts'
import { makeScratch, type Scratch, writeApp } from './scratch.ts'

interface Found {
  before: SnapshotInfo
  firstBad?: SnapshotInfo
  candidates: SnapshotInfo[]
  tests: { snapshot: string; status: number; verdict: Verdict }[]
  totals: object
}

/** Snapshots with the numbers from 1 in the file `number`, and their number as the note. */
async function snapshots(scratch: Scratch, count: number): Promise<void> {
  const root = writeApp(scratch)
  for (let i = 1; i <= count; i++) {
    writeFileSync(join(root, 'number'), `${i}\n`)
    await scratch.ok([String(i)])
  }
}

const below = (limit: number): string[] => ['--', 'sh', '-c', `test "$(cat number)" -lt ${limit}`]

test('the first bad snapshot is found in few steps, both ends being tried first', async () => {
  using scratch = makeScratch()
  await snapshots(scratch, 9)
  const run = await scratch.run(['bisect', '--good', '1', '--json', ...below(8)])
  const result = JSON.parse(run.stdout) as Found
  expect(run.status).toBe(0)
  expect(result.firstBad?.note).toBe('8')
  expect(result.before.note).toBe('7')
  expect(result.tests.slice(0, 2).map(({ verdict }) => verdict)).toEqual(['good', 'bad'])
  expect(result.tests.length).toBeLessThanOrEqual(2 + 3)
  expect(result.totals).toEqual({ added: 0, changed: 1, removed: 0 })
  const text = await scratch.run(['bisect', '--good', '1', ...below(3)])
  expect(text.stdout).toMatch(/^the first bad snapshot:\nId .*\n[0-9a-f]{12} .* 3\nM number {2}\(content, mtime\)\n$/)
  expect(text.stderr).toMatch(/7 snapshots to try, about 4 steps\n/)
  expect(readdirSync(join(scratch.path, '.home')).filter((name) => name.startsWith('projectclone-at-'))).toEqual([])
})

test('what the command cannot tell is gone round, and when it hides the answer that is said', async () => {
  using scratch = makeScratch()
  await snapshots(scratch, 7)
  const skip = 'n=$(cat number); case $n in [345]) exit 125;; esac; test $n -lt 6'
  const run = await scratch.run(['bisect', '--good', '1', '--json', '--', 'sh', '-c', skip])
  const { firstBad, candidates } = JSON.parse(run.stdout) as Found
  expect(run.status).toBe(4)
  expect(firstBad).toBeUndefined()
  expect(candidates.map(({ note }) => note)).toEqual(['3', '4', '5', '6'])
})

test.each([
  ['good', below(0), 'should be good, but it is bad (status 1)'],
  ['bad', below(99), 'should be bad, but it is good (status 0)'],
  ['skipped', ['--', 'sh', '-c', 'exit 125'], 'should be good, but the command cannot tell (status 125)'],
  ['sane', ['--', 'sh', '-c', 'exit 200'], 'the command ended with 200 in'],
  ['killed', ['--', 'sh', '-c', 'kill -SEGV $$'], 'the command ended with 139 in'],
])('an end that is not %s ends the search', async (_, command, message) => {
  using scratch = makeScratch()
  await snapshots(scratch, 3)
  const run = await scratch.run(['bisect', '--good', '1', ...command])
  expect(run).toMatchObject({ status: 1, stdout: '' })
  expect(run.stderr).toContain(message)
  expect(run.stderr).toContain('ARC_BISECT_IMPOSSIBLE')
})

test('ends in the wrong order, of one state, or of two projects are refused; other projects do not come between', async () => {
  using scratch = makeScratch()
  await snapshots(scratch, 2)
  await scratch.ok(['again'])
  scratch.write('other', { number: '1' })
  await scratch.ok(['other'], { cwd: join(scratch.path, 'other') })
  const refused = async (...args: string[]): Promise<string> =>
    (await scratch.run(['bisect', ...args, ...below(2)])).stderr
  expect(await refused('--good', '2', '--bad', '1')).toContain('is not older than')
  expect(await refused('--good', '2', '--bad', 'again')).toContain('are the same state')
  expect(await refused('--good', '1', '--bad', 'other', '--tag', 'none')).toContain('ARC_SNAPSHOT_UNKNOWN')
  const { stdout } = await scratch.run(['bisect', '--good', '1', '--json', ...below(2)])
  expect((JSON.parse(stdout) as Found).tests).toHaveLength(2)
})

test('a search over any line of states ends with the first bad one, or with all that may be it', async () => {
  const states = fc
    .tuple(fc.array(fc.constantFrom<Verdict>('good', 'skip')), fc.array(fc.constantFrom<Verdict>('bad', 'skip')))
    .map((parts): Verdict[] => (['good'] as Verdict[]).concat(parts.flat(), 'bad'))
  await fc.assert(
    fc.asyncProperty(states, async (line) => {
      let tests = 0
      const { first, last } = await bisect(line.length, async ({ index }) => {
        tests++
        return line[index] as Verdict
      })
      // Good just before, bad at the end, and nothing told in between.
      const known = line.slice(first, last)
      expect([line[first - 1], line[last]]).toEqual(['good', 'bad'])
      expect(known.every((verdict) => verdict === 'skip')).toBe(true)
      if (!line.includes('skip')) expect(tests).toBeLessThanOrEqual(Math.ceil(Math.log2(line.length)))
    }),
  )
})
