import { decodePath, encodePath, type EntryAttributes, type EntryPath } from '@arc/core'
import { putAttributes } from './tar-attributes.ts'
import { BLOCK_BYTES, headerSum, MAX_OCTAL_SIZE, putManifestMark, toBlocks } from './tar-header.ts'

/** What a header is to say. */
export interface TarRecord {
  readonly path: EntryPath
  readonly type: 'file' | 'directory' | 'symlink' | 'hard-link'
  readonly mode: number
  /** Bytes of content that follow the header. */
  readonly sizeBytes: number
  readonly time: SplitTime
  /** Where a symlink points, or the first name of the inode. */
  readonly target?: EntryPath | undefined
  /** Owner and extended attributes; without an owner, it is 0. */
  readonly attributes?: EntryAttributes | undefined
}

/** No headers of one entry are longer, its attributes apart: two paths and some numbers. */
export const MAX_HEADER_BYTES: number = 16 * 1024

const FLAGS = { file: 0x30, 'hard-link': 0x31, symlink: 0x32, directory: 0x35 } as const
const PAX_FLAG = 0x78
const PAX_NAME = '././@PaxHeader' // what Python writes: the same for every entry, so that it compresses to nothing
const NAME_BYTES = 100
const encoder = new TextEncoder()

// Owner 0, no names of users or groups, and "ustar\0" "00": the parts that are the same in every header.
const TEMPLATE = new Uint8Array(BLOCK_BYTES)
encoder.encodeInto('0000000\x000000000\0', TEMPLATE.subarray(108))
encoder.encodeInto('        ', TEMPLATE.subarray(148))
encoder.encodeInto('ustar\x0000', TEMPLATE.subarray(257))
encoder.encodeInto('0000000\x000000000\0', TEMPLATE.subarray(329))

const NS_PER_SECOND = 1_000_000_000n

/**
 * Write the headers of an entry at `into[at..]`, which has room for {@link MAX_HEADER_BYTES} and the attributes: a ustar header, and before
 * it an extended one when a name, size or time does not fit. Returns where they end.
 */
export function encodeHeaders(into: Uint8Array, at: number, record: TarRecord): number {
  const { time } = record
  const pax = new PaxRecords()
  const fits = time.seconds >= 0 && time.seconds <= MAX_OCTAL_SIZE
  if (!fits || time.nanoseconds !== 0) pax.add('mtime', decimalTime(time))
  // On a real disk times have nanoseconds and names are short: then the header stands right here.
  const header = pax.isEmpty ? at : at + 2 * BLOCK_BYTES
  into.set(TEMPLATE, header)
  into[header + 156] = FLAGS[record.type]
  putName(into, header, record, pax)
  if (record.target !== undefined) putTarget(into, header, record.target, pax)
  putOctal(into, header + 100, 7, record.mode)
  if (record.sizeBytes > MAX_OCTAL_SIZE) pax.add('size', String(record.sizeBytes))
  putOctal(into, header + 124, 11, record.sizeBytes > MAX_OCTAL_SIZE ? 0 : record.sizeBytes)
  putOctal(into, header + 136, 11, fits ? time.seconds : 0)
  if (record.attributes !== undefined) putAttributes(into, header, record.attributes, pax)
  putChecksum(into, header)
  return pax.isEmpty ? header + BLOCK_BYTES : putPaxBefore(into, at, header, pax)
}

/** A time since 1970. */
export interface SplitTime {
  /** Whole ones, rounded down. */
  readonly seconds: number
  readonly nanoseconds: number
}

/** Seconds, and what is left above them. */
export function splitTime(ns: bigint): SplitTime {
  const seconds = Number(ns / NS_PER_SECOND)
  const nanoseconds = Number(ns % NS_PER_SECOND)
  return nanoseconds < 0 ? { seconds: seconds - 1, nanoseconds: nanoseconds + 1e9 } : { seconds, nanoseconds }
}

function decimalTime({ seconds, nanoseconds }: SplitTime): string {
  if (seconds < 0 && nanoseconds !== 0)
    return `-${decimalTime({ seconds: -seconds - 1, nanoseconds: 1e9 - nanoseconds })}`
  return nanoseconds === 0 ? String(seconds) : `${seconds}.${String(nanoseconds).padStart(9, '0')}`
}

function putName(into: Uint8Array, header: number, record: TarRecord, pax: PaxRecords): void {
  const path = record.type === 'directory' ? `${record.path}/` : record.path
  // Nearly every name is short and ASCII: written straight into its field, with no byte array in between.
  if (path.length <= NAME_BYTES) {
    if (putAscii(into, header, path)) return
    into.fill(0, header, header + NAME_BYTES)
  }
  const bytes = encodePath(path as EntryPath)
  const isText = path.isWellFormed()
  if (bytes.length === path.length || !isText) {
    const split = splitAt(bytes)
    if (split !== undefined) {
      into.set(bytes.subarray(split === 0 ? 0 : split + 1), header)
      into.set(bytes.subarray(0, split), header + 345)
      return
    }
  }
  pax.addName('path', path)
  into.set(bytes.subarray(0, NAME_BYTES), header)
}

