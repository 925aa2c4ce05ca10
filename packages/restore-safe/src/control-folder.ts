import { errnoOf, systemCallError } from '@arc/core'
import type { FileSystem } from '@arc/core/node'
import { attempt } from './attempt.ts'
import { type Target, unsuitable, unwritableParent } from './target.ts'

/** Names inside a control folder. Whoever holds the lock owns all of them. */
export const LOCK_NAME = 'lock'
export const OWNER_NAME = 'owner.json'
export const JOURNAL_NAME = 'journal.json'
export const STAGE_NAME = 'stage'

const UNWRITABLE: ReadonlySet<string | undefined> = new Set(['EACCES', 'EPERM', 'EROFS'])

/**
 * Make the control folder, or check that the one that is there is a private folder of this user: in a shared place such
 * as /tmp somebody else might have put it there first. False when its last owner removed it at the same moment.
 */
export function openControlFolder(target: Target, fs: FileSystem): boolean {
  const path = target.controlFolder
  const made = makeFolder(target, fs)
  const stat = attempt('look at', path, () => fs.lstatSync(path, { throwIfNoEntry: false }))
  if (stat === undefined) return false
  const foreign = process.getuid !== undefined && stat.uid !== process.getuid()
  const open = process.platform !== 'win32' && (stat.mode & 0o077) !== 0
  if (!stat.isDirectory() || foreign || open) {
    throw unsuitable(
      target.path,
      `${path} is not a private folder of this user`,
      'If restores by another user made it, it holds their earlier trees: restore as that user. Look into it before you remove it.',
    )
  }
  // A strange umask may have taken our own permissions. A set-group-id bit is the surrounding folder's wish: it stays.
  if (made && (stat.mode & 0o777) !== 0o700 && process.platform !== 'win32')
    fs.chmodSync(path, (stat.mode & 0o7000) | 0o700)
  return true
}

function makeFolder(target: Target, fs: FileSystem): boolean {
  try {
    fs.mkdirSync(target.controlFolder, 0o700)
    return true
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return false
    if (UNWRITABLE.has(errnoOf(error))) throw unwritableParent(target, error)
    throw systemCallError(error, 'create', target.controlFolder)
  }
}

/** Remove the control folder when nothing is in it; false when the system did not let it be removed. */
export function closeControlFolder(target: Target, fs: FileSystem): boolean {
  try {
    fs.rmdirSync(target.controlFolder)
    return true
  } catch (error) {
    return KEPT.has(errnoOf(error))
  }
}

const KEPT: ReadonlySet<string | undefined> = new Set(['ENOTEMPTY', 'EEXIST', 'ENOENT'])
