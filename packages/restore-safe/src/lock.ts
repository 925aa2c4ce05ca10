import { hostname } from 'node:os'
import { join } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { ArcError, errnoOf, printablePath } from '@arc/core'
import { type FileSystem, loadSqlite, readFully, writeFully } from '@arc/core/node'
import { attempt, named } from './attempt.ts'
import { closeControlFolder, LOCK_NAME, openControlFolder, OWNER_NAME } from './control-folder.ts'
import type { Target } from './target.ts'

/** The right to change a target, held by this process until released, or until the process ends in any way. */
export interface TargetLock {
  /** Give it up and remove what is only there for it. False when something could not be removed. */
  release(): boolean
}

const MAX_ATTEMPTS = 50
const SQLITE_BUSY = 5
const SQLITE_CANTOPEN = 14

/**
 * Take the lock of a target, or throw `ARC_TARGET_BUSY` with who holds it. The lock is SQLite's: an advisory lock of the
 * kernel on an empty database, which frees it the moment its owner dies, however that happens. Node has no other way to
 * ask for one (docs/decisions/0010).
 *
 * Only the owner removes the file, so the one that was locked might have lost its name between opening and locking;
 * it is ours only if the name meant the same inode before and after. Nothing here opens the file by other means:
 * closing such a descriptor would drop the lock (POSIX).
 */
export function lockTarget(target: Target, fs: FileSystem, now: () => Date): TargetLock {
  const path = join(target.controlFolder, LOCK_NAME)
  for (let tries = 0; tries < MAX_ATTEMPTS; tries++) {
    if (!openControlFolder(target, fs)) continue
    const before = identity(path, fs)
    const database = openLocked(target, path, tries + 1 < MAX_ATTEMPTS, fs)
    if (database === undefined) continue
    let owned = false
    try {
      if (before === undefined) unmask(path, fs)
      else owned = before === identity(path, fs)
    } finally {
      if (!owned) database.close()
    }
    if (owned) return ownLock(target, database, fs, now())
  }
  throw busy(target, fs)
}

/** Open the lock file, creating it, and lock it; `undefined` when its folder may just have gone away with its last owner. */
function openLocked(target: Target, path: string, mayRetry: boolean, fs: FileSystem): DatabaseSync | undefined {
  const { DatabaseSync } = loadSqlite()
  let database: DatabaseSync | undefined
  try {
    database = new DatabaseSync(path)
    database.exec('PRAGMA busy_timeout = 0; PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE')
    return database
  } catch (error) {
    database?.close()
    const code = sqliteCode(error)
    if (code === SQLITE_BUSY) throw busy(target, fs)
    if (code === SQLITE_CANTOPEN && mayRetry) return undefined
    throw new ArcError('ARC_SYSTEM_CALL_FAILED', `cannot lock ${printablePath(path)}: ${String(error)}`, {
      path: printablePath(path),
      cause: error,
    })
  }
}

/** A strange umask may have made a file that its own user may not open again. */
function unmask(path: string, fs: FileSystem): void {
  try {
    fs.chmodSync(path, 0o600)
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw named(error, 'lock', path)
  }
}

function ownLock(target: Target, database: DatabaseSync, fs: FileSystem, since: Date): TargetLock {
  try {
    writeOwner(target, fs, since)
  } catch (error) {
    release(target, database, fs)
    throw error
  }
  return { release: () => release(target, database, fs) }
}

function sqliteCode(error: unknown): number | undefined {
  return error instanceof Error && 'errcode' in error ? Number(error.errcode) : undefined
}

function identity(path: string, fs: FileSystem): string | undefined {
  const stat = attempt('look at', path, () => fs.lstatSync(path, { bigint: true, throwIfNoEntry: false }))
  return stat === undefined ? undefined : `${stat.dev}:${stat.ino}:${stat.birthtimeNs}`
}

function release(target: Target, database: DatabaseSync, fs: FileSystem): boolean {
  let tidy = true
  for (const name of [OWNER_NAME, LOCK_NAME]) {
    try {
      fs.unlinkSync(join(target.controlFolder, name)) // while it is still locked
    } catch (error) {
      tidy &&= errnoOf(error) === 'ENOENT'
    }
  }
  database.close()
  return closeControlFolder(target, fs) && tidy
}

interface Owner {
  pid: number
  host: string
  since: string
}

function writeOwner(target: Target, fs: FileSystem, since: Date): void {
  const owner: Owner = { pid: process.pid, host: hostname(), since: since.toISOString() }
  const path = join(target.controlFolder, OWNER_NAME)
  attempt('write', path, () => {
    const fd = fs.openSync(path, 'w', 0o600)
    try {
      writeFully(fs, fd, Buffer.from(JSON.stringify(owner)), null)
    } finally {
      fs.closeSync(fd)
    }
  })
}

function readOwner(target: Target, fs: FileSystem): Owner | undefined {
  try {
    const fd = fs.openSync(join(target.controlFolder, OWNER_NAME), 'r')
    try {
      const text = Buffer.alloc(4096)
      return JSON.parse(text.toString('utf8', 0, readFully(fs, fd, text, null))) as Owner
    } finally {
      fs.closeSync(fd)
    }
  } catch {
    return undefined // it is being written or removed at this moment; it only serves the message
  }
}

function busy(target: Target, fs: FileSystem): ArcError {
  const owner = readOwner(target, fs)
  const who = owner === undefined ? 'another process' : `process ${owner.pid} on ${owner.host} since ${owner.since}`
  return new ArcError('ARC_TARGET_BUSY', `${printablePath(target.path)} is being restored by ${who}`, {
    path: printablePath(target.path),
    retryable: true,
    hint: 'Wait until it has ended, then try again.',
    details: { owner },
  })
}
