import type { Dirent } from 'node:fs'
import { decodePath, errnoOf } from '@arc/core'
import type { FileSystem } from '@arc/core/node'
import { STAGING_FOLDER } from './directory-staging.ts'
import { isWanted, lastFirst, type Listed } from './level-walk.ts'
import { keyProblem } from './object-key.ts'

/**
 * Every key below `root` that starts with `prefix` and lies behind `startAfter`, in byte order, one folder in memory at a
 * time. Symlinks, devices and names that are no UTF-8 are no objects.
 */
export function* walkKeys(
  root: string,
  prefix: string,
  startAfter: string | undefined,
  fs: FileSystem,
): Generator<string, void, undefined> {
  const folder = prefix.slice(0, prefix.lastIndexOf('/') + 1)
  if (folder !== '' && !isRealFolder(root, folder, fs)) return
  const pending = readLevel(root, folder, fs)
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    if (!isWanted(next, prefix, startAfter)) continue
    if (!next.isFolder) yield next.key
    else for (const inner of readLevel(root, next.key, fs)) pending.push(inner)
  }
}

/** What lies in a folder, last first. */
function readLevel(root: string, folder: string, fs: FileSystem): Listed[] {
  const listed: Listed[] = []
  for (const dirent of readFolder(`${root}/${folder}`, fs)) {
    const key = folder + decodePath(dirent.name)
    if (keyProblem(key) !== undefined || key === STAGING_FOLDER) continue
    if (dirent.isDirectory()) listed.push({ key: `${key}/`, isFolder: true })
    else if (dirent.isFile()) listed.push({ key, isFolder: false })
  }
  return listed.sort(lastFirst)
}

function readFolder(path: string, fs: FileSystem): Dirent<Buffer>[] {
  try {
    return fs.readdirSync(path, { encoding: 'buffer', withFileTypes: true })
  } catch (error) {
    const errno = errnoOf(error)
    if (errno === 'ENOENT' || errno === 'ENOTDIR') return [] // it went away, or never was
    throw error
  }
}

/** False when a part of the folder's path is missing, no folder, or a symlink, which nothing here follows. */
export function isRealFolder(root: string, folder: string, fs: FileSystem): boolean {
  for (let end = folder.indexOf('/'); end !== -1; end = folder.indexOf('/', end + 1)) {
    const stat = fs.lstatSync(`${root}/${folder.slice(0, end)}`, { throwIfNoEntry: false })
    if (stat?.isDirectory() !== true) return false
  }
  return true
}
