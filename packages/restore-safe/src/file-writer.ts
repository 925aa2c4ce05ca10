import { constants as fsConstants } from 'node:fs'
import {
  ArcError,
  type ContentReader,
  type Entry,
  entryChanged,
  type EntryPath,
  errnoOf,
  type Limits,
  printablePath,
  systemCallError,
} from '@arc/core'
import { fileTime, type FileSystem, sha256Hex, startSha256, takeTurn, writeFully, writeWithHoles } from '@arc/core/node'
import { duplicate, limitExceeded } from './restore-tree.ts'
import type { StagedAttributes } from './staged-attributes.ts'

// O_NOFOLLOW is absent on Windows, where O_EXCL alone already refuses any name that exists.
const CREATE = fsConstants.O_CREAT | fsConstants.O_EXCL | fsConstants.O_WRONLY | (fsConstants.O_NOFOLLOW ?? 0)
const BUFFER_BYTES = 256 * 1024

/** One file to be created. */
export interface FileJob {
  readonly entry: Entry
  /** Where, inside the staging folder. */
  readonly at: string | Buffer
  readonly mode: number
}

export interface FileWriterOptions {
  /** Present when owners or extended attributes are restored. */
  attributes?: StagedAttributes | undefined
  /** Leave holes where any file is zeros, not only in those that had some. */
  sparse?: boolean | undefined
  signal?: AbortSignal | undefined
}

/**
 * Creates files and checks every byte that goes into them. One buffer serves all; metadata is set on the descriptor that
 * created the file, never by name.
 */
export class FileWriter {
  writtenBytes = 0
  verifiedFiles = 0
  readonly #fs: FileSystem
  readonly #limits: Readonly<Limits>
  readonly #buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES)
  readonly #createdModes = new Map<number, number>()
  readonly #attributes: StagedAttributes | undefined
  readonly #makesHoles: boolean
  readonly #signal: AbortSignal | undefined

  constructor(fs: FileSystem, limits: Readonly<Limits>, options: FileWriterOptions = {}) {
    this.#fs = fs
    this.#limits = limits
    this.#attributes = options.attributes
    this.#makesHoles = options.sparse ?? false
    this.#signal = options.signal
  }

  /**
   * Forget which permissions creating a file with a given mode really gives. Only the umask and a folder's default
   * access list decide that, so one look per mode is enough for as long as no other code can run in between.
   */
  forgetCreatedModes(): void {
    this.#createdModes.clear()
  }

  /** Write a file; returns a promise, to be awaited before the next one, only when its content arrives, or is large. */
  write(job: FileJob): Promise<void> | undefined {
    const { path, content } = job.entry
    this.#checkDeclared(job.entry)
    if (content === undefined) throw noContent(path)
    if (content.kind === 'stream') {
      const bytes = content.atHand?.()
      return bytes === undefined ? this.#writePieces(job, content.stream()) : this.#writeSmall(job, bytes)
    }
    const reader = content.open()
    let isLarge = false
    try {
      if (reader.view !== undefined) return this.#writeSmall(job, reader.view(), reader.sha256)
      const count = reader.read(this.#buffer)
      isLarge = count === BUFFER_BYTES
      return isLarge ? this.#writeLarge(job, reader) : this.#writeSmall(job, this.#buffer.subarray(0, count))
    } finally {
      if (!isLarge) reader.close()
    }
  }

  /** The piece that is in the buffer, and all that follows. */
  *#rest(reader: ContentReader): Generator<Uint8Array, void, void> {
    for (let count = BUFFER_BYTES; count > 0; count = count < BUFFER_BYTES ? 0 : reader.read(this.#buffer))
      yield this.#buffer.subarray(0, count)
  }

  async #writeLarge(job: FileJob, reader: ContentReader): Promise<void> {
    try {
      await this.#writePieces(job, this.#rest(reader))
    } finally {
      reader.close()
    }
  }

  async #writePieces(job: FileJob, pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<void> {
    const check = new ContentCheck(job.entry)
    const fd = this.#create(job)
    try {
      for await (const piece of pieces) {
        this.#append(job, fd, piece, check)
        await takeTurn(this.#signal)
      }
      check.end()
      this.forgetCreatedModes()
      this.#finish(job, fd)
      this.forgetCreatedModes() // the look was at a file created before other code ran
    } finally {
      this.#fs.closeSync(fd)
    }
    this.#count(job.entry)
  }

  /** Most files: the whole content is at hand, so nothing is created before it has been verified. */
  #writeSmall(job: FileJob, bytes: Uint8Array, sha256?: string): undefined {
    const { entry } = job
    if (bytes.length !== entry.sizeBytes) throw wrongSize(entry, bytes.length)
    if (entry.sha256 !== undefined && (sha256 ?? sha256Hex(bytes)) !== entry.sha256) throw wrongHash(entry)
    this.#checkTotal(entry.path, bytes.length)
    const fd = this.#create(job)
    try {
      if (bytes.length > 0) this.#writeBytes(entry, fd, bytes, 0)
      this.#finish(job, fd)
    } finally {
      this.#fs.closeSync(fd)
    }
    this.#count(entry)
  }

