// Everything that is promised about damage, crashes and company, tried out; prints a line of figures for each part:
//   node scripts/proof.ts [--short] [PART...]
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { CrashBench, JOBS } from '../test/crash-jobs.ts'
import { damageObjects } from '../test/proof/damage-objects.ts'
import { runFleet } from '../test/proof/fleet.ts'
import { fillDisk } from '../test/proof/full-disk.ts'
import { fuzzParsers } from '../test/proof/fuzz-parsers.ts'
import { killWriters } from '../test/proof/killed-writers.ts'
import type { ProofResult } from '../test/proof/proof-result.ts'
import { keepRandomTrees } from '../test/proof/random-trees.ts'
import { useTroubledBackends } from '../test/proof/troubled-backends.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    /** A minute or two instead of half an hour. */
    short: { type: 'boolean', default: false },
    seed: { type: 'string', default: '1' },
  },
})
const seed = Number(values.seed)
const isShort = values.short

const PARTS: Readonly<Record<string, () => Promise<ProofResult | string>>> = {
  calls: () => everyCall(isShort ? 10 : 1),
  kills: () => killWriters(isShort ? 5 : 200, seed),
  disk: () => fillDisk(isShort ? 2 : 10),
  damage: () => damageObjects(isShort ? 100 : 1000, seed),
  fleet: () => runFleet(8, isShort ? 30 : 600, seed),
  backends: () => useTroubledBackends(isShort ? 3 : 50, seed),
  trees: () => keepRandomTrees(isShort ? 20 : 500, seed),
  parsers: () => fuzzParsers(isShort ? 5000 : 200_000, seed),
}

for (const [name, run] of Object.entries(PARTS)) {
  if (positionals.length > 0 && !positionals.includes(name)) continue
  const result = await run()
  if (typeof result === 'string') console.log(`${name}: left out, ${result}`)
  else {
    console.log(`${result.name}: ${result.figures}; ${result.faults.length} faults`)
    for (const fault of result.faults.slice(0, 20)) console.log(`  ${fault}`)
    if (result.faults.length > 0) process.exitCode = 1
  }
}

/** Kill, fail and cut the power at every call of the file system, or every so many. */
async function everyCall(step: number): Promise<ProofResult> {
  const scratch = mkdtempSync(join(tmpdir(), 'arc-crash-'))
  const faults: string[] = []
  let runs = 0
  try {
    const bench = new CrashBench(scratch)
    await bench.prepare()
    for (const job of JOBS) {
      const calls = await bench.countCalls(job)
      const note = (how: string, found: readonly string[]): void => {
        runs++
        for (const fault of found) faults.push(`${job.name}, ${how}: ${fault}`)
      }
      for (let at = 1; at <= calls; at += step) {
        note(`killed at call ${at}`, await bench.kill(job, at))
        for (const errno of ['ENOSPC', 'EIO', 'EMFILE'])
          note(`${errno} at call ${at}`, await bench.fail(job, at, errno))
        for (const survivors of ['nothing', 'names'] as const)
          note(`power cut at call ${at}, ${survivors} survive`, await bench.cutPower(job, at, survivors))
      }
      for (const survivors of ['nothing', 'names'] as const)
        note(`power cut afterwards, ${survivors} survive`, await bench.cutPowerAfter(job, survivors))
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
  const figures = `${runs} runs of ${JOBS.length} jobs`
  return { name: 'kill -9, ENOSPC, EIO, EMFILE and power cuts at file-system calls', figures, faults }
}
