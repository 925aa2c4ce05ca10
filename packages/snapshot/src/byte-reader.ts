import type { ArcError } from '@arc/core'
import { damaged } from './problems.ts'

/** Reads a binary object that may be hostile: whatever does not fit ends in `ARC_VAULT_DAMAGED`, and nothing is allocated for a number's sake. */
export class ByteReader {
  readonly bytes: Buffer
  readonly #object: string
  at = 0

  /** `object` is what messages call it. */
  constructor(bytes: Uint8Array, object: string) {
    this.bytes = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#object = object
  }

  get isAtEnd(): boolean {
    return this.at === this.bytes.length
  }

  get left(): number {
    return this.bytes.length - this.at
  }

  u8(): number {
    this.#need(1)
    return this.bytes[this.at++] as number
  }

  u16(): number {
    this.#need(2)
    this.at += 2
    return this.bytes.readUInt16LE(this.at - 2)
  }

  u32(): number {
    this.#need(4)
    this.at += 4
    return this.bytes.readUInt32LE(this.at - 4)
  }

  i64(): bigint {
    this.#need(8)
    this.at += 8
    return this.bytes.readBigInt64LE(this.at - 8)
  }

  varint(): number {
    let value = 0
    let weight = 1
    for (let count = 0; count < 8; count++) {
      const byte = this.u8()
      value += (byte & 0x7f) * weight
      if (byte < 0x80) {
        if (byte === 0 && count > 0) throw this.problem('a number is longer than it need be')
        if (!Number.isSafeInteger(value)) throw this.problem('a number is too large')
        return value
      }
      weight *= 0x80
    }
    throw this.problem('a number is too large')
  }

  /** A view of the next bytes. */
  take(count: number): Buffer {
    this.#need(count)
    this.at += count
    return this.bytes.subarray(this.at - count, this.at)
  }

  sized(maxBytes: number): Buffer {
    const count = this.varint()
    if (count > maxBytes) throw this.problem(`a field has ${count} bytes, more than ${maxBytes}`)
    return this.take(count)
  }

  /** Throws unless everything was read. */
  end(): void {
    if (!this.isAtEnd) throw this.problem('there is something behind its end')
  }

  problem(why: string): ArcError {
    return damaged(this.#object, why)
  }

  #need(count: number): void {
    if (count > this.left) throw this.problem('it ends too early')
  }
}
