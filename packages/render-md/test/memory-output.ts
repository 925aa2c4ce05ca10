import type { DumpOutput } from '@arc/render-md'

/** A document in memory. */
export class MemoryOutput implements DumpOutput {
  #bytes = Buffer.alloc(64 * 1024)
  sizeBytes = 0

  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.sizeBytes)
  }

  write(bytes: Uint8Array): void {
    const end = this.sizeBytes + bytes.length
    if (end > this.#bytes.length) this.#bytes = Buffer.concat([this.bytes], Math.max(end, this.#bytes.length * 2))
    this.#bytes.set(bytes, this.sizeBytes)
    this.sizeBytes = end
  }

  overwrite(bytes: Uint8Array, position: number): void {
    this.#bytes.set(bytes, position)
  }

  read(into: Uint8Array, position: number): number {
    const piece = this.bytes.subarray(position, position + into.length)
    into.set(piece)
    return piece.length
  }

  truncate(sizeBytes: number): void {
    this.sizeBytes = sizeBytes
  }
}
