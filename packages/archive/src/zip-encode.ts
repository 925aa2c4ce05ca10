import {
  CENTRAL_BYTES,
  CENTRAL_SIGNATURE,
  DESCRIPTOR_SIGNATURE,
  END64_BYTES,
  END64_SIGNATURE,
  END_BYTES,
  END_SIGNATURE,
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
  toDosTime,
} from './zip-format.ts'

/** What the headers of one entry say. */
export interface ZipRecord {
  readonly name: Uint8Array
  /** Whether the name is UTF-8, and not just bytes. */
  readonly isText: boolean
  /** Unix mode with its type bits. */
  readonly mode: number
  readonly mtimeNs: bigint
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
const VERSION = 20
const VERSION64 = 45

/** A local header. When `isStreamed`, its checksum and sizes follow the content instead. */
export function encodeLocal(record: ZipRecord, isStreamed: boolean): Uint8Array {
  const isLarge = record.sizeBytes >= LARGE_BYTES
  const time = timeExtra(record.mtimeNs)
  const sizes = isStreamed ? [0, 0] : [record.sizeBytes, record.compressedBytes]
  const large = isLarge ? zip64Extra(sizes) : NONE
  const bytes = new Uint8Array(LOCAL_BYTES + record.name.length + time.length + large.length)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, LOCAL_SIGNATURE, true)
  view.setUint16(4, isLarge ? VERSION64 : VERSION, true)
  putCommon(view, 6, record, isStreamed)
  view.setUint32(14, isStreamed ? 0 : record.crc, true)
  view.setUint32(18, isLarge ? SEE_ZIP64_32 : (sizes[1] as number), true)
  view.setUint32(22, isLarge ? SEE_ZIP64_32 : (sizes[0] as number), true)
  view.setUint16(26, record.name.length, true)
  view.setUint16(28, time.length + large.length, true)
  putAll(bytes, LOCAL_BYTES, record.name, time, large)
  return bytes
}

/** What follows the content of a streamed entry. */
export function encodeDescriptor({ crc, compressedBytes, sizeBytes }: ZipRecord): Uint8Array {
  const isLarge = sizeBytes >= LARGE_BYTES
  const bytes = new Uint8Array(isLarge ? 24 : 16)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, DESCRIPTOR_SIGNATURE, true)
  view.setUint32(4, crc, true)
  if (isLarge) {
    view.setBigUint64(8, BigInt(compressedBytes), true)
    view.setBigUint64(16, BigInt(sizeBytes), true)
  } else {
    view.setUint32(8, compressedBytes, true)
    view.setUint32(12, sizeBytes, true)
  }
  return bytes
}

/** A header of the central directory. */
export function encodeCentral(record: ZipRecord, isStreamed: boolean): Uint8Array {
  const { name, offset, sizeBytes, compressedBytes } = record
  const isLarge = sizeBytes >= LARGE_BYTES
  const isFar = offset >= SEE_ZIP64_32
  const time = timeExtra(record.mtimeNs)
  const large =
    isLarge || isFar ? zip64Extra([...(isLarge ? [sizeBytes, compressedBytes] : []), ...(isFar ? [offset] : [])]) : NONE
  const bytes = new Uint8Array(CENTRAL_BYTES + name.length + time.length + large.length)
  const view = new DataView(bytes.buffer)
  const version = isLarge || isFar ? VERSION64 : VERSION
  view.setUint32(0, CENTRAL_SIGNATURE, true)
  view.setUint16(4, (HOST_UNIX << 8) | version, true)
  view.setUint16(6, version, true)
  putCommon(view, 8, record, isStreamed)
  view.setUint32(16, record.crc, true)
  view.setUint32(20, isLarge ? SEE_ZIP64_32 : compressedBytes, true)
  view.setUint32(24, isLarge ? SEE_ZIP64_32 : sizeBytes, true)
  view.setUint16(28, name.length, true)
  view.setUint16(30, time.length + large.length, true)
  const isFolder = (record.mode & S_IFMT) === S_IFDIR
  view.setUint32(38, ((record.mode << 16) | (isFolder ? 0x10 : 0)) >>> 0, true)
  view.setUint32(42, isFar ? SEE_ZIP64_32 : offset, true)
  putAll(bytes, CENTRAL_BYTES, name, time, large)
  return bytes
}

