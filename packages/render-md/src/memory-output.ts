import type { DumpOutput } from './output.ts'

const FIRST_BYTES = 1024 * 1024

/** An output that keeps its bytes until they are taken. */
export class MemoryOutput implements DumpOutput {
  #bytes = new Uint8Array(FIRST_BYTES)
  #sizeBytes = 0

  get sizeBytes(): number {
    return this.#sizeBytes
  }

  write(bytes: Uint8Array): void {
    const neededBytes = this.#sizeBytes + bytes.length
    if (neededBytes > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(neededBytes, this.#bytes.length * 2))
      larger.set(this.#bytes.subarray(0, this.#sizeBytes))
      this.#bytes = larger
    }
    this.#bytes.set(bytes, this.#sizeBytes)
    this.#sizeBytes = neededBytes
  }

  overwrite(bytes: Uint8Array, position: number): void {
    this.#bytes.set(bytes, position)
  }

  read(into: Uint8Array, position: number): number {
    const found = this.#bytes.subarray(position, Math.min(this.#sizeBytes, position + into.length))
    into.set(found)
    return found.length
  }

  truncate(sizeBytes: number): void {
    this.#sizeBytes = sizeBytes
  }

  /** What was written, in a buffer of its own; the output is empty afterwards. */
  takeBytes(): Uint8Array<ArrayBuffer> {
    const bytes = this.#bytes.slice(0, this.#sizeBytes)
    this.#sizeBytes = 0
    return bytes
  }
}
