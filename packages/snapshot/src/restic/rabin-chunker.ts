import { DEGREE, modulo } from './polynomial.ts'

/** Content that is not longer is one chunk. */
export const MIN_CHUNK_BYTES: number = 512 * 1024
export const MAX_CHUNK_BYTES: number = 8 * 1024 * 1024
const WINDOW_BYTES = 64
/** Cut where so many low bits of the fingerprint are 0: every mebibyte on average. */
const CUT_MASK = (1 << 20) - 1
/** The fingerprint's topmost byte, in its upper word. */
const TOP_SHIFT = DEGREE - 8 - 32

/**
 * Cuts content where restic cuts it, by Rabin fingerprints of a window of 64 bytes under the polynomial of the repository
 * (restic's design document, "Backups and Deduplication"), so that what either stored is stored once. A fingerprint is held in
 * two words of 32 bits: whole numbers of 64 bits would cost ten times as much.
 */
export class RabinChunker {
  /** What a byte that leaves the window adds to the fingerprint. */
  readonly #outHigh = new Int32Array(256)
  readonly #outLow = new Int32Array(256)
  /** What takes the topmost byte away, and adds its remainder. */
  readonly #topHigh = new Int32Array(256)
  readonly #topLow = new Int32Array(256)

  /** `polynomial` is irreducible and of degree 53. */
  constructor(polynomial: bigint) {
    for (let byte = 0; byte < 256; byte++) {
      let left = modulo(BigInt(byte), polynomial)
      for (let i = 1; i < WINDOW_BYTES; i++) left = modulo(left << 8n, polynomial)
      this.#outHigh[byte] = highWord(left)
      this.#outLow[byte] = lowWord(left)
      const raised = BigInt(byte) << BigInt(DEGREE)
      const top = modulo(raised, polynomial) | raised
      this.#topHigh[byte] = highWord(top)
      this.#topLow[byte] = lowWord(top)
    }
  }

  /** Where the chunk that begins at `start` ends; `bytes` hold the largest chunk, or all that is left. */
  cut(bytes: Uint8Array, start: number): number {
    if (bytes.length - start <= MIN_CHUNK_BYTES) return bytes.length
    const end = Math.min(bytes.length, start + MAX_CHUNK_BYTES)
    const outHigh = this.#outHigh
    const outLow = this.#outLow
    const topHigh = this.#topHigh
    const topLow = this.#topLow
    // The window begins as zeros with a 1 behind them, so that a run of zeros has a fingerprint, too.
    let high = 0
    let low = 1
    let count = 0
    for (let at = start + MIN_CHUNK_BYTES - WINDOW_BYTES; at < end; at++, count++) {
      const leaving = count >= WINDOW_BYTES ? (bytes[at - WINDOW_BYTES] as number) : Number(count === WINDOW_BYTES - 1)
      high ^= outHigh[leaving] as number
      low ^= outLow[leaving] as number
      const top = high >>> TOP_SHIFT
      high = ((high << 8) | (low >>> 24)) ^ (topHigh[top] as number)
      low = ((low << 8) | (bytes[at] as number)) ^ (topLow[top] as number)
      if ((low & CUT_MASK) === 0 && count >= WINDOW_BYTES - 1) return at + 1
    }
    return end
  }
}

function highWord(value: bigint): number {
  return Number(BigInt.asIntN(32, value >> 32n))
}

function lowWord(value: bigint): number {
  return Number(BigInt.asIntN(32, value))
}
