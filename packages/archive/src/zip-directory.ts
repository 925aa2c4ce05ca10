import type { Limits, RandomBytes } from '@arc/core'
import { damaged, limitExceeded, unsafe, unsupported } from './problems.ts'
import {
  CENTRAL_BYTES,
  CENTRAL_SIGNATURE,
  END64_BYTES,
  END64_SIGNATURE,
  END_BYTES,
  END_SIGNATURE,
  LOCATOR64_BYTES,
  LOCATOR64_SIGNATURE,
  SEE_ZIP64_16,
  SEE_ZIP64_32,
  u16,
  u32,
  u64,
} from './zip-format.ts'

/** Where the central directory of a zip archive lies, and how many entries it has. */
export interface ZipDirectory {
  readonly count: number
  readonly offset: number
  readonly bytes: Uint8Array
}

const MAX_COMMENT_BYTES = 0xffff
/** Extra fields of zip64, times, owners and Unicode names, as the usual programs write them. */
const USUAL_EXTRA_BYTES = 128

/**
 * Find and load the central directory. The archive must have exactly one end record, at its very end, and the directory
 * must lie right before it: whatever is elsewhere, another reader could take for the archive.
 */
export function readZipDirectory(input: RandomBytes, limits: Readonly<Limits>): ZipDirectory {
  const tail = readAt(
    input,
    Math.max(0, input.sizeBytes - END_BYTES - MAX_COMMENT_BYTES - LOCATOR64_BYTES - END64_BYTES),
    input.sizeBytes,
  )
  const end = findEnd(tail)
  const endOffset = input.sizeBytes - tail.length + end
  const record = readEnd(tail, end)
  const large = namesLocator(input, tail, end, record, endOffset) ? undefined : readEnd64(input, tail, end, endOffset)
  const found = large ?? { ...record, recordOffset: endOffset }
  if (
    large === undefined &&
    (record.count === SEE_ZIP64_16 || record.offset === SEE_ZIP64_32 || record.sizeBytes === SEE_ZIP64_32)
  ) {
    throw damaged('its end record points to a zip64 record that is not there')
  }
  if (large !== undefined) assertAgree(record, large)
  if (found.count > limits.maxEntries) throw limitExceeded('maxEntries', limits.maxEntries, 'the number of entries')
  assertHeld(found, limits)
  if (found.offset + found.sizeBytes !== found.recordOffset)
    throw damaged('its list of entries is not where its end record says')
  if (found.sizeBytes < found.count * CENTRAL_BYTES) throw damaged('its list of entries is too short')
  const bytes = readAt(input, found.offset, found.offset + found.sizeBytes)
  return { count: found.count, offset: found.offset, bytes }
}

/** The list is held in memory as a whole: it may be as long as paths may be, and what is usual beside each. */
function assertHeld({ count, sizeBytes }: EndRecord, { maxTotalPathLength }: Readonly<Limits>): void {
  if (sizeBytes <= maxTotalPathLength + count * (CENTRAL_BYTES + USUAL_EXTRA_BYTES)) return
  throw limitExceeded('maxTotalPathLength', maxTotalPathLength, 'the length of its list of entries')
}

/** Exactly the bytes of a range. */
export function readAt(input: RandomBytes, from: number, to: number): Uint8Array {
  const bytes = new Uint8Array(to - from)
  if (input.read(bytes, from) !== bytes.length) throw damaged('it is cut off')
  return bytes
}

function findEnd(tail: Uint8Array): number {
  let found: number | undefined
  for (let at = tail.length - END_BYTES; at >= 0; at--) {
    if (tail[at] !== 0x50 || u32(tail, at) !== END_SIGNATURE) continue
    if (found !== undefined && at < found) {
      // The last record reaches the end; an earlier one that could be the end record to somebody is ambiguous.
      if (at + END_BYTES + u16(tail, at + 20) === tail.length) throw unsafe('it has two end records')
      continue
    }
    if (at + END_BYTES + u16(tail, at + 20) !== tail.length)
      throw damaged('something follows its end record, or its comment hides another')
    found = at
  }
  if (found === undefined) throw damaged('it has no end record, so it is cut off')
  return found
}

