import { ENTRY_BYTES } from './index-format.ts'
import { type FramePlace, IndexPart } from './index-part.ts'
import { IdTable } from './id-table.ts'
import { ID_BYTES } from './chunk-id.ts'
import type { CallOptions } from './store.ts'
import type { VaultObjects } from './vault-objects.ts'

/** Pages of large indexes kept in memory: 256 MiB hold 7.3 million names. */
const MAX_CACHED_PAGES = 1820

/** Where a chunk is. */
export interface ChunkPlace {
  /** Names the frame within this index: equal numbers, equal frames. */
  readonly frameNumber: number
  readonly frame: FramePlace
  /** In the frame's plaintext. */
  readonly start: number
  readonly sizeBytes: number
}

interface Part {
  readonly index: IndexPart
  /** Added to the numbers of its chunks and frames to get those of the whole. */
  readonly firstChunk: number
  readonly firstFrame: number
  /** By number of pack: its chunks count as not there. */
  readonly excluded: ReadonlySet<number>
}

/**
 * Which chunks a vault has and where: all its index objects together. Small ones are gathered in one table; of large ones only the
 * headers are loaded, and a page when a name in its range is asked for, so that millions of chunks cost little memory.
 */
export class ChunkIndex {
  readonly #objects: VaultObjects
  readonly #parts: Part[] = []
  readonly #large: Part[] = []
  readonly #small = new IdTable()
  /** By part and page, the one used longest ago first. */
  readonly #pages = new Map<number, Buffer>()
  #chunkCount = 0
  #frameCount = 0

  private constructor(objects: VaultObjects) {
    this.#objects = objects
  }

  /** Load what there is; chunks of `excludedPacks` count as missing. */
  static async load(
    objects: VaultObjects,
    excludedPacks: ReadonlySet<string>,
    options: CallOptions = {},
  ): Promise<ChunkIndex> {
    const index = new ChunkIndex(objects)
    // Who may only write cannot know what is there, and stores everything.
    if (!objects.keys.canUnseal) return index
    for (const { key } of await objects.list('index/', options)) {
      await index.#add(await IndexPart.load(objects, key, options), excludedPacks, options)
    }
    return index
  }

  /** Chunks that are named, those named by several objects counted for each. */
  get chunkCount(): number {
    return this.#chunkCount
  }

  get parts(): readonly IndexPart[] {
    return this.#parts.map(({ index }) => index)
  }

  /** Every pack with its size in bytes, by id. */
  packs(): Map<string, number> {
    return new Map(this.#parts.flatMap(({ index }) => index.header.packs.map((pack) => [pack.id, pack.sizeBytes])))
  }

  /** The number of a chunk, or -1; a promise only when a page must be fetched. */
  find(id: Uint8Array): number | Promise<number> {
    const row = this.#small.get(id)
    return row >= 0 ? row : this.#findFrom(0, id)
  }

  /** Where the chunk with this number is. */
  place(chunk: number): ChunkPlace {
    const part = this.#parts[this.#partOf(chunk)] as Part
    const own = chunk - part.firstChunk
    const frame = part.index.frameOf(own)
    return {
      frameNumber: part.firstFrame + frame,
      frame: part.index.frame(frame),
      start: part.index.startInFrame(own, frame),
      sizeBytes: part.index.chunkBytes(own),
    }
  }

  /** Every name with the number of its chunk. The name is a view. */
  async *entries(options: CallOptions = {}): AsyncGenerator<{ id: Buffer; chunk: number }, void, void> {
    for (let row = 0; row < this.#small.size; row++)
      yield { id: this.#small.idAt(row), chunk: this.#small.valueAt(row) }
    for (const part of this.#large) {
      for (let number = 0; number < part.index.header.pages.length; number++) {
        const page = await part.index.readPage(this.#objects, number, options)
        for (const { id, chunk } of pageEntries(page, part)) yield { id, chunk }
      }
    }
  }

  async #add(index: IndexPart, excludedPacks: ReadonlySet<string>, options: CallOptions): Promise<void> {
    const excluded = new Set(index.header.packs.flatMap((pack, number) => (excludedPacks.has(pack.id) ? [number] : [])))
    const part: Part = { index, firstChunk: this.#chunkCount, firstFrame: this.#frameCount, excluded }
    this.#parts.push(part)
    this.#chunkCount += index.chunkCount
    this.#frameCount += index.frameCount
    if (index.header.pages.length > 1) {
      this.#large.push(part)
      index.dropBytes()
      return
    }
    if (index.header.pages.length === 1) {
      const page = await index.readPage(this.#objects, 0, options)
      for (const { id, chunk } of pageEntries(page, part)) this.#small.add(id, chunk)
    }
    index.dropBytes()
  }

  #findFrom(first: number, id: Uint8Array): number | Promise<number> {
    for (let i = first; i < this.#large.length; i++) {
      const part = this.#large[i] as Part
      const number = part.index.pageFor(id)
      if (number < 0) continue
      const page = this.#cachedPage(i, number)
      if (page === undefined) return this.#fetchPage(i, number).then(() => this.#findFrom(i, id))
      const own = part.index.findIn(page, id)
      if (own >= 0 && !part.excluded.has(part.index.packOf(own))) return part.firstChunk + own
    }
    return -1
  }

  #cachedPage(part: number, number: number): Buffer | undefined {
    const key = part * 2 ** 24 + number
    const page = this.#pages.get(key)
    if (page === undefined) return undefined
    if (this.#pages.size > MAX_CACHED_PAGES / 2) {
      this.#pages.delete(key)
      this.#pages.set(key, page)
    }
    return page
  }

  async #fetchPage(part: number, number: number): Promise<void> {
    const page = await (this.#large[part] as Part).index.readPage(this.#objects, number)
    if (this.#pages.size >= MAX_CACHED_PAGES) {
      const [oldest] = this.#pages.keys()
      if (oldest !== undefined) this.#pages.delete(oldest)
    }
    this.#pages.set(part * 2 ** 24 + number, page)
  }

  #partOf(chunk: number): number {
    let low = 0
    let high = this.#parts.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#parts[middle] as Part).firstChunk <= chunk) low = middle + 1
      else high = middle
    }
    return low - 1
  }
}

function* pageEntries(page: Buffer, part: Part): Generator<{ id: Buffer; chunk: number }, void, void> {
  for (let at = 0; at < page.length; at += ENTRY_BYTES) {
    const id = page.subarray(at, at + ID_BYTES)
    const own = part.index.findIn(page.subarray(at, at + ENTRY_BYTES), id)
    if (part.excluded.size > 0 && part.excluded.has(part.index.packOf(own))) continue
    yield { id, chunk: part.firstChunk + own }
  }
}
