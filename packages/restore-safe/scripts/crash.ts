// Kills restores at every file system call, their recoveries too, and at random times; prints what was found.
//
//     node packages/restore-safe/scripts/crash.ts [--random 1000] [--every 40] [--scratch FOLDER]
//
// Exits with 1 when one case left anything but the old tree or the new one, or any litter.
import { existsSync, mkdtempSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { nodeFileSystem } from '@arc/core/node'
import { removeTree } from '../src/remove-tree.ts'
import {
  copyFolder,
  crashAt,
  type CrashReport,
  type CrashStage,
  runChild,
  settleAndInspect,
  stageCrash,
} from '../test/crash-harness.ts'
import { CRASH_JOBS, targetState } from '../test/crash-jobs.ts'

const { values } = parseArgs({
  options: {
    random: { type: 'string', default: '1000' },
    every: { type: 'string', default: '40' },
    scratch: { type: 'string', default: existsSync('/dev/shm') ? '/dev/shm' : '/tmp' },
  },
})
const LANES = 2
// One of each kind: no journal, a journal, a journal and points to forget, a restore point that comes back, a folder of any name.
const RECOVERED_JOBS: ReadonlySet<string> = new Set(['new', 'replace', 'replace-again', 'undo', 'confined'])
const SWAP_CALLS = 30 // that many calls before its end a job has not begun to swap
const scratch = mkdtempSync(join(values.scratch, 'arc-crash-'))
let cases = 0
const broken: string[] = []

/** Work a list of cases off, a few at a time. */
async function inLanes<T>(items: readonly T[], work: (item: T, folder: string) => Promise<void>): Promise<void> {
  const rest = items.values()
  const lane = async (number: number): Promise<void> => {
    for (const item of rest) await work(item, `${scratch}/lane-${number}`)
  }
  await Promise.all(Array.from({ length: LANES }, (_, number) => lane(number)))
}

function record(name: string, report: Pick<CrashReport, 'faults'>): void {
  cases++
  if (report.faults.length > 0) broken.push(`${name}: ${report.faults.join('; ')}`)
}

async function atEveryCall(stage: CrashStage): Promise<void> {
  const found = { old: 0, new: 0, missing: 0, broken: 0 }
  const ended = { old: 0, new: 0, broken: 0 }
  const kills = Array.from({ length: stage.calls }, (_, i) => i + 1)
  await inLanes(kills, async (killAt, folder) => {
    const report = await crashAt(stage, folder, killAt)
    found[report.midway]++
    ended[report.final]++
    record(`${stage.job} killed at call ${killAt}`, report)
  })
  console.log(
    `${stage.job}: ${stage.calls} calls; right after the kill ${JSON.stringify(found)}, recovered ${JSON.stringify(ended)}`,
  )
}

/** Kill the recovery as well, at each of its calls, for every `every`-th call of the job and all those since before its swap. */
async function duringRecovery(stage: CrashStage, every: number): Promise<void> {
  const kills = Array.from({ length: stage.calls }, (_, i) => i + 1).filter(
    (call) => call % every === 0 || call > stage.calls - SWAP_CALLS,
  )
  let count = 0
  await inLanes(kills, async (killAt, folder) => {
    copyFolder(stage.template, folder)
    await runChild({ job: stage.job, folder, killAt })
    const midway = `${folder}-midway`
    copyFolder(folder, midway)
    removeTree(folder, nodeFileSystem)
    for (let recoveryCall = 1, survived = false; !survived; recoveryCall++) {
      copyFolder(midway, folder)
      survived = (await runChild({ job: 'recover', folder, killAt: recoveryCall })) === 0
      record(`${stage.job} killed at call ${killAt}, its recovery at ${recoveryCall}`, {
        faults: await settleAndInspect(stage, folder),
      })
      removeTree(folder, nodeFileSystem)
      count++
    }
    removeTree(midway, nodeFileSystem)
  })
  console.log(`${stage.job}: ${count} kills in recoveries`)
}

async function atRandomTimes(stages: readonly CrashStage[], count: number): Promise<void> {
  const found = { old: 0, new: 0, missing: 0 }
  const turns = Array.from({ length: count }, (_, i) => stages[i % stages.length] as CrashStage)
  await inLanes(turns, async (stage, folder) => {
    copyFolder(stage.template, folder)
    const afterMs = Math.random() * 30
    await runChild({ job: stage.job, folder }, afterMs)
    const state = targetState(folder)
    found[state === stage.after ? 'new' : state === stage.before ? 'old' : 'missing']++
    record(`${stage.job} killed after ${afterMs.toFixed(2)} ms`, { faults: await settleAndInspect(stage, folder) })
    removeTree(folder, nodeFileSystem)
  })
  console.log(`random times: ${count} kills; right after the kill ${JSON.stringify(found)}`)
}

try {
  const stages: CrashStage[] = []
  for (const job of CRASH_JOBS) stages.push(await stageCrash(job, scratch))
  for (const stage of stages) await atEveryCall(stage)
  for (const stage of stages) if (RECOVERED_JOBS.has(stage.job)) await duringRecovery(stage, Number(values.every))
  await atRandomTimes(stages, Number(values.random))
} finally {
  removeTree(scratch, nodeFileSystem)
}
for (const line of broken.slice(0, 20)) console.log(`BROKEN ${line}`)
console.log(`${cases} cases, ${broken.length} broken`)
process.exitCode = broken.length > 0 ? 1 : 0
