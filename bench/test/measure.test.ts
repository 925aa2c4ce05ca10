import { expect, test } from 'vitest'
import { type Command, cpuRatio, measure, measureInTurns, medianSample, type Sample } from '../measure.ts'
import { type Limit, meetsTarget } from '../suite.ts'

const here = { cwd: import.meta.dirname }
const node = (script: string): Command => ({ program: process.execPath, args: ['-e', script], ...here })
const sample = (cpuS: number): Sample => ({ cpuS, wallS: 2 * cpuS, peakBytes: 1000 * cpuS })

test('processor time and memory of a grandchild count', () => {
  const work = 'const end = process.cpuUsage().user + 3e5; Buffer.alloc(3e8, 1); while (process.cpuUsage().user < end);'
  const child = `require('node:child_process').spawnSync(process.execPath, ['-e', ${JSON.stringify(work)}])`
  const { cpuS, wallS, peakBytes } = measure(node(child))
  expect(cpuS).toBeGreaterThan(0.3)
  expect(wallS).toBeGreaterThan(0.3)
  expect(peakBytes).toBeGreaterThan(3e8)
})

test('waiting is no processor time', () => {
  const { cpuS, wallS } = measure({ program: 'sleep', args: ['0.3'], ...here })
  expect(wallS).toBeGreaterThanOrEqual(0.3)
  expect(cpuS).toBeLessThan(0.1)
})

test('a command that fails is not measured', () => {
  expect(() => measure(node('console.error("no luck"); process.exit(3)'))).toThrow(/ended with 3\nno luck/)
})

test('commands take turns, and each is prepared each time', () => {
  const order: string[] = []
  const command = (name: string): Command => ({
    program: 'true',
    args: [],
    ...here,
    prepare: () => void order.push(name),
  })
  const samples = measureInTurns({ a: command('a'), b: command('b') }, { runs: 2, warmUps: 1 })
  expect(order.join('')).toBe('ababab')
  expect([samples.a.length, samples.b.length]).toEqual([2, 2])
})

test('a ratio is the median of the rounds, not the ratio of the medians', () => {
  const ratio = cpuRatio([sample(1), sample(2), sample(9)], [sample(1), sample(4), sample(3)])
  expect(ratio).toEqual({ median: 1, lowest: 0.5, highest: 3 })
  expect(medianSample([sample(1), sample(3), sample(2), sample(4)]).cpuS).toBe(2.5)
})

test('a target is a bound that may be touched, or one to exceed', () => {
  const limit: Limit = { kind: 'limit', figure: '', corpus: '', value: 5, unit: 'bytes', bound: 'at most', target: 5 }
  expect(meetsTarget(limit)).toBe(true)
  expect(meetsTarget({ ...limit, value: 6 })).toBe(false)
  expect(meetsTarget({ ...limit, bound: 'more than' })).toBe(false)
})
