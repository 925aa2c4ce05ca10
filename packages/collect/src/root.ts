import { basename, isAbsolute, relative, sep } from 'node:path'
import { ArcError, systemCallError } from '@arc/core'
import type { FileSystem } from '@arc/core/node'

/** The folder a source reads: absolute, symlinks resolved. Throws `ARC_NOT_FOUND` and `ARC_NOT_A_DIRECTORY`. */
export function realRoot(fs: FileSystem, root: string): string {
  let isFolder: boolean
  let real: string
  try {
    isFolder = fs.statSync(root).isDirectory()
    real = fs.realpathSync(root)
  } catch (error) {
    throw systemCallError(error, 'open', root)
  }
  if (isFolder) return real
  throw new ArcError('ARC_NOT_A_DIRECTORY', `${root} is not a folder`, { path: root, hint: 'Name a folder.' })
}

/** What to call a source: its folder's own name. */
export function rootName(root: string): string {
  return basename(root) || 'root'
}

/** The shortest way to a root: from the working directory when it lies there, else the whole path. */
export function shortestPath(root: string, workingDirectory: string | undefined): string {
  if (workingDirectory === undefined) return root
  const path = relative(workingDirectory, root) || '.'
  return path === '..' || path.startsWith(`..${sep}`) || isAbsolute(path) ? root : path
}
