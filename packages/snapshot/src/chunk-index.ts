import { absentPacks } from './absent-packs.ts'
import { type ChunkPlace, IndexPart } from './index-part.ts'
import { IdTable } from './id-table.ts'
import { type NumberedPart, pageEntries, PagedNames } from './paged-names.ts'
import { isMissing } from './problems.ts'
import type { CallOptions } from './store.ts'
import type { VaultObjects } from './vault-objects.ts'

/** Times the indexes are listed anew when one of them is gone before it is read. */
const MAX_LOOKS = 5

/**
 * Which chunks a vault has and where: all its index objects together. Small ones are gathered in one table; of large ones only the
 * headers are loaded, and a page when a name in its range is asked for, so that millions of chunks cost little memory.
 */
export class ChunkIndex {
  readonly #objects: VaultObjects
  readonly #parts: NumberedPart[] = []
  readonly #small = new IdTable()
  readonly #large: PagedNames
  #absentPacks: ReadonlySet<string> = new Set()
  #chunkCount = 0
  #frameCount = 0

  private constructor(objects: VaultObjects) {
    this.#objects = objects
    this.#large = new PagedNames(objects)
  }

  /** Load what there is; chunks of `excludedPacks` count as missing. */
  static async load(
    objects: VaultObjects,
    excludedPacks: ReadonlySet<string>,
    options: CallOptions = {},
  ): Promise<ChunkIndex> {
    for (let looks = 1; ; looks++) {
      try {
        return await ChunkIndex.#loadListed(objects, excludedPacks, options)
      } catch (error) {
        // A pruning has just deleted an index that was listed; others say the same by now.
        if (!isMissing(error) || looks === MAX_LOOKS) throw error
      }
    }
  }

  /** The same without packs that are named and not there: whatever decides what may be removed, or is written, goes by this one. */
  static async loadPresent(
    objects: VaultObjects,
    excludedPacks: ReadonlySet<string>,
    options: CallOptions = {},
  ): Promise<ChunkIndex> {
    const index = await ChunkIndex.load(objects, excludedPacks, options)
    const named = index.parts.flatMap(({ header }) => [...header.packs.ids()])
    const absent = await absentPacks(
      objects,
      named.filter((id) => !excludedPacks.has(id)),
      options,
    )
    if (absent.size === 0) return index
    const present = await ChunkIndex.load(objects, new Set([...excludedPacks, ...absent]), options)
    present.#absentPacks = absent
    return present
  }

  static async #loadListed(
    objects: VaultObjects,
    excludedPacks: ReadonlySet<string>,
    options: CallOptions,
  ): Promise<ChunkIndex> {
    const index = new ChunkIndex(objects)
    // Who may only write cannot know what is there, and stores everything.
    if (!objects.keys.canUnseal) return index
    for (const { key } of await objects.list('index/', options)) {
      await index.#add(await IndexPart.load(objects, key, options), excludedPacks, options)
    }
    return index
  }

  /** Packs that are named and, as {@link ChunkIndex.loadPresent} found, not there. */
  get absentPacks(): ReadonlySet<string> {
    return this.#absentPacks
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
    const packs = new Map<string, number>()
    for (const { index } of this.#parts) for (const { id, sizeBytes } of index.header.packs) packs.set(id, sizeBytes)
    return packs
  }

  /** The number of a chunk, or -1; a promise only when a page must be fetched. */
  find(id: Uint8Array): number | Promise<number> {
    const row = this.#small.get(id)
    return row >= 0 ? row : this.#large.find(id)
  }

  /** The number of a chunk, or -1; `undefined` when a page must be fetched to tell. */
  peek(id: Uint8Array): number | undefined {
    const row = this.#small.get(id)
    return row >= 0 ? row : this.#large.peek(id)
  }

  /** The number of each of these chunks, or -1, with its row there. In order of name: so each page is read once, not for each of its names. */
  async *findEach(ids: IdTable): AsyncGenerator<{ row: number; chunk: number }, void, void> {
    for (const row of ids.rowsInOrder()) {
      const found = this.find(ids.idAt(row))
      yield { row, chunk: typeof found === 'number' ? found : await found }
    }
  }

  /** Where the chunk with this number is. */
  place(chunk: number): ChunkPlace {
    const part = this.#parts[this.#partOf(chunk)] as NumberedPart
    const place = part.index.place(chunk - part.firstChunk)
    return { ...place, frameNumber: part.firstFrame + place.frameNumber }
  }

  /** The id of the pack that has the chunk with this number. */
  packIdOf(chunk: number): string {
    const { index, firstChunk } = this.#parts[this.#partOf(chunk)] as NumberedPart
    return index.header.packs.idAt(index.packOf(chunk - firstChunk))
  }

  /** Every name, in batches; they are views that are valid until the next batch is asked for. */
  async *names(options: CallOptions = {}): AsyncGenerator<Iterable<Buffer>, void, void> {
    yield Array.from({ length: this.#small.size }, (_, row) => this.#small.idAt(row))
    for await (const { page, part } of this.#large.pages(options)) yield pageNames(page, part)
  }

  async #add(index: IndexPart, excludedPacks: ReadonlySet<string>, options: CallOptions): Promise<void> {
    const excluded = new Set<number>()
    let number = 0
    for (const id of index.header.packs.ids()) {
      if (excludedPacks.has(id)) excluded.add(number)
      number++
    }
    const part: NumberedPart = { index, firstChunk: this.#chunkCount, firstFrame: this.#frameCount, excluded }
    this.#parts.push(part)
    this.#chunkCount += index.chunkCount
    this.#frameCount += index.frameCount
    if (index.header.pages.length > 1) {
      this.#large.add(part)
      index.dropBytes()
      return
    }
    if (index.header.pages.length === 1) {
      const page = await index.readPage(this.#objects, 0, options)
      for (const { id, chunk } of pageEntries(page, part)) this.#small.add(id, chunk)
    }
    index.dropBytes()
  }

  #partOf(chunk: number): number {
    let low = 0
    let high = this.#parts.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#parts[middle] as NumberedPart).firstChunk <= chunk) low = middle + 1
      else high = middle
    }
    return low - 1
  }
}

function* pageNames(page: Buffer, part: NumberedPart): Generator<Buffer, void, void> {
  for (const { id } of pageEntries(page, part)) yield id
}
