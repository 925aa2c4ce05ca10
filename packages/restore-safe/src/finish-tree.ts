import { encodePath, printablePath, systemCallError } from '@arc/core'
import { type FileSystem, localPath } from '@arc/core/node'
import { attempt } from './attempt.ts'
import { notCreated, setTimes } from './file-writer.ts'
import type { RestoreTree, TreeFolder, TreeLink } from './restore-tree.ts'

export interface FinishOptions {
  readonly fs: FileSystem
  /** The permissions that the tree's folders have, in its order, as far as they are known: what is right is left alone. */
  readonly madeModes?: readonly number[]
}

/** Complete a staged tree: symlinks, then modes and times of folders, the deepest first, the root's mode last. */
export function finishTree(root: string, tree: RestoreTree, rootMode: number, { fs, madeModes }: FinishOptions): void {
  for (const link of tree.links) makeLink(root, link, fs)
  const { folders } = tree
  for (let i = folders.length - 1; i >= 0; i--) finishFolder(root, folders[i] as TreeFolder, madeModes?.[i], fs)
  attempt('set the mode of', root, () => fs.chmodSync(root, rootMode))
}

function makeLink(root: string, { path, target, mtimeNs }: TreeLink, fs: FileSystem): void {
  const at = localPath(root, path)
  try {
    fs.symlinkSync(target.isWellFormed() ? target : Buffer.from(encodePath(target)), at)
  } catch (error) {
    throw notCreated(path, error)
  }
  if (mtimeNs === undefined) return
  attempt('set the time of', path, () => setTimes(mtimeNs, (seconds) => fs.lutimesSync(at, seconds, seconds)))
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
    if (mtimeNs !== undefined) setTimes(mtimeNs, (seconds) => fs.utimesSync(at, seconds, seconds))
  } catch (error) {
    throw systemCallError(error, 'set mode and time of', printablePath(path))
  }
}
