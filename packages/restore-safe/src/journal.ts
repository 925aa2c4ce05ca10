import { join } from 'node:path'
import { ArcError, errnoOf, printablePath, systemCallError } from '@arc/core'
import { type FileSystem, readFully, syncDirectory, writeFully } from '@arc/core/node'
import { attempt } from './attempt.ts'
import { JOURNAL_NAME } from './control-folder.ts'
import type { RestoreMode } from './plan.ts'
import type { Target } from './target.ts'

/**
 * What recovery must know once a swap may have begun, written durably before the first rename. When the swap is done the
 * file itself becomes the record of the restore point, by one more rename.
 */
export interface Journal {
  readonly formatVersion: 1
  /** The folder, inside the control folder, that becomes the target. */
  readonly incoming: string
  /** The restore point that the tree at the target becomes. */
  readonly previous: string
  /** How many restore points there are to be afterwards, at most. */
  readonly keepPoints: number
  /** The count that was asked for last: it holds for the next restore that asks for none. */
  readonly askedPoints: number
  readonly replacedAt: string
  readonly replacedBy: string
  readonly mode: RestoreMode | 'undo'
}

const MAX_JOURNAL_BYTES = 64 * 1024
const FOLDER_NAME = /^(?:stage|point-\d{6,15})$/

/** Make the journal appear, all at once and, when `durable`, for good. */
export function writeJournal(target: Target, journal: Journal, durable: boolean, fs: FileSystem): void {
  const path = join(target.controlFolder, JOURNAL_NAME)
  attempt('write', path, () => {
    const fd = fs.openSync(`${path}.tmp`, 'w', 0o600)
    try {
      fs.fchmodSync(fd, 0o600) // readable to the next process, whatever the umask
      writeFully(fs, fd, Buffer.from(`${JSON.stringify(journal)}\n`), null)
      if (durable) fs.fsyncSync(fd)
    } finally {
      fs.closeSync(fd)
    }
    fs.renameSync(`${path}.tmp`, path)
    if (durable) syncDirectory(target.controlFolder, fs)
  })
}

/** The journal of a swap that has not been completed, if there is one. */
export function readJournal(target: Target, fs: FileSystem): Journal | undefined {
  return readRecord(join(target.controlFolder, JOURNAL_NAME), fs)
}

/** Read a journal, or a restore point's record; `undefined` when there is none. */
export function readRecord(path: string, fs: FileSystem): Journal | undefined {
  const text = readText(path, fs)
  if (text === undefined) return undefined
  try {
    const found = JSON.parse(text) as Journal
    const sound =
      found.formatVersion === 1 &&
      FOLDER_NAME.test(found.incoming) &&
      FOLDER_NAME.test(found.previous) &&
      found.keepPoints >= 0 &&
      found.askedPoints >= 0
    if (sound) return found
  } catch {
    // not JSON: said below
  }
  throw new ArcError('ARC_TARGET_UNSUITABLE', `${printablePath(path)} is not a journal that this version understands`, {
    path: printablePath(path),
    hint: 'Use the version that wrote it; the trees lie beside it, complete.',
  })
}

function readText(path: string, fs: FileSystem): string | undefined {
  let fd: number
  try {
    fd = fs.openSync(path, 'r')
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined
    throw systemCallError(error, 'read', path)
  }
  try {
    const bytes = Buffer.alloc(MAX_JOURNAL_BYTES)
    return bytes.toString('utf8', 0, readFully(fs, fd, bytes, 0))
  } catch (error) {
    throw systemCallError(error, 'read', path)
  } finally {
    fs.closeSync(fd)
  }
}
