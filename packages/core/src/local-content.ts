import { constants } from 'node:fs'
import type { ContentReader, SyncContent } from './entry.ts'
import { type EntryPath, printablePath } from './entry-path.ts'
import { ArcError, errnoOf, systemCallError } from './error.ts'
import { type FileSystem, localPath } from './file-system.ts'

// Never through a link that took the file's place, and never waiting for the other end of a pipe that did.
const READ_FLAGS = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0)

/** Where a source's files are and how to reach them. */
export interface LocalRoot {
  readonly fs: FileSystem
  readonly root: string
  readonly openFlags: number
}

/** The root of a source whose files are opened through links only when `followSymlinks` says so. */
export function localRoot(fs: FileSystem, root: string, followSymlinks: boolean): LocalRoot {
  return { fs, root, openFlags: followSymlinks ? READ_FLAGS & ~(constants.O_NOFOLLOW ?? 0) : READ_FLAGS }
}

/** A file on disk. Nothing is open until `open`, and a small file costs three system calls: open, read, close. */
export class LocalContent implements SyncContent {
  readonly kind = 'sync'
  readonly at: LocalRoot
  readonly path: EntryPath
  readonly #sizeBytes: number

  constructor(at: LocalRoot, path: EntryPath, sizeBytes: number) {
    this.at = at
    this.path = path
    this.#sizeBytes = sizeBytes
  }

  open(): ContentReader {
    const { fs, root, openFlags } = this.at
    try {
      return new LocalReader(fs, fs.openSync(localPath(root, this.path), openFlags), this.path, this.#sizeBytes)
    } catch (error) {
      throw unreadable(this.path, error)
    }
  }

  readStart(into: Uint8Array, at: number, length: number): number {
    const { fs, root, openFlags } = this.at
    let done = 0
    try {
      const fd = fs.openSync(localPath(root, this.path), openFlags)
      try {
        while (done < length) {
          const count = fs.readSync(fd, into, at + done, length - done, null)
          done += count
          if (count === 0 || (done < length && done === this.#sizeBytes)) break
        }
      } finally {
        fs.closeSync(fd)
      }
    } catch (error) {
      throw unreadable(this.path, error)
    }
    return done
  }
}

class LocalReader implements ContentReader {
  readonly #fs: FileSystem
  readonly #fd: number
  readonly #path: EntryPath
  readonly #sizeBytes: number
  #total = 0

  constructor(fs: FileSystem, fd: number, path: EntryPath, sizeBytes: number) {
    this.#fs = fs
    this.#fd = fd
    this.#path = path
    this.#sizeBytes = sizeBytes
  }

  read(into: Uint8Array): number {
    let done = 0
    try {
      while (done < into.length) {
        const count = this.#fs.readSync(this.#fd, into, done, into.length - done, null)
        done += count
        this.#total += count
        // There was room for more and the listed size is reached: asking again only to hear "0" is a call saved.
        if (count === 0 || (done < into.length && this.#total === this.#sizeBytes)) break
      }
    } catch (error) {
      throw unreadable(this.#path, error)
    }
    return done
  }

  close(): void {
    this.#fs.closeSync(this.#fd)
  }
}

function unreadable(path: EntryPath, error: unknown): ArcError {
  const shown = printablePath(path)
  const { message, hint } = systemCallError(error, 'read', shown)
  return new ArcError('ARC_ENTRY_UNREADABLE', message, {
    path: shown,
    cause: error,
    details: { errno: errnoOf(error) },
    ...(hint === undefined ? {} : { hint }),
  })
}
