import type { BigIntStats } from 'node:fs'
import { ArcError, comparePaths, type Entry, type EntryPath, type Omission } from '@arc/core'
import { localPath, nodeFileSystem } from '@arc/core/node'
import { gitState, listWorkTree, openRepository, type Repository, type WorkTreePath } from '@arc/git'
import { localRoot } from './local-content.ts'
import { localEntry, lstat, systemOmission, toNs } from './local-entry.ts'
import type { CollectedSource, WorkTreeOptions } from './options.ts'
import { OwnOutput } from './own-output.ts'
import { rootName } from './root.ts'
import { filtered, Selection } from './selection.ts'
import { createSource } from './source.ts'
import { type Walk, walk } from './walk.ts'

/**
 * What git says belongs to the work tree at and below `root`: exactly the paths of `git ls-files -co --exclude-standard`,
 * or of `git ls-files` with `tracked`, as they are on disk. Folders are not listed, for git has none.
 *
 * Throws `ARC_GLOB_INVALID` and `ARC_OPTION_INVALID` before it reads anything, `ARC_NOT_A_REPOSITORY` outside a work tree,
 * `ARC_GIT_MISSING`, and `ARC_GIT_FAILED` when git refuses.
 */
export async function openWorkTree(root: string, options: WorkTreeOptions = {}): Promise<CollectedSource> {
  const selection = new Selection(options)
  const repository = await openRepository(root, { env: options.env, signal: options.signal })
  if (repository !== undefined) return openRepositoryWorkTree(repository, selection, options)
  throw new ArcError('ARC_NOT_A_REPOSITORY', `${root} is in no git repository`, {
    path: root,
    hint: 'Name a folder inside a repository, or read the folder without git.',
  })
}

/** The same for a repository that is open and filters that are checked. */
export async function openRepositoryWorkTree(repository: Repository, selection: Selection, options: WorkTreeOptions): Promise<CollectedSource> {
  const listing = await listWorkTree(repository, { tracked: options.tracked, signal: options.signal })
  const fs = options.fs ?? nodeFileSystem
  const { root } = repository
  const followSymlinks = options.followSymlinks ?? false
  return createSource({
    kind: 'work-tree',
    name: rootName(root),
    git: gitState(repository, listing),
    selection,
    signal: options.signal,
    list() {
      const tree: WorkTree = {
        at: localRoot(fs, root, followSymlinks),
        selection,
        ownOutput: new OwnOutput(fs, root, options.omitPaths),
        nowNs: toNs((options.now ?? Date.now)()),
        followSymlinks,
        ignoreRules: true,
        gitFolders: false,
        ignoredCount: 0,
        links: [],
        realFolders: new Set(),
      }
      const found = listPaths(listing.paths, tree)
      // What a followed symlink leads to comes where the symlink stands, which is not its place in byte order.
      return followSymlinks ? [...found].sort((a, b) => comparePaths(a.path, b.path)) : found
    },
  })
}

interface WorkTree extends Walk {
  /** Symlinks met that paths to come could lie behind. */
  readonly links: EntryPath[]
  /** Folders known to be no symlinks, nor behind one. */
  readonly realFolders: Set<string>
}

function* listPaths(paths: readonly WorkTreePath[], tree: WorkTree): Generator<Entry | Omission, void, void> {
  for (const item of paths) {
    const { path, kind } = item
    const isFolder = kind === 'submodule' || kind === 'nested-repository'
    const left = leftOut(tree, path, isFolder)
    if (left !== undefined) {
      yield left
      continue
    }
    if (kind === 'nested-repository') {
      yield { path, reason: 'nested-repository', detail: 'git does not look into it' }
      continue
    }
    const target = tree.followSymlinks ? folderBehind(tree, path) : undefined
    if (target !== undefined) {
      yield* target
      continue
    }
    const found = onDisk(tree, item)
    if (kind === 'submodule') {
      if ('type' in found && found.type === 'directory') yield found
      yield { path, reason: 'submodule', detail: `commit ${item.commit}` }
    } else yield found
  }
}

function leftOut(tree: WorkTree, path: EntryPath, isFolder: boolean): Omission | undefined {
  if (tree.ownOutput.has(path)) return { path, reason: 'own-output' }
  const detail = tree.selection.excludedBy(path, isFolder) ?? tree.selection.unwantedPath(path, isFolder)
  return detail === undefined ? undefined : filtered(path, detail)
}

function onDisk(tree: WorkTree, item: WorkTreePath): Entry | Omission {
  const { path, kind } = item
  let stat: BigIntStats | undefined
  try {
    stat = lstat(tree.at, path)
    if (stat?.isSymbolicLink() === true && tree.followSymlinks) {
      stat = tree.at.fs.statSync(localPath(tree.at.root, path), { bigint: true, throwIfNoEntry: false }) ?? stat
    }
  } catch (error) {
    return systemOmission(path, error)
  }
  if (stat === undefined) return missing(item)
  if (isBehindLink(tree, item)) return { path, reason: 'deleted', detail: 'a symlink took the place of its folder' }
  if (stat.isDirectory() && kind !== 'submodule') return { path, reason: 'deleted', detail: 'a folder took its place' }
  if (stat.isSymbolicLink()) tree.links.push(path)
  return localEntry(tree.at, path, stat, tree.nowNs)
}

/** The folder that a symlink leads to, and what it holds. */
function folderBehind(tree: WorkTree, path: EntryPath): Iterable<Entry | Omission> | undefined {
  try {
    const place = localPath(tree.at.root, path)
    if (lstat(tree.at, path)?.isSymbolicLink() !== true) return undefined
    const stat = tree.at.fs.statSync(place, { bigint: true, throwIfNoEntry: false })
    return stat?.isDirectory() === true ? walk(tree, path) : undefined
  } catch (error) {
    return [systemOmission(path, error)]
  }
}

function missing({ path, kind }: WorkTreePath): Omission {
  if (kind === 'not-checked-out') return filtered(path, 'not in the sparse checkout')
  if (kind === 'untracked') return { path, reason: 'vanished' }
  return { path, reason: 'deleted' }
}

/**
 * git lists a tracked file even when a symlink stands where its folder was, and the file that is found through the link
 * may be anywhere. A file that git knows to be unchanged is no surprise; for all others each folder is looked at.
 */
function isBehindLink(tree: WorkTree, { path, kind, changed }: WorkTreePath): boolean {
  while (tree.links.length > 0 && !path.startsWith(tree.links.at(-1) as string)) tree.links.pop()
  if (tree.links.some((link) => path.startsWith(`${link}/`))) return true
  if (!changed || kind === 'untracked') return false
  const folders: string[] = []
  for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1)) {
    const folder = path.slice(0, end)
    if (tree.realFolders.has(folder)) break
    folders.push(folder)
  }
  for (const folder of folders.reverse()) {
    if (lstat(tree.at, folder as EntryPath)?.isDirectory() !== true) return true
    tree.realFolders.add(folder)
  }
  return false
}
