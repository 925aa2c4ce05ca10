import { nodeFileSystem } from '@arc/core/node'
import { attemptJob } from './attempt.ts'
import { lockTarget } from './lock.ts'
import type { JobOptions } from './options.ts'
import type { RecoveryOutcome, RestoreResult } from './plan.ts'
import { currentDate, recover } from './recovery.ts'
import { assertNotCurrent, type Target } from './target.ts'

/** What a job on a locked target gets to know before it begins. */
export type LockedJob = (recovery: RecoveryOutcome) => Promise<Omit<RestoreResult, 'tidy'>>

/**
 * Run a job that changes a target: lock it, recover what an earlier job left, do the job, remove what it leaves. Where
 * even removing fails the target is right all the same, so that only clouds the result.
 */
export function withLockedTarget(target: Target, options: JobOptions, job: LockedJob): Promise<RestoreResult> {
  return attemptJob('restore', target.path, () => runLocked(target, options, job))
}

async function runLocked(target: Target, options: JobOptions, job: LockedJob): Promise<RestoreResult> {
  const fs = options.fs ?? nodeFileSystem
  options.signal?.throwIfAborted()
  assertNotCurrent(target)
  const lock = lockTarget(target, fs, options.now ?? currentDate)
  let clean = true
  let released = true
  let result: Omit<RestoreResult, 'tidy'>
  try {
    result = await job(recover(target, fs))
  } finally {
    try {
      recover(target, fs)
    } catch {
      clean = false // a failure of the job itself is what the caller must see
    }
    released = lock.release()
  }
  return { ...result, tidy: clean && released }
}
