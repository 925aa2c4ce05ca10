import { join } from 'node:path'
import { ArcError, errnoOf, printablePath, systemCallError } from '@arc/core'
import { type FileSystem, syncDirectory } from '@arc/core/node'
import { JOURNAL_NAME } from './control-folder.ts'
import { type Journal, writeJournal } from './journal.ts'
import { recordPoint } from './restore-point.ts'
import { mountPoint, type Target, unsuitable } from './target.ts'

/** One swap: how it is done, and with what. */
export interface SwapContext {
  readonly target: Target
  readonly durable: boolean
  readonly fs: FileSystem
}

/**
 * Give a finished tree the name of a target that is missing or empty. One rename, which the system refuses when something
 * has appeared there meanwhile: there is nothing to journal.
 */
export function moveIn(incoming: string, context: SwapContext): void {
  const { target, fs } = context
  try {
    fs.renameSync(join(target.controlFolder, incoming), target.path)
  } catch (error) {
    throw renameRefused(target, error)
  }
  if (context.durable) syncNames(target, fs)
}

/**
 * Put `journal.incoming` in the place of the tree that is at the target, which becomes the restore point
 * `journal.previous`. Whatever stops it, `recover` finds out from the journal and the names that exist how far it came.
 */
export function exchange(journal: Journal, context: SwapContext): void {
  const { target, durable, fs } = context
  const journalPath = join(target.controlFolder, JOURNAL_NAME)
  const previous = join(target.controlFolder, journal.previous)
  writeJournal(target, journal, durable, fs)
  try {
    fs.renameSync(target.path, previous)
  } catch (error) {
    fs.unlinkSync(journalPath)
    throw renameRefused(target, error)
  }
  try {
    fs.renameSync(join(target.controlFolder, journal.incoming), target.path)
  } catch (error) {
    fs.renameSync(previous, target.path)
    fs.unlinkSync(journalPath)
    throw renameRefused(target, error)
  }
  if (durable) syncNames(target, fs)
  recordPoint(target, journal, fs)
  if (durable) syncDirectory(target.controlFolder, fs)
}

/** Make renames between the control folder and the folder around it durable. */
export function syncNames(target: Target, fs: FileSystem): void {
  try {
    syncDirectory(target.parent, fs)
    syncDirectory(target.controlFolder, fs)
  } catch (error) {
    throw systemCallError(error, 'make durable the names in', printablePath(target.parent))
  }
}

function renameRefused(target: Target, error: unknown): ArcError {
  switch (errnoOf(error)) {
    case 'ENOTEMPTY':
    case 'EEXIST':
    case 'ENOTDIR':
      return notEmpty(target.path, 'something appeared there while the restore was being prepared')
    case 'EBUSY':
      return mountPoint(target.path, error)
    case 'EXDEV': // a folder from a lower layer of an overlay file system: containers
      return unsuitable(
        target.path,
        'its file system cannot rename this folder',
        'Restore to a new folder on another file system.',
        error,
      )
    case 'EACCES':
    case 'EPERM':
      return unsuitable(
        target.path,
        `the system does not let it be renamed (${String(errnoOf(error))})`,
        'Check its permissions and owner.',
        error,
      )
    default:
      return systemCallError(error, 'swap', printablePath(target.path))
  }
}

/** Refusal to restore over something that is there. */
export function notEmpty(path: string, why: string): ArcError {
  const shown = printablePath(path)
  return new ArcError('ARC_TARGET_NOT_EMPTY', `cannot restore to ${shown}: ${why}`, {
    path: shown,
    hint: 'Name a new folder, or ask for the modes replace or merge.',
  })
}
