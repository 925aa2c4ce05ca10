import { TemporaryFile } from '@arc/core/node'

const MEMORY_BYTES = 4 * 1024 * 1024
const PIECE_BYTES = 64 * 1024
const UTF8_BYTES_PER_UNIT = 3

/** A text that grows by small pieces and is needed once, at the end: in memory while it is short, else in a temporary file. */
export class TextSpool implements Disposable {
  #bytes: Buffer = Buffer.allocUnsafeSlow(PIECE_BYTES)
  #used = 0
  #file: TemporaryFile | undefined

  append(text: string): void {
    const mostBytes = text.length * UTF8_BYTES_PER_UNIT
    if (this.#used + mostBytes > this.#bytes.length) this.#makeRoom(mostBytes)
    this.#used += this.#bytes.write(text, this.#used)
  }

  /** All of the text in pieces; each is valid until the next one is asked for. */
  *pieces(): Generator<Buffer, void, void> {
    if (this.#file !== undefined) {
      const piece = Buffer.allocUnsafeSlow(PIECE_BYTES)
      for (let at = 0; at < this.#file.sizeBytes; at += piece.length)
        yield piece.subarray(0, this.#file.read(piece, at))
    }
    yield this.#bytes.subarray(0, this.#used)
  }

  [Symbol.dispose](): void {
    this.#file?.[Symbol.dispose]()
  }

  #makeRoom(neededBytes: number): void {
    const wantedBytes = Math.max(this.#bytes.length * 2, this.#used + neededBytes)
    if (wantedBytes > MEMORY_BYTES && this.#used > 0) {
      this.#file ??= new TemporaryFile()
      this.#file.write(this.#bytes.subarray(0, this.#used))
      this.#used = 0
    }
    if (this.#used + neededBytes <= this.#bytes.length) return
    const larger = Buffer.allocUnsafeSlow(wantedBytes)
    this.#bytes.copy(larger, 0, 0, this.#used)
    this.#bytes = larger
  }
}
