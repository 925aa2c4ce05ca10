import { constants, type BigIntStats } from 'node:fs'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { errnoOf, printablePath, systemCallError } from '@arc/core'
import {
  type FileSystem,
  makeFolders,
  nodeFileSystem,
  readFully,
  syncDirectory,
  takeTurn,
  temporaryPathFor,
} from '@arc/core/node'
import type {
  Backend,
  CallOptions,
  Capabilities,
  DeleteOptions,
  ListOptions,
  ObjectBody,
  ObjectContent,
  ObjectInfo,
  ReadOptions,
  StatOptions,
  WriteOptions,
} from './backend.ts'
import { backendUnsuitable, objectConflict, objectNotFound } from './backend-error.ts'
import type { CanHoldOptions } from './backend-features.ts'
import { checkedPieces, clampRange, sliced, toldPieces } from './content.ts'
import { isRealFolder, walkKeys } from './directory-listing.ts'
import { STAGING_FOLDER, StagedFile, sweepStaging } from './directory-staging.ts'
import { assertKey, assertPrefix, invalidKey } from './object-key.ts'
import { assertCanHold, kindOfStats, occupied } from './path-keys.ts'
import { refuseFeatures, refuseVersion } from './unsupported.ts'

export interface DirectoryBackendOptions {
  fs?: FileSystem
}

const BATCH_SIZE = 1000
const PIECE_BYTES = 1024 * 1024
const MAX_NAME_BYTES = 255 // NAME_MAX of every common file system
const MAX_ATTEMPTS = 100

/**
 * A folder on a local disk; keys are paths below it, and any program can read the objects. It is created by the first
 * write. Nothing below it is followed out of it: symlinks are no objects.
 */
export function directoryBackend(root: string, options: DirectoryBackendOptions = {}): Backend {
  return new DirectoryBackend(resolve(root), options.fs ?? nodeFileSystem)
}

class DirectoryBackend implements Backend {
  readonly scheme = 'file'
  readonly location: string
  readonly #root: string
  readonly #staging: string
  readonly #fs: FileSystem
  #capabilities: Capabilities | undefined
  #isStagingReady = false

  constructor(root: string, fs: FileSystem) {
    this.#root = root
    this.#staging = `${root}/${STAGING_FOLDER}`
    this.#fs = fs
    this.location = pathToFileURL(root).href
  }

