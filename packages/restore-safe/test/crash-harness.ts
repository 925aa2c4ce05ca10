// Kills processes in the middle of a restore and looks at what they leave.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { nodeFileSystem } from '@arc/core/node'
import { watchedFileSystem } from '@arc/core/testing'
import { recoverTarget } from '../src/index.ts'
import { removeTree } from '../src/remove-tree.ts'
import { type CrashJob, litter, pointStates, prepareJob, runJob, targetState } from './crash-jobs.ts'

const CHILD = fileURLToPath(new URL('./crash-child.ts', import.meta.url))

/** What one job may leave, and how many calls it takes. */
export interface CrashStage {
  readonly job: CrashJob
  /** A copy of this is what each case starts from. */
  readonly template: string
  readonly before: string
  readonly after: string
  readonly pointsBefore: readonly string[]
  readonly pointsAfter: readonly string[]
  readonly calls: number
}

/** How a case went. */
export interface CrashReport {
  /** What was found right after the kill, before any recovery. */
  readonly midway: 'old' | 'new' | 'missing' | 'broken'
  /** What was found in the end. */
  readonly final: 'old' | 'new' | 'broken'
  /** What is wrong; empty when all is well. */
  readonly faults: readonly string[]
}

/** Run a job undisturbed, to know its two states. */
export async function stageCrash(job: CrashJob, scratch: string): Promise<CrashStage> {
  const template = `${scratch}/${job}-template`
  const run = `${scratch}/${job}-undisturbed`
  await prepareJob(job, template)
  copyFolder(template, run)
  const before = targetState(run)
  const pointsBefore = pointStates(run)
  let calls = 0
  await runJob(
    job,
    run,
    watchedFileSystem(({ number }) => (calls = number), nodeFileSystem),
  )
  const stage = { job, template, before, after: targetState(run), pointsBefore, pointsAfter: pointStates(run), calls }
  removeTree(run, nodeFileSystem)
  return stage
}

/** Make a fresh copy of what a job starts from. */
export function copyFolder(from: string, to: string): void {
  mkdirSync(to)
  cpSync(from, to, { recursive: true, verbatimSymlinks: true, preserveTimestamps: true })
}

/** Kill a job at one call, then its recovery at another; then recover in peace, and look. */
export async function crashAt(
  stage: CrashStage,
  folder: string,
  killAt: number,
  killRecoveryAt?: number,
): Promise<CrashReport> {
  copyFolder(stage.template, folder)
  await runChild({ job: stage.job, folder, killAt })
  const midway = nameState(stage, targetState(folder))
  if (killRecoveryAt !== undefined) await runChild({ job: 'recover', folder, killAt: killRecoveryAt })
  const faults = await settleAndInspect(stage, folder)
  const final = nameState(stage, targetState(folder))
  removeTree(folder, nodeFileSystem)
  return { midway, final: final === 'missing' ? 'broken' : final, faults }
}

/** Recover, then name everything that is not as it must be. */
export async function settleAndInspect(stage: CrashStage, folder: string): Promise<string[]> {
  await recoverTarget(`${folder}/target`)
  const state = targetState(folder)
  const points = JSON.stringify(pointStates(folder))
  const faults = litter(folder).map((name) => `litter: ${name}`)
  if (state !== stage.before && state !== stage.after) faults.push(`the target is neither old nor new: ${state}`)
  const expected = JSON.stringify(state === stage.after ? stage.pointsAfter : stage.pointsBefore)
  if (points !== expected) faults.push(`restore points are ${points}, not ${expected}`)
  return faults
}

function nameState(stage: CrashStage, state: string): CrashReport['midway'] {
  if (state === stage.after) return 'new'
  if (state === stage.before) return 'old'
  return state === 'missing' ? 'missing' : 'broken'
}

/** Run crash-child.ts to its end, whichever it meets; `afterMs` kills it from outside that long after it began. */
export async function runChild(orders: object, afterMs?: number): Promise<number | null> {
  const announce = afterMs !== undefined
  const child = spawn(process.execPath, [CHILD, JSON.stringify({ ...orders, announce })], {
    stdio: ['ignore', announce ? 'pipe' : 'ignore', 'pipe'],
  })
  let complaint = ''
  child.stderr?.on('data', (text: Buffer) => (complaint += text.toString()))
  const ended = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>
  if (afterMs !== undefined) child.stdout?.once('data', () => setTimeout(() => child.kill('SIGKILL'), afterMs))
  const [status, signal] = await ended
  if (signal !== 'SIGKILL' && status !== 0) throw new Error(`the child failed: ${complaint}`)
  return status
}
