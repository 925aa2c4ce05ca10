import type { ContentReader, EntryContent, SyncContent } from '@arc/core'
import { ID_BYTES } from './chunk-id.ts'
import type { Chunker, ChunkSizes } from './chunker.ts'
import type { PackKind } from './pack-footer.ts'
import { LIST_NAMES, type Reference } from './reference.ts'

/** Room for reading: the longest chunk several times over, so that little is moved. */
export const CHUNKER_BUFFER_BYTES: number = 4 * 1024 * 1024

/** What takes chunks; `bytes` must stay as they are until a promise it returned has resolved. */
export interface ChunkSink {
  put(kind: PackKind, id: Uint8Array, bytes: Uint8Array): void | Promise<void>
}

/** What became of a content. */
export interface StoredContent {
  readonly reference: Reference | undefined
  /** Bytes that were read. */
  readonly sizeBytes: number
}

const EMPTY: StoredContent = { reference: undefined, sizeBytes: 0 }

/** Cuts contents into chunks, names them and hands them to a {@link ChunkSink}. */
export class ContentWriter {
  readonly #chunker: Chunker
  readonly #sizes: ChunkSizes
  readonly #writer: ChunkSink
  readonly #identify: (bytes: Uint8Array) => Uint8Array

  constructor(chunker: Chunker, sizes: ChunkSizes, writer: ChunkSink, identify: (bytes: Uint8Array) => Uint8Array) {
    this.#chunker = chunker
    this.#sizes = sizes
    this.#writer = writer
    this.#identify = identify
  }

  /** Store a file's content. A promise only when something had to be waited for: most files are small and at hand. */
  store(content: EntryContent): StoredContent | Promise<StoredContent> {
    return content.kind === 'sync' ? this.#storeSync(content) : this.#storePieces(content.stream())
  }

  /** Store bytes that are all at hand. When they turn out to be `known` already, nothing is stored. */
  async storeBytes(bytes: Uint8Array, known: Reference | undefined): Promise<Reference | undefined> {
    const chunks = this.#cutBytes(bytes)
    const ids = Buffer.concat(chunks.map(({ id }) => id))
    if (known !== undefined && this.#isKnown(ids, known)) return known
    for (const { id, start, end } of chunks) await this.#writer.put('tree', id, bytes.subarray(start, end))
    return this.storeNames(ids)
  }

  /** A reference to the chunks with these names, one after another; lists are made and stored as needed. */
  async storeNames(ids: Buffer): Promise<Reference | undefined> {
    let level = ids
    let depth = 0
    for (; level.length > ID_BYTES; depth++) {
      const lists: Uint8Array[] = []
      for (const list of listsOf(level)) {
        const id = this.#identify(list)
        await this.#writer.put('tree', id, list)
        lists.push(id)
      }
      level = Buffer.concat(lists)
    }
    return level.length === 0 ? undefined : { depth, id: level }
  }

  #storeSync(content: SyncContent): StoredContent | Promise<StoredContent> {
    const { buffer } = this.#chunker
    let reader: ContentReader | undefined
    let count = content.readStart?.(buffer, 0, buffer.length) ?? buffer.length
    // What fills the buffer may go on behind it: then it is read again, from a reader that stays open.
    if (count === buffer.length) {
      reader = content.open()
      try {
        count = reader.read(buffer)
      } catch (error) {
        reader.close()
        throw error
      }
    }
    if (count > this.#sizes.minBytes) return this.#storeLong(reader, count)
    reader?.close()
    if (count === 0) return EMPTY
    const bytes = buffer.subarray(0, count)
    const id = this.#identify(bytes)
    const waiting = this.#writer.put('data', id, bytes)
    const stored = { reference: { depth: 0, id }, sizeBytes: count }
    return waiting === undefined ? stored : waiting.then(() => stored)
  }

  /** The rest of a content of which the buffer holds the first `have` bytes; a reader is needed when it is full. */
  async #storeLong(reader: ContentReader | undefined, have: number): Promise<StoredContent> {
    const { buffer } = this.#chunker
    const window = new ChunkWindow(this.#chunker, this.#sizes)
    const ids: Uint8Array[] = []
    try {
      let end = have
      for (let isLast = have < buffer.length; ; isLast = end < buffer.length) {
        for (const chunk of window.chunks(end, isLast)) await this.#put('data', chunk, ids)
        if (isLast) break
        const kept = window.shift(end)
        end = kept + (reader?.read(buffer.subarray(kept)) ?? 0)
      }
    } finally {
      reader?.close()
    }
    return { reference: await this.storeNames(Buffer.concat(ids)), sizeBytes: window.totalBytes }
  }

  async #storePieces(pieces: AsyncIterable<Uint8Array>): Promise<StoredContent> {
    const { buffer } = this.#chunker
    const window = new ChunkWindow(this.#chunker, this.#sizes)
    const ids: Uint8Array[] = []
    let end = 0
    for await (const piece of pieces) {
      for (let taken = 0; taken < piece.length;) {
        const part = piece.subarray(taken, taken + buffer.length - end)
        buffer.set(part, end)
        taken += part.length
        end += part.length
        if (end < buffer.length) break
        for (const chunk of window.chunks(end, false)) await this.#put('data', chunk, ids)
        end = window.shift(end)
      }
    }
    for (const chunk of window.chunks(end, true)) await this.#put('data', chunk, ids)
    return { reference: await this.storeNames(Buffer.concat(ids)), sizeBytes: window.totalBytes }
  }

  async #put(kind: PackKind, chunk: Buffer, ids: Uint8Array[]): Promise<void> {
    const id = this.#identify(chunk)
    ids.push(id)
    const waiting = this.#writer.put(kind, id, chunk)
    if (waiting !== undefined) await waiting
  }

