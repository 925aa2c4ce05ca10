import { comparePaths, type EntryPath, type EntrySource, isTrouble, readContent } from '@arc/core'
import { clampRange, cut } from './object-folder.ts'
import type { Content, ItemStat, ReadRange } from './store.ts'
import { ReadOnlyStore } from './read-only-store.ts'
import { nothingThere } from './store-error.ts'

interface FileEntry {
  readonly sizeBytes: number
  readonly mtimeNs: bigint | undefined
  /** The entry that has the content: of a further name of a file, its first. */
  readonly contentPath: string
  readonly problem?: string | undefined
}

/** Archives as a store: what an entry source lists, by path. Links are not followed; like all that cannot be read they are listed with a problem. */
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
    if (file === undefined || file.problem !== undefined) throw nothingThere(this.location, key)
    const { start, end } = clampRange(range, file.sizeBytes)
    const pieces = (): AsyncIterator<Uint8Array> => cut(this.#contentOf(file.contentPath, signal), start, end)
    return { sizeBytes: end - start, [Symbol.asyncIterator]: pieces }
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
      for (const { path, type, sizeBytes, mtimeNs, content, hardLink } of batch) {
        if (type === 'directory' || !path.isWellFormed()) continue
        const contentPath = content === undefined ? (hardLink ?? path) : path
        const entry = { sizeBytes, mtimeNs, contentPath }
        files.set(path, type === 'file' ? entry : { ...entry, sizeBytes: 0, problem: 'a link, which is not followed' })
      }
    }
    for (const { path, reason } of source.omissions) {
      if (path.isWellFormed() && path !== '' && !files.has(path))
        files.set(path, { sizeBytes: 0, mtimeNs: undefined, contentPath: path, problem: reason })
    }
    if (source.access === 'random' && !source.omissions.some(isTrouble)) this.#opened = source
    else await source[Symbol.asyncDispose]()
    return files
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    await this.#opened?.[Symbol.asyncDispose]()
  }
}

function itemOf(key: string, { sizeBytes, mtimeNs, problem }: FileEntry): ItemStat {
  const modified = new Date(Number((mtimeNs ?? 0n) / 1_000_000n))
  return { key, type: 'file', sizeBytes, modified, ...(problem !== undefined && { problem }) }
}

function folderItem(key: string): ItemStat {
  return { key, type: 'directory', sizeBytes: 0, modified: new Date(0) }
}
