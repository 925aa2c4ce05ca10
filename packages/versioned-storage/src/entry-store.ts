import { comparePaths, type Entry, type EntryPath, type EntrySource, isTrouble, readContent } from '@arc/core'
import { clampRange, cut } from './object-folder.ts'
import type { Content, ItemStat, ReadRange } from './store.ts'
import { ReadOnlyStore } from './read-only-store.ts'
import { nothingThere } from './store-error.ts'

type FileEntry = Pick<Entry, 'sizeBytes' | 'mtimeNs'>

/** Archives and revisions as a store: what an entry source lists, by path. */
export class EntryStore extends ReadOnlyStore {
  readonly location: string
  readonly #open: () => Promise<EntrySource>
  #files: Promise<ReadonlyMap<string, FileEntry>> | undefined
  #opened: EntrySource | undefined

  /** `open` is called for each pass over a source that can be read only once. */
  constructor(location: string, open: () => Promise<EntrySource>) {
    super()
    this.location = location
    this.#open = open
  }

  async stat(key: string): Promise<ItemStat | undefined> {
    const files = await this.#list()
    const file = files.get(key)
    if (file !== undefined) return itemOf(key, file)
    for (const path of files.keys()) if (path.startsWith(`${key}/`)) return folderItem(key)
    return undefined
  }

  async list(folder: string): Promise<readonly ItemStat[]> {
    const prefix = folder === '' ? '' : `${folder}/`
    const items = new Map<string, ItemStat>()
    for (const [path, file] of await this.#list()) {
      if (!path.startsWith(prefix)) continue
      const slash = path.indexOf('/', prefix.length)
      const key = slash === -1 ? path : path.slice(0, slash)
      if (!items.has(key)) items.set(key, slash === -1 ? itemOf(key, file) : folderItem(key))
    }
    return [...items.values()].sort((a, b) => comparePaths(a.key as EntryPath, b.key as EntryPath))
  }

  async *walk(prefix: string): AsyncGenerator<readonly ItemStat[], void, undefined> {
    const items = [...(await this.#list())].filter(([path]) => path.startsWith(prefix))
    if (items.length > 0) yield items.map(([key, file]) => itemOf(key, file))
  }

  async read(key: string, { range, signal }: ReadRange = {}): Promise<Content> {
    const file = (await this.#list()).get(key)
    if (file === undefined) throw nothingThere(this.location, key)
    const { start, end } = clampRange(range, file.sizeBytes)
    return { sizeBytes: end - start, [Symbol.asyncIterator]: () => cut(this.#contentOf(key, signal), start, end) }
  }

  /** Some archives can only be read from the front: then everything before the entry is passed over. */
  async *#contentOf(key: string, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array, void, undefined> {
    const source = this.#opened ?? (await this.#open())
    try {
      for await (const batch of source.entries({ signal })) {
        for (const entry of batch) {
          if (entry.path !== key || entry.content === undefined) continue
          yield* readContent(entry.content)
          return
        }
      }
    } finally {
      if (source !== this.#opened) await source[Symbol.asyncDispose]()
    }
    throw nothingThere(this.location, key)
  }

  #list(): Promise<ReadonlyMap<string, FileEntry>> {
    return (this.#files ??= this.#readList())
  }

  async #readList(): Promise<ReadonlyMap<string, FileEntry>> {
    const source = await this.#open()
    const files = new Map<string, FileEntry>()
    for await (const batch of source.entries()) {
      for (const { path, type, sizeBytes, mtimeNs } of batch)
        if (type === 'file' && path.isWellFormed()) files.set(path, { sizeBytes, mtimeNs })
    }
    if (source.access === 'random' && !source.omissions.some(isTrouble)) this.#opened = source
    else await source[Symbol.asyncDispose]()
    return files
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    await this.#opened?.[Symbol.asyncDispose]()
  }
}

function itemOf(key: string, { sizeBytes, mtimeNs }: FileEntry): ItemStat {
  return { key, type: 'file', sizeBytes, modified: new Date(Number((mtimeNs ?? 0n) / 1_000_000n)) }
}

function folderItem(key: string): ItemStat {
  return { key, type: 'directory', sizeBytes: 0, modified: new Date(0) }
}
