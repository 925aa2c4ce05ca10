import { temporaryFolder } from '@arc/core/testing'
import { expect, test } from 'vitest'
import { crashAt, stageCrash } from './crash-harness.ts'
import { CRASH_JOBS } from './crash-jobs.ts'

// The whole matrix, and kills at random times, run by `node scripts/crash.ts`; here a sample of the last calls,
// where the swap is.
const SAMPLES_PER_JOB = 3
const SWAP_CALLS = 30

test.for(CRASH_JOBS)(
  '%s: killed anywhere, the target is old or new and no litter stays',
  { timeout: 60_000 },
  async (job) => {
    using folder = temporaryFolder()
    const stage = await stageCrash(job, folder.path)
    expect(stage.before).not.toBe(stage.after)
    const points = Array.from(
      { length: SAMPLES_PER_JOB },
      (_, i) => stage.calls - SWAP_CALLS + Math.round(((i + 0.5) * SWAP_CALLS) / SAMPLES_PER_JOB),
    )
    for (const killAt of points) {
      const report = await crashAt(stage, `${folder.path}/case`, killAt, killAt % 2 === 0 ? 12 : undefined)
      expect(report.faults, `killed at call ${killAt} of ${stage.calls}`).toEqual([])
    }
  },
)
