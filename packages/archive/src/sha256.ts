// SHA-256 (FIPS 180-4), for platforms without one that takes its input in pieces.

const BLOCK_BYTES = 64

/** The first 32 bits of the fractional parts of a root of the first primes, which is what the standard's constants are. */
function fractions(count: number, root: (prime: number) => number): Uint32Array {
  const values = new Uint32Array(count)
  for (let candidate = 2, found = 0; found < count; candidate++) {
    let isPrime = true
    for (let divisor = 2; divisor * divisor <= candidate; divisor++) isPrime &&= candidate % divisor !== 0
    if (isPrime) values[found++] = (root(candidate) % 1) * 2 ** 32
  }
  return values
}

const ROUNDS = fractions(64, Math.cbrt)
const START = fractions(8, Math.sqrt)

/** A SHA-256 in progress. */
export class PortableSha256 {
  readonly #state = START.slice()
  readonly #block = new Uint8Array(BLOCK_BYTES)
  readonly #words = new Uint32Array(64)
  #filled = 0
  #sizeBytes = 0

  update(bytes: Uint8Array): void {
    this.#sizeBytes += bytes.length
    for (let at = 0; at < bytes.length;) {
      const part = bytes.subarray(at, at + BLOCK_BYTES - this.#filled)
      this.#block.set(part, this.#filled)
      this.#filled += part.length
      at += part.length
      if (this.#filled === BLOCK_BYTES) this.#compress()
    }
  }

  /** Lower-case hex; the object is spent afterwards. */
  digestHex(): string {
    const bits = this.#sizeBytes * 8
    const padding = new Uint8Array(((BLOCK_BYTES + 55 - (this.#sizeBytes % BLOCK_BYTES)) % BLOCK_BYTES) + 9)
    padding[0] = 0x80
    const view = new DataView(padding.buffer)
    view.setUint32(padding.length - 8, Math.floor(bits / 2 ** 32))
    view.setUint32(padding.length - 4, bits % 2 ** 32)
    this.update(padding)
    return Array.from(this.#state, (word) => word.toString(16).padStart(8, '0')).join('')
  }

  #compress(): void {
    const [words, state] = [this.#words, this.#state]
    const view = new DataView(this.#block.buffer)
    for (let i = 0; i < 16; i++) words[i] = view.getUint32(i * 4)
    for (let i = 16; i < 64; i++) {
      const [a, b] = [words[i - 15] as number, words[i - 2] as number]
      const s0 = rotate(a, 7) ^ rotate(a, 18) ^ (a >>> 3)
      const s1 = rotate(b, 17) ^ rotate(b, 19) ^ (b >>> 10)
      words[i] = (words[i - 16] as number) + s0 + (words[i - 7] as number) + s1
    }
    let [a, b, c, d, e, f, g, h] = state as unknown as [number, number, number, number, number, number, number, number]
    for (let i = 0; i < 64; i++) {
      const s1 = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)
      const t1 = (h + s1 + ((e & f) ^ (~e & g)) + (ROUNDS[i] as number) + (words[i] as number)) | 0
      const s0 = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)
      const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0
      h = g
      g = f
      f = e
      e = (d + t1) | 0
      d = c
      c = b
      b = a
      a = (t1 + t2) | 0
    }
    ;[a, b, c, d, e, f, g, h].forEach((value, i) => (state[i] = (state[i] as number) + value))
    this.#filled = 0
  }
}

function rotate(word: number, count: number): number {
  return (word >>> count) | (word << (32 - count))
}
