import { isArcError } from '@arc/core'
import { localPath } from '@arc/core/node'
import { type GitOptions, listWorkTree, openRepository, type Repository } from '@arc/git'

/** What git lists in a folder, and in the repositories in it. */
export class GitListing {
  /** Paths that are listed, and the folders they are in. */
  readonly #paths = new Set<string>()
  /** Folders of which git cannot tell: nothing in them is left out. */
  readonly #whole = new Set<string>()

  has(path: string): boolean {
    return this.#paths.has(path)
  }

  isWhole(folder: string): boolean {
    return this.#whole.has(folder)
  }

  add(path: string): void {
    for (let end = path.length; end > 0; end = path.lastIndexOf('/', end - 1)) {
      const above = path.slice(0, end)
      if (this.#paths.has(above)) return
      this.#paths.add(above)
    }
  }

  addWhole(folder: string): void {
    this.add(folder)
    this.#whole.add(folder)
  }
}

/**
 * Ask git what it lists at and below a folder. `undefined` where it has nothing to say: outside a work tree, without git, and in a folder that
 * the repository above ignores. Throws `ARC_GIT_FAILED` when git refuses.
 */
export async function listedByGit(root: string, options: GitOptions): Promise<GitListing | undefined> {
  const repository = await repositoryAt(root, options)
  if (repository?.topLevel === undefined) return undefined
  const listing = new GitListing()
  const count = await addListing(listing, repository, '', options)
  return count === 0 && repository.topLevel !== repository.root ? undefined : listing
}

async function repositoryAt(folder: string, options: GitOptions): Promise<Repository | undefined> {
  try {
    return await openRepository(folder, options)
  } catch (error) {
    if (isArcError(error) && error.code === 'ARC_GIT_MISSING') return undefined
    throw error
  }
}

async function addListing(
  listing: GitListing,
  repository: Repository,
  prefix: string,
  options: GitOptions,
): Promise<number> {
  const { paths, release } = await listWorkTree(repository, { signal: options.signal })
  release()
  for (const { path, kind } of paths) {
    const own = `${prefix}${path}`
    if (kind === 'submodule' || kind === 'nested-repository')
      await addNested(listing, localPath(repository.root, path), own, options)
    else listing.add(own)
  }
  return paths.length
}

/** A repository of its own lists its own; one that cannot be asked, or is none, is kept whole. */
async function addNested(
  listing: GitListing,
  folder: string | Buffer,
  path: string,
  options: GitOptions,
): Promise<void> {
  listing.add(path)
  try {
    const nested = typeof folder === 'string' ? await openRepository(folder, options) : undefined
    if (nested !== undefined && nested.topLevel === nested.root)
      return void (await addListing(listing, nested, `${path}/`, options))
  } catch (error) {
    if (!isArcError(error) || error.code === 'ARC_ABORTED') throw error
  }
  listing.addWhole(path)
}
