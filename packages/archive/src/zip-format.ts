// PKWARE APPNOTE 6.3.10, as far as Arc reads and writes it: store and deflate, zip64, UTF-8 names, Unix modes.

export const LOCAL_SIGNATURE = 0x04034b50
export const CENTRAL_SIGNATURE = 0x02014b50
export const END_SIGNATURE = 0x06054b50
export const END64_SIGNATURE = 0x06064b50
export const LOCATOR64_SIGNATURE = 0x07064b50
export const DESCRIPTOR_SIGNATURE = 0x08074b50

export const LOCAL_BYTES = 30
export const CENTRAL_BYTES = 46
export const END_BYTES = 22
export const END64_BYTES = 56
export const LOCATOR64_BYTES = 20

export const METHOD_STORE = 0
export const METHOD_DEFLATE = 8

export const FLAG_ENCRYPTED = 0x0001
export const FLAG_DESCRIPTOR = 0x0008
export const FLAG_PATCH = 0x0020
export const FLAG_STRONG_ENCRYPTION = 0x0040
export const FLAG_UTF8 = 0x0800
export const FLAG_MASKED = 0x2000

export const EXTRA_ZIP64 = 0x0001
export const EXTRA_NTFS_TIME = 0x000a
export const EXTRA_UNIX_TIME = 0x5455
/** Ours: this entry is the manifest of the archive (docs/formats/arc-archive-1.md). */
export const EXTRA_ARC_MANIFEST = 0x7241
export const EXTRA_UNICODE_PATH = 0x7075
/** Info-ZIP's, with numbers of user and group. */
export const EXTRA_UNIX_OWNER = 0x7875

export const HOST_UNIX = 3
export const HOST_DARWIN = 19

/** A 16 or 32-bit field of this value says: see the zip64 extra field. */
export const SEE_ZIP64_16 = 0xffff
export const SEE_ZIP64_32 = 0xffffffff

/** File type bits of a Unix mode. */
export const S_IFMT = 0o170000
export const S_IFREG = 0o100000
export const S_IFDIR = 0o040000
export const S_IFLNK = 0o120000
export const S_IFIFO = 0o010000

export function u16(bytes: Uint8Array, at: number): number {
  return (bytes[at] as number) | ((bytes[at + 1] as number) << 8)
}

export function u32(bytes: Uint8Array, at: number): number {
  return (u16(bytes, at) | (u16(bytes, at + 2) << 16)) >>> 0
}

/** A 64-bit number; `undefined` when no real size or offset is that large. */
export function u64(bytes: Uint8Array, at: number): number | undefined {
  const value = u32(bytes, at) + u32(bytes, at + 4) * 2 ** 32
  return Number.isSafeInteger(value) ? value : undefined
}

/** True unless an extra field goes on behind the end of them all. */
export function areExtras(bytes: Uint8Array, from: number, to: number): boolean {
  let at = from
  while (at + 4 <= to) at += 4 + u16(bytes, at + 2)
  return at <= to
}

/** The data of the extra field `id`, if it is there. */
export function findExtra(bytes: Uint8Array, from: number, to: number, id: number): Uint8Array | undefined {
  // What is left over at the end is padding, which some tools put there to align the content.
  for (let at = from; at + 4 <= to;) {
    const end = at + 4 + u16(bytes, at + 2)
    if (u16(bytes, at) === id) return end <= to ? bytes.subarray(at + 4, end) : undefined
    at = end
  }
  return undefined
}

/** Nanoseconds since 1970 of a DOS date and time, which are local to nobody knows where: taken as UTC. */
export function dosTimeNs(time: number, date: number): bigint {
  const ms = Date.UTC(
    1980 + (date >> 9),
    ((date >> 5) & 15) - 1,
    date & 31,
    time >> 11,
    (time >> 5) & 63,
    (time & 31) * 2,
  )
  return BigInt(ms) * 1_000_000n
}

/** DOS time and date of a time, as one 32-bit number; out of range ends at the range. */
export function toDosTime(ns: bigint): number {
  const date = new Date(Number(ns / 1_000_000n))
  const year = date.getUTCFullYear()
  if (!(year >= 1980)) return (1 << 21) | (1 << 16)
  if (year > 2107) return ((((127 << 9) | (12 << 5) | 31) << 16) | (23 << 11) | (59 << 5) | 29) >>> 0
  const day = ((year - 1980) << 9) | ((date.getUTCMonth() + 1) << 5) | date.getUTCDate()
  const time = (date.getUTCHours() << 11) | (date.getUTCMinutes() << 5) | (date.getUTCSeconds() >> 1)
  return ((day << 16) | time) >>> 0
}

/** Seconds since 1970, as far as 32 bits hold them. */
export function toUnixTime(ns: bigint): number | undefined {
  const part = ns % 1_000_000_000n
  const seconds = Number((ns - (part < 0n ? part + 1_000_000_000n : part)) / 1_000_000_000n)
  return seconds === (seconds | 0) ? seconds : undefined
}
