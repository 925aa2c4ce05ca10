import type { BigIntStats } from 'node:fs'
import { ArcError, comparePaths, type Entry, type EntryPath, type Omission } from '@arc/core'
import { EntryTable, nodeFileSystem, localRoot } from '@arc/core/node'
import {
  hasModifications,
  listWorkTree,
  openRepository,
  type Repository,
  type WorkTreeListing,
  type WorkTreePath,
} from '@arc/git'
import { FolderMarkers } from './folder-markers.ts'
import { IGNORE_FILES } from './ignore-files.ts'
import { LocalAttributes } from './local-attributes.ts'
import {
  follow,
  isFolder,
  isOmission,
  isSymlink,
  localEntry,
  lstat,
  soleFile,
  stampLimits,
  systemOmission,
} from './local-entry.ts'
import type { CollectedSource, WorkTreeOptions } from './options.ts'
import { OwnOutput } from './own-output.ts'
import { rootName, shortestPath } from './root.ts'
import { filtered, Selection } from './selection.ts'
import { createSource, type Survey } from './source.ts'
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
export async function openRepositoryWorkTree(
  repository: Repository,
  selection: Selection,
  options: WorkTreeOptions,
): Promise<CollectedSource> {
  const { signal } = options
  const listing = await listWorkTree(repository, { tracked: options.tracked, fs: options.fs, signal })
  // Whether the tree is dirty is known only when every file was looked at: what that look found is what the source gives.
  const attributes = new LocalAttributes(options)
  const tree = newWorkTree(repository, selection, attributes, options, listing.paths.length)
  listPaths(listing, tree)
  listing.release()
  const dirty = listing.differs || (tree.mayDiffer && (await hasModifications(repository, { signal })))
  return createSource({
    kind: 'work-tree',
    name: rootName(repository.root),
    git: { branch: repository.branch, commit: repository.commit, dirty },
    rootMode: (options.fs ?? nodeFileSystem).statSync(repository.root).mode & 0o7777,
    selection,
    signal,
    complete: attributes.hasXattrs
      ? (batch, omissions) => attributes.complete(tree.at, tree.followSymlinks, batch, omissions)
      : undefined,
    list: () => surveyOf(tree),
  })
}

function surveyOf({ followSymlinks, table, omissions }: WorkTree): Survey {
  if (!followSymlinks) return { table, omissions }
  // What a followed symlink leads to was found where the symlink stands, which is not its place in byte order.
  const sorted = new EntryTable()
  const entries = [...table.batches(Infinity)].flat().sort((a, b) => comparePaths(a.path, b.path))
  for (const entry of entries) sorted.add(entry)
  return { table: sorted, omissions: omissions.toSorted((a, b) => comparePaths(a.path, b.path)) }
}

interface WorkTree extends Walk {
  readonly table: EntryTable
  readonly omissions: Omission[]
  /** Whether a file is its usual metadata and nothing else, so that it needs no entry. */
  readonly keepsFacts: boolean
  /** Something was met of which metadata does not prove that it is what the index says. */
  mayDiffer: boolean
  /** Symlinks met that paths to come could lie behind. */
  readonly links: EntryPath[]
  /** Folders known to be no symlinks, nor behind one. */
  readonly realFolders: Set<string>
}

function newWorkTree(
  repository: Repository,
  selection: Selection,
  attributes: LocalAttributes,
  options: WorkTreeOptions,
  expectedRows: number,
): WorkTree {
  const { root } = repository
  const fs = options.fs ?? nodeFileSystem
  const followSymlinks = options.followSymlinks ?? false
  return {
    at: localRoot(fs, shortestPath(root, options.workingDirectory), followSymlinks),
    selection,
    ownOutput: new OwnOutput(fs, root, options.omitPaths),
    stampLimits: stampLimits((options.now ?? Date.now)()),
    attributes,
    keepsFacts: options.owners !== true,
    followSymlinks,
    ignoreRules: true,
    ignoreFiles: IGNORE_FILES,
    device: undefined,
    markers: new FolderMarkers({}),
    gitFolders: false,
    ignoredCount: 0,
    table: new EntryTable(expectedRows),
    omissions: [],
    mayDiffer: false,
    links: [],
    realFolders: new Set(),
  }
}

