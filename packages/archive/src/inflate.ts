// Raw deflate (RFC 1951), for platforms without a decompressor that tells where a stream ends.
import { damaged } from './problems.ts'

const HISTORY_BYTES = 32 * 1024
const OUTPUT_BYTES = 128 * 1024
const MAX_MATCH = 258
const MAX_BITS = 15

/** Extra bits of the length codes 257 to 285 and of the distance codes, and where their ranges start (RFC 1951, 3.2.5). */
const LENGTH_EXTRA = Uint8Array.from({ length: 29 }, (_, i) => (i < 8 || i === 28 ? 0 : (i - 4) >> 2))
const LENGTH_BASE = startsOf(LENGTH_EXTRA, 3).with(28, MAX_MATCH)
const DISTANCE_EXTRA = Uint8Array.from({ length: 30 }, (_, i) => (i < 2 ? 0 : (i - 2) >> 1))
const DISTANCE_BASE = startsOf(DISTANCE_EXTRA, 1)
/** In which order the lengths of the code length codes come. */
const CODE_ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]

function startsOf(extraBits: Uint8Array, first: number): Uint16Array {
  let next = first
  return Uint16Array.from(extraBits, (bits) => {
    const start = next
    next += 1 << bits
    return start
  })
}

/** Code lengths as a table: the next `bits` bits lead to `symbol << 4 | length`, or to 0 where no code is. */
interface Codes {
  readonly table: Uint16Array
  readonly bits: number
}

/** Thrown inside when the input ends in the middle of something; what was begun is begun anew with more input. */
const NEED_INPUT = new Error('more input is needed')

/** Decompresses one deflate stream that comes in pieces. */
export class Inflater {
  /** True once the last block has ended. */
  isDone = false
  #input: Uint8Array = new Uint8Array(0)
  /** Bits of the input that were taken. */
  #bit = 0
  readonly #output = new Uint8Array(HISTORY_BYTES + OUTPUT_BYTES + MAX_MATCH)
  #end = 0
  #handedOut = 0
  #isLast = false
  #stored = 0
  #codes: { literals: Codes; distances: Codes } | undefined
  #isInBlock = false

  /** What was pushed behind the end of the stream. */
  get unused(): Uint8Array {
    return this.#input.subarray(Math.ceil(this.#bit / 8))
  }

  /** The output that `piece` gives, in pieces that are valid until the next one is asked for. */
  *push(piece: Uint8Array): Generator<Uint8Array, void, void> {
    this.#takeIn(piece)
    for (let goesOn = true; goesOn;) {
      goesOn = this.#step()
      yield* this.#flush()
    }
  }

