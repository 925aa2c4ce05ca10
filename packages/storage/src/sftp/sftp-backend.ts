import { randomBytes } from 'node:crypto'
import type { FileEntryWithStats, Stats } from 'ssh2'
import { isArcError } from '@arc/core'
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
} from '../backend.ts'
import { backendUnsuitable, objectConflict, objectNotFound } from '../backend-error.ts'
import type { CanHoldOptions } from '../backend-features.ts'
import { checkedPieces, clampRange, toldPieces, gathered } from '../content.ts'
import { type ListedObject, walkLevels } from '../level-walk.ts'
import { assertKey, assertPrefix, invalidKey, keyProblem } from '../object-key.ts'
import { assertCanHold, kindOfStats, occupied } from '../path-keys.ts'
import { retried } from '../retry.ts'
import { refuseFeatures, refuseVersion } from '../unsupported.ts'
import type { SftpConnection } from './sftp-connection.ts'
import { SftpFiles, SftpStatus, sftpStatus, unlessMissing } from './sftp-files.ts'
import { SftpStaging, STAGING_FOLDER } from './sftp-staging.ts'
import { readPieces, writePieces } from './sftp-transfer.ts'

const SMALL_BYTES = 1024 * 1024
const MAX_NAME_BYTES = 255
const MAX_ATTEMPTS = 20

/** A folder that an SSH server gives access to; keys are paths below it. */
export class SftpBackend implements Backend {
  readonly scheme = 'sftp'
  readonly location: string
  readonly #root: string
  readonly #connection: SftpConnection
  readonly #files: SftpFiles
  readonly #staging: SftpStaging
  #capabilities: Promise<Capabilities> | undefined
  /** Folders that were seen or made; forgotten when a write finds one gone. */
  readonly #folders = new Set<string>()

  /** `root` has no slash at its end. */
  constructor(location: string, root: string, connection: SftpConnection) {
    this.location = location
    this.#root = root
    this.#connection = connection
    this.#files = new SftpFiles(this, connection)
    this.#staging = new SftpStaging(this.#files, root)
  }

