import type { BigIntStats } from 'node:fs'
import type { FileSystem } from '@arc/core/node'

/** What the index remembers of the tracked files below one folder, in the order of `git ls-files --cached`. */
export interface IndexRows {
  readonly count: number
  /** Object id of the tree that committing the index would make, when the index knows it. */
  readonly treeId: string | undefined
  /**
   * Whether a file is the very one that the index describes in a row: same inode, times, size and kind, and not so young
   * that a later change could have left no trace. `false` says nothing: only its content can tell.
   */
  isUnchanged(row: number, stat: BigIntStats): boolean
  /** The commit that a row has for a submodule; `undefined` when the row is none. */
  submoduleCommit(row: number): string | undefined
  /** Gives the memory of all rows back at once; nothing can be asked any more. */
  release(): void
}

const SIGNATURE = 0x44495243 // "DIRC"
const HEADER_BYTES = 12
const STAT_BYTES = 40
const LONG_NAME = 0xfff
const EXTENDED = 0x4000

// Offsets of the fields in an entry, 32 bits each.
const CTIME = 0
const MTIME = 8
const INODE = 20
const MODE = 24
const SIZE = 36

const GITLINK = 0o160000

/**
 * Read git's index (gitformat-index, versions 2 to 4) for what no command prints cheaply: the metadata by which git knows
 * that a file did not change. `undefined` when it is missing, or shares its entries with another file.
 */
export function readIndex(fs: FileSystem, file: string, hashBytes: number, prefix: Uint8Array): IndexRows | undefined {
  try {
    const fd = fs.openSync(file, 'r')
    try {
      const stat = fs.fstatSync(fd, { bigint: true })
      const bytes = Buffer.allocUnsafeSlow(Number(stat.size))
      for (let at = 0; at < bytes.length;) {
        const count = fs.readSync(fd, bytes, at, bytes.length - at, at)
        if (count === 0) return undefined
        at += count
      }
      return parseIndex(bytes, hashBytes, prefix, stat.mtimeNs)
    } finally {
      fs.closeSync(fd)
    }
  } catch {
    return undefined // unreadable or damaged: git itself will say so where it matters
  }
}

function parseIndex(
  bytes: Buffer<ArrayBuffer>,
  hashBytes: number,
  prefix: Uint8Array,
  writtenNs: bigint,
): IndexRows | undefined {
  const version = bytes.readUInt32BE(4)
  if (bytes.readUInt32BE(0) !== SIGNATURE || version < 2 || version > 4) return undefined
  const total = bytes.readUInt32BE(8)
  const places = new Uint32Array(Math.min(total, bytes.length / STAT_BYTES))
  let count = 0
  let at = HEADER_BYTES
  let name: Buffer = Buffer.alloc(0)
  for (let entry = 0; entry < total; entry++) {
    const start = at
    const flags = bytes.readUInt16BE(at + STAT_BYTES + hashBytes)
    let nameAt = at + STAT_BYTES + hashBytes + 2 + ((flags & EXTENDED) === 0 ? 0 : 2)
    if (version === 4) {
      const stripped = readVariableInteger(bytes, nameAt)
      nameAt = stripped.end
      const end = bytes.indexOf(0, nameAt)
      // Names are given relative to the one before; only a folder below the top needs to know them.
      if (prefix.length > 0)
        name = Buffer.concat([name.subarray(0, name.length - stripped.value), bytes.subarray(nameAt, end)])
      at = end + 1
    } else {
      const length = flags & LONG_NAME
      const end = length === LONG_NAME ? bytes.indexOf(0, nameAt + LONG_NAME) : nameAt + length
      if (prefix.length > 0) name = bytes.subarray(nameAt, end)
      at = start + ((end - start + 8) & ~7) // at least one NUL, up to a multiple of eight
    }
    if (prefix.length === 0 || startsWith(name, prefix)) places[count++] = start
  }
  const treeId = rootTree(bytes, at, hashBytes)
  return {
    count,
    treeId,
    isUnchanged: (row, stat) => isSame(bytes, places[row] as number, stat, writtenNs),
    submoduleCommit(row) {
      const place = places[row] as number
      if (bytes.readUInt32BE(place + MODE) !== GITLINK) return undefined
      return bytes.toString('hex', place + STAT_BYTES, place + STAT_BYTES + hashBytes)
    },
    // The garbage collector sees a small object here, and leaves it and its megabytes for a long time.
    release: () => void bytes.buffer.transfer(0),
  }
}

function readVariableInteger(bytes: Buffer, at: number): { value: number; end: number } {
  let end = at
  let byte = bytes.readUInt8(end++)
  let value = byte & 0x7f
  while ((byte & 0x80) !== 0) {
    byte = bytes.readUInt8(end++)
    value = (value + 1) * 128 + (byte & 0x7f)
  }
  return { value, end }
}

function startsWith(name: Buffer, prefix: Uint8Array): boolean {
  return name.length > prefix.length && name.compare(prefix, 0, prefix.length, 0, prefix.length) === 0
}

/** The root of the cached tree (extension TREE), unless something staged made it invalid. */
function rootTree(bytes: Buffer, from: number, hashBytes: number): string | undefined {
  for (let at = from; at + 8 <= bytes.length - hashBytes;) {
    const start = at + 8
    if (bytes.toString('latin1', at, at + 4) === 'TREE') {
      const end = bytes.indexOf(0x0a, start)
      const isValid = /^\0\d+ \d+$/.test(bytes.toString('latin1', start, end))
      return isValid ? bytes.toString('hex', end + 1, end + 1 + hashBytes) : undefined
    }
    at = start + bytes.readUInt32BE(at + 4)
  }
  return undefined
}

const NS_PER_SECOND = 1_000_000_000n

// The index has 32 bits of each number; `>>> 0` leaves as many of ours.
function isSame(bytes: Buffer, at: number, stat: BigIntStats, writtenNs: bigint): boolean {
  if (bytes.readUInt32BE(at + INODE) !== Number(stat.ino) >>> 0) return false
  if (bytes.readUInt32BE(at + SIZE) !== Number(stat.size) >>> 0) return false
  if (bytes.readUInt32BE(at + MODE) !== gitMode(Number(stat.mode))) return false
  const { mtimeNs } = stat
  return (
    isTime(bytes, at + CTIME, stat.ctimeNs) &&
    isTime(bytes, at + MTIME, mtimeNs) &&
    !isRacy(bytes, at + MTIME, mtimeNs, writtenNs)
  )
}

/** Seconds, then nanoseconds, which some writers leave 0. */
function isTime(bytes: Buffer, at: number, timeNs: bigint): boolean {
  const ns = bytes.readUInt32BE(at + 4)
  const storedNs = BigInt(bytes.readUInt32BE(at)) * NS_PER_SECOND + BigInt(ns)
  return storedNs === timeNs || (ns === 0 && storedNs === timeNs - (timeNs % NS_PER_SECOND))
}

/** Modified in the moment the index was written, or later: git's own "racy" rule. */
function isRacy(bytes: Buffer, at: number, mtimeNs: bigint, writtenNs: bigint): boolean {
  const hasNs = bytes.readUInt32BE(at + 4) !== 0
  return mtimeNs >= (hasNs ? writtenNs : writtenNs - (writtenNs % NS_PER_SECOND))
}

function gitMode(mode: number): number {
  const type = mode & 0o170000
  if (type === 0o100000) return (mode & 0o100) === 0 ? 0o100644 : 0o100755
  return type
}
