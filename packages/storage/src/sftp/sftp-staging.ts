import { randomBytes } from 'node:crypto'
import type { Stats } from 'ssh2'
import { type SftpFiles, sftpStatus } from './sftp-files.ts'
import { WINDOW_BYTES } from './sftp-transfer.ts'

/** The folder at the root in which content waits until it is whole; no key begins with it. */
export const STAGING_FOLDER = '.arc-tmp'

// Whose writer is gone cannot be seen from afar: what nobody has touched for a week is nobody's.
const ABANDONED_AFTER_S = 7 * 24 * 60 * 60

/** Where objects are written before they get their names. */
export class SftpStaging {
  readonly #files: SftpFiles
  readonly #root: string
  #isReady: Promise<void> | undefined

  constructor(files: SftpFiles, root: string) {
    this.#files = files
    this.#root = root
  }

  /** Open a file for a new object. With the SHA-256 of its content, one that an earlier attempt left is gone on with. */
  async open(key: string, sha256: string | undefined): Promise<StagedUpload> {
    this.#isReady ??= this.#prepare()
    try {
      await this.#isReady
    } catch (error) {
      this.#isReady = undefined
      throw error
    }
    const name = sha256 === undefined ? randomBytes(12).toString('hex') : `${sha256}.part`
    const path = `${this.#root}/${STAGING_FOLDER}/${name}`
    const earlier = sha256 === undefined ? undefined : await this.#files.lstat(key, path)
    const mode = earlier?.isFile() === true ? 'r+' : sha256 === undefined ? 'wx' : 'w'
    const handle = await this.#files.call<Buffer>('write', key, (sftp, done) => sftp.open(path, mode, done))
    const kept = mode === 'r+' ? Math.max(0, (earlier?.size ?? 0) - WINDOW_BYTES) : 0
    return new StagedUpload(this.#files, key, path, handle, kept)
  }

  /** Remove the folder if nobody else needs it. */
  async leave(): Promise<void> {
    if (this.#isReady === undefined) return
    this.#isReady = undefined
    const folder = `${this.#root}/${STAGING_FOLDER}`
    await this.#files.call('tidy', '', (sftp, done) => sftp.rmdir(folder, done)).catch(() => {})
  }

  async #prepare(): Promise<void> {
    const folder = `${this.#root}/${STAGING_FOLDER}`
    for (let end = folder.indexOf('/', 1); end !== -1; end = folder.indexOf('/', end + 1)) {
      await this.#makeFolder(folder.slice(0, end))
    }
    await this.#makeFolder(folder)
    const entries = await this.#files.readdir('', folder)
    const now = Math.max(...entries.map(({ attrs }) => attrs.mtime)) // the server's clock, as far as it can be told
    for (const { filename, attrs } of entries) {
      if (!attrs.isFile() || now - attrs.mtime < ABANDONED_AFTER_S) continue
      await this.#files.call('tidy', '', (sftp, done) => sftp.unlink(`${folder}/${filename}`, done)).catch(() => {})
    }
  }

  async #makeFolder(path: string): Promise<void> {
    if (path === '' || path === '.' || path === '~') return
    try {
      await this.#files.call('make', path, (sftp, done) => sftp.mkdir(path, done))
    } catch (error) {
      // The protocol has no code for "exists".
      if (sftpStatus(error) === undefined || (await this.#files.lstat(path, path)) === undefined) throw error
    }
  }
}

/** An object that is being written under a name nobody looks at. */
export class StagedUpload {
  readonly path: string
  readonly handle: Buffer
  /** Bytes at the beginning that are there from an earlier attempt. */
  readonly position: number
  readonly #files: SftpFiles
  readonly #key: string
  #isOpen = true

  constructor(files: SftpFiles, key: string, path: string, handle: Buffer, position: number) {
    this.#files = files
    this.#key = key
    this.path = path
    this.handle = handle
    this.position = position
  }

  /** The pieces without the bytes that are there already. All of them pass, so that their hash can be checked. */
  async *skipWritten(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
    let left = this.position
    for await (const piece of pieces) {
      const skipped = Math.min(left, piece.length)
      left -= skipped
      if (skipped < piece.length) yield piece.subarray(skipped)
    }
  }

  /** Cut off what an earlier attempt wrote behind the end, and close. */
  async seal(sizeBytes: number): Promise<Stats> {
    const { handle } = this
    let stats = await this.#call<Stats>((sftp, done) => sftp.fstat(handle, done))
    if (stats.size !== sizeBytes) {
      await this.#call((sftp, done) => sftp.fsetstat(handle, { size: sizeBytes }, done))
      stats = await this.#call<Stats>((sftp, done) => sftp.fstat(handle, done))
    }
    await this.#close()
    return stats
  }

  /** Close and remove the file, or leave it for the next attempt. */
  async abandon(isKept: boolean): Promise<void> {
    try {
      await this.#close()
      if (!isKept) await this.#call((sftp, done) => sftp.unlink(this.path, done))
    } catch {
      // What went wrong before is what must be told; the file is swept in time.
    }
  }

  async #close(): Promise<void> {
    if (!this.#isOpen) return
    this.#isOpen = false
    await this.#call((sftp, done) => sftp.close(this.handle, done))
  }

  async #call<Result = void>(request: Parameters<SftpFiles['call']>[2]): Promise<Result> {
    return (await this.#files.call('write', this.#key, request)) as Result
  }
}
