import { BLOCK_BYTES, isBlank, readNumber, toBlocks } from './tar-header.ts'
import { parseDecimal, type PaxSparseKeys } from './tar-pax.ts'
import { damaged, unsupported } from './problems.ts'

/** Where the stored bytes of a sparse file belong; the rest are zeros. Ascending, without overlap. */
export interface SparseMap {
  readonly realBytes: number
  readonly segments: readonly { readonly offset: number; readonly sizeBytes: number }[]
}

/** Check that segments ascend, stay inside the file and take up exactly what is stored. */
function sparseMap(realBytes: number, numbers: readonly number[], storedBytes: number): SparseMap {
  if (numbers.length % 2 !== 0) throw damaged('the map of a sparse file is out of step')
  const segments: { offset: number; sizeBytes: number }[] = []
  let end = 0
  let stored = 0
  for (let i = 0; i < numbers.length; i += 2) {
    const [offset, sizeBytes] = [numbers[i] as number, numbers[i + 1] as number]
    if (offset < end || offset + sizeBytes > realBytes) throw damaged('the map of a sparse file does not fit the file')
    end = offset + sizeBytes
    stored += sizeBytes
    if (sizeBytes > 0) segments.push({ offset, sizeBytes })
  }
  if (stored !== storedBytes) throw damaged('the map of a sparse file does not match what is stored')
  return { realBytes, segments }
}

const OLD_FLAG = 0x53 // S
const OLD_IN_HEADER = 4
const OLD_IN_BLOCK = 21
const OLD_BYTES = 24

/**
 * The map of the old GNU format (type `S`): four segments in the header at `at`, then blocks of 21 while a flag says so.
 * Returns `undefined` when the blocks are not all there before `end`.
 */
function readOldSparse(
  bytes: Uint8Array,
  at: number,
  end: number,
  storedBytes: number,
): { map: SparseMap; mapBytes: number } | undefined {
  const numbers: number[] = []
  readOldSegments(bytes, at + 386, OLD_IN_HEADER, numbers)
  let next = at + BLOCK_BYTES
  for (let extended = bytes[at + 482] !== 0; extended; next += BLOCK_BYTES) {
    if (next + BLOCK_BYTES > end) return undefined
    readOldSegments(bytes, next, OLD_IN_BLOCK, numbers)
    extended = bytes[next + OLD_IN_BLOCK * OLD_BYTES] !== 0
  }
  const realBytes = readNumber(bytes, at + 483, 12, 'real size')
  return { map: sparseMap(realBytes, numbers, storedBytes), mapBytes: next - at - BLOCK_BYTES }
}

function readOldSegments(bytes: Uint8Array, at: number, count: number, numbers: number[]): void {
  for (let i = 0; i < count; i++) {
    const field = at + i * OLD_BYTES
    if (isBlank(bytes, field, OLD_BYTES)) return
    numbers.push(readNumber(bytes, field, 12, 'sparse offset'), readNumber(bytes, field + 12, 12, 'sparse size'))
  }
}

/** What a PAX sparse file says of itself in its extended header. */
export interface PaxSparse {
  readonly name: Uint8Array | undefined
  readonly realBytes: number
  /** Present in formats 0.0 and 0.1; format 1.0 keeps its map before the content. */
  readonly numbers: readonly number[] | undefined
}

/** Make sense of the `GNU.sparse.*` records of one entry. */
export function readPaxSparse({ values, pairs }: PaxSparseKeys): PaxSparse {
  const number = (key: string): number | undefined => {
    const value = values.get(key)
    return value === undefined ? undefined : parseDecimal(value, `GNU.sparse.${key}`)
  }
  const list = values.get('map')
  const version = `${number('major') ?? 0}.${number('minor') ?? (list === undefined ? 0 : 1)}`
  const [size, realSize] = [number('size'), number('realsize')]
  if (size !== undefined && realSize !== undefined && size !== realSize) throw damaged('a sparse file gives two sizes')
  const realBytes = realSize ?? size
  if (realBytes === undefined) throw damaged('a sparse file gives no size')
  const name = values.get('name')
  if (Number(version === '1.0') + Number(list !== undefined) + Number(pairs.length > 0) > 1)
    throw damaged('a sparse file has two maps')
  if (version === '1.0') return { name, realBytes, numbers: undefined }
  if (version !== '0.0' && version !== '0.1')
    throw unsupported(`it holds a sparse file of the unknown format ${version}`)
  const numbers = list === undefined ? pairs.map((pair) => parseDecimal(pair, MAP)) : decimals(list, COMMA)
  const declared = number('numblocks')
  if (declared !== undefined && declared * 2 !== numbers.length) throw damaged(`the ${MAP} has not the declared length`)
  return { name, realBytes, numbers }
}