interface EndRecord {
  readonly count: number
  readonly sizeBytes: number
  readonly offset: number
}

function readEnd(tail: Uint8Array, at: number): EndRecord {
  const disks = [u16(tail, at + 4), u16(tail, at + 6)]
  if (disks.some((disk) => disk !== 0 && disk !== SEE_ZIP64_16))
    throw unsupported('it is a part of an archive in several files')
  if (u16(tail, at + 8) !== u16(tail, at + 10)) throw damaged('its end record gives two numbers of entries')
  return { count: u16(tail, at + 10), sizeBytes: u32(tail, at + 12), offset: u32(tail, at + 16) }
}

/**
 * True when what looks like a zip64 locator is the end of a name: the directory reaches the end record and needs no other,
 * and where the locator would point there is none, so that no reader can take it for one.
 */
function namesLocator(
  input: RandomBytes,
  tail: Uint8Array,
  end: number,
  record: EndRecord,
  endOffset: number,
): boolean {
  const locator = end - LOCATOR64_BYTES
  if (locator < 0 || u32(tail, locator) !== LOCATOR64_SIGNATURE) return false
  if (record.count === SEE_ZIP64_16 || record.offset + record.sizeBytes !== endOffset) return false
  const target = u64(tail, locator + 8)
  if (target === undefined || target + 4 > input.sizeBytes) return true
  return u32(readAt(input, target, target + 4), 0) !== END64_SIGNATURE
}

function readEnd64(
  input: RandomBytes,
  tail: Uint8Array,
  end: number,
  endOffset: number,
): (EndRecord & { recordOffset: number }) | undefined {
  const locator = end - LOCATOR64_BYTES
  if (locator < 0 || u32(tail, locator) !== LOCATOR64_SIGNATURE) return undefined
  const recordOffset = u64(tail, locator + 8)
  if (u32(tail, locator + 4) !== 0 || u32(tail, locator + 16) > 1)
    throw unsupported('it is a part of an archive in several files')
  if (recordOffset === undefined || recordOffset + END64_BYTES > endOffset - LOCATOR64_BYTES)
    throw damaged('its zip64 record is not where it should be')
  const record = readAt(input, recordOffset, recordOffset + END64_BYTES)
  const length = u64(record, 4)
  if (
    u32(record, 0) !== END64_SIGNATURE ||
    length === undefined ||
    recordOffset + 12 + length !== endOffset - LOCATOR64_BYTES
  ) {
    throw damaged('its zip64 record is not where it should be')
  }
  if (u32(record, 16) !== 0 || u32(record, 20) !== 0) throw unsupported('it is a part of an archive in several files')
  const [onDisk, count, sizeBytes, offset] = [u64(record, 24), u64(record, 32), u64(record, 40), u64(record, 48)]
  if (count === undefined || count !== onDisk || sizeBytes === undefined || offset === undefined)
    throw damaged('its zip64 record makes no sense')
  return { count, sizeBytes, offset, recordOffset }
}

function assertAgree(small: EndRecord, large: EndRecord): void {
  const agree =
    (small.count === SEE_ZIP64_16 || small.count === large.count) &&
    (small.sizeBytes === SEE_ZIP64_32 || small.sizeBytes === large.sizeBytes) &&
    (small.offset === SEE_ZIP64_32 || small.offset === large.offset)
  if (!agree) throw unsafe('its two end records tell different things')
}

/** Where each central header starts. Throws unless there are exactly `count`, one right after the other. */
export function centralOffsets({ bytes, count }: ZipDirectory): Uint32Array {
  const offsets = new Uint32Array(count)
  let at = 0
  for (let i = 0; i < count; i++) {
    if (at + CENTRAL_BYTES > bytes.length || u32(bytes, at) !== CENTRAL_SIGNATURE)
      throw damaged('its list of entries is not one')
    offsets[i] = at
    at += CENTRAL_BYTES + u16(bytes, at + 28) + u16(bytes, at + 30) + u16(bytes, at + 32)
  }
  if (at !== bytes.length) throw damaged('its list of entries has not the declared length')
  return offsets
}
