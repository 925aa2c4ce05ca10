import type { EntryContent, StreamContent, SyncContent } from '@arc/core'
import { MAX_CHUNK_BYTES, type RabinChunker } from './rabin-chunker.ts'

const BUFFER_BYTES = 2 * MAX_CHUNK_BYTES

/** Cuts the content of files into chunks, in one buffer for all of them. */
export class ContentCutter {
  readonly #chunker: RabinChunker
  readonly #buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES)
  /** Bytes of content in the buffer. */
  #used = 0

  constructor(chunker: RabinChunker) {
    this.#chunker = chunker
  }

  /** The chunks of a content, one after the other; each is valid until the next is asked for. */
  chunks(content: EntryContent): Iterable<Uint8Array> | AsyncIterable<Uint8Array> {
    this.#used = 0
    return content.kind === 'sync' ? this.#ofLocal(content) : this.#ofStream(content)
  }

  *#ofLocal(content: SyncContent): Generator<Uint8Array, void, void> {
    const reader = content.open()
    try {
      for (;;) {
        const wanted = BUFFER_BYTES - this.#used
        const count = reader.read(this.#buffer.subarray(this.#used))
        this.#used += count
        if (count < wanted) break
        yield* this.#certain()
      }
    } finally {
      reader.close()
    }
    yield* this.#rest()
  }

  async *#ofStream(content: StreamContent): AsyncGenerator<Uint8Array, void, void> {
    for await (const piece of content.stream()) {
      for (let at = 0; at < piece.length;) {
        const part = piece.subarray(at, at + BUFFER_BYTES - this.#used)
        this.#buffer.set(part, this.#used)
        this.#used += part.length
        at += part.length
        if (this.#used === BUFFER_BYTES) yield* this.#certain()
      }
    }
    yield* this.#rest()
  }

  /** The chunks that end where they end whatever comes; what is left moves to the front. */
  *#certain(): Generator<Uint8Array, void, void> {
    let start = 0
    while (this.#used - start >= MAX_CHUNK_BYTES) {
      const end = this.#chunker.cut(this.#buffer.subarray(0, this.#used), start)
      yield this.#buffer.subarray(start, end)
      start = end
    }
    this.#buffer.copyWithin(0, start, this.#used)
    this.#used -= start
  }

  *#rest(): Generator<Uint8Array, void, void> {
    const left = this.#buffer.subarray(0, this.#used)
    for (let start = 0; start < left.length;) {
      const end = this.#chunker.cut(left, start)
      yield left.subarray(start, end)
      start = end
    }
  }
}
