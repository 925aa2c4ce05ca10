import fs from 'node:fs'
import type { EntryPath } from './entry-path.ts'
import { encodePath } from './entry-path.ts'

/**
 * The system calls Arc makes on a local disk, as one object, so that a test can count, stop, tear or fail any of them.
 * Synchronous on purpose: on a local disk a promise per call costs five times the CPU of the call (ADR 0003).
 */
export type FileSystem = Pick<
  typeof fs,
  | 'chmodSync'
  | 'chownSync'
  | 'closeSync'
  | 'existsSync'
  | 'fchmodSync'
  | 'fchownSync'
  | 'fstatSync'
  | 'fsyncSync'
  | 'ftruncateSync'
  | 'futimesSync'
  | 'lchownSync'
  | 'linkSync'
  | 'lstatSync'
  | 'lutimesSync'
  | 'mkdirSync'
  | 'openSync'
  | 'readSync'
  | 'readdirSync'
  | 'readlinkSync'
  | 'realpathSync'
  | 'renameSync'
  | 'rmdirSync'
  | 'statSync'
  | 'statfsSync'
  | 'symlinkSync'
  | 'unlinkSync'
  | 'utimesSync'
  | 'writeSync'
>

/** The real thing. */
export const nodeFileSystem: FileSystem = fs

/** Where an entry lies on disk: a string when its name is valid UTF-8, else the exact bytes. */
export function localPath(root: string, path: EntryPath): string | Buffer {
  if (path.isWellFormed()) return `${root}/${path}`
  return Buffer.concat([Buffer.from(`${root}/`), encodePath(path)])
}

/** Write all of `bytes` at `position`, or where the file ends when it is `null`; a short write is continued. */
export function writeFully(fs: FileSystem, fd: number, bytes: Uint8Array, position: number | null): void {
  let done = 0
  while (done < bytes.length) {
    done += fs.writeSync(fd, bytes, done, bytes.length - done, position === null ? null : position + done)
  }
}

/** Fill `into` from `position` of the file (or where the last read ended when `null`); return the bytes read, fewer only at its end. */
export function readFully(fs: FileSystem, fd: number, into: Uint8Array, position: number | null): number {
  let done = 0
  while (done < into.length) {
    const count = fs.readSync(fd, into, done, into.length - done, position === null ? null : position + done)
    if (count === 0) break
    done += count
  }
  return done
}
