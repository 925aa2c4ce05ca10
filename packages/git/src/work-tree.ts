import type { BigIntStats } from 'node:fs'
import { relative, resolve } from 'node:path'
import { ArcError, comparePaths, decodePath, type EntryPath, printablePath } from '@arc/core'
import { type FileSystem, nodeFileSystem } from '@arc/core/node'
import { gitFailure, runGit } from './command.ts'
import { silencingOverrides, withConfig } from './environment.ts'
import { type IndexRows, readIndex } from './index-file.ts'
import type { Repository } from './repository.ts'

/** What git knows of a path in a work tree. */
export type WorkTreePathKind =
  | 'tracked'
  | 'untracked' // and no rule ignores it
  | 'not-checked-out' // tracked, kept out of a sparse work tree
  | 'submodule'
  | 'nested-repository' // a folder with a repository of its own, which git does not look into

/** One path of a work tree, relative to the repository's `root`. It is listed whether or not it is on disk. */
export interface WorkTreePath {
  readonly path: EntryPath
  readonly kind: WorkTreePathKind
  /** The commit a submodule is at in the index. */
  readonly commit?: string | undefined
}

export interface WorkTreeListing {
  /** Each path once, in byte order: the paths of `git ls-files -co --exclude-standard`. */
  readonly paths: readonly WorkTreePath[]
  /** The list alone tells that something differs from HEAD: untracked, staged, or in conflict. */
  readonly differs: boolean
  /**
   * Whether metadata alone shows that the file at `place` of {@link WorkTreeListing.paths} is the one in the index. `false`
   * says nothing: ask {@link hasModifications}.
   */
  readonly isUnchanged: (place: number, stat: BigIntStats) => boolean
  /** Gives the memory for {@link WorkTreeListing.isUnchanged} back at once, which ends its use; many megabytes in a large repository. */
  readonly release: () => void
}

export interface WorkTreeListingOptions {
  /** Leave out what git does not track; default false. */
  tracked?: boolean | undefined
  /** System calls for reading the index; default the real ones. */
  fs?: FileSystem | undefined
  signal?: AbortSignal | undefined
}

/** What belongs to the work tree at and below the repository's `root`. Throws `ARC_NOT_A_REPOSITORY` where there is none. */
export async function listWorkTree(
  repository: Repository,
  options: WorkTreeListingOptions = {},
): Promise<WorkTreeListing> {
  const { root, topLevel, environment: env } = repository
  if (topLevel === undefined) throw noWorkTree(repository)
  const others = options.tracked === true ? [] : ['--others', '--exclude-standard']
  // No content is compared here, so no filter could run.
  const args = ['ls-files', '-z', '-t', '--cached', ...others]
  const output = await runGit(root, args, { env, signal: options.signal })
  if (output.status !== 0) throw gitFailure(root, args, output)
  const { tracked, untracked, rowCount, inConflict } = parseListing(output.stdout)
  const index = readIndexOf(repository, rowCount, options.fs)
  const commits = index === undefined ? await submoduleCommits(repository, options) : undefined
  for (const item of tracked) {
    const commit = index === undefined ? commits?.get(item.path) : index.submoduleCommit(item.row)
    if (commit !== undefined) Object.assign(item, { kind: 'submodule', commit })
  }
  const isClean = index?.treeId !== undefined && index.treeId === repository.tree
  const isStaged = !isClean && (await hasStagedChanges(repository, options, tracked.length))
  const paths = merge(tracked, untracked)
  return {
    paths,
    differs: isStaged || inConflict || untracked.length > 0,
    isUnchanged(place, stat) {
      const { row } = paths[place] as ListedPath
      return row >= 0 && index !== undefined && index.isUnchanged(row, stat)
    },
    release: () => index?.release(),
  }
}

/** The index, if it has exactly the rows that git listed. */
function readIndexOf(repository: Repository, rowCount: number, fs: FileSystem = nodeFileSystem): IndexRows | undefined {
  const { root, topLevel = root, indexFile, commit } = repository
  if (indexFile === undefined || commit === undefined) return undefined
  const prefix = Buffer.from(topLevel === root ? '' : `${relative(topLevel, root)}/`)
  const index = readIndex(fs, resolve(root, indexFile), commit.length / 2, prefix)
  return index?.count === rowCount ? index : undefined
}

