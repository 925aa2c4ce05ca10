import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { dirname, extname, join } from 'node:path'
import type { Entry } from './entry.ts'
import { encodePath } from './entry-path.ts'
import { type FileSystem, nodeFileSystem, readFully } from './file-system.ts'
import { makeFolders } from './make-folders.ts'
import { Publication } from './publication.ts'

// magic, digest of key and note, row count, payload size, note size | note, padded to 8 | stamps | payloads | paths, NUL-terminated | SHA-256 of all before
const MAGIC = Buffer.from('arc-stamps-2\n\0\0\0')
const HEADER_BYTES = MAGIC.length + 32 + 16
const HEAD_BYTES = 64 * 1024 // most notes are smaller
/** Caches of one kind in a folder; what a project that is gone left there is removed, the oldest first. */
const MOST_CACHES = 64
const STAMP_CELLS = 6 // device, inode, mtime, ctime, size, mode: 64 bits each
const STAMP_BYTES = STAMP_CELLS * 8
const DIGEST_BYTES = 32
const TYPE_SHIFT = 16n
const PATH_ROWS = 1024

/**
 * What an earlier run knew about each path: its stamp and a payload of fixed size that the owner of the cache defines. The
 * file is disposable: a missing, foreign or damaged one is an empty cache. Reading is a merge: ask for paths in byte order
 * (for one as often as you like).
 */
export class StampCache {
  readonly rowCount: number
  /** What the owner saved about the run as a whole. */
  readonly note: string
  readonly #stamps: BigInt64Array
  readonly #payloads: Buffer
  readonly #payloadBytes: number
  readonly #paths: readonly string[]
  /** The row that was asked for last; the next one is at it, after it, or farther on. */
  #at = 0

  private constructor(
    note: string,
    stamps: BigInt64Array,
    payloads: Buffer,
    payloadBytes: number,
    paths: readonly string[],
  ) {
    this.note = note
    this.rowCount = paths.length
    this.#stamps = stamps
    this.#payloads = payloads
    this.#payloadBytes = payloadBytes
    this.#paths = paths
  }

  /** Load the cache that was saved for the same `key`, or `undefined`. */
  static load(file: string, key: string, payloadBytes: number): StampCache | undefined {
    let bytes: Buffer
    try {
      bytes = readFileSync(file)
    } catch {
      return undefined
    }
    const end = bytes.length - DIGEST_BYTES
    if (readNote(bytes, key) === undefined) return undefined
    if (!createHash('sha256').update(bytes.subarray(0, end)).digest().equals(bytes.subarray(end))) return undefined
    const rowCount = bytes.readUInt32LE(MAGIC.length + 32)
    if (bytes.readUInt32LE(MAGIC.length + 36) !== payloadBytes) return undefined
    const noteBytes = bytes.readUInt32LE(NOTE_SIZE_AT)
    const stampsAt = HEADER_BYTES + padded(noteBytes)
    const payloadsAt = stampsAt + rowCount * STAMP_BYTES
    const pathsAt = payloadsAt + rowCount * payloadBytes
    const note = bytes.toString('utf8', HEADER_BYTES, HEADER_BYTES + noteBytes)
    const stamps = new BigInt64Array(bytes.buffer.slice(bytes.byteOffset + stampsAt, bytes.byteOffset + payloadsAt))
    // Paths are compared with paths in the same spelling, so undecodable bytes need no special care here.
    const paths = rowCount === 0 ? [] : bytes.toString('latin1', pathsAt, end - 1).split('\0')
    return new StampCache(note, stamps, bytes.subarray(payloadsAt, pathsAt), payloadBytes, paths)
  }

