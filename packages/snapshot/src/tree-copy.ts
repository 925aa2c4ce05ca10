import { constants, copyFileSync, linkSync, lutimesSync } from 'node:fs'
import { assertSafePath, type Entry, type EntryPath, errnoOf, readContent, systemCallError } from '@arc/core'
import { localPath, LocalContent, nodeFileSystem, startSha256, writeFully, writeWithHoles } from '@arc/core/node'
import { encodePath } from '@arc/core'
import { CopiedAttributes } from './copied-attributes.ts'

const BUFFER_BYTES = 1024 * 1024
const PRIVATE_MODE = 0o700
const NS_PER_SECOND = 1e9

/** What became of a file. */
export interface CopiedFile {
  readonly sizeBytes: number
  readonly sha256: string
}

/** Writes entries below a private, fresh folder: nothing in it was put there by anybody else, so nothing leads out of it. */
export class TreeCopy {
  readonly root: string
  readonly #fs = nodeFileSystem
  readonly #buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES)
  readonly #folders: Entry[] = []
  readonly #links: Entry[] = []
  readonly #made = new Set<string>([''])
  readonly #attributes: CopiedAttributes
  /** Whether the file system can share blocks; found out with the first file. */
  #canClone: boolean | undefined

  constructor(root: string) {
    this.root = root
    this.#attributes = new CopiedAttributes(root, this.#fs)
  }

  /** Write one file; throws what reading it throws, and leaves nothing of it then. */
  async file(entry: Entry): Promise<CopiedFile> {
    this.#prepare(entry.path)
    const at = localPath(this.root, entry.path)
    try {
      const copied = this.#clone(entry, at) ?? (await this.#write(entry, at))
      this.#finish(entry, at)
      return copied
    } catch (error) {
      this.#remove(at)
      throw error
    }
  }

  /** Remove what was begun, if anything was: why it failed is what must be told. */
  #remove(at: string | Buffer): void {
    try {
      this.#fs.unlinkSync(at)
    } catch (error) {
      if (errnoOf(error) === undefined) throw error
    }
  }

  /** Give a file of another tree, or of this one, a further name here; false when the file system refuses. */
  link(path: EntryPath, existing: string | Buffer): boolean {
    this.#prepare(path)
    try {
      linkSync(existing, localPath(this.root, path))
      return true
    } catch (error) {
      if (['EXDEV', 'EMLINK', 'EPERM', 'ENOENT'].includes(errnoOf(error) ?? '')) return false
      throw systemCallError(error, 'link', path)
    }
  }

  folder(entry: Entry): void {
    this.#prepare(entry.path)
    this.#make(entry.path)
    this.#folders.push(entry)
  }

  /** Remember a symlink: all are made when no path can lead through one any more. */
  symlink(entry: Entry): void {
    this.#prepare(entry.path)
    this.#links.push(entry)
  }

  /** Make symlinks, then give folders their modes and times, innermost first. */
  end(): void {
    for (const entry of this.#links) {
      const at = localPath(this.root, entry.path)
      const target = Buffer.from(encodePath(entry.target as EntryPath))
      this.#fs.symlinkSync(target, at)
      this.#attributes.settle(entry, entry.mode)
      if (entry.mtimeNs !== undefined) lutimesSync(at, seconds(entry.mtimeNs), seconds(entry.mtimeNs))
    }
    const modes = this.#folders.map((entry) => this.#attributes.settle(entry, entry.mode))
    this.#attributes.flush({ always: true })
    for (let i = this.#folders.length - 1; i >= 0; i--) {
      const entry = this.#folders[i] as Entry
      const at = localPath(this.root, entry.path)
      // A folder that its owner may not enter could not be removed again.
      this.#fs.chmodSync(at, (modes[i] as number) | PRIVATE_MODE)
      if (entry.mtimeNs !== undefined) this.#fs.utimesSync(at, seconds(entry.mtimeNs), seconds(entry.mtimeNs))
    }
  }

  #clone(entry: Entry, at: string | Buffer): CopiedFile | undefined {
    const { content } = entry
    if (this.#canClone === false || !(content instanceof LocalContent) || content.at.fs !== this.#fs) return undefined
    try {
      const from = localPath(content.at.root, entry.path)
      copyFileSync(from, at, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE_FORCE)
      this.#canClone = true
    } catch {
      this.#canClone ??= false
      return undefined
    }
    return this.#hash(at)
  }

  #hash(at: string | Buffer): CopiedFile {
    const fd = this.#fs.openSync(at, 'r')
    const sha256 = startSha256()
    let sizeBytes = 0
    try {
      for (;;) {
        const count = this.#fs.readSync(fd, this.#buffer, 0, BUFFER_BYTES, null)
        if (count === 0) return { sizeBytes, sha256: sha256.digestHex() }
        sha256.update(this.#buffer.subarray(0, count))
        sizeBytes += count
      }
    } finally {
      this.#fs.closeSync(fd)
    }
  }

  async #write(entry: Entry, at: string | Buffer): Promise<CopiedFile> {
    const fd = this.#fs.openSync(at, 'wx', 0o600)
    const sha256 = startSha256()
    let sizeBytes = 0
    const hasHoles = entry.attributes?.isSparse === true
    const add = (bytes: Uint8Array): void => {
      sha256.update(bytes)
      if (hasHoles) writeWithHoles(this.#fs, fd, bytes, sizeBytes)
      else writeFully(this.#fs, fd, bytes, null)
      sizeBytes += bytes.length
    }
    try {
      const { content } = entry
      if (content?.kind === 'sync') {
        const reader = content.open()
        try {
          for (let count = BUFFER_BYTES; count === BUFFER_BYTES;) {
            count = reader.read(this.#buffer)
            add(this.#buffer.subarray(0, count))
          }
        } finally {
          reader.close()
        }
      } else if (content !== undefined) for await (const piece of readContent(content)) add(piece)
      if (hasHoles) this.#fs.ftruncateSync(fd, sizeBytes)
    } finally {
      this.#fs.closeSync(fd)
    }
    return { sizeBytes, sha256: sha256.digestHex() }
  }

  #finish(entry: Entry, at: string | Buffer): void {
    this.#fs.chmodSync(at, this.#attributes.settle(entry, entry.mode))
    this.#attributes.flush({ always: false })
    if (entry.mtimeNs !== undefined) this.#fs.utimesSync(at, seconds(entry.mtimeNs), seconds(entry.mtimeNs))
  }

  /** Judge a path and make the folders that lead to it. */
  #prepare(path: EntryPath): void {
    assertSafePath(path)
    const slash = path.lastIndexOf('/')
    if (slash >= 0) this.#make(path.slice(0, slash))
  }

  #make(folder: string): void {
    if (this.#made.has(folder)) return
    const slash = folder.lastIndexOf('/')
    if (slash >= 0) this.#make(folder.slice(0, slash))
    this.#fs.mkdirSync(localPath(this.root, folder as EntryPath), { mode: 0o755 })
    this.#made.add(folder)
  }
}

function seconds(ns: bigint): number {
  return Number(ns) / NS_PER_SECOND
}
