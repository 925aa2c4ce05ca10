// LZMA as LZMA2 uses it (the XZ file format 1.2.1, and Igor Pavlov's lzma-specification): literals and copies of earlier
// bytes, told by an adaptive binary range coder.
import { damaged } from './problems.ts'

const STATES = 12
const FIRST_MATCH_STATE = 7
const POSITION_STATES = 16
const MIN_MATCH = 2
const PROBABILITY_BITS = 11
const HALF = 1 << (PROBABILITY_BITS - 1)
const ADAPTATION = 5
const TOP = 2 ** 24
const DISTANCE_STATES = 4
const FIRST_MODELLED_SLOT = 4
const FIRST_DIRECT_SLOT = 14
const ALIGN_BITS = 4

// Where each group of probabilities starts.
const IS_MATCH = 0
const IS_REP = IS_MATCH + STATES * POSITION_STATES
const IS_REP_0 = IS_REP + STATES
const IS_REP_1 = IS_REP_0 + STATES
const IS_REP_2 = IS_REP_1 + STATES
const IS_REP_0_LONG = IS_REP_2 + STATES
const DISTANCE_SLOT = IS_REP_0_LONG + STATES * POSITION_STATES
const DISTANCE_SPECIAL = DISTANCE_SLOT + DISTANCE_STATES * 64
const DISTANCE_ALIGN = DISTANCE_SPECIAL + 128
const LENGTH = DISTANCE_ALIGN + 16
const LENGTH_LOW = 2
const LENGTH_MIDDLE = LENGTH_LOW + POSITION_STATES * 8
const LENGTH_HIGH = LENGTH_MIDDLE + POSITION_STATES * 8
const LENGTH_PROBABILITIES = LENGTH_HIGH + 256
const REP_LENGTH = LENGTH + LENGTH_PROBABILITIES
const LITERAL = REP_LENGTH + LENGTH_PROBABILITIES
const LITERAL_PROBABILITIES = 0x300
const MAX_LITERAL_CONTEXT_BITS = 4

/** The most bytes one chunk of LZMA2 holds. */
const MAX_CHUNK_BYTES = 2 * 1024 * 1024

/** Decodes the chunks of one LZMA2 stream, with the history they refer to. */
export class LzmaDecoder {
  readonly #dictionaryBytes: number
  /** History, then what is being decoded. */
  readonly #output: Uint8Array
  #at = 0
  /** Start of the history since the last reset. */
  #historyStart = 0
  readonly #probabilities = new Uint16Array(LITERAL + (LITERAL_PROBABILITIES << MAX_LITERAL_CONTEXT_BITS))
  #literalContextBits = 0
  #literalPositionMask = 0
  #positionMask = 0
  #state = 0
  #rep0 = 0
  #rep1 = 0
  #rep2 = 0
  #rep3 = 0
  /** The chunk, and the range coder in it. */
  #input: Uint8Array = new Uint8Array(0)
  #next = 0
  #range = 0
  #code = 0

  constructor(dictionaryBytes: number) {
    this.#dictionaryBytes = dictionaryBytes
    this.#output = new Uint8Array(dictionaryBytes + 2 * MAX_CHUNK_BYTES)
  }

  /** Forget all history. */
  resetDictionary(): void {
    this.#historyStart = this.#at
  }

  /** Forget what was learnt; `properties` as one byte, or the ones there are. */
  resetState(properties?: number): void {
    if (properties !== undefined) this.#setProperties(properties)
    this.#probabilities.fill(HALF)
    this.#state = this.#rep0 = this.#rep1 = this.#rep2 = this.#rep3 = 0
  }