/** The end record, after a zip64 one when numbers need it. */
export function encodeEnd(count: number, sizeBytes: number, offset: number): Uint8Array {
  const isLarge = count >= SEE_ZIP64_16 || sizeBytes >= SEE_ZIP64_32 || offset >= SEE_ZIP64_32
  const at = isLarge ? END64_BYTES + LOCATOR64_BYTES : 0
  const bytes = new Uint8Array(at + END_BYTES)
  const view = new DataView(bytes.buffer)
  if (isLarge) putEnd64(view, count, sizeBytes, offset)
  view.setUint32(at, END_SIGNATURE, true)
  view.setUint16(at + 8, Math.min(count, SEE_ZIP64_16), true)
  view.setUint16(at + 10, Math.min(count, SEE_ZIP64_16), true)
  view.setUint32(at + 12, Math.min(sizeBytes, SEE_ZIP64_32), true)
  view.setUint32(at + 16, Math.min(offset, SEE_ZIP64_32), true)
  return bytes
}

function putEnd64(view: DataView, count: number, sizeBytes: number, offset: number): void {
  view.setUint32(0, END64_SIGNATURE, true)
  view.setBigUint64(4, BigInt(END64_BYTES - 12), true)
  view.setUint16(12, (HOST_UNIX << 8) | VERSION64, true)
  view.setUint16(14, VERSION64, true)
  view.setBigUint64(24, BigInt(count), true)
  view.setBigUint64(32, BigInt(count), true)
  view.setBigUint64(40, BigInt(sizeBytes), true)
  view.setBigUint64(48, BigInt(offset), true)
  view.setUint32(END64_BYTES, LOCATOR64_SIGNATURE, true)
  view.setBigUint64(END64_BYTES + 8, BigInt(offset + sizeBytes), true)
  view.setUint32(END64_BYTES + 16, 1, true)
}

/** Flags, method, time and date, which both headers have in this order. */
function putCommon(
  view: DataView,
  at: number,
  { name, isText, method, mtimeNs }: ZipRecord,
  isStreamed: boolean,
): void {
  const isAscii = name.every((byte) => byte < 0x80)
  view.setUint16(at, (isText && !isAscii ? FLAG_UTF8 : 0) | (isStreamed ? FLAG_DESCRIPTOR : 0), true)
  view.setUint16(at + 2, method, true)
  view.setUint32(at + 4, toDosTime(mtimeNs), true)
}

const NONE = new Uint8Array(0)

/** Modification in seconds since 1970, as Info-ZIP writes it; nothing where 32 bits do not hold it. */
function timeExtra(mtimeNs: bigint): Uint8Array {
  const ns = mtimeNs % 1_000_000_000n
  const seconds = Number((mtimeNs - (ns < 0n ? ns + 1_000_000_000n : ns)) / 1_000_000_000n)
  if (seconds !== (seconds | 0)) return NONE
  const bytes = new Uint8Array(TIME_BYTES)
  const view = new DataView(bytes.buffer)
  view.setUint16(0, EXTRA_UNIX_TIME, true)
  view.setUint16(2, TIME_BYTES - 4, true)
  view.setUint8(4, 1)
  view.setInt32(5, seconds, true)
  return bytes
}

function zip64Extra(values: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(4 + values.length * 8)
  const view = new DataView(bytes.buffer)
  view.setUint16(0, EXTRA_ZIP64, true)
  view.setUint16(2, values.length * 8, true)
  values.forEach((value, i) => view.setBigUint64(4 + i * 8, BigInt(value), true))
  return bytes
}

function putAll(bytes: Uint8Array, at: number, ...parts: readonly Uint8Array[]): void {
  let next = at
  for (const part of parts) {
    bytes.set(part, next)
    next += part.length
  }
}