/** Write text of nothing but ASCII; false, with only some of it written, when it is other. */
function putAscii(into: Uint8Array, at: number, text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit > 0x7f) return false
    into[at + i] = unit
  }
  return true
}

/** Where the slash is at which a name splits into prefix and name; 0 when it needs no split. */
function splitAt(bytes: Uint8Array): number | undefined {
  if (bytes.length <= NAME_BYTES) return 0
  const split = bytes.indexOf(0x2f, bytes.length - NAME_BYTES - 1)
  return split > 0 && split <= 155 && split < bytes.length - 1 ? split : undefined
}

function putTarget(into: Uint8Array, header: number, target: EntryPath, pax: PaxRecords): void {
  const bytes = encodePath(target)
  if (bytes.length > NAME_BYTES || (target.isWellFormed() && bytes.length !== target.length))
    pax.addName('linkpath', target)
  into.set(bytes.subarray(0, NAME_BYTES), header + 157)
}

function putOctal(into: Uint8Array, at: number, digits: number, value: number): void {
  let rest = value
  for (let i = at + digits - 1; i >= at; i--) {
    // Bit operators are for 32 bits; sizes may have 33.
    const next = rest > 0x7fffffff ? Math.floor(rest / 8) : rest >>> 3
    into[i] = 0x30 + (rest - next * 8)
    rest = next
  }
}

/** Announce in the header at `at`, an archive's first, that the last entry is its manifest. */
export function announceManifest(into: Uint8Array, at: number): void {
  putManifestMark(into, at)
  putChecksum(into, at)
}

function putChecksum(into: Uint8Array, header: number): void {
  putOctal(into, header + 148, 6, headerSum(into, header))
  into[header + 154] = 0
  into[header + 155] = 0x20
}

/** Put an extended header at `at`, before the header that stands at `header` and moves when it must; returns where both end. */
function putPaxBefore(into: Uint8Array, at: number, header: number, pax: PaxRecords): number {
  const start = at + BLOCK_BYTES
  const end = start + toBlocks(pax.sizeBytes)
  into.copyWithin(end, header, header + BLOCK_BYTES)
  into.set(paxHeader(pax.sizeBytes), at)
  pax.write(into.subarray(start, end))
  into.fill(0, start + pax.sizeBytes, end)
  return end + BLOCK_BYTES
}

const paxHeaders = new Map<number, Uint8Array>()

/** The header of an extended header, which differs only in its size. */
function paxHeader(sizeBytes: number): Uint8Array {
  const known = paxHeaders.get(sizeBytes)
  if (known !== undefined) return known
  const header = TEMPLATE.slice()
  encoder.encodeInto(PAX_NAME, header)
  header[156] = PAX_FLAG
  putOctal(header, 100, 7, 0o644)
  putOctal(header, 124, 11, sizeBytes)
  putOctal(header, 136, 11, 0)
  putChecksum(header, 0)
  paxHeaders.set(sizeBytes, header)
  return header
}

/** The records of one extended header. */
class PaxRecords {
  /** As an `EntryPath`: bytes that are no UTF-8 stand for themselves. */
  #text = ''
  #sizeBytes = 0
  #isBinary = false

  get isEmpty(): boolean {
    return this.#text === ''
  }

  get sizeBytes(): number {
    return this.#sizeBytes
  }

  /** A record whose value is ASCII. */
  add(key: string, value: string): void {
    this.#add(key, value, value.length)
  }

  /** A record whose value is a path; one that is no UTF-8 says so first. */
  addName(key: string, value: string): void {
    if (!value.isWellFormed() && !this.#isBinary) {
      this.#isBinary = true
      this.add('hdrcharset', 'BINARY')
    }
    this.#add(key, value, encodePath(value as EntryPath).length)
  }

  /** A record whose value is any bytes. */
  addBytes(key: string, value: Uint8Array): void {
    this.#add(key, decodePath(value), value.length)
  }

  #add(key: string, value: string, valueBytes: number): void {
    const rest = key.length + valueBytes + 3 // space, equals, newline
    let length = rest + String(rest).length
    if (rest + String(length).length > length) length++
    this.#text += `${length} ${key}=${value}\n`
    this.#sizeBytes += length
  }

  write(into: Uint8Array): void {
    if (this.#text.isWellFormed()) encoder.encodeInto(this.#text, into)
    else into.set(encodePath(this.#text as EntryPath))
  }
}