  #setProperties(properties: number): void {
    const literalContextBits = properties % 9
    const literalPositionBits = Math.floor(properties / 9) % 5
    const positionBits = Math.floor(properties / 45)
    if (positionBits > 4 || literalContextBits + literalPositionBits > MAX_LITERAL_CONTEXT_BITS) fail()
    this.#literalContextBits = literalContextBits
    this.#literalPositionMask = (1 << literalPositionBits) - 1
    this.#positionMask = (1 << positionBits) - 1
  }

  /** Take over bytes that are not compressed. What is returned is valid until the next call. */
  copy(chunk: Uint8Array): Uint8Array {
    this.#makeRoom()
    this.#output.set(chunk, this.#at)
    this.#at += chunk.length
    return this.#output.subarray(this.#at - chunk.length, this.#at)
  }

  /** Decode a chunk that holds exactly `sizeBytes`. What is returned is valid until the next call. */
  decode(chunk: Uint8Array, sizeBytes: number): Uint8Array {
    this.#makeRoom()
    this.#startRange(chunk)
    const start = this.#at
    const end = start + sizeBytes
    while (this.#at < end) {
      const positionState = (this.#at - this.#historyStart) & this.#positionMask
      if (this.#bit(IS_MATCH + this.#state * POSITION_STATES + positionState) === 0) this.#literal()
      else this.#match(positionState, end)
    }
    this.#normalise()
    if (this.#code !== 0 || this.#next !== chunk.length) fail()
    return this.#output.subarray(start, end)
  }

  #makeRoom(): void {
    if (this.#at + MAX_CHUNK_BYTES <= this.#output.length) return
    const from = Math.max(this.#historyStart, this.#at - this.#dictionaryBytes)
    // Some probabilities depend on the low bits of the position since the last reset: those stay.
    const to = (from - this.#historyStart) % POSITION_STATES
    this.#output.copyWithin(to, from, this.#at)
    this.#at = to + this.#at - from
    this.#historyStart = 0
  }

  #startRange(chunk: Uint8Array): void {
    if (chunk.length < 5 || chunk[0] !== 0) fail()
    this.#input = chunk
    this.#range = 0xffffffff
    this.#code =
      (((chunk[1] as number) << 24) |
        ((chunk[2] as number) << 16) |
        ((chunk[3] as number) << 8) |
        (chunk[4] as number)) >>>
      0
    this.#next = 5
  }

  #normalise(): void {
    if (this.#range >= TOP) return
    if (this.#next >= this.#input.length) fail()
    this.#range = (this.#range << 8) >>> 0
    this.#code = ((this.#code << 8) | (this.#input[this.#next++] as number)) >>> 0
  }

  #bit(index: number): number {
    this.#normalise()
    const probability = this.#probabilities[index] as number
    const bound = (this.#range >>> PROBABILITY_BITS) * probability
    if (this.#code < bound) {
      this.#range = bound
      this.#probabilities[index] = probability + (((1 << PROBABILITY_BITS) - probability) >> ADAPTATION)
      return 0
    }
    this.#range -= bound
    this.#code -= bound
    this.#probabilities[index] = probability - (probability >> ADAPTATION)
    return 1
  }

  #tree(start: number, bits: number): number {
    let node = 1
    for (let i = 0; i < bits; i++) node = (node << 1) | this.#bit(start + node)
    return node - (1 << bits)
  }

  #reverseTree(start: number, bits: number): number {
    let node = 1
    let value = 0
    for (let i = 0; i < bits; i++) {
      const bit = this.#bit(start + node)
      node = (node << 1) | bit
      value |= bit << i
    }
    return value
  }

  #directBits(count: number): number {
    let value = 0
    for (let i = 0; i < count; i++) {
      this.#normalise()
      this.#range = this.#range >>> 1
      const bit = this.#code >= this.#range ? 1 : 0
      if (bit === 1) this.#code -= this.#range
      value = value * 2 + bit
    }
    return value
  }

  #literal(): void {
    const previous = this.#at > this.#historyStart ? (this.#output[this.#at - 1] as number) : 0
    const position = (this.#at - this.#historyStart) & this.#literalPositionMask
    const context = (position << this.#literalContextBits) + (previous >> (8 - this.#literalContextBits))
    const start = LITERAL + LITERAL_PROBABILITIES * context
    let symbol = 1
    if (this.#state >= FIRST_MATCH_STATE) {
      let match = this.#earlier(this.#rep0)
      while (symbol < 0x100) {
        const matchBit = (match >> 7) & 1
        match <<= 1
        const bit = this.#bit(start + ((1 + matchBit) << 8) + symbol)
        symbol = (symbol << 1) | bit
        if (matchBit !== bit) break
      }
    }
    while (symbol < 0x100) symbol = (symbol << 1) | this.#bit(start + symbol)
    this.#output[this.#at++] = symbol
    this.#state = this.#state < 4 ? 0 : this.#state < 10 ? this.#state - 3 : this.#state - 6
  }

  #match(positionState: number, end: number): void {
    const state = this.#state
    let length: number
    if (this.#bit(IS_REP + state) === 0) {
      this.#rep3 = this.#rep2
      this.#rep2 = this.#rep1
      this.#rep1 = this.#rep0
      length = this.#length(LENGTH, positionState)
      this.#state = state < FIRST_MATCH_STATE ? 7 : 10
      this.#rep0 = this.#distance(length)
    } else {
      if (this.#chooseRepeat(state, positionState)) {
        this.#state = state < FIRST_MATCH_STATE ? 9 : 11
        length = 1
      } else {
        this.#state = state < FIRST_MATCH_STATE ? 8 : 11
        length = this.#length(REP_LENGTH, positionState)
      }
    }
    this.#repeat(length, end)
  }

  /** Bring one of the last four distances to the front; true for a repeat of a single byte. */
  #chooseRepeat(state: number, positionState: number): boolean {
    if (this.#bit(IS_REP_0 + state) === 0)
      return this.#bit(IS_REP_0_LONG + state * POSITION_STATES + positionState) === 0
    let distance = this.#rep1
    if (this.#bit(IS_REP_1 + state) === 1) {
      distance = this.#rep2
      if (this.#bit(IS_REP_2 + state) === 1) {
        distance = this.#rep3
        this.#rep3 = this.#rep2
      }
      this.#rep2 = this.#rep1
    }
    this.#rep1 = this.#rep0
    this.#rep0 = distance
    return false
  }

  #length(start: number, positionState: number): number {
    if (this.#bit(start) === 0) return MIN_MATCH + this.#tree(start + LENGTH_LOW + positionState * 8, 3)
    if (this.#bit(start + 1) === 0) return MIN_MATCH + 8 + this.#tree(start + LENGTH_MIDDLE + positionState * 8, 3)
    return MIN_MATCH + 16 + this.#tree(start + LENGTH_HIGH, 8)
  }

  #distance(length: number): number {
    const lengthState = Math.min(length - MIN_MATCH, DISTANCE_STATES - 1)
    const slot = this.#tree(DISTANCE_SLOT + lengthState * 64, 6)
    if (slot < FIRST_MODELLED_SLOT) return slot
    const bits = (slot >> 1) - 1
    const base = (2 | (slot & 1)) * 2 ** bits
    if (slot < FIRST_DIRECT_SLOT) return base + this.#reverseTree(DISTANCE_SPECIAL + base - slot, bits)
    return base + this.#directBits(bits - ALIGN_BITS) * 2 ** ALIGN_BITS + this.#reverseTree(DISTANCE_ALIGN, ALIGN_BITS)
  }

  #earlier(distance: number): number {
    if (distance >= this.#at - this.#historyStart || distance >= this.#dictionaryBytes) fail()
    return this.#output[this.#at - distance - 1] as number
  }

  #repeat(length: number, end: number): void {
    const distance = this.#rep0 + 1
    this.#earlier(this.#rep0)
    if (this.#at + length > end) fail()
    const output = this.#output
    for (let i = 0; i < length; i++, this.#at++) output[this.#at] = output[this.#at - distance] as number
  }
}

function fail(): never {
  throw damaged('the LZMA data is malformed')
}