function listPaths({ paths, isUnchanged }: WorkTreeListing, tree: WorkTree): void {
  for (let place = 0; place < paths.length; place++) {
    const item = paths[place] as WorkTreePath
    const { path, kind } = item
    const left = leftOut(tree, path, kind === 'submodule' || kind === 'nested-repository')
    const target = left === undefined && tree.followSymlinks ? folderBehind(tree, path) : undefined
    if (left !== undefined || target !== undefined) tree.mayDiffer = true
    if (left !== undefined) tree.omissions.push(left)
    else if (target !== undefined) for (const inner of target) keep(tree, inner)
    else if (kind === 'nested-repository')
      tree.omissions.push({ path, reason: kind, detail: 'git does not look into it' })
    else if (kind === 'submodule') keepSubmodule(tree, item, onDisk(tree, item, place, isUnchanged))
    else {
      const found = onDisk(tree, item, place, isUnchanged)
      if (found !== undefined) keep(tree, found)
    }
  }
}

function keep(tree: WorkTree, found: Entry | Omission): void {
  if (isOmission(found)) tree.omissions.push(found)
  else tree.table.add(found)
}

function keepSubmodule(tree: WorkTree, { path, commit }: WorkTreePath, found: Entry | Omission | undefined): void {
  if (found !== undefined && !isOmission(found) && found.type === 'directory') tree.table.add(found)
  tree.omissions.push({ path, reason: 'submodule', detail: `commit ${commit}` })
}

function leftOut(tree: WorkTree, path: EntryPath, asFolder: boolean): Omission | undefined {
  if (tree.ownOutput.has(path)) return { path, reason: 'own-output' }
  const detail = tree.selection.excludedBy(path, asFolder) ?? tree.selection.unwantedPath(path, asFolder)
  return detail === undefined ? undefined : filtered(path, detail)
}

/** What stands at a path; `undefined` when it is a file that has been kept already, as nearly all are. */
function onDisk(
  tree: WorkTree,
  item: WorkTreePath,
  place: number,
  isUnchanged: WorkTreeListing['isUnchanged'],
): Entry | Omission | undefined {
  const { path, kind } = item
  let stat: BigIntStats | undefined
  try {
    stat = lstat(tree.at, path)
    if (tree.followSymlinks && stat !== undefined && isSymlink(stat)) stat = follow(tree.at, path) ?? stat
  } catch (error) {
    tree.mayDiffer = true
    return systemOmission(path, error)
  }
  const isProven = stat !== undefined && isUnchanged(place, stat)
  if (!isProven && kind !== 'not-checked-out') tree.mayDiffer = true
  if (stat === undefined) return missing(item)
  if (isBehindLink(tree, item, isProven))
    return { path, reason: 'deleted', detail: 'a symlink took the place of its folder' }
  if (isFolder(stat) && kind !== 'submodule') return { path, reason: 'deleted', detail: 'a folder took its place' }
  const file = kind === 'submodule' || !tree.keepsFacts ? undefined : soleFile(stat, tree.stampLimits)
  if (file !== undefined) {
    tree.table.addFile(tree.at, path, file)
    return undefined
  }
  if (isSymlink(stat)) tree.links.push(path)
  return localEntry(tree.at, path, stat, tree)
}

/** The folder that a symlink leads to, and what it holds. */
function folderBehind(tree: WorkTree, path: EntryPath): Iterable<Entry | Omission> | undefined {
  try {
    const link = lstat(tree.at, path)
    const target = link !== undefined && isSymlink(link) ? follow(tree.at, path) : undefined
    return target !== undefined && isFolder(target) ? walk(tree, path) : undefined
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
 * may be anywhere. The very inode of the index is no surprise; for all others each folder is looked at.
 */
function isBehindLink(tree: WorkTree, { path, kind }: WorkTreePath, isProven: boolean): boolean {
  while (tree.links.length > 0 && !path.startsWith(tree.links.at(-1) as string)) tree.links.pop()
  if (tree.links.length > 0 && tree.links.some((link) => path.startsWith(`${link}/`))) return true
  if (isProven || kind === 'untracked') return false
  const folders: string[] = []
  for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1)) {
    const folder = path.slice(0, end)
    if (tree.realFolders.has(folder)) break
    folders.push(folder)
  }
  for (const folder of folders.reverse()) {
    const stat = lstat(tree.at, folder as EntryPath)
    if (stat === undefined || !isFolder(stat)) return true
    tree.realFolders.add(folder)
  }
  return false
}
