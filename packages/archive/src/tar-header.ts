import { isZero } from './byte-feed.ts'
import { damaged } from './problems.ts'

/** Bytes of a header and of every unit of a tar archive. */
export const BLOCK_BYTES = 512

/** The largest size eleven octal digits can hold. */
export const MAX_OCTAL_SIZE: number = 8 ** 11 - 1

const SPACE = 0x20
const ZERO = 0x30
const SEVEN = 0x37

/** Which rules the fields after the first 257 bytes follow. */
export type TarDialect = 'v7' | 'ustar' | 'gnu' | 'star'

/** True when the block at `at` marks the end of an archive. */
export function isEndBlock(bytes: Uint8Array, at: number): boolean {
  return bytes[at] === 0 && isZero(bytes, at, at + BLOCK_BYTES)
}

/** `bytes` rounded up to whole blocks. */
export function toBlocks(bytes: number): number {
  // No bit operators: sizes pass 2^32.
  return Math.ceil(bytes / BLOCK_BYTES) * BLOCK_BYTES
}

/** The sum of a header's bytes, with spaces in place of its checksum. */
export function headerSum(bytes: Uint8Array, at: number): number {
  const sum = 8 * SPACE - sumOf(bytes, at + 148, at + 156)
  const offset = bytes.byteOffset + at
  if (offset % 4 !== 0) return sum + sumOf(bytes, at, at + BLOCK_BYTES)
  // Four bytes at a time: two sums of 256 bytes each, which 16 bits hold.
  const words = new Uint32Array(bytes.buffer, offset, BLOCK_BYTES / 4)
  let sums = 0
  for (let i = 0; i < BLOCK_BYTES / 4; i++) {
    const word = words[i] as number
    sums = (sums + (word & 0x00ff00ff) + ((word >>> 8) & 0x00ff00ff)) | 0
  }
  return sum + (sums & 0xffff) + (sums >>> 16)
}

function sumOf(bytes: Uint8Array, from: number, to: number): number {
  let sum = 0
  for (let i = from; i < to; i++) sum += bytes[i] as number
  return sum
}

/** Throws unless the header at `at` carries its checksum, as an unsigned sum or as the signed one of some old writers. */
export function assertChecksum(bytes: Uint8Array, at: number): void {
  const declared = readNumber(bytes, at + 148, 8, 'checksum')
  const sum = headerSum(bytes, at)
  if (declared === sum) return
  let high = 0
  for (let i = at; i < at + BLOCK_BYTES; i++) if ((bytes[i] as number) > 0x7f && (i < at + 148 || i >= at + 156)) high++
  if (declared !== sum - 256 * high) throw damaged('a header does not match its checksum')
}

/** Throws unless every number of the header at `at` is one, needed here or not: over some of them other readers stop. */
export function assertNumbers(bytes: Uint8Array, at: number): void {
  readNumber(bytes, at + 100, 8, 'mode')
  readNumber(bytes, at + 108, 8, 'user', true)
  readNumber(bytes, at + 116, 8, 'group', true)
  readNumber(bytes, at + 136, 12, 'time', true)
  readNumber(bytes, at + 329, 8, 'device', true)
  readNumber(bytes, at + 337, 8, 'device', true)
}

/** The dialect that the magic at offset 257 declares. Throws when readers differ in which it is. */
export function dialectOf(bytes: Uint8Array, at: number): TarDialect {
  if (!hasText(bytes, at + 257, 'ustar')) {
    // Some readers join what is there to the name, whatever the magic.
    if (bytes[at + 345] !== 0) throw damaged('a header of no known kind has a prefix')
    return 'v7'
  }
  if (hasText(bytes, at + 262, '  \0')) return 'gnu'
  if (bytes[at + 262] !== 0) throw damaged('a header is of no known kind')
  return hasText(bytes, at + 508, 'tar\0') ? 'star' : 'ustar'
}

function hasText(bytes: Uint8Array, at: number, text: string): boolean {
  for (let i = 0; i < text.length; i++) if (bytes[at + i] !== text.charCodeAt(i)) return false
  return true
}

/** A text field up to its first NUL. */
export function readText(bytes: Uint8Array, at: number, length: number): Uint8Array {
  let end = at
  while (end < at + length && bytes[end] !== 0) end++
  return bytes.subarray(at, end)
}

/** The name a header holds, with the prefix where its dialect has one. */
export function readName(bytes: Uint8Array, at: number, dialect: TarDialect): Uint8Array {
  const name = readText(bytes, at, 100)
  if ((dialect !== 'ustar' && dialect !== 'star') || bytes[at + 345] === 0) return name
  const prefix = readText(bytes, at + 345, dialect === 'star' ? 131 : 155)
  const joined = new Uint8Array(prefix.length + 1 + name.length)
  joined.set(prefix)
  joined[prefix.length] = 0x2f
  joined.set(name, prefix.length + 1)
  return joined
}

/**
 * A numeric field, octal or base-256, strictly: anything that readers are known to take differently is damage. A blank
 * field is 0. The result is a safe integer, negative only when `signed`.
 */
export function readNumber(bytes: Uint8Array, at: number, length: number, what: string, signed = false): number {
  if ((bytes[at] as number) >= 0x80) return readBase256(bytes, at, length, what, signed)
  const end = at + length
  let i = at
  while (i < end && bytes[i] === SPACE) i++
  let value = 0
  for (; i < end; i++) {
    const digit = bytes[i] as number
    if (digit < ZERO || digit > SEVEN) break
    value = value * 8 + digit - ZERO
  }
  for (; i < end; i++) if (bytes[i] !== 0 && bytes[i] !== SPACE) throw damaged(`a header's ${what} is not a number`)
  return value
}

function readBase256(bytes: Uint8Array, at: number, length: number, what: string, signed: boolean): number {
  const lead = bytes[at] as number
  const negative = lead === 0xff
  if (lead !== 0x80 && !negative) throw damaged(`a header's ${what} is not a number`)
  let value = negative ? -1 : 0
  for (let i = at + 1; i < at + length; i++) {
    value = value * 256 + (bytes[i] as number)
    if (!Number.isSafeInteger(value)) throw damaged(`a header's ${what} is beyond any real number`)
  }
  if (value < 0 && !signed) throw damaged(`a header's ${what} is negative`)
  return value
}

/** True when a numeric field holds no digit at all. */
export function isBlank(bytes: Uint8Array, at: number, length: number): boolean {
  for (let i = at; i < at + length; i++) if (bytes[i] !== 0 && bytes[i] !== SPACE) return false
  return true
}

/** Where a header that announces a manifest says so: in the padding, which no reader looks at. */
const MARK_OFFSET = 500
const MANIFEST_MARK = 'arc-mf/1'

/** True when the first header of an archive tells that its last entry is a manifest (docs/formats/arc-archive-1.md). */
export function announcesManifest(bytes: Uint8Array, at: number): boolean {
  return hasText(bytes, at + MARK_OFFSET, MANIFEST_MARK)
}

/** Announce a manifest in the header at `at`, whose checksum is then to be set anew. */
export function putManifestMark(into: Uint8Array, at: number): void {
  for (let i = 0; i < MANIFEST_MARK.length; i++) into[at + MARK_OFFSET + i] = MANIFEST_MARK.charCodeAt(i)
}