  #cutBytes(bytes: Uint8Array): { id: Uint8Array; start: number; end: number }[] {
    const { buffer } = this.#chunker
    const chunks: { id: Uint8Array; start: number; end: number }[] = []
    for (let start = 0; start < bytes.length;) {
      // A listing is mostly one chunk, and then it need not be copied.
      let length = bytes.length - start
      if (length > this.#sizes.minBytes) {
        const part = bytes.subarray(start, start + this.#sizes.maxBytes)
        buffer.set(part)
        length = this.#chunker.cut(0, part.length)
      }
      const end = start + length
      chunks.push({ id: this.#identify(bytes.subarray(start, end)), start, end })
      start = end
    }
    return chunks
  }

  #isKnown(ids: Buffer, known: Reference): boolean {
    let level = ids
    for (let depth = 0; ; depth++) {
      if (level.length === ID_BYTES) return depth === known.depth && level.equals(known.id)
      level = Buffer.concat(listsOf(level).map((list) => this.#identify(list)))
    }
  }
}

function listsOf(ids: Buffer): Buffer[] {
  const lists: Buffer[] = []
  const listBytes = LIST_NAMES * ID_BYTES
  for (let at = 0; at < ids.length; at += listBytes) lists.push(ids.subarray(at, at + listBytes))
  return lists
}

/** The part of a long content that is in the chunker's buffer. */
class ChunkWindow {
  totalBytes = 0
  readonly #chunker: Chunker
  readonly #sizes: ChunkSizes
  #start = 0

  constructor(chunker: Chunker, sizes: ChunkSizes) {
    this.#chunker = chunker
    this.#sizes = sizes
  }

  /** The chunks in the buffer up to `end`; unless the content ends there, only those that more bytes could not lengthen. */
  *chunks(end: number, isLast: boolean): Generator<Buffer, void, void> {
    while (this.#start < end) {
      if (!isLast && end - this.#start < this.#sizes.maxBytes) return
      const cut = this.#chunker.cut(this.#start, end)
      const chunk = this.#chunker.buffer.subarray(this.#start, cut)
      this.totalBytes += chunk.length
      this.#start = cut
      yield chunk
    }
  }

  /** Move what is left to the beginning of the buffer; returns its length. */
  shift(end: number): number {
    this.#chunker.buffer.copyWithin(0, this.#start, end)
    const kept = end - this.#start
    this.#start = 0
    return kept
  }
}
