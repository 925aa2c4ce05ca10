import { BlobReader, listTree, openRepository, type TreeItem } from '@arc/git'
import { ArcError } from '@arc/core'
import { clampRange, cut } from './object-folder.ts'
import { ReadOnlyStore } from './read-only-store.ts'
import type { Content, ItemStat, ReadRange } from './store.ts'
import { nothingThere } from './store-error.ts'

type File = TreeItem & { readonly sizeBytes: number }

/** The files of a commit, as the repository has them: no filter and no hook is run. Links and submodules are left out. */
export async function openGitStore(folder: string, revision: string): Promise<GitStore> {
  const repository = await openRepository(folder)
  if (repository === undefined)
    throw new ArcError('ARC_NOT_A_REPOSITORY', `${folder} is in no git repository`, {
      path: folder,
      hint: 'Name a folder of a repository.',
    })
  const { items, commit } = await listTree(repository, revision)
  const files = items.filter(
    (item): item is File => item.mode.startsWith('100') && item.sizeBytes !== undefined && item.path.isWellFormed(),
  )
  return new GitStore(`${folder}@${commit.slice(0, 12)}`, files, new BlobReader(repository, files, { ahead: false }))
}

class GitStore extends ReadOnlyStore {
  readonly location: string
  readonly #files: readonly File[]
  readonly #places: ReadonlyMap<string, number>
  readonly #blobs: BlobReader

  constructor(location: string, files: readonly File[], blobs: BlobReader) {
    super()
    this.location = location
    this.#files = files
    this.#places = new Map(files.map(({ path }, place) => [path, place]))
    this.#blobs = blobs
  }

  async stat(key: string): Promise<ItemStat | undefined> {
    const file = this.#files[this.#places.get(key) ?? -1]
    if (file !== undefined) return itemOf(file)
    return this.#files.some(({ path }) => path.startsWith(`${key}/`)) ? folderItem(key) : undefined
  }

  async list(folder: string): Promise<readonly ItemStat[]> {
    const prefix = folder === '' ? '' : `${folder}/`
    const items = new Map<string, ItemStat>()
    for (const file of this.#files) {
      if (!file.path.startsWith(prefix)) continue
      const slash = file.path.indexOf('/', prefix.length)
      const key = slash === -1 ? file.path : file.path.slice(0, slash)
      if (!items.has(key)) items.set(key, slash === -1 ? itemOf(file) : folderItem(key))
    }
    return [...items.values()]
  }

  async *walk(prefix: string): AsyncGenerator<readonly ItemStat[], void, undefined> {
    const items = this.#files.filter(({ path }) => path.startsWith(prefix)).map(itemOf)
    if (items.length > 0) yield items
  }

  async read(key: string, { range }: ReadRange = {}): Promise<Content> {
    const place = this.#places.get(key)
    if (place === undefined) throw nothingThere(this.location, key)
    const { start, end } = clampRange(range, this.#files[place]?.sizeBytes ?? 0)
    return { sizeBytes: end - start, [Symbol.asyncIterator]: () => cut(this.#blobs.read(place), start, end) }
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    await this.#blobs[Symbol.asyncDispose]()
  }
}

function itemOf({ path, sizeBytes, objectId }: File): ItemStat {
  // A commit does not say when a file was changed; its object id says more.
  return {
    key: path,
    type: 'file',
    sizeBytes,
    modified: new Date(0),
    ...(objectId.length === 0 && { problem: 'no object' }),
  }
}

function folderItem(key: string): ItemStat {
  return { key, type: 'directory', sizeBytes: 0, modified: new Date(0) }
}
