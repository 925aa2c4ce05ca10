import { join } from 'node:path'
import { type FileSystem, nodeFileSystem } from '@arc/core/node'
import { attemptJob } from './attempt.ts'
import { JOURNAL_NAME, LOCK_NAME, OWNER_NAME } from './control-folder.ts'
import { type Journal, readJournal } from './journal.ts'
import { lockTarget } from './lock.ts'
import type { JobOptions } from './options.ts'
import type { RecoveryOutcome } from './plan.ts'
import { recordPoint, removeLitter } from './restore-point.ts'
import { syncNames } from './swap.ts'
import { locateTarget, type Target } from './target.ts'

/**
 * Finish or roll back what an interrupted restore of `target` left behind, and remove its remains. Every restore, plan and
 * undo does this first, so calling it is never necessary. Throws `ARC_TARGET_BUSY` while a restore is running.
 */
export function recoverTarget(target: string, options: Pick<JobOptions, 'fs' | 'now'> = {}): Promise<RecoveryOutcome> {
  return attemptJob('recover', target, () => lockAndRecover(target, options))
}

async function lockAndRecover(target: string, options: Pick<JobOptions, 'fs' | 'now'>): Promise<RecoveryOutcome> {
  const fs = options.fs ?? nodeFileSystem
  const located = locateTarget(target, fs)
  if (!fs.existsSync(located.controlFolder)) return 'clean'
  const lock = lockTarget(located, fs, options.now ?? currentDate)
  try {
    return recover(located, fs)
  } finally {
    lock.release()
  }
}

/** The clock on the wall. */
export function currentDate(): Date {
  return new Date()
}

/** Names in the control folder that belong to whoever holds the lock. */
const LOCK_FILES: ReadonlySet<string> = new Set([LOCK_NAME, OWNER_NAME])

/** {@link recoverTarget} for the owner of the lock. Idempotent: it may itself be stopped anywhere and begun again. */
export function recover(target: Target, fs: FileSystem): RecoveryOutcome {
  const journal = readJournal(target, fs)
  const outcome = journal === undefined ? 'clean' : settle(target, journal, fs)
  const removed = removeLitter(target, LOCK_FILES, fs)
  return outcome === 'clean' && removed > 0 ? 'cleaned' : outcome
}

/**
 * How far the swap came shows in which names exist:
 *
 *     incoming  previous  target
 *     yes       no        yes     it had not begun: forget it
 *     yes       yes       no      half done: the tree from before goes back
 *     yes       yes       yes     half done, and another program made a new target: keep both
 *     no        yes       yes     done: write the record
 */
function settle(target: Target, journal: Journal, fs: FileSystem): RecoveryOutcome {
  const journalPath = join(target.controlFolder, JOURNAL_NAME)
  const previous = join(target.controlFolder, journal.previous)
  const incomingThere = exists(join(target.controlFolder, journal.incoming), fs)
  if (!exists(previous, fs)) {
    fs.unlinkSync(journalPath)
    return incomingThere ? 'cleaned' : 'finished'
  }
  if (incomingThere && !exists(target.path, fs)) {
    fs.renameSync(previous, target.path)
    syncNames(target, fs)
    fs.unlinkSync(journalPath)
    return 'rolled-back'
  }
  const keepPoints = incomingThere ? Math.max(1, journal.keepPoints) : journal.keepPoints
  syncNames(target, fs)
  recordPoint(target, { ...journal, keepPoints }, fs)
  return 'finished'
}

function exists(path: string, fs: FileSystem): boolean {
  return fs.lstatSync(path, { throwIfNoEntry: false }) !== undefined
}
