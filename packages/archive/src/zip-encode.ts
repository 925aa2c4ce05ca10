import type { Owner } from '@arc/core'
import {
  CENTRAL_BYTES,
  CENTRAL_SIGNATURE,
  DESCRIPTOR_SIGNATURE,
  END64_BYTES,
  END64_SIGNATURE,
  END_BYTES,
  END_SIGNATURE,
  EXTRA_ARC_MANIFEST,
  EXTRA_UNIX_OWNER,
  EXTRA_UNIX_TIME,
  EXTRA_ZIP64,
  FLAG_DESCRIPTOR,
  FLAG_UTF8,
  HOST_UNIX,
  LOCAL_BYTES,
  LOCAL_SIGNATURE,
  LOCATOR64_BYTES,
  LOCATOR64_SIGNATURE,
  S_IFDIR,
  S_IFMT,
  SEE_ZIP64_16,
  SEE_ZIP64_32,
} from './zip-format.ts'

/** What the headers of one entry say. */
export interface ZipRecord {
  readonly name: Uint8Array
  /** General purpose flags. */
  readonly flags: number
  /** Unix mode with its type bits. */
  readonly mode: number
  readonly dosTime: number
  /** Modification in seconds since 1970; `undefined` where 32 bits do not hold it. */
  readonly unixTime: number | undefined
  /** True for the archive's own manifest. */
  readonly isManifest: boolean
  /** Whom it belongs to, if that is to be kept. */
  readonly owner: Pick<Owner, 'uid' | 'gid'> | undefined
  readonly method: number
  readonly crc: number
  readonly compressedBytes: number
  readonly sizeBytes: number
  /** Where the local header is. */
  readonly offset: number
}

/** From here on sizes and offsets go into 64-bit fields: deflate makes incompressible data a little longer. */
const LARGE_BYTES = 0xff000000
const TIME_BYTES = 9
const MARK_BYTES = 5
const OWNER_BYTES = 15
const VERSION = 20
const VERSION64 = 45

/** Room for any header but its name. */
export const MAX_ZIP_HEADER_BYTES = 128

/** The flags of an entry with this name. */
export function zipFlags(name: Uint8Array, isText: boolean, isStreamed: boolean): number {
  const needsUtf8 = isText && name.some((byte) => byte >= 0x80)
  return (needsUtf8 ? FLAG_UTF8 : 0) | (isStreamed ? FLAG_DESCRIPTOR : 0)
}

/** Bytes of the local header of a record, whatever its checksum and compressed size. */
export function localBytes(
  record: Pick<ZipRecord, 'name' | 'unixTime' | 'isManifest' | 'owner' | 'sizeBytes'>,
): number {
  return LOCAL_BYTES + record.name.length + extraBytes(record) + (record.sizeBytes >= LARGE_BYTES ? 20 : 0)
}

/** Write a local header; of a streamed entry, checksum and sizes follow the content instead. Returns where it ends. */
export function putLocal(into: Uint8Array, at: number, record: ZipRecord): number {
  const { name, sizeBytes, compressedBytes } = record
  const isLarge = sizeBytes >= LARGE_BYTES
  const isStreamed = (record.flags & FLAG_DESCRIPTOR) !== 0
  put32(into, at, LOCAL_SIGNATURE)
  put16(into, at + 4, isLarge ? VERSION64 : VERSION)
  putCommon(into, at + 6, record)
  put32(into, at + 14, isStreamed ? 0 : record.crc)
  put32(into, at + 18, isLarge ? SEE_ZIP64_32 : isStreamed ? 0 : compressedBytes)
  put32(into, at + 22, isLarge ? SEE_ZIP64_32 : isStreamed ? 0 : sizeBytes)
  put16(into, at + 26, name.length)
  put16(into, at + 28, extraBytes(record) + (isLarge ? 20 : 0))
  into.set(name, at + LOCAL_BYTES)
  const extra = putExtra(into, at + LOCAL_BYTES + name.length, record)
  return isLarge ? putZip64(into, extra, isStreamed ? [0, 0] : [sizeBytes, compressedBytes]) : extra
}

/** Write what follows the content of a streamed entry; returns where it ends. */
export function putDescriptor(into: Uint8Array, at: number, record: ZipRecord): number {
  put32(into, at, DESCRIPTOR_SIGNATURE)
  put32(into, at + 4, record.crc)
  if (record.sizeBytes >= LARGE_BYTES) {
    put64(into, at + 8, record.compressedBytes)
    put64(into, at + 16, record.sizeBytes)
    return at + 24
  }
  put32(into, at + 8, record.compressedBytes)
  put32(into, at + 12, record.sizeBytes)
  return at + 16
}

