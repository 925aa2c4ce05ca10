// CRC-64 of ECMA-182, bits reversed, as xz uses it; in two halves, because bit operators have 32 bits.

const LOW = new Int32Array(256)
const HIGH = new Int32Array(256)
for (let byte = 0; byte < 256; byte++) {
  let low = byte
  let high = 0
  for (let i = 0; i < 8; i++) {
    const bit = low & 1
    low = (low >>> 1) | (high << 31)
    high >>>= 1
    if (bit === 1) {
      low ^= 0xd7870f42
      high ^= 0xc96c5795
    }
  }
  LOW[byte] = low
  HIGH[byte] = high
}

/** A CRC-64 over bytes that come in pieces. */
export class Crc64 {
  #low = -1
  #high = -1

  update(bytes: Uint8Array): void {
    let [low, high] = [this.#low, this.#high]
    for (let i = 0; i < bytes.length; i++) {
      const index = (low ^ (bytes[i] as number)) & 255
      low = ((low >>> 8) | (high << 24)) ^ (LOW[index] as number)
      high = (high >>> 8) ^ (HIGH[index] as number)
    }
    this.#low = low
    this.#high = high
  }

  /** Lower 32 bits, unsigned. */
  get low(): number {
    return ~this.#low >>> 0
  }

  /** Upper 32 bits, unsigned. */
  get high(): number {
    return ~this.#high >>> 0
  }
}