  #takeIn(piece: Uint8Array): void {
    const at = this.#bit >> 3
    const left = this.#input.subarray(at)
    const joined = new Uint8Array(left.length + piece.length)
    joined.set(left)
    joined.set(piece, left.length)
    this.#input = joined
    this.#bit &= 7
  }

  *#flush(): Generator<Uint8Array, void, void> {
    if (this.#end > this.#handedOut) yield this.#output.subarray(this.#handedOut, this.#end)
    this.#handedOut = this.#end
    if (this.#end < HISTORY_BYTES + OUTPUT_BYTES) return
    this.#output.copyWithin(0, this.#end - HISTORY_BYTES, this.#end)
    this.#end = this.#handedOut = HISTORY_BYTES
  }

  /** Go on until the output is full (true), or until more input is needed or the stream is over (false). */
  #step(): boolean {
    while (!this.isDone) {
      const start = this.#bit
      try {
        if (!this.#isInBlock) this.#readHeader()
        const isFull = this.#codes === undefined ? this.#copyStored() : this.#decode(this.#codes)
        if (isFull) return true
        this.#isInBlock = false
        this.isDone = this.#isLast
      } catch (error) {
        if (error !== NEED_INPUT) throw error
        // A block's inside keeps its own place; only a header is read again as a whole.
        if (!this.#isInBlock) this.#bit = start
        return false
      }
    }
    return false
  }

  #bits(count: number): number {
    if (this.#bit + count > this.#input.length * 8) throw NEED_INPUT
    let value = 0
    for (let i = 0; i < count; i += 8 - ((this.#bit + i) & 7)) {
      const byte = this.#input[(this.#bit + i) >> 3] as number
      value |= (byte >> ((this.#bit + i) & 7)) << i
    }
    this.#bit += count
    return value & ((1 << count) - 1)
  }

  #readHeader(): void {
    const isLast = this.#bits(1) === 1
    const type = this.#bits(2)
    if (type === 3) throw malformed()
    if (type === 0) {
      this.#bit = (this.#bit + 7) & ~7
      const length = this.#bits(16)
      if ((this.#bits(16) ^ 0xffff) !== length) throw malformed()
      this.#stored = length
      this.#codes = undefined
    } else this.#codes = type === 1 ? fixedCodes() : this.#readCodes()
    this.#isLast = isLast
    this.#isInBlock = true
  }

  #readCodes(): { literals: Codes; distances: Codes } {
    const literals = this.#bits(5) + 257
    const distances = this.#bits(5) + 1
    const count = this.#bits(4) + 4
    if (literals > 286 || distances > 30) throw malformed()
    const order = new Uint8Array(19)
    for (let i = 0; i < count; i++) order[CODE_ORDER[i] as number] = this.#bits(3)
    const codes = makeCodes(order, false)
    const lengths = new Uint8Array(literals + distances)
    for (let i = 0; i < lengths.length;) {
      const symbol = this.#symbol(codes)
      if (symbol < 16) {
        lengths[i++] = symbol
        continue
      }
      if (symbol === 16 && i === 0) throw malformed()
      const repeated = symbol === 16 ? (lengths[i - 1] as number) : 0
      const times = symbol === 16 ? 3 + this.#bits(2) : symbol === 17 ? 3 + this.#bits(3) : 11 + this.#bits(7)
      if (i + times > lengths.length) throw malformed()
      lengths.fill(repeated, i, i + times)
      i += times
    }
    if (lengths[256] === 0) throw malformed()
    return {
      literals: makeCodes(lengths.subarray(0, literals), true),
      distances: makeCodes(lengths.subarray(literals), true),
    }
  }

  #symbol({ table, bits }: Codes): number {
    const at = this.#bit >> 3
    const input = this.#input
    const window = ((input[at] ?? 0) | ((input[at + 1] ?? 0) << 8) | ((input[at + 2] ?? 0) << 16)) >> (this.#bit & 7)
    const found = table[window & ((1 << bits) - 1)] as number
    const length = found & 15
    if (this.#bit + Math.max(1, length) > input.length * 8) throw NEED_INPUT
    if (length === 0) {
      if (this.#bit + bits > input.length * 8) throw NEED_INPUT
      throw malformed()
    }
    this.#bit += length
    return found >> 4
  }

  #copyStored(): boolean {
    while (this.#stored > 0) {
      if (this.#end >= HISTORY_BYTES + OUTPUT_BYTES) return true
      const at = this.#bit >> 3
      const room = Math.min(this.#stored, HISTORY_BYTES + OUTPUT_BYTES - this.#end)
      const part = this.#input.subarray(at, at + room)
      if (part.length === 0) throw NEED_INPUT
      this.#output.set(part, this.#end)
      this.#end += part.length
      this.#stored -= part.length
      this.#bit += part.length * 8
    }
    return false
  }

  #decode({ literals, distances }: { literals: Codes; distances: Codes }): boolean {
    const output = this.#output
    for (;;) {
      if (this.#end >= HISTORY_BYTES + OUTPUT_BYTES) return true
      const start = this.#bit
      try {
        const symbol = this.#symbol(literals)
        if (symbol === 256) return false
        if (symbol < 256) {
          output[this.#end++] = symbol
          continue
        }
        if (symbol > 285) throw malformed()
        const length = (LENGTH_BASE[symbol - 257] as number) + this.#bits(LENGTH_EXTRA[symbol - 257] as number)
        const place = this.#symbol(distances)
        if (place > 29) throw malformed()
        const distance = (DISTANCE_BASE[place] as number) + this.#bits(DISTANCE_EXTRA[place] as number)
        if (distance > this.#end) throw malformed()
        // Byte by byte: source and target may overlap, which is how runs are written.
        for (let from = this.#end - distance, to = this.#end + length; this.#end < to;)
          output[this.#end++] = output[from++] as number
      } catch (error) {
        if (error === NEED_INPUT) this.#bit = start
        throw error
      }
    }
  }
}

/** Decompress a stream that lies whole in `bytes`; see `Codecs.inflateRawInto`. */
export function inflateInto(bytes: Uint8Array, output: Uint8Array): { usedBytes: number; writtenBytes: number } {
  const inflater = new Inflater()
  let writtenBytes = 0
  for (const piece of inflater.push(bytes)) {
    if (writtenBytes + piece.length >= output.length) throw damaged('compressed data holds more than it says')
    output.set(piece, writtenBytes)
    writtenBytes += piece.length
  }
  if (!inflater.isDone) throw damaged('compressed data is cut off')
  return { usedBytes: bytes.length - inflater.unused.length, writtenBytes }
}

/** Throws unless the lengths make a whole prefix code; a single code, or none, may leave it incomplete, as zlib takes it. */
function makeCodes(lengths: Uint8Array, mayBeSingle: boolean): Codes {
  const counts = new Uint16Array(MAX_BITS + 1)
  for (const length of lengths) counts[length] = (counts[length] as number) + 1
  counts[0] = 0
  const next = new Uint16Array(MAX_BITS + 2)
  let left = 1
  let bits = 1
  for (let length = 1; length <= MAX_BITS; length++) {
    left = 2 * left - (counts[length] as number)
    if (left < 0) throw malformed()
    next[length + 1] = ((next[length] as number) + (counts[length] as number)) << 1
    if ((counts[length] as number) > 0) bits = length
  }
  if (left > 0 && !(mayBeSingle && bits === 1)) throw malformed()
  const table = new Uint16Array(1 << bits)
  lengths.forEach((length, symbol) => {
    if (length === 0) return
    const code = reverse((next[length] as number)++, length)
    next[length] = (next[length] as number) & 0xffff
    for (let at = code; at < table.length; at += 1 << length) table[at] = (symbol << 4) | length
  })
  return { table, bits }
}

function reverse(code: number, length: number): number {
  let reversed = 0
  for (let i = 0; i < length; i++) reversed |= ((code >> i) & 1) << (length - 1 - i)
  return reversed
}

let fixed: { literals: Codes; distances: Codes } | undefined

function fixedCodes(): { literals: Codes; distances: Codes } {
  if (fixed !== undefined) return fixed
  const lengths = new Uint8Array(288).fill(8, 0, 144).fill(9, 144, 256).fill(7, 256, 280).fill(8, 280)
  fixed = { literals: makeCodes(lengths, true), distances: makeCodes(new Uint8Array(32).fill(5), true) }
  return fixed
}

function malformed(): Error {
  return damaged('compressed data cannot be decompressed')
}
