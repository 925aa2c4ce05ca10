import { ArcError, comparePaths, type EntryPath, printablePath } from '@arc/core'
import { gitFailure, runGit } from './command.ts'
import { branchName, type Repository } from './repository.ts'
import { checked, records } from './work-tree.ts'

/** One path of a commit's tree, relative to the repository's `root`. */
export interface TreeItem {
  readonly path: EntryPath
  /** As git writes it, in octal: `100644`, `100755`, `120000`, `160000`. */
  readonly mode: string
  /** Object id: of the blob, or of a submodule's commit. */
  readonly objectId: string
  /** `undefined` for a submodule, and for a blob that this repository does not have (a partial clone). */
  readonly sizeBytes: number | undefined
}

export interface TreeListing {
  readonly commit: string
  /** When the revision was named by its branch. */
  readonly branch: string | undefined
  /** In byte order of path; folders are not listed. */
  readonly items: readonly TreeItem[]
}

/**
 * The tree of a commit at and below the repository's `root`. Throws `ARC_GIT_REVISION_UNKNOWN` when `revision` names no
 * commit.
 */
export async function listTree(
  repository: Repository,
  revision: string,
  options: { signal?: AbortSignal | undefined } = {},
): Promise<TreeListing> {
  const run = { env: repository.environment, signal: options.signal }
  const { root } = repository
  const [commit, name] = await Promise.all([
    runGit(root, ['rev-parse', '--verify', '--quiet', '--end-of-options', `${revision}^{commit}`], run),
    runGit(root, ['rev-parse', '--verify', '--quiet', '--symbolic-full-name', '--end-of-options', revision], run),
  ])
  const objectId = commit.stdout.toString().trimEnd()
  if (commit.status !== 0 || !/^[0-9a-f]{40,}$/.test(objectId)) throw unknownRevision(root, revision)
  const args = ['ls-tree', '-r', '-z', '-l', objectId]
  const output = await runGit(root, args, run)
  if (output.status !== 0) throw gitFailure(root, args, output)
  const branch = name.status === 0 ? branchName(name.stdout.toString().trimEnd()) : undefined
  return { commit: objectId, branch, items: records(output.stdout).map(parseItem).sort(inOrder) }
}

function unknownRevision(root: string, revision: string): ArcError {
  const shown = printablePath(revision)
  return new ArcError('ARC_GIT_REVISION_UNKNOWN', `${root} has no commit named ${shown}`, {
    hint: 'Check the name; fetch it first if it is on a remote.',
    details: { revision },
  })
}

// <mode> <type> <object> <size, padded>\t<path>
const ITEM = /^(\d+) [a-z]+ ([0-9a-f]+) +(\S+)\t([^]*)$/

function parseItem(record: string): TreeItem {
  const [, mode = '', objectId = '', size = '', path = ''] = ITEM.exec(record) ?? []
  return {
    path: checked(path),
    mode: mode.padStart(6, '0'),
    objectId,
    sizeBytes: /^\d+$/.test(size) ? Number(size) : undefined,
  }
}

function inOrder(a: TreeItem, b: TreeItem): number {
  const order = comparePaths(a.path, b.path)
  if (order !== 0) return order
  const shown = printablePath(a.path)
  throw new ArcError('ARC_ENTRY_DUPLICATE', `the commit's tree names ${shown} twice`, {
    path: shown,
    hint: 'The repository is damaged or hostile: do not trust it.',
  })
}