  #append(job: FileJob, fd: number, piece: Uint8Array, check: ContentCheck): void {
    const position = check.sizeBytes
    check.add(piece)
    this.#checkTotal(job.entry.path, piece.length)
    this.#writeBytes(job.entry, fd, piece, position)
  }

  #writeBytes(entry: Entry, fd: number, bytes: Uint8Array, position: number): void {
    try {
      if (this.#hasHoles(entry)) writeWithHoles(this.#fs, fd, bytes, position)
      else writeFully(this.#fs, fd, bytes, null)
    } catch (error) {
      throw systemCallError(error, 'write', printablePath(entry.path))
    }
  }

  #hasHoles({ attributes }: Entry): boolean {
    return this.#makesHoles || attributes?.isSparse === true
  }

  #create(job: FileJob): number {
    try {
      return this.#fs.openSync(job.at, CREATE, job.mode & 0o777)
    } catch (error) {
      throw notCreated(job.entry.path, error)
    }
  }

  #finish(job: FileJob, fd: number): void {
    const { path, mtimeNs } = job.entry
    const settled = this.#attributes?.settle(job.entry, job.mode, (uid, gid) => this.#fs.fchownSync(fd, uid, gid))
    const mode = settled ?? job.mode
    try {
      if (this.#hasHoles(job.entry)) this.#fs.ftruncateSync(fd, job.entry.sizeBytes)
      if (settled !== undefined || this.#modeOf(fd, mode & 0o777) !== mode) this.#fs.fchmodSync(fd, mode)
      if (mtimeNs === undefined) return
      const time = fileTime(mtimeNs)
      this.#fs.futimesSync(fd, time, time)
    } catch (error) {
      throw systemCallError(error, 'set mode and time of', printablePath(path))
    }
  }

  #modeOf(fd: number, requested: number): number {
    const known = this.#createdModes.get(requested)
    if (known !== undefined) return known
    const created = this.#fs.fstatSync(fd).mode & 0o7777
    this.#createdModes.set(requested, created)
    return created
  }

  #checkDeclared(entry: Entry): void {
    if (entry.sizeBytes > this.#limits.maxFileBytes)
      throw limitExceeded(entry.path, 'maxFileBytes', this.#limits.maxFileBytes)
  }

  #checkTotal(path: EntryPath, moreBytes: number): void {
    this.writtenBytes += moreBytes
    if (this.writtenBytes > this.#limits.maxTotalBytes)
      throw limitExceeded(path, 'maxTotalBytes', this.#limits.maxTotalBytes)
  }

  #count(entry: Entry): void {
    if (entry.sha256 !== undefined) this.verifiedFiles++
  }
}

/** Compares content that comes in pieces with what its entry declares; stops at the first byte too many. */
class ContentCheck {
  readonly #entry: Entry
  readonly #hash: ReturnType<typeof startSha256> | undefined
  #bytes = 0

  /** Bytes so far. */
  get sizeBytes(): number {
    return this.#bytes
  }

  constructor(entry: Entry) {
    this.#entry = entry
    this.#hash = entry.sha256 === undefined ? undefined : startSha256()
  }

  add(piece: Uint8Array): void {
    this.#bytes += piece.length
    if (this.#bytes > this.#entry.sizeBytes) throw wrongSize(this.#entry, this.#bytes)
    this.#hash?.update(piece)
  }

  end(): void {
    if (this.#bytes !== this.#entry.sizeBytes) throw wrongSize(this.#entry, this.#bytes)
    if (this.#hash !== undefined && this.#hash.digestHex() !== this.#entry.sha256) throw wrongHash(this.#entry)
  }
}

/** Why a name could not be created. In a private folder, only a twin of this same restore can have it already. */
export function notCreated(path: EntryPath, error: unknown): ArcError {
  if (errnoOf(error) === 'EEXIST')
    return duplicate(path, 'has a name that this file system takes for the name of another entry')
  return systemCallError(error, 'create', printablePath(path))
}

function noContent(path: EntryPath): ArcError {
  return new ArcError('ARC_ENTRY_UNREADABLE', `${printablePath(path)} came without content`, {
    path: printablePath(path),
  })
}

function wrongSize(entry: Entry, foundBytes: number): ArcError {
  if (entry.sha256 === undefined) return entryChanged(entry, foundBytes)
  return mismatch(entry, `${entry.sizeBytes} bytes are declared, ${foundBytes} or more were found`)
}

function wrongHash(entry: Entry): ArcError {
  return mismatch(entry, 'its SHA-256 is not the declared one')
}

function mismatch(entry: Entry, how: string): ArcError {
  const path = printablePath(entry.path)
  return new ArcError('ARC_HASH_MISMATCH', `the content of ${path} is damaged: ${how}`, {
    path,
    hint: 'Nothing was changed. Get an undamaged copy of the source.',
  })
}
