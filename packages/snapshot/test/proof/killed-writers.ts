import { spawn } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { CrashBench } from '../crash-jobs.ts'
import type { ProofResult } from './proof-result.ts'
import { randomNumbers } from './random-numbers.ts'

const PROGRAM = join(import.meta.dirname, '../../scripts/writer-process.ts')
/** A process lives so long at most before it is killed: starting it takes a part of that. */
const MAX_LIFE_MS = 1500
const LIFE_S = 30

/** Kill a process that takes, forgets and prunes at random times, and judge what it leaves. */
export async function killWriters(runs: number, seed: number): Promise<ProofResult> {
  const random = randomNumbers(`kills ${seed}`)
  const scratch = mkdtempSync(join(tmpdir(), 'arc-kill-'))
  const faults: string[] = []
  try {
    const bench = new CrashBench(scratch)
    await bench.prepare()
    for (let run = 0; run < runs; run++) {
      const root = join(scratch, 'killed')
      rmSync(root, { recursive: true, force: true })
      cpSync(bench.template, root, { recursive: true, preserveTimestamps: true })
      const args = [PROGRAM, root, '0', String(LIFE_S), `${seed} ${run}`]
      const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'ignore'] })
      const began = new Promise((resolve) => child.stdout.once('data', resolve))
      const ended = new Promise((resolve) => child.once('close', resolve))
      child.stdout.resume()
      await began
      await delay(random() * MAX_LIFE_MS)
      child.kill('SIGKILL')
      await ended
      for (const fault of await bench.judge(root)) faults.push(`kill ${run} of seed ${seed}: ${fault}`)
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
  return { name: 'kill -9 at random times', figures: `${runs} processes killed`, faults }
}
