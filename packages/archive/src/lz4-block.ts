// The lz4 block format (lz4_Block_format.md, 1.6.3): tokens of literals and of copies from up to 64 KiB back.
import { damaged } from './problems.ts'

/** How far back a block may refer. */
export const LZ4_HISTORY_BYTES: number = 64 * 1024

const MIN_MATCH = 4
const LAST_LITERALS = 5
const MATCH_LIMIT = 12 // no copy starts within this many bytes of the end
const HASH_BITS = 14

/**
 * Decompress one block into `output[at..end)`; what lies before `at` is the history it may refer to. Returns where the
 * content ends. Throws `ARC_ARCHIVE_DAMAGED` when the block is not exactly well-formed.
 */
export function decodeLz4Block(block: Uint8Array, output: Uint8Array, at: number, end: number): number {
  let from = 0
  let to = at
  for (;;) {
    if (from >= block.length) fail()
    const token = block[from++] as number
    let literals = token >> 4
    if (literals === LONG) {
      literals += longLength(block, from)
      from = longEnd(block, from)
    }
    if (from + literals > block.length || to + literals > end) fail()
    if (literals < 32) for (let i = 0; i < literals; i++) output[to + i] = block[from + i] as number
    else output.set(block.subarray(from, from + literals), to)
    from += literals
    to += literals
    if (from === block.length) return to
    if (from + 2 > block.length) fail()
    const distance = (block[from] as number) | ((block[from + 1] as number) << 8)
    from += 2
    let length = (token & LONG) + MIN_MATCH
    if ((token & LONG) === LONG) {
      length += longLength(block, from)
      from = longEnd(block, from)
    }
    if (distance === 0 || distance > to || to + length > end) fail()
    copyBack(output, to, distance, length)
    to += length
  }
}

const LONG = 15

/** A length that did not fit its token goes on in bytes of 255 and one that is less. */
function longLength(block: Uint8Array, at: number): number {
  const end = longEnd(block, at)
  return (end - at - 1) * 255 + (block[end - 1] as number)
}

function longEnd(block: Uint8Array, at: number): number {
  let end = at
  while (block[end] === 255) end++
  if (end >= block.length) fail()
  return end + 1
}

/** Byte by byte where source and target overlap: that is how runs are written. */
function copyBack(output: Uint8Array, to: number, distance: number, length: number): void {
  if (distance >= length && length > 32) output.copyWithin(to, to - distance, to - distance + length)
  else for (let i = 0; i < length; i++) output[to + i] = output[to - distance + i] as number
}

function fail(): never {
  throw damaged('an lz4 block is malformed')
}

/** The most bytes that {@link encodeLz4Block} can need for `length` bytes. */
export function maxLz4BlockBytes(length: number): number {
  return length + Math.ceil(length / 255) + 16
}

const table = new Int32Array(1 << HASH_BITS)

/** Compress `input` into `output`, which has room for {@link maxLz4BlockBytes}; returns how many bytes it took. */
export function encodeLz4Block(input: Uint8Array, output: Uint8Array): number {
  table.fill(-1)
  const matchEnd = input.length - MATCH_LIMIT
  const copyEnd = input.length - LAST_LITERALS
  let anchor = 0
  let to = 0
  let step = 64 // grows where nothing matches, so that incompressible data is passed over quickly
  for (let at = 0; at <= matchEnd;) {
    const value = read32(input, at)
    const slot = Math.imul(value, 0x9e3779b1) >>> (32 - HASH_BITS)
    const candidate = table[slot] as number
    table[slot] = at
    if (candidate < 0 || at - candidate >= LZ4_HISTORY_BYTES || read32(input, candidate) !== value) {
      at += step++ >> 6
      continue
    }
    let start = at
    let source = candidate
    while (start > anchor && source > 0 && input[start - 1] === input[source - 1]) {
      start--
      source--
    }
    let end = at + MIN_MATCH
    const shift = at - candidate
    while (end < copyEnd && input[end] === input[end - shift]) end++
    to = putSequence(input, anchor, start, shift, end - start, output, to)
    anchor = at = end
    step = 64
  }
  return putLiterals(input, anchor, input.length, output, to, 0)
}

function read32(bytes: Uint8Array, at: number): number {
  return (
    (bytes[at] as number) |
    ((bytes[at + 1] as number) << 8) |
    ((bytes[at + 2] as number) << 16) |
    ((bytes[at + 3] as number) << 24)
  )
}

function putSequence(
  input: Uint8Array,
  anchor: number,
  start: number,
  distance: number,
  length: number,
  output: Uint8Array,
  at: number,
): number {
  const rest = length - MIN_MATCH
  let to = putLiterals(input, anchor, start, output, at, Math.min(rest, 15))
  output[to++] = distance & 255
  output[to++] = distance >> 8
  return rest >= 15 ? putLong(rest - 15, output, to) : to
}

function putLiterals(
  input: Uint8Array,
  from: number,
  end: number,
  output: Uint8Array,
  at: number,
  low: number,
): number {
  const count = end - from
  output[at] = (Math.min(count, 15) << 4) | low
  let to = at + 1
  if (count >= 15) to = putLong(count - 15, output, to)
  if (count < 32) for (let i = 0; i < count; i++) output[to + i] = input[from + i] as number
  else output.set(input.subarray(from, end), to)
  return to + count
}

function putLong(value: number, output: Uint8Array, at: number): number {
  let to = at
  let rest = value
  for (; rest >= 255; rest -= 255) output[to++] = 255
  output[to++] = rest
  return to
}
