import { type BigIntStats, constants } from 'node:fs'
import { dirname } from 'node:path'
import { errnoOf } from '@arc/core'
import { type FileSystem, isAbandoned, syncDirectory, temporaryPathFor, writeFully } from '@arc/core/node'

/** The folder at the root in which content waits until it is whole; no key begins with it. */
export const STAGING_FOLDER = '.arc-tmp'

/** An unfinished object. One folder holds all of them, so that what a killed process left is found by one look. */
export class StagedFile implements Disposable {
  readonly #fs: FileSystem
  readonly #path: string
  #fd: number
  #sizeBytes = 0

  constructor(stagingFolder: string, fs: FileSystem) {
    this.#fs = fs
    this.#path = temporaryPathFor(`${stagingFolder}/object`)
    this.#fd = fs.openSync(this.#path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o666)
  }

  append(bytes: Uint8Array): void {
    writeFully(this.#fs, this.#fd, bytes, this.#sizeBytes)
    this.#sizeBytes += bytes.length
  }

  /** Make the content durable; nothing can be appended any more. Returns what the file is, under whatever name. */
  seal(): BigIntStats {
    this.#fs.fsyncSync(this.#fd)
    const stat = this.#fs.fstatSync(this.#fd, { bigint: true })
    this.#close()
    return stat
  }

  /** Give it its name, taking that of whatever file has it. */
  moveTo(path: string): void {
    this.#fs.renameSync(this.#path, path)
    this.#syncFolderOf(path)
  }

  /** Give it its name unless something has it: then `EEXIST`. Of several that try, one succeeds. */
  linkTo(path: string): void {
    this.#fs.linkSync(this.#path, path)
    this.#syncFolderOf(path)
  }

  [Symbol.dispose](): void {
    for (const step of [() => this.#close(), () => this.#fs.unlinkSync(this.#path)]) {
      try {
        step()
      } catch {
        // It has moved, or the failure before this one is what must be told; the next writer sweeps.
      }
    }
  }

  #syncFolderOf(path: string): void {
    try {
      syncDirectory(dirname(path), this.#fs)
    } catch (error) {
      // Somebody has deleted the object since, and the folder that was empty then.
      if (errnoOf(error) !== 'ENOENT') throw error
    }
  }

  #close(): void {
    if (this.#fd < 0) return
    const fd = this.#fd
    this.#fd = -1
    this.#fs.closeSync(fd)
  }
}

/** Remove what writers left that are no more. */
export function sweepStaging(stagingFolder: string, fs: FileSystem): void {
  for (const name of fs.readdirSync(stagingFolder)) {
    const path = `${stagingFolder}/${name}`
    try {
      if (isAbandoned(path, fs)) fs.unlinkSync(path)
    } catch (error) {
      // Another sweep was quicker, or we may not: litter, not a failure of this write.
      if (errnoOf(error) === undefined) throw error
    }
  }
}
