import { isUtf8 } from 'node:buffer'
import { ArcError, comparePaths, decodePath, type EntryPath, type GitState, printablePath } from '@arc/core'
import { gitFailure, runGit } from './command.ts'
import type { Repository } from './repository.ts'

/** What git knows of a path in a work tree. */
export type WorkTreePathKind =
  | 'tracked'
  | 'untracked' // and no rule ignores it
  | 'deleted' // tracked, missing on disk
  | 'not-checked-out' // tracked, kept out of a sparse work tree
  | 'submodule'
  | 'nested-repository' // a folder with a repository of its own, which git does not look into

/** One path of a work tree, relative to the repository's `root`. */
export interface WorkTreePath {
  readonly path: EntryPath
  readonly kind: WorkTreePathKind
  /** False only for a tracked file that git found to be the very one in its index. */
  readonly changed: boolean
  /** The commit a submodule is at in the index. */
  readonly commit?: string | undefined
}

export interface WorkTreeListing {
  /** Each path once, in byte order: the paths of `git ls-files -co --exclude-standard`. */
  readonly paths: readonly WorkTreePath[]
  /** Whether anything listed differs from HEAD: changed, staged, deleted, conflicted or, unless `tracked`, untracked. */
  readonly dirty: boolean
}

export interface WorkTreeListingOptions {
  /** Leave out what git does not track; default false. */
  tracked?: boolean | undefined
  signal?: AbortSignal | undefined
}

/** What belongs to the work tree at and below the repository's `root`. Throws `ARC_NOT_A_REPOSITORY` where there is none. */
export async function listWorkTree(repository: Repository, options: WorkTreeListingOptions = {}): Promise<WorkTreeListing> {
  if (repository.topLevel === undefined) throw noWorkTree(repository)
  const others = options.tracked === true ? [] : ['--others', '--exclude-standard']
  const args = ['ls-files', '-z', '-v', '--stage', '--cached', '--deleted', '--modified', ...others]
  const run = { env: repository.environment, signal: options.signal }
  const [listed, staged] = await Promise.all([runGit(repository.root, args, run), hasStagedChanges(repository, options)])
  if (listed.status !== 0) throw gitFailure(repository.root, args, listed)
  const { tracked, untracked, modified } = parseListing(listed.stdout)
  const dirty = staged ?? tracked.length > 0
  return { paths: merge(tracked, untracked), dirty: dirty || modified || untracked.length > 0 }
}

/** Branch, commit, and whether the work tree differs from it. */
export function gitState(repository: Repository, listing?: WorkTreeListing): GitState {
  return { branch: repository.branch, commit: repository.commit, dirty: listing?.dirty }
}

function noWorkTree(repository: Repository): ArcError {
  return new ArcError('ARC_NOT_A_REPOSITORY', `${repository.root} has no work tree: it is a bare repository or git's own folder`, {
    path: repository.root,
    hint: 'Name a revision to read, or read the folder without git.',
  })
}

/** `undefined` before the first commit, when everything in the index is a change. */
async function hasStagedChanges(repository: Repository, options: WorkTreeListingOptions): Promise<boolean | undefined> {
  if (repository.commit === undefined) return undefined
  const args = ['diff-index', '--cached', '--quiet', '--no-ext-diff', '--no-textconv', repository.commit, '--', '.']
  const output = await runGit(repository.root, args, { env: repository.environment, signal: options.signal })
  if (output.status > 1 || output.status < 0) throw gitFailure(repository.root, args, output)
  return output.status === 1
}

interface ParsedListing {
  tracked: WorkTreePath[]
  untracked: WorkTreePath[]
  modified: boolean
}

const GITLINK = '160000'

/**
 * Records are `? path` for the untracked, `<tag> <mode> <object> <stage>\t<path>` for the others. A deleted or modified
 * file comes again, right after its first record, with the tag R or C; a path in conflict comes once per stage.
 */
function parseListing(output: Buffer): ParsedListing {
  const untracked: WorkTreePath[] = []
  const tracked: { -readonly [key in keyof WorkTreePath]: WorkTreePath[key] }[] = []
  let modified = false
  for (const record of records(output)) {
    const tag = record[0]
    if (tag === '?') {
      untracked.push(untrackedPath(record.slice(2)))
      continue
    }
    const tab = record.indexOf('\t')
    const path = checked(record.slice(tab + 1))
    let last = tracked.at(-1)
    if (last?.path !== path) {
      const isLink = record.startsWith(GITLINK, 2)
      const kind = isLink ? 'submodule' : tag === 'S' || tag === 's' ? 'not-checked-out' : 'tracked'
      // A lower-case tag: somebody told git to assume that it is unchanged.
      last = { path, kind, changed: tag !== 'H', ...(isLink ? { commit: record.slice(9, tab - 2) } : {}) }
      tracked.push(last)
    }
    if (tag === 'R' && last.kind === 'tracked') last.kind = 'deleted'
    if (tag !== 'R' && tag !== 'C' && tag !== 'M') continue
    last.changed = true
    modified = true
  }
  return { tracked, untracked, modified }
}

/** Split at NUL and decode: at once when all of it is UTF-8, as nearly always. */
export function records(output: Buffer): string[] {
  if (output.length === 0) return []
  const last = output.length - 1
  if (isUtf8(output)) return output.toString('utf8', 0, last).split('\0')
  const found: string[] = []
  for (let at = 0, end: number; at < output.length; at = end + 1) {
    end = output.indexOf(0, at)
    found.push(decodePath(output.subarray(at, end)))
  }
  return found
}

function untrackedPath(path: string): WorkTreePath {
  if (!path.endsWith('/')) return { path: checked(path), kind: 'untracked', changed: true }
  return { path: checked(path.slice(0, -1)), kind: 'nested-repository', changed: true }
}

// An index or a tree made by hand can hold any name at all.
const UNSAFE = /(?:^|\/)\.{0,2}(?:\/|$)/

/** The path, unless it would lead out of the folder it is relative to. */
export function checked(path: string): EntryPath {
  if (!UNSAFE.test(path)) return path as EntryPath
  const shown = printablePath(path)
  throw new ArcError('ARC_PATH_UNSAFE', `the repository lists ${shown}, which is not a path inside it`, {
    path: shown,
    hint: 'The repository is damaged or hostile: do not trust it.',
  })
}

function merge(tracked: readonly WorkTreePath[], untracked: readonly WorkTreePath[]): readonly WorkTreePath[] {
  if (untracked.length === 0) return tracked
  // git sorts a nested repository by its name with a slash, so that the untracked are not quite in order.
  return [...tracked, ...untracked].sort((a, b) => comparePaths(a.path, b.path))
}
