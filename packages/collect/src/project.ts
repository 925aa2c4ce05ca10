import { ArcError, isArcError } from '@arc/core'
import { nodeFileSystem } from '@arc/core/node'
import { openRepository, type Repository } from '@arc/git'
import { openDirectory } from './directory.ts'
import type { CollectedSource, ProjectOptions } from './options.ts'
import { openRevision } from './revision.ts'
import { realRoot } from './root.ts'
import { Selection } from './selection.ts'
import { openRepositoryWorkTree, openWorkTree } from './work-tree.ts'

/**
 * The state of the project at `root`: a commit when `revision` names one, what git says belongs to the work tree when
 * `root` lies in one, else everything in the folder that no ignore rule keeps out.
 *
 * Throws what the source that it chooses throws; with `tracked` outside a work tree `ARC_NOT_A_REPOSITORY`. In a bare repository it asks for a revision (`ARC_NOT_A_REPOSITORY`).
 */
export async function openProject(root: string, options: ProjectOptions = {}): Promise<CollectedSource> {
  const selection = new Selection(options)
  const useGit = options.git ?? true
  if (options.revision !== undefined) {
    if (useGit) return openRevision(root, options.revision, options)
    throw new ArcError('ARC_OPTION_INVALID', 'a revision can only be read with git', {
      hint: 'Leave one of the two options out.',
    })
  }
  const fs = options.fs ?? nodeFileSystem
  realRoot(fs, root)
  if (!useGit) return openDirectory(root, options)
  const repository = await repositoryOf(root, options)
  if (repository === undefined)
    return options.tracked === true ? openWorkTree(root, options) : openDirectory(root, options)
  return openRepositoryWorkTree(repository, selection, options)
}

/** Without git there are no repositories; a repository that git refuses is an error, for its selection cannot be known. */
async function repositoryOf(root: string, options: ProjectOptions): Promise<Repository | undefined> {
  try {
    return await openRepository(root, { env: options.env, signal: options.signal })
  } catch (error) {
    if (isArcError(error) && error.code === 'ARC_GIT_MISSING' && options.tracked !== true) return undefined
    throw error
  }
}