  /** The note alone of the cache that was saved for the same `key`, or `undefined`: quick, whatever the number of rows. */
  static loadNote(file: string, key: string, fs: FileSystem = nodeFileSystem): string | undefined {
    let fd: number | undefined
    try {
      fd = fs.openSync(file, 'r')
      let head = Buffer.alloc(HEAD_BYTES)
      head = head.subarray(0, readFully(fs, fd, head, 0))
      if (head.length < HEADER_BYTES) return undefined
      const neededBytes = HEADER_BYTES + head.readUInt32LE(NOTE_SIZE_AT)
      if (neededBytes > head.length && neededBytes <= fs.fstatSync(fd).size) {
        head = Buffer.alloc(neededBytes)
        head = head.subarray(0, readFully(fs, fd, head, 0))
      }
      return readNote(head, key)
    } catch {
      return undefined
    } finally {
      if (fd !== undefined) fs.closeSync(fd)
    }
  }

  /**
   * The payload of an entry that is the same as then, or `undefined`. Valid until the cache is dropped. A file without a stamp
   * never matches; links and folders without one match by type, mode and size (compare a link's target yourself).
   */
  find(entry: Entry): Buffer | undefined {
    const row = this.#seek(entry)
    if (row < 0) return undefined
    const stamps = this.#stamps
    const at = row * STAMP_CELLS
    const stamp = entry.stamp
    if (stamp === undefined) {
      if (entry.type === 'file') return undefined
    } else if (
      stamps[at] !== stamp.device ||
      stamps[at + 1] !== stamp.inode ||
      stamps[at + 2] !== stamp.mtimeNs ||
      stamps[at + 3] !== stamp.ctimeNs
    ) {
      return undefined
    }
    if (stamps[at + 4] !== BigInt(entry.sizeBytes) || stamps[at + 5] !== typeAndMode(entry)) return undefined
    return this.#payloads.subarray(row * this.#payloadBytes, (row + 1) * this.#payloadBytes)
  }

  /** Begin to ask from the first path again. */
  rewind(): void {
    this.#at = 0
  }

