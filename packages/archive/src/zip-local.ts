import type { RandomBytes } from '@arc/core'
import type { Codecs } from './codecs.ts'
import { damaged, unsafe } from './problems.ts'
import { readAt, type ZipDirectory } from './zip-directory.ts'
import { centralName, localOffset, readCentral, type ZipMember } from './zip-entry.ts'
import {
  areExtras,
  DESCRIPTOR_SIGNATURE,
  EXTRA_UNICODE_PATH,
  EXTRA_ZIP64,
  findExtra,
  FLAG_DESCRIPTOR,
  LOCAL_BYTES,
  LOCAL_SIGNATURE,
  SEE_ZIP64_32,
  u16,
  u32,
  u64,
} from './zip-format.ts'
import { isSame, spokenName } from './zip-name.ts'

const MIN_AHEAD_BYTES = 16 * 1024
const MAX_AHEAD_BYTES = 1024 * 1024

/**
 * Hold every local header against its central one, in the order in which they lie, and make sure that they and the
 * contents fill the archive from its first byte to the central directory, without gap or overlap. What is hidden, shared
 * or different in the two places is what readers are attacked with.
 *
 * Returns where the content of each entry starts, in the order of `central`.
 */
export function locateContents(
  input: RandomBytes,
  directory: ZipDirectory,
  central: Uint32Array,
  codecs: Codecs,
  onMember: (member: ZipMember, index: number) => void,
): Float64Array {
  const starts = new Float64Array(central.length)
  const offsets = Float64Array.from(central, (at) => localOffset(directory.bytes, at))
  const order = inOrder(offsets)
  const window = new ReadAhead(input)
  for (const [i, index] of order.entries()) {
    const offset = offsets[index] as number
    if (i === 0 && offset !== 0) throw unsafe('something lies before its first entry')
    const next = i + 1 < order.length ? (offsets[order[i + 1] as number] as number) : directory.offset
    const at = central[index] as number
    const member = readCentral(directory.bytes, at, codecs)
    onMember(member, index)
    starts[index] = checkLocal(window, member, centralName(directory.bytes, at), next, codecs)
  }
  if (order.length === 0 && directory.offset !== 0) throw unsafe('something lies before its list of entries')
  return starts
}

/** The numbers of `offsets`, by ascending offset. Most archives list their entries as they lie. */
function inOrder(offsets: Float64Array): Uint32Array {
  const order = Uint32Array.from(offsets, (_, i) => i)
  return offsets.every((offset, i) => i === 0 || offset > (offsets[i - 1] as number))
    ? order
    : order.sort((a, b) => (offsets[a] as number) - (offsets[b] as number))
}

function checkLocal(window: ReadAhead, member: ZipMember, name: Uint8Array, next: number, codecs: Codecs): number {
  const { path, localOffset: offset, flags } = member
  const fixed = window.at(offset, LOCAL_BYTES)
  if (u32(fixed, 0) !== LOCAL_SIGNATURE) throw damaged('its local header is not where it should be', { path })
  const nameBytes = u16(fixed, 26)
  const extraBytes = u16(fixed, 28)
  if (u16(fixed, 6) !== flags) throw mismatch('sets of flags', path)
  if (u16(fixed, 8) !== member.method) throw mismatch('compression methods', path)
  const [crc, compressed, size] = [u32(fixed, 14), u32(fixed, 18), u32(fixed, 22)]
  const variable = window.at(offset + LOCAL_BYTES, nameBytes + extraBytes)
  if (nameBytes !== name.length || !startsWith(variable, name)) throw mismatch('names', path)
  if (!areExtras(variable, nameBytes, variable.length)) throw damaged('its extra fields are malformed', { path })
  const unicode = findExtra(variable, nameBytes, variable.length, EXTRA_UNICODE_PATH)
  if (!isSame(spokenName(unicode, name, codecs), member.name)) throw mismatch('names', path)
  const start = offset + LOCAL_BYTES + nameBytes + extraBytes
  const zip64 = findExtra(variable, nameBytes, variable.length, EXTRA_ZIP64)
  const hasDescriptor = (flags & FLAG_DESCRIPTOR) !== 0
  // With a data descriptor the local header may leave all three at zero.
  if (!(hasDescriptor && crc === 0) && crc !== member.crc) throw mismatch('checksums', path)
  const sizes = [large(size, zip64, 0), large(compressed, zip64, size === SEE_ZIP64_32 ? 8 : 0)]
  if (!(hasDescriptor && sizes[0] === 0) && sizes[0] !== member.sizeBytes) throw mismatch('sizes', path)
  if (!(hasDescriptor && sizes[1] === 0) && sizes[1] !== member.compressedBytes)
    throw mismatch('compressed sizes', path)
  const gap = next - start - member.compressedBytes
  if (gap < 0) throw unsafe('it shares bytes with what follows it', path)
  if (hasDescriptor ? !isDescriptor(window.at(start + member.compressedBytes, gap <= 24 ? gap : 0), member) : gap > 0) {
    throw unsafe('something is hidden behind it', path)
  }
  return start
}

function mismatch(what: string, path: string): Error {
  return unsafe(`its two headers give two ${what}`, path)
}

function startsWith(bytes: Uint8Array, name: Uint8Array): boolean {
  for (let i = 0; i < name.length; i++) if (bytes[i] !== name[i]) return false
  return true
}

function large(value: number, zip64: Uint8Array | undefined, at: number): number | undefined {
  if (value !== SEE_ZIP64_32) return value
  return zip64 === undefined || zip64.length < at + 8 ? undefined : u64(zip64, at)
}

/** A data descriptor: checksum and two sizes, of 32 or 64 bits, with or without a signature. */
function isDescriptor(bytes: Uint8Array, { crc, compressedBytes, sizeBytes }: ZipMember): boolean {
  const from = bytes.length === 16 || bytes.length === 24 ? 4 : 0
  if (from === 4 && u32(bytes, 0) !== DESCRIPTOR_SIGNATURE) return false
  if (bytes.length - from !== 12 && bytes.length - from !== 20) return false
  const isLarge = bytes.length - from === 20
  const compressed = isLarge ? u64(bytes, from + 4) : u32(bytes, from + 4)
  const size = isLarge ? u64(bytes, from + 12) : u32(bytes, from + 8)
  return u32(bytes, from) === crc && compressed === compressedBytes && size === sizeBytes
}

/** Small reads that mostly follow each other, served from larger ones as long as they do. */
export class ReadAhead {
  readonly #input: RandomBytes
  readonly #window = new Uint8Array(MAX_AHEAD_BYTES)
  #from = 0
  #length = 0
  #aheadBytes = MIN_AHEAD_BYTES

  constructor(input: RandomBytes) {
    this.#input = input
  }

  /** Exactly `count` bytes from `position`, valid until the next call. */
  at(position: number, count: number): Uint8Array {
    if (position + count > this.#input.sizeBytes) throw damaged('it is cut off')
    if (count > this.#window.length) return readAt(this.#input, position, position + count)
    const end = this.#from + this.#length
    if (position < this.#from || position + count > end) {
      const goesOn = position >= this.#from && position <= end + MIN_AHEAD_BYTES
      this.#aheadBytes = goesOn ? Math.min(MAX_AHEAD_BYTES, this.#aheadBytes * 2) : MIN_AHEAD_BYTES
      this.#from = position
      this.#length = this.#input.read(this.#window.subarray(0, Math.max(count, this.#aheadBytes)), position)
      if (this.#length < count) throw damaged('it is cut off')
    }
    const start = position - this.#from
    return this.#window.subarray(start, start + count)
  }
}
