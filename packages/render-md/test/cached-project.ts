// A project that is dumped again and again through the section cache, and knows which of its files were opened.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type ContentReader, type Entry, type EntryPath, memorySource, type SyncContent } from '@arc/core'
import { Publication } from '@arc/core/node'
import { fileEntry } from '@arc/core/testing'
import { renderDump, type RenderOptions, type RenderResult } from '@arc/render-md'

/** What became of one dump through the cache. */
export interface CachedRun {
  result: RenderResult
  /** The document as it is on disk now. */
  bytes: Buffer
  /** Paths whose content was opened. */
  opened: string[]
}

export class CachedProject {
  readonly document: string
  readonly cacheFile: string
  readonly entries = new Map<string, Entry>()
  #clock = 1n
  #opened: string[] = []
  /** The contents that are watched under the name they have now. */
  readonly #plain = new WeakMap<SyncContent, SyncContent>()

  constructor(folder: string) {
    this.document = join(folder, 'project.md')
    this.cacheFile = join(folder, 'cache', 'sections')
  }

  /** Create or change a file. */
  write(path: string, content: string | Uint8Array, mode = 0o644): void {
    this.#set(this.#watched({ ...fileEntry(path, content, mode), path: path as EntryPath, stamp: this.#stamp() }))
  }

  link(path: string, target: string): void {
    this.#set({
      path: path as EntryPath,
      type: 'symlink',
      mode: 0o777,
      sizeBytes: Buffer.byteLength(target),
      target: target as EntryPath,
    })
  }

  makeFolder(path: string, mode = 0o755): void {
    this.#set({ path: path as EntryPath, type: 'directory', mode, sizeBytes: 0 })
  }

  /** Give a file one more name. As on a disk, that shows in the stamps of all its names. */
  hardLink(path: string, other: string): void {
    const first = this.entries.get(path) as Entry
    const hardLink = first.hardLink ?? `inode of ${path}`
    this.#set({ ...first, hardLink })
    this.#set(this.#watched({ ...first, hardLink, path: other as EntryPath }))
    this.#touchNames(hardLink)
  }

  changeMode(path: string, mode: number): void {
    const entry = this.entries.get(path) as Entry
    this.#set({ ...entry, mode, ...(entry.stamp === undefined ? {} : { stamp: this.#stamp() }) })
  }

  remove(path: string): void {
    const entry = this.entries.get(path)
    this.entries.delete(path)
    if (entry?.hardLink !== undefined) this.#touchNames(entry.hardLink)
  }

  rename(path: string, other: string): void {
    const entry = this.entries.get(path) as Entry
    this.entries.delete(path)
    this.#set(this.#watched({ ...entry, path: other as EntryPath }))
  }

  /** Render what is there now, from scratch. */
  async fresh(options: RenderOptions = {}): Promise<Buffer> {
    const path = `${this.document}.fresh`
    using publication = new Publication(path, { durable: false })
    await renderDump(this.#source(), publication, options)
    publication.commit()
    return readFileSync(path)
  }

  /** Dump through the cache, as create-dump does. */
  async run(options: RenderOptions = {}, key = 'key'): Promise<CachedRun> {
    this.#opened = []
    using publication = new Publication(this.document, { durable: false })
    const cache = { file: this.cacheFile, document: this.document, key }
    const result = await renderDump(this.#source(), publication, { ...options, cache })
    if (result.isWritten) publication.commit()
    result.saveCache()
    const bytes = existsSync(this.document) ? readFileSync(this.document) : Buffer.alloc(0)
    return { result, bytes, opened: this.#opened.toSorted() }
  }

  #source(): ReturnType<typeof memorySource> {
    return memorySource('project', this.entries.values())
  }

  #set(entry: Entry): void {
    this.entries.set(entry.path, entry)
  }

  #stamp(): NonNullable<Entry['stamp']> {
    const now = this.#clock++
    return { device: 1n, inode: now, mtimeNs: now, ctimeNs: now }
  }

  #touchNames(hardLink: string): void {
    const stamp = this.#stamp()
    for (const entry of this.entries.values()) if (entry.hardLink === hardLink) this.#set({ ...entry, stamp })
  }

  #watched(entry: Entry): Entry {
    const { content, path } = entry
    if (content?.kind !== 'sync') return entry
    const plain = this.#plain.get(content) ?? content
    const open = (): ContentReader => {
      this.#opened.push(path)
      return plain.open()
    }
    const watched: SyncContent = { kind: 'sync', open }
    this.#plain.set(watched, plain)
    return { ...entry, content: watched }
  }
}