  async capabilities(options: CallOptions = {}): Promise<Capabilities> {
    options.signal?.throwIfAborted()
    this.#capabilities ??= {
      createOnly: this.#attempt('try out', '', () => this.#canLink()),
      // Between looking at a file and renaming over it another process may write; only a lock of all writers would help.
      compareAndSwap: false,
      compareAndDelete: false,
      consistent: true,
      metadata: false,
      versions: false,
      objectLock: false,
    }
    return this.#capabilities
  }

  async stat(key: string, options: StatOptions = {}): Promise<ObjectInfo | undefined> {
    this.#check(key, options)
    return this.#attempt('look at', key, () => {
      const stat = this.#find(key)
      return stat === undefined ? undefined : objectInfo(key, stat)
    })
  }

  async read(key: string, options: ReadOptions = {}): Promise<ObjectBody> {
    await takeTurn()
    this.#check(key, options)
    const opened = this.#attempt('read', key, () => this.#readStart(key, options.range))
    if (opened === undefined) throw objectNotFound(this, key)
    return { info: opened.info, [Symbol.asyncIterator]: () => this.#pieces(key, opened, options) }
  }

  async write(key: string, content: ObjectContent, options: WriteOptions = {}): Promise<ObjectInfo> {
    await takeTurn()
    this.#check(key, options)
    refuseFeatures(this, options)
    if (options.ifAbsent === true && (await this.stat(key)) !== undefined) throw objectConflict(this, key)
    if (options.ifAbsent === true && !(await this.capabilities(options)).createOnly) {
      throw backendUnsuitable(this, 'lies on a file system without hard links, which creating only if absent needs')
    }
    using staged = this.#attempt('write', key, () => this.#stage())
    for await (const piece of checkedPieces(key, content, options)) {
      this.#attempt('write', key, () => staged.append(piece))
    }
    options.signal?.throwIfAborted()
    const stat = this.#attempt('write', key, () => {
      const sealed = staged.seal()
      this.#publish(key, staged, options.ifAbsent === true)
      return sealed
    })
    return objectInfo(key, stat)
  }

  async delete(key: string, options: DeleteOptions = {}): Promise<void> {
    this.#check(key, options)
    refuseVersion(this, options)
    this.#attempt('delete', key, () => {
      if (this.#find(key) === undefined) return
      try {
        this.#fs.unlinkSync(`${this.#root}/${key}`)
      } catch (error) {
        if (errnoOf(error) !== 'ENOENT') throw error // somebody else was quicker
      }
      this.#removeEmptyFolders(key)
    })
  }

  async assertCanHold(key: string, options: CanHoldOptions = {}): Promise<void> {
    this.#check(key, options)
    await assertCanHold(this, key, options, async (name) =>
      this.#attempt('look at', name, () =>
        kindOfStats(this.#fs.lstatSync(`${this.#root}/${name}`, { throwIfNoEntry: false })),
      ),
    )
  }

  async *list(prefix: string, options: ListOptions = {}): AsyncGenerator<readonly ObjectInfo[], void, undefined> {
    assertPrefix(prefix)
    const keys = walkKeys(this.#root, prefix, options.startAfter, this.#fs)
    for (;;) {
      options.signal?.throwIfAborted()
      const { batch, isLast } = this.#attempt('list', prefix, () => this.#listBatch(keys))
      if (batch.length > 0) yield batch
      if (isLast) return
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#isStagingReady) return
    this.#isStagingReady = false
    try {
      this.#fs.rmdirSync(this.#staging)
    } catch {
      // Another writer is at work there.
    }
  }

  #check(key: string, { signal, version }: StatOptions): void {
    assertKey(key)
    if (key.split('/').some((name) => Buffer.byteLength(name) > MAX_NAME_BYTES)) throw invalidKey(key, 'name-too-long')
    if (key === STAGING_FOLDER || key.startsWith(`${STAGING_FOLDER}/`)) throw invalidKey(key, 'reserved')
    signal?.throwIfAborted()
    refuseVersion(this, { version })
  }

  /** The regular file of a key, reached through real folders only. */
  #find(key: string): BigIntStats | undefined {
    if (!isRealFolder(this.#root, key, this.#fs)) return undefined
    const stat = this.#fs.lstatSync(`${this.#root}/${key}`, { bigint: true, throwIfNoEntry: false })
    return stat?.isFile() === true ? stat : undefined
  }

  /** Small ranges are read at once, so that only a long body holds a descriptor, and only while it is being read. */
  #readStart(key: string, range: ReadOptions['range']): Opened | undefined {
    const fd = this.#open(key)
    if (fd === undefined) return undefined
    try {
      const stat = this.#fs.fstatSync(fd, { bigint: true })
      if (!stat.isFile()) return undefined
      const info = objectInfo(key, stat)
      const { start, end } = clampRange(range, info.sizeBytes)
      if (end - start > PIECE_BYTES) return { info, start, end, bytes: undefined }
      const bytes = Buffer.allocUnsafeSlow(end - start)
      if (readFully(this.#fs, fd, bytes, start) < bytes.length) throw objectConflict(this, key)
      return { info, start, end, bytes }
    } finally {
      this.#fs.closeSync(fd)
    }
  }

  #open(key: string): number | undefined {
    if (!isRealFolder(this.#root, key, this.#fs)) return undefined
    try {
      const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants
      return this.#fs.openSync(`${this.#root}/${key}`, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
    } catch (error) {
      if (['ENOENT', 'ENOTDIR', 'ELOOP', 'EISDIR', 'ENXIO'].includes(errnoOf(error) ?? '')) return undefined
      throw error
    }
  }

  #pieces(key: string, opened: Opened, options: ReadOptions): AsyncIterator<Uint8Array, void, undefined> {
    const { start, end, bytes } = opened
    return toldPieces(
      bytes === undefined ? this.#readOn(key, opened) : sliced(bytes, PIECE_BYTES),
      end - start,
      options,
    )
  }

  *#readOn(key: string, { info, start, end }: Opened): Generator<Uint8Array, void, undefined> {
    const fd = this.#attempt('read', key, () => this.#open(key))
    if (fd === undefined) throw objectConflict(this, key)
    try {
      const now = objectInfo(key, this.#fs.fstatSync(fd, { bigint: true }))
      if (now.etag !== info.etag) throw objectConflict(this, key)
      for (let at = start; at < end; at += PIECE_BYTES) {
        const piece = Buffer.allocUnsafeSlow(Math.min(PIECE_BYTES, end - at))
        const count = this.#attempt('read', key, () => readFully(this.#fs, fd, piece, at))
        if (count < piece.length) throw objectConflict(this, key)
        yield piece
      }
    } finally {
      this.#fs.closeSync(fd)
    }
  }

  #stage(): StagedFile {
    for (let attempts = 1; ; attempts++) {
      try {
        if (!this.#isStagingReady) {
          makeDurableFolder(this.#root, this.#fs)
          makeDurableFolder(this.#staging, this.#fs)
          sweepStaging(this.#staging, this.#fs)
          this.#isStagingReady = true
        }
        return new StagedFile(this.#staging, this.#fs)
      } catch (error) {
        // Whoever was done with the folder may have removed it just now.
        if (errnoOf(error) !== 'ENOENT' || attempts === MAX_ATTEMPTS) throw error
        this.#isStagingReady = false
      }
    }
  }

  #publish(key: string, staged: StagedFile, onlyIfAbsent: boolean): void {
    const path = `${this.#root}/${key}`
    for (let attempts = 1; ; attempts++) {
      this.#makeFolders(key)
      try {
        return onlyIfAbsent ? staged.linkTo(path) : staged.moveTo(path)
      } catch (error) {
        const errno = errnoOf(error)
        if (errno === 'EEXIST' && onlyIfAbsent) throw objectConflict(this, key)
        if (errno === 'EISDIR' || errno === 'ENOTEMPTY' || errno === 'EEXIST') throw occupied(this, key, key)
        // A delete may have removed the folder that became empty.
        if ((errno !== 'ENOENT' && errno !== 'ENOTDIR') || attempts === MAX_ATTEMPTS) throw error
      }
    }
  }

  #makeFolders(key: string): void {
    for (let end = key.indexOf('/'); end !== -1; end = key.indexOf('/', end + 1)) {
      const folder = key.slice(0, end)
      const stat = this.#fs.lstatSync(`${this.#root}/${folder}`, { throwIfNoEntry: false })
      if (stat?.isDirectory() === true) continue
      if (stat !== undefined) throw occupied(this, key, folder)
      try {
        this.#fs.mkdirSync(`${this.#root}/${folder}`)
        syncDirectory(`${this.#root}/${folder.slice(0, Math.max(0, folder.lastIndexOf('/')))}`, this.#fs)
      } catch (error) {
        const errno = errnoOf(error)
        if (errno !== 'EEXIST' && errno !== 'ENOENT') throw error // others make and remove folders too
      }
    }
  }

  /** Folders are no objects: one that holds none any more must not keep its name from being a key. */
  #removeEmptyFolders(key: string): void {
    for (let end = key.lastIndexOf('/'); end !== -1; end = key.lastIndexOf('/', end - 1)) {
      const folder = `${this.#root}/${key.slice(0, end)}`
      try {
        this.#fs.rmdirSync(folder)
      } catch (error) {
        const errno = errnoOf(error)
        if (errno === 'ENOENT') continue // another delete was quicker
        return syncDirectory(folder, this.#fs)
      }
    }
    syncDirectory(this.#root, this.#fs)
  }

  #listBatch(keys: Iterator<string, void, undefined>): { batch: ObjectInfo[]; isLast: boolean } {
    const batch: ObjectInfo[] = []
    while (batch.length < BATCH_SIZE) {
      const next = keys.next()
      if (next.done === true) return { batch, isLast: true }
      const stat = this.#fs.lstatSync(`${this.#root}/${next.value}`, { bigint: true, throwIfNoEntry: false })
      if (stat?.isFile() === true) batch.push(objectInfo(next.value, stat))
    }
    return { batch, isLast: false }
  }

  #canLink(): boolean {
    try {
      using staged = this.#stage()
      const path = temporaryPathFor(`${this.#staging}/link`)
      staged.linkTo(path)
      this.#fs.unlinkSync(path)
      return true
    } catch (error) {
      const errno = errnoOf(error) ?? ''
      if (['EPERM', 'EOPNOTSUPP', 'ENOTSUP', 'ENOSYS', 'EROFS', 'EACCES', 'EMLINK'].includes(errno)) return false
      throw error
    }
  }

  #attempt<T>(action: string, key: string, step: () => T): T {
    try {
      return step()
    } catch (error) {
      throw systemCallError(error, action, printablePath(key === '' ? this.#root : `${this.#root}/${key}`))
    }
  }
}

interface Opened {
  info: ObjectInfo
  start: number
  end: number
  /** Absent when there are more than fit one piece. */
  bytes: Uint8Array | undefined
}

function objectInfo(key: string, stat: BigIntStats): ObjectInfo {
  const etag = `${stat.ino}-${stat.size}-${stat.mtimeNs}`
  return { key, sizeBytes: Number(stat.size), modified: stat.mtime, etag }
}

/** Make a folder and those above it, and their names durable. */
function makeDurableFolder(path: string, fs: FileSystem): void {
  for (const folder of makeFolders(path, { fs })) syncDirectory(resolve(folder, '..'), fs)
}