/** Write a header of the central directory; returns where it ends. */
export function putCentral(into: Uint8Array, at: number, record: ZipRecord): number {
  const { name, offset, sizeBytes, compressedBytes, mode } = record
  const isLarge = sizeBytes >= LARGE_BYTES
  const isFar = offset >= SEE_ZIP64_32
  const large = [...(isLarge ? [sizeBytes, compressedBytes] : []), ...(isFar ? [offset] : [])]
  const version = large.length > 0 ? VERSION64 : VERSION
  into.fill(0, at, at + CENTRAL_BYTES)
  put32(into, at, CENTRAL_SIGNATURE)
  put16(into, at + 4, (HOST_UNIX << 8) | version)
  put16(into, at + 6, version)
  putCommon(into, at + 8, record)
  put32(into, at + 16, record.crc)
  put32(into, at + 20, isLarge ? SEE_ZIP64_32 : compressedBytes)
  put32(into, at + 24, isLarge ? SEE_ZIP64_32 : sizeBytes)
  put16(into, at + 28, name.length)
  put16(into, at + 30, extraBytes(record) + (large.length > 0 ? 4 + 8 * large.length : 0))
  const isFolder = (mode & S_IFMT) === S_IFDIR
  put32(into, at + 38, (mode << 16) | (isFolder ? 0x10 : 0))
  put32(into, at + 42, isFar ? SEE_ZIP64_32 : offset)
  into.set(name, at + CENTRAL_BYTES)
  const extra = putExtra(into, at + CENTRAL_BYTES + name.length, record)
  return large.length > 0 ? putZip64(into, extra, large) : extra
}

/** Write the end record, after a zip64 one when numbers need it; returns where it ends. */
export function putEnd(into: Uint8Array, from: number, count: number, sizeBytes: number, offset: number): number {
  const isLarge = count >= SEE_ZIP64_16 || sizeBytes >= SEE_ZIP64_32 || offset >= SEE_ZIP64_32
  const at = isLarge ? putEnd64(into, from, count, sizeBytes, offset) : from
  into.fill(0, at, at + END_BYTES)
  put32(into, at, END_SIGNATURE)
  put16(into, at + 8, Math.min(count, SEE_ZIP64_16))
  put16(into, at + 10, Math.min(count, SEE_ZIP64_16))
  put32(into, at + 12, Math.min(sizeBytes, SEE_ZIP64_32))
  put32(into, at + 16, Math.min(offset, SEE_ZIP64_32))
  return at + END_BYTES
}

function putEnd64(into: Uint8Array, at: number, count: number, sizeBytes: number, offset: number): number {
  const end = at + END64_BYTES
  into.fill(0, at, end + LOCATOR64_BYTES)
  put32(into, at, END64_SIGNATURE)
  put64(into, at + 4, END64_BYTES - 12)
  put16(into, at + 12, (HOST_UNIX << 8) | VERSION64)
  put16(into, at + 14, VERSION64)
  put64(into, at + 24, count)
  put64(into, at + 32, count)
  put64(into, at + 40, sizeBytes)
  put64(into, at + 48, offset)
  put32(into, end, LOCATOR64_SIGNATURE)
  put64(into, end + 8, offset + sizeBytes)
  put32(into, end + 16, 1)
  return end + LOCATOR64_BYTES
}

/** Flags, method, time and date, which both headers have in this order. */
function putCommon(into: Uint8Array, at: number, { flags, method, dosTime }: ZipRecord): void {
  put16(into, at, flags)
  put16(into, at + 2, method)
  put32(into, at + 4, dosTime)
}

function extraBytes({ unixTime, isManifest, owner }: Pick<ZipRecord, 'unixTime' | 'isManifest' | 'owner'>): number {
  return (
    (unixTime === undefined ? 0 : TIME_BYTES) + (isManifest ? MARK_BYTES : 0) + (owner === undefined ? 0 : OWNER_BYTES)
  )
}

/** Modification in seconds since 1970 and owner, as Info-ZIP writes them, and the mark of our manifest. */
function putExtra(into: Uint8Array, from: number, { unixTime, isManifest, owner }: ZipRecord): number {
  let at = from
  if (unixTime !== undefined) {
    put16(into, at, EXTRA_UNIX_TIME)
    put16(into, at + 2, TIME_BYTES - 4)
    into[at + 4] = 1
    put32(into, at + 5, unixTime)
    at += TIME_BYTES
  }
  if (owner !== undefined) {
    put16(into, at, EXTRA_UNIX_OWNER)
    put16(into, at + 2, OWNER_BYTES - 4)
    into[at + 4] = 1 // version
    into[at + 5] = into[at + 10] = 4 // bytes of each number
    put32(into, at + 6, owner.uid)
    put32(into, at + 11, owner.gid)
    at += OWNER_BYTES
  }
  if (isManifest) {
    put16(into, at, EXTRA_ARC_MANIFEST)
    put16(into, at + 2, MARK_BYTES - 4)
    into[at + 4] = 1
    at += MARK_BYTES
  }
  return at
}

function putZip64(into: Uint8Array, at: number, values: readonly number[]): number {
  put16(into, at, EXTRA_ZIP64)
  put16(into, at + 2, values.length * 8)
  values.forEach((value, i) => put64(into, at + 4 + i * 8, value))
  return at + 4 + values.length * 8
}

function put16(into: Uint8Array, at: number, value: number): void {
  into[at] = value & 255
  into[at + 1] = (value >>> 8) & 255
}

function put32(into: Uint8Array, at: number, value: number): void {
  put16(into, at, value)
  put16(into, at + 2, value >>> 16)
}

function put64(into: Uint8Array, at: number, value: number): void {
  put32(into, at, value % 2 ** 32)
  put32(into, at + 4, Math.floor(value / 2 ** 32))
}