  #seek(entry: Entry): number {
    const wanted = spelling(entry)
    const paths = this.#paths
    if (paths[this.#at] === wanted) return this.#at
    if (paths[this.#at + 1] === wanted) return ++this.#at
    // Latin-1 spellings of bytes sort as the bytes do.
    let low = this.#at
    let high = paths.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((paths[middle] as string) < wanted) low = middle + 1
      else high = middle
    }
    this.#at = low
    return paths[low] === wanted ? low : -1
  }
}

/** Collects the rows of a {@link StampCache}, in byte order of path. */
export class StampCacheWriter {
  readonly #payloadBytes: number
  readonly #paths: string[] = []
  #stamps: BigInt64Array<ArrayBuffer>
  #payloads: Buffer

  /** `expectedRows`: for how many there is room without growing. */
  constructor(payloadBytes: number, expectedRows = 1024) {
    this.#payloadBytes = payloadBytes
    this.#stamps = new BigInt64Array(expectedRows * STAMP_CELLS)
    this.#payloads = Buffer.alloc(expectedRows * payloadBytes)
  }

  get rowCount(): number {
    return this.#paths.length
  }

  /** The payload of a row, valid until the next one is added. */
  payload(row: number): Buffer {
    return this.#payloads.subarray(row * this.#payloadBytes, (row + 1) * this.#payloadBytes)
  }

  /** Remember an entry. A file without a stamp is remembered too, but never found again. */
  add(entry: Entry, payload: Uint8Array): void {
    const row = this.#paths.push(spelling(entry)) - 1
    if (row * STAMP_CELLS === this.#stamps.length) this.#grow()
    const at = row * STAMP_CELLS
    const stamp = entry.stamp
    this.#stamps[at] = stamp?.device ?? 0n
    this.#stamps[at + 1] = stamp?.inode ?? 0n
    this.#stamps[at + 2] = stamp?.mtimeNs ?? 0n
    this.#stamps[at + 3] = stamp?.ctimeNs ?? 0n
    this.#stamps[at + 4] = entry.stamp === undefined && entry.type === 'file' ? -1n : BigInt(entry.sizeBytes)
    this.#stamps[at + 5] = typeAndMode(entry)
    this.#payloads.set(payload, row * this.#payloadBytes)
  }

  /**
   * Publish the cache for `key`, with a note about the run; its folder is made if needed, and the oldest caches of a full one
   * are removed.
   */
  save(file: string, key: string, note = '', fs: FileSystem = nodeFileSystem): void {
    const count = this.#paths.length
    const noteBytes = Buffer.from(note)
    const header = Buffer.alloc(HEADER_BYTES + padded(noteBytes.length))
    prefixFor(key, noteBytes).copy(header)
    header.writeUInt32LE(count, MAGIC.length + 32)
    header.writeUInt32LE(this.#payloadBytes, MAGIC.length + 36)
    header.writeUInt32LE(noteBytes.length, NOTE_SIZE_AT)
    noteBytes.copy(header, HEADER_BYTES)
    makeFolders(dirname(file), { mode: 0o700, fs })
    using publication = new Publication(file, { mode: 0o600, durable: false, fs })
    const digest = createHash('sha256')
    const write = (part: Uint8Array): void => {
      digest.update(part)
      publication.write(part)
    }
    write(header)
    write(Buffer.from(this.#stamps.buffer, 0, count * STAMP_BYTES))
    write(this.#payloads.subarray(0, count * this.#payloadBytes))
    // In one buffer for all: garbage outside of the heap is left to lie for long.
    let piece = Buffer.alloc(0)
    for (let row = 0; row < count; row += PATH_ROWS) {
      const text = `${this.#paths.slice(row, row + PATH_ROWS).join('\0')}\0`
      if (text.length > piece.length) piece = Buffer.allocUnsafeSlow(text.length * 2)
      write(piece.subarray(0, piece.write(text, 'latin1')))
    }
    publication.write(digest.digest())
    publication.commit()
    removeOldest(file, fs)
  }

  #grow(): void {
    const stamps = new BigInt64Array(this.#stamps.length * 2 + STAMP_CELLS)
    stamps.set(this.#stamps)
    this.#stamps = stamps
    const payloads = Buffer.alloc(this.#payloads.length * 2 + this.#payloadBytes)
    this.#payloads.copy(payloads)
    this.#payloads = payloads
  }
}

function padded(sizeBytes: number): number {
  return Math.ceil(sizeBytes / 8) * 8
}

const NOTE_SIZE_AT = MAGIC.length + 40

function prefixFor(key: string, note: Uint8Array): Buffer {
  const keyDigest = createHash('sha256').update(key).digest()
  return Buffer.concat([MAGIC, createHash('sha256').update(keyDigest).update(note).digest()])
}

/** The note at the head of a cache; `undefined` unless that is whole and made for `key`. */
function readNote(bytes: Buffer, key: string): string | undefined {
  if (bytes.length < HEADER_BYTES) return undefined
  const note = bytes.subarray(HEADER_BYTES, HEADER_BYTES + bytes.readUInt32LE(NOTE_SIZE_AT))
  const prefix = prefixFor(key, note)
  return bytes.subarray(0, prefix.length).equals(prefix) ? note.toString() : undefined
}

function removeOldest(file: string, fs: FileSystem): void {
  const folder = dirname(file)
  const names = fs.readdirSync(folder).filter((name) => extname(name) === extname(file))
  if (names.length <= MOST_CACHES) return
  const aged = names.map((name) => {
    const path = join(folder, name)
    return { path, mtimeMs: fs.lstatSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Infinity }
  })
  aged.sort((a, b) => a.mtimeMs - b.mtimeMs)
  for (const { path } of aged.slice(0, names.length - MOST_CACHES)) fs.unlinkSync(path)
}

const NON_ASCII = /[^\u0001-\u007f]/

/** The path's bytes as a Latin-1 string: cheap to make for ASCII, and sorted as bytes. */
function spelling(entry: Entry): string {
  return NON_ASCII.test(entry.path) ? Buffer.from(encodePath(entry.path)).toString('latin1') : entry.path
}

const TYPE_CODES = { file: 1n, directory: 2n, symlink: 3n } as const

function typeAndMode(entry: Entry): bigint {
  return (TYPE_CODES[entry.type] << TYPE_SHIFT) | BigInt(entry.mode)
}
