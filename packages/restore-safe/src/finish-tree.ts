import { encodePath, errnoOf, printablePath, systemCallError } from '@arc/core'
import { type FileSystem, localPath } from '@arc/core/node'
import { notCreated, setTimes } from './file-writer.ts'
import type { RestoreTree, TreeFolder, TreeLink } from './restore-tree.ts'

/** Complete a staged tree of which another process made folders and files: symlinks, then modes and times of folders, the deepest first. */
export function finishTree(root: string, tree: RestoreTree, rootMode: number, fs: FileSystem): void {
  for (const link of tree.links) makeLink(root, link, fs)
  for (const folder of tree.folders.toReversed()) finishFolder(root, folder, fs)
  fs.chmodSync(root, rootMode)
}

function makeLink(root: string, { path, target, mtimeNs }: TreeLink, fs: FileSystem): void {
  const at = localPath(root, path)
  try {
    fs.symlinkSync(target.isWellFormed() ? target : Buffer.from(encodePath(target)), at)
    if (mtimeNs !== undefined) setTimes(mtimeNs, (seconds) => fs.lutimesSync(at, seconds, seconds))
  } catch (error) {
    throw errnoOf(error) === undefined ? error : notCreated(path, error)
  }
}

function finishFolder(root: string, { path, mode, mtimeNs }: TreeFolder, fs: FileSystem): void {
  const at = localPath(root, path)
  try {
    fs.chmodSync(at, mode)
    if (mtimeNs !== undefined) setTimes(mtimeNs, (seconds) => fs.utimesSync(at, seconds, seconds))
  } catch (error) {
    throw systemCallError(error, 'set mode and time of', printablePath(path))
  }
}
