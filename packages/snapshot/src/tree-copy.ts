import { constants, copyFileSync, linkSync, lutimesSync } from 'node:fs'
import {
  assertSafePath,
  type Entry,
  type EntryPath,
  errnoOf,
  readContent,
  type SyncContent,
  systemCallError,
} from '@arc/core'
import {
  fileTime,
  localPath,
  LocalContent,
  nodeFileSystem,
  readFully,
  sha256Hex,
  startSha256,
  writeFully,
  writeWithHoles,
} from '@arc/core/node'
import { encodePath } from '@arc/core'
import { CopiedAttributes } from './copied-attributes.ts'

const BUFFER_BYTES = 1024 * 1024
const NOTHING = { sizeBytes: 0, sha256: sha256Hex(Buffer.alloc(0)) }
const PRIVATE_MODE = 0o700

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

  /**
   * Write one file; throws what reading it throws, and leaves nothing of it then. A promise only when its content arrives: one for each
   * file would cost more than writing it.
   */
  file(entry: Entry): CopiedFile | Promise<CopiedFile> {
    this.#prepare(entry.path)
    const at = localPath(this.root, entry.path)
    const { content } = entry
    if (this.#clone(entry, at)) return this.#into(entry, at, 'r', (fd) => this.#hash(fd))
    if (content === undefined) return this.#into(entry, at, 'wx', () => NOTHING)
    if (content.kind === 'sync') return this.#into(entry, at, 'wx', (fd) => this.#write(entry, content, fd))
    return this.#receive(entry, readContent(content), at)
  }

  /** Remove a file that was written, to write it anew. */
  remove({ path }: Entry): void {
    this.#fs.unlinkSync(localPath(this.root, path))
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
      if (entry.mtimeNs !== undefined) lutimesSync(at, fileTime(entry.mtimeNs), fileTime(entry.mtimeNs))
    }
    const modes = this.#folders.map((entry) => this.#attributes.settle(entry, entry.mode))
    this.#attributes.flush({ always: true })
    for (let i = this.#folders.length - 1; i >= 0; i--) {
      const entry = this.#folders[i] as Entry
      const at = localPath(this.root, entry.path)
      // A folder that its owner may not enter could not be removed again.
      this.#fs.chmodSync(at, (modes[i] as number) | PRIVATE_MODE)
      if (entry.mtimeNs !== undefined) this.#fs.utimesSync(at, fileTime(entry.mtimeNs), fileTime(entry.mtimeNs))
    }
  }

  /** Share the blocks of the source, if it has any and the file system can; false when the file must be written. */
  #clone({ path, content }: Entry, at: string | Buffer): boolean {
    if (this.#canClone === false || !(content instanceof LocalContent) || content.at.fs !== this.#fs) return false
    try {
      copyFileSync(localPath(content.at.root, path), at, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE_FORCE)
      return (this.#canClone = true)
    } catch {
      this.#canClone ??= false
      return false
    }
  }

  /** Open a file, have it filled, and give it its mode and time. */
  #into(entry: Entry, at: string | Buffer, flags: 'r' | 'wx', fill: (fd: number) => CopiedFile): CopiedFile {
    const fd = this.#fs.openSync(at, flags, 0o600)
    try {
      const copied = fill(fd)
      this.#finish(entry, fd)
      return copied
    } catch (error) {
      this.#remove(at)
      throw error
    } finally {
      this.#fs.closeSync(fd)
    }
  }

  async #receive(entry: Entry, pieces: AsyncIterable<Uint8Array>, at: string | Buffer): Promise<CopiedFile> {
    const fd = this.#fs.openSync(at, 'wx', 0o600)
    try {
      const sha256 = startSha256()
      let sizeBytes = 0
      for await (const piece of pieces) {
        sha256.update(piece)
        this.#append(entry, fd, piece, sizeBytes)
        sizeBytes += piece.length
      }
      this.#end(entry, fd, sizeBytes)
      this.#finish(entry, fd)
      return { sizeBytes, sha256: sha256.digestHex() }
    } catch (error) {
      this.#remove(at)
      throw error
    } finally {
      this.#fs.closeSync(fd)
    }
  }

  #write(entry: Entry, content: SyncContent, fd: number): CopiedFile {
    const reader = content.open()
    try {
      const copied = hashPieces((position) => {
        const piece = this.#buffer.subarray(0, reader.read(this.#buffer))
        if (piece.length > 0) this.#append(entry, fd, piece, position)
        return piece
      })
      this.#end(entry, fd, copied.sizeBytes)
      return copied
    } finally {
      reader.close()
    }
  }

  #hash(fd: number): CopiedFile {
    return hashPieces((position) => this.#buffer.subarray(0, readFully(this.#fs, fd, this.#buffer, position)))
  }

  #append({ attributes }: Entry, fd: number, bytes: Uint8Array, position: number): void {
    if (attributes?.isSparse === true) writeWithHoles(this.#fs, fd, bytes, position)
    else writeFully(this.#fs, fd, bytes, null)
  }

  #end({ attributes }: Entry, fd: number, sizeBytes: number): void {
    if (attributes?.isSparse === true) this.#fs.ftruncateSync(fd, sizeBytes)
  }

  #finish(entry: Entry, fd: number): void {
    this.#fs.fchmodSync(fd, this.#attributes.settle(entry, entry.mode))
    this.#attributes.flush({ always: false })
    if (entry.mtimeNs !== undefined) this.#fs.futimesSync(fd, fileTime(entry.mtimeNs), fileTime(entry.mtimeNs))
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

/** Hash what `next` gives, piece by piece of up to a buffer's size; one that is not full is the last. Most files are one: no state to set up. */
function hashPieces(next: (position: number) => Uint8Array): CopiedFile {
  const first = next(0)
  if (first.length < BUFFER_BYTES) return { sizeBytes: first.length, sha256: sha256Hex(first) }
  const sha256 = startSha256()
  let sizeBytes = 0
  for (let piece = first; ; piece = next(sizeBytes)) {
    sha256.update(piece)
    sizeBytes += piece.length
    if (piece.length < BUFFER_BYTES) return { sizeBytes, sha256: sha256.digestHex() }
  }
}
