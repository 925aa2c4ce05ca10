import { createHash, randomUUID } from 'node:crypto'
import { readFileSync, readlinkSync } from 'node:fs'
import { hostname } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { systemCallError } from './error.ts'
import { type FileSystem, nodeFileSystem, readFully, writeFully } from './file-system.ts'

export interface PublicationOptions {
  /** Permission bits of the published file before umask; default `0o666`. */
  mode?: number
  /** `false` leaves out the syncs: for files that are disposable. Default `true`. */
  durable?: boolean
  fs?: FileSystem
}

/**
 * A file that appears all at once: bytes go to a private file beside `path`; {@link Publication.commit} makes them
 * durable and renames them into place. Whatever happens before, the old file stays as it was; what a killed process
 * leaves behind is removed by the next publication to the same path.
 */
export class Publication implements Disposable {
  readonly path: string
  readonly #fs: FileSystem
  readonly #temporaryPath: string
  readonly #durable: boolean
  #fd: number
  #sizeBytes = 0

  /** Throws `ARC_NOT_FOUND` or `ARC_SYSTEM_CALL_FAILED` when the folder cannot be written to. */
  constructor(path: string, options: PublicationOptions = {}) {
    this.path = path
    this.#fs = options.fs ?? nodeFileSystem
    this.#durable = options.durable ?? true
    removeAbandoned(path, this.#fs)
    this.#temporaryPath = temporaryPathFor(path)
    this.#fd = this.#attempt('create', () => this.#fs.openSync(this.#temporaryPath, 'wx+', options.mode ?? 0o666))
  }

  /** Bytes appended so far. */
  get sizeBytes(): number {
    return this.#sizeBytes
  }

  /** Device and inode: what tells this file from any other, before and after it gets its name. Ask before {@link Publication.commit}. */
  get identity(): string {
    const { dev, ino } = this.#attempt('look at', () => this.#fs.fstatSync(this.#fd, { bigint: true }))
    return `${dev}:${ino}`
  }

  /** Append bytes. */
  write(bytes: Uint8Array): void {
    this.#attempt('write', () => writeFully(this.#fs, this.#fd, bytes, this.#sizeBytes))
    this.#sizeBytes += bytes.length
  }

  /** Replace bytes that were written before. */
  overwrite(bytes: Uint8Array, position: number): void {
    this.#attempt('write', () => writeFully(this.#fs, this.#fd, bytes, position))
  }

  /** Read back what was written; returns the bytes read, fewer than asked for only at the end. */
  read(into: Uint8Array, position: number): number {
    return this.#attempt('read back', () => readFully(this.#fs, this.#fd, into, position))
  }

  /** Drop what lies behind the first `sizeBytes` bytes. */
  truncate(sizeBytes: number): void {
    this.#attempt('write', () => this.#fs.ftruncateSync(this.#fd, sizeBytes))
    this.#sizeBytes = sizeBytes
  }

  /** Make the bytes durable, give them their name, make the name durable. */
  commit(): void {
    if (this.#durable) this.#attempt('write', () => this.#fs.fsyncSync(this.#fd))
    this.#attempt('close', () => this.#close())
    this.#attempt('replace', () => this.#fs.renameSync(this.#temporaryPath, this.path))
    if (this.#durable) this.#attempt('make durable', () => syncDirectory(dirname(this.path), this.#fs))
  }

  /** Drop the bytes; does nothing after {@link Publication.commit}. */
  [Symbol.dispose](): void {
    for (const step of [() => this.#close(), () => this.#fs.unlinkSync(this.#temporaryPath)]) {
      try {
        step()
      } catch {
        // Committed, or never created; else what went wrong before is what must be told.
      }
    }
  }

  #close(): void {
    if (this.#fd < 0) return
    const fd = this.#fd
    this.#fd = -1
    this.#fs.closeSync(fd)
  }

  #attempt<T>(action: string, step: () => T): T {
    try {
      return step()
    } catch (error) {
      throw systemCallError(error, action, this.path)
    }
  }
}

/** Publish bytes that are all at hand. */
export function publishFile(path: string, bytes: Uint8Array, options: PublicationOptions = {}): void {
  using publication = new Publication(path, options)
  publication.write(bytes)
  publication.commit()
}

/** Make a folder's names durable. Where folders cannot be synced (Windows) the rename itself is all there is. */
export function syncDirectory(path: string, fs: FileSystem = nodeFileSystem): void {
  if (process.platform === 'win32') return
  const fd = fs.openSync(path, 'r')
  try {
    fs.fsyncSync(fd)
  } finally {
    fs.closeSync(fd)
  }
}

// .<name>.<where>-<pid>-<random>.arc-tmp; `where` tells whether the process id means anything to us.
const TEMPORARY_NAME = /^\.(.+)\.([0-9a-f]{8})-(\d+)-[0-9a-f]{12}\.arc-tmp$/s
const LONGEST_NAME_BYTES = 200 // of 255; what is added takes up to 44
const FOREIGN_LIFETIME_MS = 24 * 60 * 60 * 1000 // a process we cannot see is given a day to finish its file

/** True for the names that unfinished publications have, so that nobody takes them for content. */
export function isTemporaryName(name: string): boolean {
  return name.endsWith('.arc-tmp') && TEMPORARY_NAME.test(name)
}

/** A name beside `path` that nobody else uses, and by which {@link isAbandoned} knows its maker. */
export function temporaryPathFor(path: string): string {
  const unique = `${processSpace()}-${process.pid}-${randomUUID().slice(-12)}`
  return join(dirname(path), `.${shortName(path)}.${unique}.arc-tmp`)
}

/** The file's name, or a stand-in when it would leave no room for the rest of a temporary name. */
function shortName(path: string): string {
  const name = basename(path)
  return Buffer.byteLength(name) <= LONGEST_NAME_BYTES ? name : createHash('sha256').update(name).digest('hex')
}

function removeAbandoned(path: string, fs: FileSystem): void {
  let names: string[]
  try {
    names = fs.readdirSync(dirname(path))
  } catch {
    return // creating the file will tell what is wrong
  }
  for (const name of names) {
    if (TEMPORARY_NAME.exec(name)?.[1] !== shortName(path)) continue
    const temporary = join(dirname(path), name)
    try {
      if (isAbandoned(temporary, fs)) fs.unlinkSync(temporary)
    } catch {
      // Somebody else removed it first, or may not: it is litter, not a failure of this job.
    }
  }
}

/** Whether the maker of a file that {@link temporaryPathFor} named has gone. Throws what looking at the file throws. */
export function isAbandoned(temporaryPath: string, fs: FileSystem): boolean {
  const match = TEMPORARY_NAME.exec(basename(temporaryPath))
  if (match === null) return false
  if (match[2] === processSpace()) return !isAlive(Number(match[3]))
  return Date.now() - fs.lstatSync(temporaryPath).mtimeMs > FOREIGN_LIFETIME_MS
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}

let cachedProcessSpace: string | undefined

/** Eight hex digits for this host, boot and process namespace: within one of them a process id means one process. */
function processSpace(): string {
  if (cachedProcessSpace === undefined) {
    const facts = [
      hostname(),
      probe(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8')),
      probe(() => readlinkSync('/proc/self/ns/pid')),
    ]
    cachedProcessSpace = createHash('sha256').update(facts.join('\n')).digest('hex').slice(0, 8)
  }
  return cachedProcessSpace
}

function probe(read: () => string): string {
  try {
    return read()
  } catch {
    return ''
  }
}
