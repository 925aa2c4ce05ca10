// Kill and fail every job at every call of the file system, and print what was found: `node scripts/crash.ts`.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CrashBench, type CrashJob, JOBS } from '../test/crash-jobs.ts'

const scratch = mkdtempSync(join(tmpdir(), 'arc-crash-'))
try {
  const bench = new CrashBench(scratch)
  await bench.prepare()
  for (const job of JOBS) if ((await crash(bench, job)) > 0) process.exitCode = 1
} finally {
  rmSync(scratch, { recursive: true, force: true })
}

/** Stop a job at each call in each way; returns how many runs left a fault. */
async function crash(bench: CrashBench, job: CrashJob): Promise<number> {
  const calls = await bench.countCalls(job)
  let bad = 0
  for (let at = 1; at <= calls; at++) {
    const runs = [{ how: 'killed', found: await bench.kill(job, at) }]
    for (const errno of ['ENOSPC', 'EIO', 'EMFILE']) runs.push({ how: errno, found: await bench.fail(job, at, errno) })
    for (const { how, found } of runs) {
      if (found.length > 0) console.log(`${job.name}, ${how} at call ${at}: ${found.join('; ')}`)
      bad += Math.min(1, found.length)
    }
  }
  console.log(`${job.name}: ${calls} calls, ${calls * 4} runs, ${bad} with a fault`)
  return bad
}
