import { ID_BYTES } from './chunk-id.ts'
import { ENTRY_BYTES } from './index-format.ts'
import type { IndexPart } from './index-part.ts'
import { NameHints } from './name-hints.ts'
import type { CallOptions } from './store.ts'
import type { VaultObjects } from './vault-objects.ts'

/** Pages kept in memory: 32 MiB hold 0.9 million names. */
const MAX_CACHED_PAGES = 227
/** Once this share of all pages was read for single names, all are read once, for hints. */
const SHARE_BEFORE_HINTS = 0.25
/** Pages of one part are numbered from its own multiple of this. */
const MAX_PAGES = 2 ** 24

/** An index object within the whole index. */
export interface NumberedPart {
  readonly index: IndexPart
  /** Added to the numbers of its chunks and frames to get those of the whole. */
  readonly firstChunk: number
  readonly firstFrame: number
  /** By number of pack: its chunks count as not there. */
  readonly excluded: ReadonlySet<number>
}

/**
 * The names in large indexes, which stay where they are but for the pages in use. The first few questions are answered by
 * looking into each index; who asks more gets {@link NameHints}, eight to sixteen bytes a chunk, and from then on reads one page for a
 * name that is there and none for one that is not.
 */
export class PagedNames {
  readonly #objects: VaultObjects
  readonly #parts: NumberedPart[] = []
  /** By part and page, the one used longest ago first. */
  readonly #pages = new Map<number, Buffer>()
  #pageCount = 0
  #pagesRead = 0
  #chunkCount = 0
  #hints: NameHints | undefined
  #gathering: Promise<void> | undefined

  constructor(objects: VaultObjects) {
    this.#objects = objects
  }

  /** Add an index; before the first question, in ascending order of chunks. */
  add(part: NumberedPart): void {
    this.#parts.push(part)
    this.#pageCount += part.index.header.pages.length
    this.#chunkCount += part.index.chunkCount
  }

  /** The number of a chunk, or -1; a promise only when pages must be fetched. */
  find(id: Uint8Array): number | Promise<number> {
    if (this.#hints === undefined && this.#pagesRead > this.#pageCount * SHARE_BEFORE_HINTS) {
      this.#gathering ??= this.#gather().finally(() => {
        // After a page that could not be read, the next question tries again.
        this.#gathering = undefined
      })
      return this.#gathering.then(() => this.find(id))
    }
    return this.#search(id, this.#partsFor(id))
  }

  /** The number of a chunk, or -1; `undefined` when pages must be fetched to tell. */
  peek(id: Uint8Array): number | undefined {
    for (const number of this.#partsFor(id)) {
      const found = this.#look(number, id)
      if (found === undefined || found >= 0) return found
    }
    return -1
  }

  /** Every page, with the index it is of. */
  async *pages(options: CallOptions = {}): AsyncGenerator<{ page: Buffer; part: NumberedPart }, void, void> {
    for (const part of this.#parts) {
      for (let number = 0; number < part.index.header.pages.length; number++) {
        const page = await part.index.readPage(this.#objects, number, options)
        yield { page, part }
      }
    }
  }

  async #gather(): Promise<void> {
    const hints = new NameHints(this.#chunkCount)
    for await (const { page, part } of this.pages()) {
      for (let at = 0; at < page.length; at += ENTRY_BYTES) {
        const chunk = part.index.chunkAt(page, at)
        if (!isExcluded(part, chunk)) hints.add(page, at, part.firstChunk + chunk)
      }
    }
    this.#hints = hints
  }

  /** Look for a name in the indexes that are left. */
  #search(id: Uint8Array, parts: Generator<number, void, void>): number | Promise<number> {
    for (let next = parts.next(); next.done !== true; next = parts.next()) {
      const found = this.#look(next.value, id)
      if (found === undefined) return this.#fetchAndSearch(id, next.value, parts)
      if (found >= 0) return found
    }
    return -1
  }

  async #fetchAndSearch(id: Uint8Array, number: number, parts: Generator<number, void, void>): Promise<number> {
    const found = this.#findIn(await this.#fetch(number, id), number, id)
    return found >= 0 ? found : this.#search(id, parts)
  }

  /** The numbers of the indexes that may have a name. */
  *#partsFor(id: Uint8Array): Generator<number, void, void> {
    if (this.#hints === undefined) yield* this.#parts.keys()
    else
      for (const chunk of this.#hints.find(id)) yield this.#parts.findLastIndex(({ firstChunk }) => firstChunk <= chunk)
  }

  /** Look for a name in one index: -1 when it is not there, `undefined` when a page must be fetched to tell. */
  #look(number: number, id: Uint8Array): number | undefined {
    const pageNumber = (this.#parts[number] as NumberedPart).index.pageFor(id)
    if (pageNumber < 0) return -1
    const key = number * MAX_PAGES + pageNumber
    const page = this.#pages.get(key)
    if (page === undefined) return undefined
    if (this.#pages.size > MAX_CACHED_PAGES / 2) {
      this.#pages.delete(key)
      this.#pages.set(key, page)
    }
    return this.#findIn(page, number, id)
  }

  #findIn(page: Buffer, number: number, id: Uint8Array): number {
    const part = this.#parts[number] as NumberedPart
    const own = part.index.findIn(page, id)
    return own >= 0 && !isExcluded(part, own) ? part.firstChunk + own : -1
  }

  async #fetch(number: number, id: Uint8Array): Promise<Buffer> {
    const { index } = this.#parts[number] as NumberedPart
    const pageNumber = index.pageFor(id)
    this.#pagesRead++
    const page = await index.readPage(this.#objects, pageNumber)
    if (this.#pages.size >= MAX_CACHED_PAGES) {
      const [oldest] = this.#pages.keys()
      if (oldest !== undefined) this.#pages.delete(oldest)
    }
    this.#pages.set(number * MAX_PAGES + pageNumber, page)
    return page
  }
}

/** The names in a page with the numbers of their chunks, but for those of packs that do not count. The names are views. */
export function* pageEntries(page: Buffer, part: NumberedPart): Generator<{ id: Buffer; chunk: number }, void, void> {
  for (let at = 0; at < page.length; at += ENTRY_BYTES) {
    const chunk = part.index.chunkAt(page, at)
    if (!isExcluded(part, chunk)) yield { id: page.subarray(at, at + ID_BYTES), chunk: part.firstChunk + chunk }
  }
}

function isExcluded({ excluded, index }: NumberedPart, chunk: number): boolean {
  return excluded.size > 0 && excluded.has(index.packOf(chunk))
}