/**
 * Whether a tracked file at or below the repository's `root` is missing or holds something else than the index says. git
 * compares contents where metadata cannot tell; filters stay off, so a file kept by one (Git LFS) may count as modified.
 */
export async function hasModifications(
  repository: Repository,
  options: { signal?: AbortSignal | undefined } = {},
): Promise<boolean> {
  const { root, environment } = repository
  const { signal } = options
  const listArgs = ['config', '-z', '--list']
  const config = await runGit(root, listArgs, { env: environment, signal })
  if (config.status !== 0) throw gitFailure(root, listArgs, config)
  const env = withConfig(environment, silencingOverrides(config.stdout.toString('utf8')))
  const args = ['ls-files', '-z', '--modified', '--deleted']
  const output = await runGit(root, args, { env, signal })
  if (output.status !== 0) throw gitFailure(root, args, output)
  return output.stdout.length > 0
}

function noWorkTree(repository: Repository): ArcError {
  return new ArcError(
    'ARC_NOT_A_REPOSITORY',
    `${repository.root} has no work tree: it is a bare repository or git's own folder`,
    {
      path: repository.root,
      hint: 'Name a revision to read, or read the folder without git.',
    },
  )
}

async function hasStagedChanges(
  repository: Repository,
  options: WorkTreeListingOptions,
  trackedCount: number,
): Promise<boolean> {
  // Before the first commit everything in the index is a change.
  if (repository.commit === undefined) return trackedCount > 0
  const args = ['diff-index', '--cached', '--quiet', '--no-ext-diff', '--no-textconv', repository.commit, '--', '.']
  const output = await runGit(repository.root, args, { env: repository.environment, signal: options.signal })
  if (output.status > 1 || output.status < 0) throw gitFailure(repository.root, args, output)
  return output.status === 1
}

interface ListedPath extends WorkTreePath {
  /** The row of the index that the path is in, -1 for none. */
  readonly row: number
}

interface ParsedListing {
  tracked: ListedPath[]
  untracked: ListedPath[]
  rowCount: number
  inConflict: boolean
}

/** Records are a tag, a space and a path; a path in conflict comes once per row that the index has for it. */
function parseListing(output: Buffer): ParsedListing {
  const untracked: ListedPath[] = []
  const tracked: ListedPath[] = []
  let rowCount = 0
  let inConflict = false
  let last: EntryPath | undefined
  const text = decodePath(output)
  for (let at = 0, end: number; at < text.length; at = end + 1) {
    end = text.indexOf('\0', at)
    const tag = text[at]
    const name = text.slice(at + 2, end)
    if (tag === '?') {
      untracked.push(untrackedPath(name))
      continue
    }
    const path = checked(name)
    if (tag === 'M') inConflict = true
    const kind = tag === 'S' ? 'not-checked-out' : 'tracked'
    if (path !== last) tracked.push({ path, kind, commit: undefined, row: rowCount })
    last = path
    rowCount++
  }
  return { tracked, untracked, rowCount, inConflict }
}

const GITLINK = '160000 '

/** By path, asked of git where the index itself could not be read. Records: `<mode> <object> <stage>\t<path>`. */
async function submoduleCommits(repository: Repository, options: WorkTreeListingOptions): Promise<Map<string, string>> {
  const args = ['ls-files', '-z', '--stage']
  const output = await runGit(repository.root, args, { env: repository.environment, signal: options.signal })
  if (output.status !== 0) throw gitFailure(repository.root, args, output)
  const links = records(output.stdout).filter((record) => record.startsWith(GITLINK))
  return new Map(
    links.map((record) => {
      const tab = record.indexOf('\t')
      return [record.slice(tab + 1), record.slice(GITLINK.length, tab - 2)]
    }),
  )
}

/** Decode, and split at NUL. */
export function records(output: Buffer): string[] {
  return decodePath(output).split('\0').slice(0, -1)
}

function untrackedPath(path: string): ListedPath {
  if (!path.endsWith('/')) return { path: checked(path), kind: 'untracked', commit: undefined, row: -1 }
  return { path: checked(path.slice(0, -1)), kind: 'nested-repository', commit: undefined, row: -1 }
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

function merge(tracked: readonly ListedPath[], untracked: readonly ListedPath[]): readonly ListedPath[] {
  if (untracked.length === 0) return tracked
  // git sorts a nested repository by its name with a slash, so that the untracked are not quite in order.
  return [...tracked, ...untracked].sort((a, b) => comparePaths(a.path, b.path))
}
