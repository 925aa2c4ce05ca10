import { appendFileSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryFolder } from '@arc/core/testing'
import { expect, test } from 'vitest'
import {
  estimateLikelihood,
  readOutcomes,
  recordOutcome,
  type RestoreFinding,
  type RestoreOutcome,
} from '../src/index.ts'

const finding = (check: RestoreFinding['check'], severity: RestoreFinding['severity'] = 'risk'): RestoreFinding => ({
  check,
  severity,
  message: '',
  evidence: {},
})
const open = finding('open-files')
const newer = finding('newer-changes')

const outcome = (succeeded: boolean, ...findings: string[]): RestoreOutcome => ({
  at: '2026-01-01',
  findings,
  succeeded,
})
const times = (count: number, each: RestoreOutcome): RestoreOutcome[] => Array.from({ length: count }, () => each)

test('without history there is no number', () => {
  expect(estimateLikelihood([], [])).toEqual({
    basis: 'no-history',
    restores: 0,
    successes: 0,
    record: { predictions: 0 },
  })
  expect(estimateLikelihood([open], times(9, outcome(true)))).toMatchObject({ basis: 'no-history' })
  expect(estimateLikelihood([open], []).probability).toBeUndefined()
})

test('what stops it leaves no hope, whatever was', () => {
  expect(estimateLikelihood([finding('space', 'stops')], times(9, outcome(true)))).toMatchObject({
    probability: 0,
    basis: 'stopped',
  })
})

test('the rule of succession, over restores with the same findings; notes do not count', () => {
  const history = [...times(3, outcome(true)), outcome(false), ...times(2, outcome(false, 'open-files:risk'))]
  expect(estimateLikelihood([finding('names', 'note')], history)).toMatchObject({
    probability: 4 / 6,
    basis: 'same-findings',
    restores: 4,
    successes: 3,
  })
  expect(estimateLikelihood([open], history)).toMatchObject({ probability: 1 / 4, restores: 2, successes: 0 })
})

test('else the worst of them alone', () => {
  const history = [...times(8, outcome(true, 'newer-changes:risk')), ...times(2, outcome(true, 'open-files:risk'))]
  expect(estimateLikelihood([open, newer], history)).toMatchObject({
    probability: 3 / 4,
    basis: 'worst-finding',
    restores: 2,
  })
  expect(estimateLikelihood([open, finding('inodes')], history)).toMatchObject({ basis: 'no-history' })
})

/** Numbers between 0 and 1, the same on every run (mulberry32). */
function randomNumbers(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let value = Math.imul(state ^ (state >>> 15), 1 | state)
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value
    return ((value ^ (value >>> 14)) >>> 0) / 4294967296
  }
}

test('of restores given one likelihood, that share succeeds', () => {
  const random = randomNumbers(7)
  const buckets = new Map<number, { predicted: number; succeeded: number; count: number }>()
  for (let machine = 0; machine < 4000; machine++) {
    const truth = random() // how often such a restore succeeds on this machine: nothing is known of it
    const history = Array.from({ length: 1 + Math.floor(random() * 12) }, () =>
      outcome(random() < truth, 'open-files:risk'),
    )
    const { probability = Number.NaN } = estimateLikelihood([open], history)
    const bucket = buckets.get(Math.floor(probability * 5)) ?? { predicted: 0, succeeded: 0, count: 0 }
    bucket.predicted += probability
    bucket.succeeded += random() < truth ? 1 : 0
    bucket.count++
    buckets.set(Math.floor(probability * 5), bucket)
  }
  expect(buckets.size).toBe(5)
  for (const { predicted, succeeded, count } of buckets.values()) {
    expect(count).toBeGreaterThan(300)
    expect(Math.abs(predicted - succeeded) / count).toBeLessThan(0.05)
  }
})

test('the log says what its predictions were worth', () => {
  const history = [
    { ...outcome(true), predicted: 0.5 },
    { ...outcome(true), predicted: 0.75 },
    { ...outcome(false), predicted: 0.25 },
    outcome(false),
  ]
  expect(estimateLikelihood([], history).record).toEqual({ predictions: 3, meanPredicted: 0.5, succeeded: 2 / 3 })
})

test('outcomes are appended, and read back whatever became of the file', () => {
  using folder = temporaryFolder()
  const path = join(folder.path, 'deep/er/log.jsonl')
  expect(readOutcomes(path)).toEqual([])
  const likelihood = estimateLikelihood([], [])
  const now = (): Date => new Date('2026-02-03T04:05:06Z')
  recordOutcome(path, { findings: [open, newer, finding('names', 'note')], likelihood }, true, { now })
  appendFileSync(path, 'torn{"at"\n{"at":1}\n')
  recordOutcome(path, { findings: [], likelihood: { ...likelihood, probability: 0.5 } }, false, { now })
  expect(readOutcomes(path)).toEqual([
    { at: '2026-02-03T04:05:06.000Z', findings: ['newer-changes:risk', 'open-files:risk'], succeeded: true },
    { at: '2026-02-03T04:05:06.000Z', findings: [], succeeded: false, predicted: 0.5 },
  ])
  expect(statSync(path).mode & 0o777).toBe(0o600)
})

test('an old log loses its older half', () => {
  using folder = temporaryFolder()
  const path = join(folder.path, 'log.jsonl')
  const line = JSON.stringify(outcome(true, 'x'.repeat(1000)))
  for (let i = 0; i < 600; i++) appendFileSync(path, `${line}\n`)
  recordOutcome(path, { findings: [open], likelihood: estimateLikelihood([], []) }, false)
  const outcomes = readOutcomes(path)
  expect(readFileSync(path).length).toBeLessThan(260 * 1024)
  expect(outcomes.length).toBeGreaterThan(200)
  expect(outcomes.at(-1)).toMatchObject({ succeeded: false, findings: ['open-files:risk'] })
})
