import { damaged, unsafe, unsupported } from './problems.ts'
import { archivePath } from './tar-meta.ts'
import { decodePath, type EntryPath, type EntryType, isOwnerId, type Owner } from '@arc/core'
import type { Codecs } from './codecs.ts'
import { spokenName, SLASH } from './zip-name.ts'
import {
  areExtras,
  CENTRAL_BYTES,
  dosTimeNs,
  EXTRA_ARC_MANIFEST,
  EXTRA_NTFS_TIME,
  EXTRA_UNICODE_PATH,
  EXTRA_UNIX_OWNER,
  EXTRA_UNIX_TIME,
  EXTRA_ZIP64,
  findExtra,
  FLAG_ENCRYPTED,
  FLAG_MASKED,
  FLAG_PATCH,
  FLAG_STRONG_ENCRYPTION,
  HOST_DARWIN,
  HOST_UNIX,
  METHOD_DEFLATE,
  METHOD_STORE,
  S_IFDIR,
  S_IFIFO,
  S_IFLNK,
  S_IFMT,
  S_IFREG,
  SEE_ZIP64_32,
  u16,
  u32,
  u64,
} from './zip-format.ts'

/** What the central directory says of one entry. */
export interface ZipMember {
  readonly path: EntryPath
  /** What {@link path} was made from. */
  readonly name: Uint8Array
  readonly type: EntryType | 'special' | 'root'
  readonly mode: number
  readonly mtimeNs: bigint
  readonly flags: number
  readonly method: number
  readonly crc: number
  readonly compressedBytes: number
  readonly sizeBytes: number
  readonly localOffset: number
}

/** Bytes of the name in the central header at `at`. */
export function centralName(bytes: Uint8Array, at: number): Uint8Array {
  return bytes.subarray(at + CENTRAL_BYTES, at + CENTRAL_BYTES + u16(bytes, at + 28))
}

/** The names of the entries whose extra field has another encoding of them, by the places of their central headers. */
export function transcodedNames(
  bytes: Uint8Array,
  central: readonly number[],
  codecs: Codecs,
): Map<number, Uint8Array> {
  const names = new Map<number, Uint8Array>()
  for (const at of central) {
    const extra = extraOf(bytes, at, EXTRA_UNICODE_PATH)
    if (extra === undefined) continue
    const written = centralName(bytes, at)
    const name = spokenName(extra, written, codecs)
    if (name !== written) names.set(at, name)
  }
  if (names.size > 0) assertDistinct(bytes, central)
  return names
}

/** Readers that do not know the extra field must not take two entries for one. */
function assertDistinct(bytes: Uint8Array, central: readonly number[]): void {
  const seen = new Set<EntryPath>()
  for (const at of central) {
    const written = decodePath(centralName(bytes, at))
    if (seen.has(written)) throw unsafe('some readers take it and another entry for one', written)
    seen.add(written)
  }
}

/** Order of two central headers by the bytes of their names, {@link withoutSlash}. */
export function compareCentralNames(bytes: Uint8Array, a: number, b: number): number {
  const [lengthA, lengthB] = [pathLength(bytes, a), pathLength(bytes, b)]
  const length = Math.min(lengthA, lengthB)
  for (let i = CENTRAL_BYTES; i < CENTRAL_BYTES + length; i++) {
    const difference = (bytes[a + i] as number) - (bytes[b + i] as number)
    if (difference !== 0) return difference
  }
  return lengthA - lengthB
}

function pathLength(bytes: Uint8Array, at: number): number {
  const length = u16(bytes, at + 28)
  return length > 0 && bytes[at + CENTRAL_BYTES + length - 1] === SLASH ? length - 1 : length
}

/** Where the central header at `at` says that the local one is. */
export function localOffset(bytes: Uint8Array, at: number): number {
  const offset = u32(bytes, at + 42)
  if (offset !== SEE_ZIP64_32) return offset
  const name = centralName(bytes, at)
  return readSizes(bytes, at, extraOf(bytes, at, EXTRA_ZIP64), archivePath(name).path).localOffset
}

/** An extra field of the central header at `at`. */
function extraOf(bytes: Uint8Array, at: number, id: number): Uint8Array | undefined {
  const extra = at + CENTRAL_BYTES + u16(bytes, at + 28)
  return findExtra(bytes, extra, extra + u16(bytes, at + 30), id)
}

/** True when the central header at `at` belongs to the archive's own manifest. */
export function isManifest(bytes: Uint8Array, at: number): boolean {
  return extraOf(bytes, at, EXTRA_ARC_MANIFEST)?.[0] === 1
}

/** The owner that the central header at `at` tells, if it does. */
export function readCentralOwner(bytes: Uint8Array, at: number): Owner | undefined {
  const extra = extraOf(bytes, at, EXTRA_UNIX_OWNER)
  if (extra?.length !== OWNER_EXTRA_BYTES || extra[0] !== 1 || extra[1] !== 4 || extra[6] !== 4) return undefined
  const [uid, gid] = [u32(extra, 2), u32(extra, 7)]
  return isOwnerId(uid) && isOwnerId(gid) ? { uid, gid } : undefined
}

/** Version, and two numbers of four bytes with their lengths: what every writer uses. */
const OWNER_EXTRA_BYTES = 11

