import { constants as fsConstants } from 'node:fs'
import {
  ArcError,
  type ContentReader,
  type EntryPath,
  errnoOf,
  printablePath,
  type SyncContent,
  systemCallError,
} from '@arc/core'
import { type FileSystem, localPath, readFully } from '@arc/core/node'

/** The content of a file below `root`, for carrying over what stays and for comparing; a symlink is never followed. */
export function localContent(root: string, path: EntryPath, fs: FileSystem): SyncContent {
  return { kind: 'sync', open: () => new LocalReader(openForReading(root, path, fs), path, fs) }
}

function openForReading(root: string, path: EntryPath, fs: FileSystem): number {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = fsConstants
  try {
    return fs.openSync(localPath(root, path), O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
  } catch (error) {
    if (errnoOf(error) !== 'EACCES') throw systemCallError(error, 'read', printablePath(path))
    const hint = 'Restore as a user that may read it.'
    throw new ArcError('ARC_ENTRY_UNREADABLE', `cannot read ${printablePath(path)} in the target`, {
      path: printablePath(path),
      hint,
      cause: error,
    })
  }
}

class LocalReader implements ContentReader {
  readonly #fd: number
  readonly #path: EntryPath
  readonly #fs: FileSystem

  constructor(fd: number, path: EntryPath, fs: FileSystem) {
    this.#fd = fd
    this.#path = path
    this.#fs = fs
  }

  read(into: Uint8Array): number {
    try {
      return readFully(this.#fs, this.#fd, into, null)
    } catch (error) {
      throw systemCallError(error, 'read', printablePath(this.#path))
    }
  }

  close(): void {
    this.#fs.closeSync(this.#fd)
  }
}