  async capabilities(options: CallOptions = {}): Promise<Capabilities> {
    options.signal?.throwIfAborted()
    this.#capabilities ??= this.#probe().catch((error: unknown) => {
      this.#capabilities = undefined
      throw error
    })
    return this.#capabilities
  }

  async stat(key: string, options: StatOptions = {}): Promise<ObjectInfo | undefined> {
    this.#check(key, options)
    const stats = await retried(async () => this.#files.lstat(key, this.#path(key)), options)
    return stats?.isFile() === true ? objectInfo(key, stats) : undefined
  }

  async read(key: string, options: ReadOptions = {}): Promise<ObjectBody> {
    this.#check(key, options)
    const { range, signal } = options
    const { info, start, end, bytes } = await retried(async () => this.#readStart(key, range), { signal })
    const pieces = bytes ?? this.#readWhole(key, info, start, end)
    return { info, [Symbol.asyncIterator]: () => toldPieces(pieces, end - start, options) }
  }

  async write(key: string, content: ObjectContent, options: WriteOptions = {}): Promise<ObjectInfo> {
    this.#check(key, options)
    const { ifAbsent = false, ifMatch, ...rest } = options
    refuseFeatures(this, { ...rest, ifMatch })
    if (ifAbsent && !(await this.capabilities(options)).createOnly) {
      throw backendUnsuitable(this, 'has no hard links, which creating only if absent needs')
    }
    if (ifAbsent && (await this.stat(key, options)) !== undefined) throw objectConflict(this, key)
    const isResumable = options.resume === true && options.sha256 !== undefined
    const staged = await this.#staging.open(key, isResumable ? options.sha256 : undefined)
    try {
      const pieces = staged.skipWritten(checkedPieces(key, content, options))
      const sizeBytes = await writePieces(this.#files, key, staged.handle, pieces, staged.position)
      options.signal?.throwIfAborted()
      const stats = await staged.seal(Math.max(sizeBytes, staged.position))
      await this.#publish(key, staged.path, ifAbsent)
      return objectInfo(key, stats)
    } catch (error) {
      // Bytes that were refused for their hash must not be taken up again.
      const isWrong = isArcError(error) && error.code === 'ARC_HASH_MISMATCH'
      await staged.abandon(isResumable && !isWrong && options.signal?.aborted !== true)
      throw error
    }
  }

  async delete(key: string, options: DeleteOptions = {}): Promise<void> {
    this.#check(key, options)
    const path = this.#path(key)
    const isGone = async (): Promise<unknown> =>
      unlessMissing(this.#files.call('delete', key, (sftp, done) => sftp.unlink(path, done)))
    try {
      await retried(isGone, options)
    } catch (error) {
      if ((await this.stat(key, options)) !== undefined) throw error
      return // a folder is no object
    }
    await this.#removeEmptyFolders(key)
  }

  async assertCanHold(key: string, options: CanHoldOptions = {}): Promise<void> {
    this.#check(key, options)
    await assertCanHold(this, key, options, async (name) =>
      kindOfStats(await retried(async () => this.#files.lstat(name, this.#path(name)), options)),
    )
  }

  async *list(prefix: string, options: ListOptions = {}): AsyncGenerator<readonly ObjectInfo[], void, undefined> {
    assertPrefix(prefix)
    const readLevel = async (folder: string): Promise<ListedObject[]> =>
      (await retried(async () => this.#files.readdir(folder, `${this.#root}/${folder}`), options)).flatMap((entry) =>
        listedObject(folder, entry),
      )
    yield* walkLevels(readLevel, prefix, options)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#staging.leave()
    await this.#connection[Symbol.asyncDispose]()
  }

  #path(key: string): string {
    return `${this.#root}/${key}`
  }

  #check(key: string, options: DeleteOptions & StatOptions & WriteOptions): void {
    assertKey(key)
    if (key.split('/').some((name) => Buffer.byteLength(name) > MAX_NAME_BYTES)) throw invalidKey(key, 'name-too-long')
    if (key === STAGING_FOLDER || key.startsWith(`${STAGING_FOLDER}/`)) throw invalidKey(key, 'reserved')
    options.signal?.throwIfAborted()
    const { version, ifMatch } = options
    refuseVersion(this, { version, ifMatch })
  }

  async #readStart(key: string, range: ReadOptions['range']): Promise<Opened> {
    const opened = await this.#open(key)
    if (opened === undefined) throw objectNotFound(this, key)
    try {
      const info = objectInfo(key, opened.stats)
      const { start, end } = clampRange(range, info.sizeBytes)
      if (end - start > SMALL_BYTES) return { info, start, end, bytes: undefined }
      const bytes = await gathered(readPieces(this.#files, key, opened.handle, start, end))
      if (bytes.reduce((sum, { length }) => sum + length, 0) < end - start) throw objectConflict(this, key)
      return { info, start, end, bytes }
    } finally {
      await this.#close(key, opened.handle)
    }
  }

  /** All bytes come through one handle, which keeps the file it was opened on, whatever happens to its name. */
  async *#readWhole(key: string, info: ObjectInfo, start: number, end: number): AsyncGenerator<Uint8Array> {
    const opened = await this.#open(key)
    if (opened === undefined) throw objectConflict(this, key)
    try {
      const now = objectInfo(key, opened.stats)
      const isSame = now.sizeBytes === info.sizeBytes && now.modified.getTime() === info.modified.getTime()
      if (!isSame) throw objectConflict(this, key)
      let count = 0
      for await (const piece of readPieces(this.#files, key, opened.handle, start, end)) {
        count += piece.length
        yield piece
      }
      if (count < end - start) throw objectConflict(this, key)
    } finally {
      await this.#close(key, opened.handle)
    }
  }

  async #open(key: string): Promise<{ handle: Buffer; stats: Stats } | undefined> {
    const path = this.#path(key)
    const stats = await this.#files.lstat(key, path)
    if (stats?.isFile() !== true) return undefined
    const handle = await unlessMissing(
      this.#files.call<Buffer>('read', key, (sftp, done) => sftp.open(path, 'r', done)),
    )
    if (handle === undefined) return undefined
    return { handle, stats: await this.#files.call<Stats>('read', key, (sftp, done) => sftp.fstat(handle, done)) }
  }

  async #close(key: string, handle: Buffer): Promise<void> {
    await this.#files.call('close', key, (sftp, done) => sftp.close(handle, done)).catch(() => {})
  }

  async #publish(key: string, staged: string, onlyIfAbsent: boolean): Promise<void> {
    const path = this.#path(key)
    for (let attempts = 1; ; attempts++) {
      await this.#makeFolders(key)
      try {
        if (!onlyIfAbsent) return await this.#rename(key, staged, path)
        await this.#files.call('create', key, (sftp, done) => sftp.ext_openssh_hardlink(staged, path, done))
        await this.#files.call('tidy', key, (sftp, done) => sftp.unlink(staged, done))
        return
      } catch (error) {
        if (sftpStatus(error) === SftpStatus.noSuchFile && attempts < MAX_ATTEMPTS) {
          this.#folders.clear() // a delete may have removed the folder that became empty
          continue
        }
        const there = await this.#files.lstat(key, path)
        if (there !== undefined && onlyIfAbsent) throw objectConflict(this, key)
        if (there?.isDirectory() === true) throw occupied(this, key, key)
        throw error
      }
    }
  }

  async #rename(key: string, from: string, to: string): Promise<void> {
    try {
      await this.#files.call('publish', key, (sftp, done) => sftp.ext_openssh_rename(from, to, done))
    } catch (error) {
      if (sftpStatus(error) !== undefined || !isUnsupported(error)) throw error
      // Without the extension a rename replaces nothing, which is enough for what is new.
      await this.#files.call('publish', key, (sftp, done) => sftp.rename(from, to, done))
    }
  }

  async #makeFolders(key: string): Promise<void> {
    for (let end = key.indexOf('/'); end !== -1; end = key.indexOf('/', end + 1)) {
      const folder = key.slice(0, end)
      if (this.#folders.has(folder)) continue
      const path = this.#path(folder)
      try {
        await this.#files.call('make the folder of', key, (sftp, done) => sftp.mkdir(path, done))
      } catch (error) {
        const stats = await this.#files.lstat(key, path)
        if (stats === undefined && sftpStatus(error) !== SftpStatus.noSuchFile) throw error
        if (stats !== undefined && !stats.isDirectory()) throw occupied(this, key, folder)
      }
      this.#folders.add(folder)
    }
  }

  async #removeEmptyFolders(key: string): Promise<void> {
    for (let end = key.lastIndexOf('/'); end !== -1; end = key.lastIndexOf('/', end - 1)) {
      const folder = key.slice(0, end)
      this.#folders.delete(folder)
      try {
        await this.#files.call('tidy', key, (sftp, done) => sftp.rmdir(this.#path(folder), done))
      } catch (error) {
        if (sftpStatus(error) === undefined) throw error
        return // something is in it
      }
    }
  }

  async #probe(): Promise<Capabilities> {
    return {
      createOnly: await this.#canLink(),
      compareAndSwap: false,
      compareAndDelete: false,
      consistent: true,
      metadata: false,
      versions: false,
      objectLock: false,
      resume: true,
    }
  }

  /** A hard link must be made, and must not be made twice. */
  async #canLink(): Promise<boolean> {
    const staged = await this.#staging.open('', undefined)
    const path = `${this.#root}/${STAGING_FOLDER}/link-${randomBytes(8).toString('hex')}`
    const link = async (): Promise<boolean> => {
      try {
        await this.#files.call('try out', '', (sftp, done) => sftp.ext_openssh_hardlink(staged.path, path, done))
        return true
      } catch (error) {
        if (sftpStatus(error) === undefined && !isUnsupported(error)) throw error
        return false
      }
    }
    try {
      const isMade = await link()
      const isMadeTwice = isMade && (await link())
      if (isMade) await this.#files.call('tidy', '', (sftp, done) => sftp.unlink(path, done))
      return isMade && !isMadeTwice
    } finally {
      await staged.abandon(false)
    }
  }
}

interface Opened {
  info: ObjectInfo
  start: number
  end: number
  /** Absent when there are too many to take at once. */
  bytes: Uint8Array[] | undefined
}

/** The client's own complaint about a server without an extension. */
function isUnsupported(error: unknown): boolean {
  return error instanceof Error && /does not support|not supported/i.test(error.message)
}

/** The protocol tells whole seconds: nothing here tells two writes within one apart, so there is no etag. */
function objectInfo(key: string, { size, mtime }: { size: number; mtime: number }): ObjectInfo {
  return { key, sizeBytes: size, modified: new Date(mtime * 1000) }
}

function listedObject(folder: string, { filename, attrs }: FileEntryWithStats): ListedObject[] {
  const key = folder + filename
  if (filename === '.' || filename === '..' || key === STAGING_FOLDER) return []
  if (keyProblem(key) !== undefined || filename.includes('\ufffd')) return [] // the latter: no UTF-8
  if (attrs.isDirectory()) return [{ key: `${key}/`, isFolder: true }]
  return attrs.isFile() ? [{ key, isFolder: false, info: objectInfo(key, attrs) }] : []
}
