import { BlobReader, listTree, openRepository, type TreeItem } from '@arc/git'
import { ArcError } from '@arc/core'
import { clampRange, cut } from './object-folder.ts'
import { ReadOnlyStore } from './read-only-store.ts'
import type { Content, ItemStat, ReadRange } from './store.ts'
import { nothingThere } from './store-error.ts'

type File = TreeItem & { readonly sizeBytes: number }

/**
 * The files of a commit, as the repository has them: no filter and no hook is run. Links, which are not followed, submodules
 * and blobs that the repository lacks are listed with a problem.
 */
export async function openGitStore(folder: string, revision: string): Promise<GitStore> {
  const repository = await openRepository(folder)
  if (repository === undefined)
    throw new ArcError('ARC_NOT_A_REPOSITORY', `${folder} is in no git repository`, {
      path: folder,
      hint: 'Name a folder of a repository.',
    })
  const { items, commit } = await listTree(repository, revision)
  const listed = items.filter(({ path }) => path.isWellFormed())
  const files = listed.filter((item): item is File => problemOf(item) === undefined)
  const blobs = new BlobReader(repository, files, { ahead: false })
  return new GitStore(`${folder}@${commit.slice(0, 12)}`, { listed, files, blobs })
}

class GitStore extends ReadOnlyStore {
  readonly location: string
  readonly #listed: readonly TreeItem[]
  readonly #files: readonly File[]
  readonly #places: ReadonlyMap<string, number>
  readonly #blobs: BlobReader

  constructor(
    location: string,
    { listed, files, blobs }: { listed: readonly TreeItem[]; files: readonly File[]; blobs: BlobReader },
  ) {
    super()
    this.location = location
    this.#listed = listed
    this.#files = files
    this.#places = new Map(files.map(({ path }, place) => [path, place]))
    this.#blobs = blobs
  }

  async stat(key: string): Promise<ItemStat | undefined> {
    const file = this.#files[this.#places.get(key) ?? -1] ?? this.#listed.find(({ path }) => path === key)
    if (file !== undefined) return itemOf(file)
    return this.#listed.some(({ path }) => path.startsWith(`${key}/`)) ? folderItem(key) : undefined
  }

  async list(folder: string): Promise<readonly ItemStat[]> {
    const prefix = folder === '' ? '' : `${folder}/`
    const items = new Map<string, ItemStat>()
    for (const file of this.#listed) {
      if (!file.path.startsWith(prefix)) continue
      const slash = file.path.indexOf('/', prefix.length)
      const key = slash === -1 ? file.path : file.path.slice(0, slash)
      if (!items.has(key)) items.set(key, slash === -1 ? itemOf(file) : folderItem(key))
    }
    return [...items.values()]
  }

  async *walk(prefix: string): AsyncGenerator<readonly ItemStat[], void, undefined> {
    const items = this.#listed.filter(({ path }) => path.startsWith(prefix)).map(itemOf)
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

/** Why an item of a tree is no file that can be read. */
function problemOf({ mode, sizeBytes, objectId }: TreeItem): string | undefined {
  if (mode.startsWith('120')) return 'a link, which is not followed'
  if (!mode.startsWith('100')) return 'a submodule'
  return sizeBytes === undefined || objectId.length === 0 ? 'not in this repository' : undefined
}

function itemOf(item: TreeItem): ItemStat {
  const problem = problemOf(item)
  const sizeBytes = problem === undefined ? (item.sizeBytes ?? 0) : 0
  // A commit does not say when a file was changed.
  return {
    key: item.path,
    type: 'file',
    sizeBytes,
    modified: new Date(0),
    ...(problem !== undefined && { problem }),
  }
}

function folderItem(key: string): ItemStat {
  return { key, type: 'directory', sizeBytes: 0, modified: new Date(0) }
}
