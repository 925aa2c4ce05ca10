import { temporaryFolder } from '@arc/core/testing'
import { expect, test } from 'vitest'
import { CrashBench, JOBS } from './crash-jobs.ts'

/** The gate looks at so many calls of each job; `pnpm --filter @arc/snapshot proof` at all. */
const SAMPLES = 3

test.each(JOBS)(
  'killed while $name, the vault is whole and needs no help',
  async (job) => {
    using scratch = temporaryFolder()
    const bench = new CrashBench(scratch.path)
    await bench.prepare()
    const calls = await bench.countCalls(job)
    const step = Math.max(1, Math.floor(calls / SAMPLES))
    for (let at = 1; at <= calls; at += step) expect(await bench.kill(job, at), `killed at call ${at}`).toEqual([])
  },
  60_000,
)

test.each(JOBS)(
  'with a full disk while $name, the vault is whole',
  async (job) => {
    using scratch = temporaryFolder()
    const bench = new CrashBench(scratch.path)
    await bench.prepare()
    const calls = await bench.countCalls(job)
    const step = Math.max(1, Math.floor(calls / SAMPLES))
    for (let at = 2; at <= calls; at += step)
      expect(await bench.fail(job, at, 'ENOSPC'), `call ${at} failed`).toEqual([])
  },
  60_000,
)

test.each(JOBS)(
  'when the power fails while $name, the vault is whole and what was done stays done',
  async (job) => {
    using scratch = temporaryFolder()
    const bench = new CrashBench(scratch.path)
    await bench.prepare()
    const calls = await bench.countCalls(job)
    const step = Math.max(1, Math.floor(calls / SAMPLES))
    for (const survivors of ['nothing', 'names'] as const) {
      for (let at = 3; at <= calls; at += step)
        expect(await bench.cutPower(job, at, survivors), `at call ${at}, ${survivors} survive`).toEqual([])
      expect(await bench.cutPowerAfter(job, survivors)).toEqual([])
    }
  },
  60_000,
)
