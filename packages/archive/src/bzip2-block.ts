import { damaged } from './problems.ts'

/** Reads bits, most significant first. */
export class BitReader {
  readonly #bytes: Uint8Array
  /** How many of the bytes are there. */
  length = 0
  #at = 0
  #bits = 0
  #bitCount = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  /** Bytes not read from yet. */
  get leftBytes(): number {
    return this.length - this.#at
  }

  /** Up to 24 bits. Throws `ARC_ARCHIVE_DAMAGED` when the input ends before. */
  read(count: number): number {
    while (this.#bitCount < count) {
      if (this.#at >= this.length) throw damaged('it is cut off')
      this.#bits = (this.#bits << 8) | (this.#bytes[this.#at++] as number)
      this.#bitCount += 8
    }
    this.#bitCount -= count
    return (this.#bits >>> this.#bitCount) & (2 ** count - 1)
  }

  /** Pass over what is left of a byte that was begun. */
  alignToByte(): void {
    this.#bitCount = 0
  }

  /** Move unread bytes to the front; returns how many there are. */
  moveToFront(): number {
    this.#bytes.copyWithin(0, this.#at, this.length)
    this.length -= this.#at
    this.#at = 0
    return this.length
  }
}

const MAX_CODE_BITS = 20
const GROUP_SYMBOLS = 50
const MAX_SELECTORS = 18_002
const RUN_B = 1

/** One Huffman code: symbols in order of their codes, and where the codes of each length begin and end. */
interface HuffmanTable {
  readonly symbols: Uint16Array
  readonly limits: Int32Array
  readonly bases: Int32Array
}

/** A decoded block: `length` links of the inverse Burrows-Wheeler transform, starting at `first`. */
export interface Bzip2Block {
  readonly length: number
  readonly first: number
}

/** Decode the block whose header was read up to its flag. Leaves byte and successor of each position in `links`. */
export function decodeBlock(bits: BitReader, links: Uint32Array): Bzip2Block {
  const origin = bits.read(24)
  const alphabet = readAlphabet(bits)
  const symbolCount = alphabet.length + 2
  const groupCount = bits.read(3)
  if (groupCount < 2 || groupCount > 6) fail()
  const selectors = readSelectors(bits, groupCount)
  const tables = Array.from({ length: groupCount }, () => readTable(bits, symbolCount))
  const { length, counts } = readSymbols(bits, links, alphabet, selectors, tables)
  if (origin >= length) fail()
  let sum = 0
  const starts = counts.map((count) => (sum += count) - count)
  for (let i = 0; i < length; i++) {
    const byte = (links[i] as number) & 255
    const place = starts[byte] as number
    starts[byte] = place + 1
    links[place] = ((links[place] as number) & 255) | (i << 8)
  }
  return { length, first: (links[origin] as number) >>> 8 }
}

function readAlphabet(bits: BitReader): Uint8Array {
  const rows = bits.read(16)
  const alphabet: number[] = []
  for (let row = 0; row < 16; row++) {
    if ((rows & (0x8000 >> row)) === 0) continue
    const columns = bits.read(16)
    for (let column = 0; column < 16; column++)
      if ((columns & (0x8000 >> column)) !== 0) alphabet.push(row * 16 + column)
  }
  if (alphabet.length === 0) fail()
  return Uint8Array.from(alphabet)
}

function readSelectors(bits: BitReader, groupCount: number): Uint8Array {
  const count = bits.read(15)
  if (count === 0) fail()
  const order = Array.from({ length: groupCount }, (_, i) => i)
  const selectors = new Uint8Array(Math.min(count, MAX_SELECTORS))
  for (let i = 0; i < count; i++) {
    let place = 0
    while (bits.read(1) === 1) if (++place >= groupCount) fail()
    const [group] = order.splice(place, 1) as [number]
    order.unshift(group)
    // Some writers list more selectors than any block can use.
    if (i < MAX_SELECTORS) selectors[i] = group
  }
  return selectors
}

function readTable(bits: BitReader, symbolCount: number): HuffmanTable {
  const lengths = new Uint8Array(symbolCount)
  let length = bits.read(5)
  for (let symbol = 0; symbol < symbolCount; symbol++) {
    for (;;) {
      if (length < 1 || length > MAX_CODE_BITS) fail()
      if (bits.read(1) === 0) break
      length += bits.read(1) === 0 ? 1 : -1
    }
    lengths[symbol] = length
  }
  const symbols = new Uint16Array(symbolCount)
  const limits = new Int32Array(MAX_CODE_BITS + 2).fill(-1)
  const bases = new Int32Array(MAX_CODE_BITS + 2)
  let code = 0
  let place = 0
  for (let bitCount = 1; bitCount <= MAX_CODE_BITS; bitCount++) {
    bases[bitCount] = place - code
    for (let symbol = 0; symbol < symbolCount; symbol++) {
      if (lengths[symbol] !== bitCount) continue
      symbols[place++] = symbol
      code++
    }
    limits[bitCount] = code - 1
    code <<= 1
  }
  return { symbols, limits, bases }
}

function readSymbol(bits: BitReader, { symbols, limits, bases }: HuffmanTable): number {
  let code = 0
  for (let bitCount = 1; bitCount <= MAX_CODE_BITS; bitCount++) {
    code = (code << 1) | bits.read(1)
    if (code <= (limits[bitCount] as number)) return symbols[code + (bases[bitCount] as number)] ?? fail()
  }
  return fail()
}

/** Undo Huffman, run lengths of the front symbol, and move-to-front; bytes go to the low bits of `links`. */
function readSymbols(
  bits: BitReader,
  links: Uint32Array,
  alphabet: Uint8Array,
  selectors: Uint8Array,
  tables: readonly HuffmanTable[],
): { length: number; counts: number[] } {
  const recent = alphabet.slice()
  const counts = Array.from({ length: 256 }, () => 0)
  const end = alphabet.length + 1
  let length = 0
  let run = 0
  let runWeight = 1
  for (let group = 0, left = 0, table = tables[0] as HuffmanTable; ; left--) {
    if (left === 0) {
      if (group >= selectors.length) fail()
      table = tables[selectors[group++] as number] as HuffmanTable
      left = GROUP_SYMBOLS
    }
    const symbol = readSymbol(bits, table)
    if (symbol <= RUN_B) {
      run += runWeight << symbol
      runWeight <<= 1
      if (run > links.length) fail()
      continue
    }
    if (run > 0) {
      const byte = recent[0] as number
      if (length + run > links.length) fail()
      links.fill(byte, length, length + run)
      counts[byte] = (counts[byte] as number) + run
      length += run
      run = 0
      runWeight = 1
    }
    if (symbol === end) return { length, counts }
    if (length >= links.length) fail()
    const byte = recent[symbol - 1] as number
    recent.copyWithin(1, 0, symbol - 1)
    recent[0] = byte
    links[length++] = byte
    counts[byte] = (counts[byte] as number) + 1
  }
}

function fail(): never {
  throw damaged('a bzip2 block is malformed')
}

const PIECE_BYTES = 256 * 1024

/** The content of a block in pieces: follow the links, and after four equal bytes repeat as the fifth says. */
export function* expandRuns(links: Uint32Array, { length, first }: Bzip2Block): Generator<Uint8Array, void, void> {
  const piece = new Uint8Array(PIECE_BYTES)
  let filled = 0
  let equal = 0
  let last = -1
  let at = first
  for (let i = 0; i < length; i++) {
    const link = links[at] as number
    const byte = link & 255
    at = link >>> 8
    if (filled + 256 > PIECE_BYTES) {
      yield piece.subarray(0, filled)
      filled = 0
    }
    if (equal === 4) {
      piece.fill(last, filled, filled + byte)
      filled += byte
      equal = 0
      last = -1
      continue
    }
    equal = byte === last ? equal + 1 : 1
    last = byte
    piece[filled++] = byte
  }
  if (filled > 0) yield piece.subarray(0, filled)
}

// CRC-32 with the bits the other way round than everybody else's.
const CRC_TABLE = Int32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 24
  for (let i = 0; i < 8; i++) crc = (crc << 1) ^ (crc < 0 ? 0x04c11db7 : 0)
  return crc
})

/** Go on with a bzip2 checksum, which starts as -1 and ends complemented. */
export function updateBzipCrc(crc: number, bytes: Uint8Array): number {
  let value = crc
  for (const byte of bytes) value = (value << 8) ^ (CRC_TABLE[((value >>> 24) ^ byte) & 255] as number)
  return value
}
