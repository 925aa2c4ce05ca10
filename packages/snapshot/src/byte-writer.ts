const FIRST_BYTES = 4096

/** Collects the bytes of a binary object: little-endian numbers, LEB128 varints, byte strings with their length before them. */
export class ByteWriter {
  #buffer = Buffer.allocUnsafe(FIRST_BYTES)
  /** Over the same bytes: it takes 64-bit numbers without the garbage of Buffer's checks. */
  #view = viewOf(this.#buffer)
  #used = 0

  get sizeBytes(): number {
    return this.#used
  }

  u8(value: number): void {
    this.#room(1)
    this.#buffer[this.#used++] = value
  }

  u16(value: number): void {
    this.#room(2)
    this.#used = this.#buffer.writeUInt16LE(value, this.#used)
  }

  u32(value: number): void {
    this.#room(4)
    this.#used = this.#buffer.writeUInt32LE(value, this.#used)
  }

  i64(value: bigint): void {
    this.#room(8)
    this.#view.setBigInt64(this.#used, value, true)
    this.#used += 8
  }

  /** A whole number up to 2^53 - 1 in seven bits a byte, lowest first, no byte more than needed. */
  varint(value: number): void {
    this.#room(8)
    let rest = value
    while (rest > 0x7f) {
      this.#buffer[this.#used++] = (rest % 0x80) | 0x80
      rest = Math.floor(rest / 0x80)
    }
    this.#buffer[this.#used++] = rest
  }

  bytes(bytes: Uint8Array): void {
    this.#room(bytes.length)
    this.#buffer.set(bytes, this.#used)
    this.#used += bytes.length
  }

  /** Bytes with their count before them. */
  sized(bytes: Uint8Array): void {
    this.varint(bytes.length)
    this.bytes(bytes)
  }

  /** ASCII text with its length before it: names mostly are, and need no encoder. */
  sizedAscii(text: string): void {
    this.varint(text.length)
    this.#room(text.length)
    this.#used += this.#buffer.write(text, this.#used, 'latin1')
  }

  /** Forget everything; the buffer is used again. */
  reset(): void {
    this.#used = 0
  }

  /** What was written so far; valid until the next write. */
  view(): Buffer {
    return this.#buffer.subarray(0, this.#used)
  }

  /** A copy of what was written so far. */
  copy(): Buffer {
    return Buffer.from(this.view())
  }

  #room(count: number): void {
    if (this.#used + count <= this.#buffer.length) return
    const larger = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, this.#used + count))
    larger.set(this.view())
    this.#buffer = larger
    this.#view = viewOf(larger)
  }
}

function viewOf({ buffer, byteOffset, byteLength }: Buffer): DataView {
  return new DataView(buffer, byteOffset, byteLength)
}
