import type { BigIntStats } from 'node:fs'
import { decodePath, type Entry, type EntryPath, type Omission, type Stamp } from '@arc/core'
import { errnoOf } from '@arc/core'
import { isSparseFile, localPath, LocalContent, type LocalFileFacts, type LocalRoot } from '@arc/core/node'
import type { LocalAttributes } from './local-attributes.ts'

const MODE_BITS = 0o7777
const TYPE_BITS = 0o170000
const FILE = 0o100000
const FOLDER = 0o040000
const SYMLINK = 0o120000
const NS_PER_MS = 1_000_000n
const NS_PER_SECOND = 1_000_000_000n
// A kernel stamps files with the time of its last tick, 1 to 10 ms ago: a second change within one tick leaves no trace.
const RACY_NS = 20n * NS_PER_MS
// FAT and some network file systems keep whole or even seconds only.
const COARSE_RACY_NS = 2n * NS_PER_SECOND

/** Metadata with nanoseconds, or `undefined` when there is nothing (any more). Throws the other errors of the system. */
export function lstat(at: LocalRoot, path: EntryPath): BigIntStats | undefined {
  try {
    return at.fs.lstatSync(localPath(at.root, path), { bigint: true, throwIfNoEntry: false })
  } catch (error) {
    if (errnoOf(error) === 'ENOTDIR') return undefined // a folder of the path is one no more
    throw error
  }
}

/** The metadata of what a symlink leads to; `undefined` when it leads nowhere. Throws when it leads in circles. */
export function follow(at: LocalRoot, path: EntryPath): BigIntStats | undefined {
  return at.fs.statSync(localPath(at.root, path), { bigint: true, throwIfNoEntry: false })
}

/** What the metadata is of. (The methods of `BigIntStats` make three bigints for each question.) */
export function isFolder(stat: BigIntStats): boolean {
  return (Number(stat.mode) & TYPE_BITS) === FOLDER
}

/** The same for symlinks. */
export function isSymlink(stat: BigIntStats): boolean {
  return (Number(stat.mode) & TYPE_BITS) === SYMLINK
}

/** Files that changed after these moments cannot be trusted to show a further change. */
export interface StampLimits {
  readonly fineNs: bigint
  /** For files whose times are whole seconds. */
  readonly coarseNs: bigint
}

/** The limits for a listing that starts now, in milliseconds since 1970. */
export function stampLimits(nowMs: number): StampLimits {
  const nowNs = BigInt(Math.floor(nowMs)) * NS_PER_MS
  return { fineNs: nowNs - RACY_NS, coarseNs: nowNs - COARSE_RACY_NS }
}

/** What a table keeps of a file with a single name; `undefined` for everything else. */
export function soleFile(stat: BigIntStats, limits: StampLimits): LocalFileFacts | undefined {
  const bits = Number(stat.mode)
  if ((bits & TYPE_BITS) !== FILE || stat.nlink !== 1n) return undefined
  return {
    mode: bits & MODE_BITS,
    sizeBytes: Number(stat.size),
    mtimeNs: stat.mtimeNs,
    ctimeNs: stat.ctimeNs,
    device: stat.dev,
    inode: stat.ino,
    isStamped: isOldEnough(stat, limits),
  }
}

/** The entry of a path, from its metadata; an omission for what has no state to keep or cannot be read. */
export function localEntry(at: LocalRoot, path: EntryPath, stat: BigIntStats, context: EntryContext): Entry | Omission {
  const entry = plainEntry(at, path, stat, context.stampLimits)
  if (isOmission(entry)) return entry
  const attributes = context.attributes.of(stat, entry.type === 'file' && isSparseFile(stat))
  return attributes === undefined ? entry : { ...entry, attributes }
}

/** What every entry of a listing is made with. */
export interface EntryContext {
  readonly stampLimits: StampLimits
  readonly attributes: LocalAttributes
}

function plainEntry(at: LocalRoot, path: EntryPath, stat: BigIntStats, limits: StampLimits): Entry | Omission {
  const bits = Number(stat.mode)
  const type = bits & TYPE_BITS
  const mode = bits & MODE_BITS
  const mtimeNs = stat.mtimeNs
  if (type === FILE) {
    const sizeBytes = Number(stat.size)
    return {
      path,
      type: 'file',
      mode,
      sizeBytes,
      mtimeNs,
      target: undefined,
      hardLink: stat.nlink > 1n ? `${stat.dev}:${stat.ino}` : undefined,
      stamp: stampOf(stat, limits),
      sha256: undefined,
      content: new LocalContent(at, path, sizeBytes),
    }
  }
  if (type === FOLDER) return { path, type: 'directory', mode, sizeBytes: 0, mtimeNs }
  if (type === SYMLINK) return localSymlink(at, path, mode, stat, limits)
  return { path, reason: 'special-file', detail: SPECIAL[type] ?? 'not a file, folder or symlink' }
}

const SPECIAL: Readonly<Record<number, string>> = {
  0o010000: 'a pipe',
  0o020000: 'a character device',
  0o060000: 'a block device',
  0o140000: 'a socket',
}

function localSymlink(
  at: LocalRoot,
  path: EntryPath,
  mode: number,
  stat: BigIntStats,
  limits: StampLimits,
): Entry | Omission {
  let target: Buffer
  try {
    target = at.fs.readlinkSync(localPath(at.root, path), { encoding: 'buffer' })
  } catch (error) {
    return systemOmission(path, error)
  }
  return {
    path,
    type: 'symlink',
    mode,
    sizeBytes: target.length,
    mtimeNs: stat.mtimeNs,
    target: decodePath(target),
    stamp: stampOf(stat, limits),
  }
}

/** What the times and identity of a file say about its content, unless it changed too recently for them to tell. */
function stampOf(stat: BigIntStats, limits: StampLimits): Stamp | undefined {
  if (!isOldEnough(stat, limits)) return undefined
  return { device: stat.dev, inode: stat.ino, mtimeNs: stat.mtimeNs, ctimeNs: stat.ctimeNs }
}

function isOldEnough({ mtimeNs, ctimeNs }: BigIntStats, { fineNs, coarseNs }: StampLimits): boolean {
  if (mtimeNs <= coarseNs && ctimeNs <= coarseNs) return true
  return mtimeNs <= fineNs && ctimeNs <= fineNs && mtimeNs % NS_PER_SECOND !== 0n
}

/** An omission has a reason, an entry has not. */
export function isOmission(found: Entry | Omission): found is Omission {
  return 'reason' in found
}

/** What a refused system call makes of a path. */
export function systemOmission(path: EntryPath, error: unknown, subject = ''): Omission {
  const errno = errnoOf(error)
  if (errno === 'ENOENT' || errno === 'ENOTDIR') return { path, reason: 'vanished' }
  if (errno === 'ELOOP') return { path, reason: 'link-loop' }
  if (errno === undefined) throw error
  const message = error instanceof Error ? error.message : String(error)
  return { path, reason: 'unreadable', detail: `${subject}${message.replace(/^([A-Z0-9]+: [^,]*),.*$/s, '$1')}` }
}