const MAP = 'map of a sparse file'
const COMMA = 0x2c

function decimals(list: Uint8Array, separator: number): number[] {
  const numbers: number[] = []
  for (let at = 0; at < list.length;) {
    const found = list.indexOf(separator, at)
    const end = found < 0 ? list.length : found
    numbers.push(parseDecimal(list.subarray(at, end), MAP))
    at = end + 1
  }
  return numbers
}

/** The map of formats 0.0 and 0.1. */
function mapFromNumbers(sparse: PaxSparse, storedBytes: number): SparseMap {
  return sparseMap(sparse.realBytes, sparse.numbers ?? [], storedBytes)
}

/**
 * The map of format 1.0, at the start of the stored bytes `bytes[at..end)`: a count and that many pairs, a line each,
 * filled up to a whole block. `undefined` when it is not all there yet.
 */
function readMapBeforeContent(
  bytes: Uint8Array,
  at: number,
  end: number,
  sparse: PaxSparse,
  storedBytes: number,
): { map: SparseMap; mapBytes: number } | undefined {
  let next = at
  const line = (): number | undefined => {
    const found = bytes.subarray(next, Math.min(end, next + 20)).indexOf(0x0a)
    if (found < 0) {
      if (end - next >= 20) throw damaged('the map of a sparse file is not a list of numbers')
      return undefined
    }
    const value = parseDecimal(bytes.subarray(next, next + found), MAP)
    next += found + 1
    return value
  }
  const count = line()
  if (count === undefined) return undefined
  if (count * 4 > storedBytes) throw damaged('the map of a sparse file is longer than the file')
  const numbers: number[] = []
  for (let i = 0; i < count * 2; i++) {
    const value = line()
    if (value === undefined) return undefined
    numbers.push(value)
  }
  const mapBytes = toBlocks(next - at)
  if (mapBytes > storedBytes) throw damaged('the map of a sparse file is longer than the file')
  if (at + mapBytes > end) return undefined
  return { map: sparseMap(sparse.realBytes, numbers, storedBytes - mapBytes), mapBytes }
}

/**
 * The map of a sparse file of any format, whose header stands at `header`, and how many bytes it takes behind it.
 * `undefined` when it is not all there before `end`.
 */
export function readSparseMap(
  bytes: Uint8Array,
  header: number,
  end: number,
  file: { member: { path: string; storedBytes: number }; flag: number; keys: PaxSparseKeys | undefined },
): { map: SparseMap; mapBytes: number } | undefined {
  const { member, keys } = file
  const { path, storedBytes } = member
  if (file.flag === OLD_FLAG) {
    if (keys !== undefined) throw damaged('a sparse file has two maps', { path })
    return readOldSparse(bytes, header, end, storedBytes)
  }
  if (keys === undefined) return undefined
  const sparse = readPaxSparse(keys)
  if (sparse.numbers !== undefined) return { map: mapFromNumbers(sparse, storedBytes), mapBytes: 0 }
  const content = header + BLOCK_BYTES
  return readMapBeforeContent(bytes, content, Math.min(end, content + storedBytes), sparse, storedBytes)
}

const ZERO_PIECE_BYTES = 256 * 1024

/** The content of a sparse file: its stored bytes with the holes between them. */
export async function* expandSparse(
  map: SparseMap,
  stored: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, void> {
  const zeros = new Uint8Array(Math.min(ZERO_PIECE_BYTES, map.realBytes))
  let at = 0
  let index = 0
  for await (let piece of stored) {
    while (piece.length > 0) {
      const segment = map.segments[index] as { offset: number; sizeBytes: number }
      for (; at < segment.offset; at += Math.min(zeros.length, segment.offset - at))
        yield zeros.subarray(0, segment.offset - at)
      const part = piece.subarray(0, segment.offset + segment.sizeBytes - at)
      yield part
      at += part.length
      piece = piece.subarray(part.length)
      if (at === segment.offset + segment.sizeBytes) index++
    }
  }
  for (; at < map.realBytes; at += Math.min(zeros.length, map.realBytes - at))
    yield zeros.subarray(0, map.realBytes - at)
}