/** Read the central header at `at`. Throws on whatever is not one clear meaning. */
export function readCentral(bytes: Uint8Array, at: number, codecs: Codecs): ZipMember {
  const written = centralName(bytes, at)
  const extra = at + CENTRAL_BYTES + written.length
  const extraEnd = extra + u16(bytes, at + 30)
  const name = spokenName(findExtra(bytes, extra, extraEnd, EXTRA_UNICODE_PATH), written, codecs)
  const { path, isFolder } = archivePath(name)
  const flags = u16(bytes, at + 8)
  const method = u16(bytes, at + 10)
  if ((flags & (FLAG_ENCRYPTED | FLAG_STRONG_ENCRYPTION | FLAG_MASKED)) !== 0) throw unsupported(`it is encrypted`)
  if ((flags & FLAG_PATCH) !== 0) throw unsupported('it holds patches')
  if (method !== METHOD_STORE && method !== METHOD_DEFLATE)
    throw unsupported(`it uses the compression method ${method}`)
  if (!areExtras(bytes, extra, extraEnd)) throw damaged('its extra fields are malformed', { path })
  const sizes = readSizes(bytes, at, findExtra(bytes, extra, extraEnd, EXTRA_ZIP64), path)
  if (method === METHOD_STORE && sizes.compressedBytes !== sizes.sizeBytes)
    throw damaged('its two sizes differ though it is not compressed', { path })
  const { type, mode } = kindOf(bytes, at, isFolder, path, sizes.sizeBytes)
  // Field by field: to spread objects in here costs as much as all the rest.
  return {
    path,
    name,
    type,
    mode,
    mtimeNs: readTime(bytes, at, extra, extraEnd),
    flags,
    method,
    crc: u32(bytes, at + 16),
    compressedBytes: sizes.compressedBytes,
    sizeBytes: sizes.sizeBytes,
    localOffset: sizes.localOffset,
  }
}

type Sizes = Pick<ZipMember, 'compressedBytes' | 'sizeBytes' | 'localOffset'>

function readSizes(bytes: Uint8Array, at: number, extra: Uint8Array | undefined, path: string): Sizes {
  let next = 0
  const field = (offset: number): number => {
    const value = u32(bytes, offset)
    if (value !== SEE_ZIP64_32) return value
    const large = extra === undefined || next + 8 > extra.length ? undefined : u64(extra, next)
    next += 8
    if (large === undefined) throw damaged('its zip64 sizes are missing or make no sense', { path })
    return large
  }
  if (u16(bytes, at + 34) !== 0) throw unsupported('it is a part of an archive in several files')
  const sizeBytes = field(at + 24)
  const compressedBytes = field(at + 20)
  return { sizeBytes, compressedBytes, localOffset: field(at + 42) }
}

function kindOf(
  bytes: Uint8Array,
  at: number,
  isFolder: boolean,
  path: string,
  sizeBytes: number,
): Pick<ZipMember, 'type' | 'mode'> {
  const host = bytes[at + 5] as number
  const attributes = u32(bytes, at + 38)
  const unix = host === HOST_UNIX || host === HOST_DARWIN ? attributes >>> 16 : 0
  const mode = unix === 0 ? (isFolder ? 0o755 : 0o644) : unix & 0o7777
  if (path === '') {
    if (!isFolder) throw unsafe('a file has no name')
    return { type: 'root', mode }
  }
  switch (unix & S_IFMT) {
    case 0:
      return { type: isFolder || (unix === 0 && (attributes & 0x10) !== 0) ? 'directory' : 'file', mode }
    case S_IFREG:
      if (isFolder) throw unsafe('a file has the name of a folder', path)
      return { type: 'file', mode }
    case S_IFDIR:
      return { type: 'directory', mode }
    case S_IFLNK:
      if (isFolder) throw unsafe('a symlink has the name of a folder', path)
      if (host === HOST_DARWIN) throw unsafe('some readers take it for a symlink, others for a file', path)
      return { type: 'symlink', mode }
    case S_IFIFO:
      // What Info-ZIP read from a pipe (`zip x.zip -`) has the pipe's type and a file's content.
      return { type: sizeBytes > 0 && !isFolder ? 'file' : 'special', mode }
    default:
      return { type: 'special', mode }
  }
}

const NTFS_EPOCH_SECONDS = 11_644_473_600n // between 1601 and 1970

function readTime(bytes: Uint8Array, at: number, extra: number, extraEnd: number): bigint {
  const ntfs = findExtra(bytes, extra, extraEnd, EXTRA_NTFS_TIME)
  // Reserved word, then tag 1 of 24 bytes: modification, access and creation in units of 100 ns.
  if (ntfs !== undefined && ntfs.length >= 32 && u16(ntfs, 4) === 1 && u16(ntfs, 6) >= 8) {
    const ticks = (BigInt(u32(ntfs, 12)) << 32n) | BigInt(u32(ntfs, 8))
    return ticks * 100n - NTFS_EPOCH_SECONDS * 1_000_000_000n
  }
  const unix = findExtra(bytes, extra, extraEnd, EXTRA_UNIX_TIME)
  if (unix !== undefined && unix.length >= 5 && ((unix[0] as number) & 1) !== 0)
    return BigInt(u32(unix, 1) | 0) * 1_000_000_000n
  return dosTimeNs(u16(bytes, at + 12), u16(bytes, at + 14))
}
