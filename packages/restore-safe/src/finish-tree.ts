import { encodePath, type EntryPath, printablePath, systemCallError } from '@arc/core'
import { fileTime, type FileSystem, localPath } from '@arc/core/node'
import { attempt } from './attempt.ts'
import { notCreated } from './file-writer.ts'
import { type RootFacts, setRootFacts } from './root-facts.ts'
import type { RestoreTree, TreeFolder, TreeLink } from './restore-tree.ts'
import type { StagedAttributes } from './staged-attributes.ts'

/** A symlink has no mode of its own. */
const LINK_MODE = 0o777

export interface FinishOptions {
  readonly fs: FileSystem
  /** The permissions that the tree's folders have, in its order, as far as they are known: what is right is left alone. */
  readonly madeModes?: readonly number[]
  /** Present when owners or extended attributes are restored. */
  readonly attributes?: StagedAttributes | undefined
}

/**
 * Complete a staged tree: symlinks, owners and extended attributes, then modes and times of folders, the deepest first, the
 * root's mode last.
 */
export function finishTree(root: string, tree: RestoreTree, facts: RootFacts, options: FinishOptions): void {
  const { fs, attributes } = options
  for (const link of tree.links) makeLink(root, link, options)
  const madeModes = attributes === undefined ? options.madeModes : settleFolders(root, tree, attributes, fs)
  const { folders } = tree
  for (let i = folders.length - 1; i >= 0; i--) finishFolder(root, folders[i] as TreeFolder, madeModes?.[i], fs)
  const { mode, owner } = facts
  if (owner !== undefined)
    attributes?.settle({ path: '.' as EntryPath, type: 'directory', attributes: { owner } }, mode, (uid, gid) =>
      fs.chownSync(root, uid, gid),
    )
  setRootFacts(root, facts, fs)
}

/** Everything is there now: a folder's default access list can no longer change what is made in it. */
function settleFolders(root: string, tree: RestoreTree, attributes: StagedAttributes, fs: FileSystem): undefined {
  for (const folder of tree.folders) {
    const at = localPath(root, folder.path)
    folder.mode = attributes.settle({ ...folder, type: 'directory' }, folder.mode, (uid, gid) =>
      fs.chownSync(at, uid, gid),
    )
  }
  attributes.flush()
}

function makeLink(root: string, link: TreeLink, { fs, attributes }: FinishOptions): void {
  const { path, target, mtimeNs } = link
  const at = localPath(root, path)
  try {
    fs.symlinkSync(target.isWellFormed() ? target : Buffer.from(encodePath(target)), at)
  } catch (error) {
    throw notCreated(path, error)
  }
  attributes?.settle({ ...link, type: 'symlink' }, LINK_MODE, (uid, gid) => fs.lchownSync(at, uid, gid))
  if (mtimeNs === undefined) return
  const time = fileTime(mtimeNs)
  attempt('set the time of', path, () => fs.lutimesSync(at, time, time))
}

function finishFolder(
  root: string,
  { path, mode, mtimeNs }: TreeFolder,
  madeMode: number | undefined,
  fs: FileSystem,
): void {
  if (mode === madeMode && mtimeNs === undefined) return
  const at = localPath(root, path)
  try {
    if (mode !== madeMode) fs.chmodSync(at, mode)
    if (mtimeNs === undefined) return
    const time = fileTime(mtimeNs)
    fs.utimesSync(at, time, time)
  } catch (error) {
    throw systemCallError(error, 'set mode and time of', printablePath(path))
  }
}
