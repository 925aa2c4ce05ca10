import { constants as fsConstants } from 'node:fs'
import type { ContentReader, EntryPath, SyncContent } from '@arc/core'
import { type FileSystem, localPath, readFully } from '@arc/core/node'
import { attemptRead } from './attempt.ts'

/** The content of a file below `root`, for carrying over what stays and for comparing; a symlink is never followed. */
export function localContent(root: string, path: EntryPath, fs: FileSystem): SyncContent {
  return { kind: 'sync', open: () => new LocalReader(openForReading(root, path, fs), path, fs) }
}

function openForReading(root: string, path: EntryPath, fs: FileSystem): number {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = fsConstants
  return attemptRead('read', path, () =>
    fs.openSync(localPath(root, path), O_RDONLY | (O_NOFOLLOW ?? 0) | (O_NONBLOCK ?? 0)),
  )
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
    return attemptRead('read', this.#path, () => readFully(this.#fs, this.#fd, into, null))
  }

  close(): void {
    this.#fs.closeSync(this.#fd)
  }
}
