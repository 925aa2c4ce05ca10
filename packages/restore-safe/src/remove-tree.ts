import { basename, dirname, join } from 'node:path'
import { ArcError, decodePath, type EntryPath, errnoOf, printablePath } from '@arc/core'
import { type FileSystem, localPath } from '@arc/core/node'
import { findMount } from './mounts.ts'

/**
 * Remove a folder and all below it without following any link; folders whose permissions forbid it are opened first. Never
 * goes into what is mounted there: throws `ARC_TARGET_UNSUITABLE`, before anything is removed where the system tells of mounts.
 */
export function removeTree(root: string, fs: FileSystem): void {
  assertRemovable(root, fs)
  const { dev } = fs.statSync(dirname(root))
  const folders: string[] = ['']
  for (let i = 0; i < folders.length; i++) emptyFolder(root, folders[i] as string, { folders, dev, fs })
  for (const folder of folders.reverse()) ignoreMissing(() => fs.rmdirSync(at(root, folder)))
}

/** Throw `ARC_TARGET_UNSUITABLE` when something is mounted in a folder that is to be removed. */
export function assertRemovable(root: string, fs: FileSystem): void {
  const mount = findMount([join(fs.realpathSync(dirname(root)), basename(root))], fs)
  if (mount !== undefined) throw mountedThere(root, mount)
}

interface Removal {
  /** Those that are to be emptied; grows while it is walked. */
  readonly folders: string[]
  /** The device that all of it lies on. */
  readonly dev: number
  readonly fs: FileSystem
}

function emptyFolder(root: string, folder: string, { folders, dev, fs }: Removal): void {
  const path = at(root, folder)
  const stat = fs.lstatSync(path, { throwIfNoEntry: false })
  if (stat === undefined) return
  if (stat.dev !== dev) throw mountedThere(root, folder === '' ? root : `${root}/${folder}`)
  if ((stat.mode & 0o700) !== 0o700) fs.chmodSync(path, 0o700)
  for (const child of fs.readdirSync(path, { withFileTypes: true, encoding: 'buffer' })) {
    const name = decodePath(child.name)
    const childPath = folder === '' ? name : `${folder}/${name}`
    if (child.isDirectory()) folders.push(childPath)
    else ignoreMissing(() => fs.unlinkSync(at(root, childPath)))
  }
}

function mountedThere(root: string, mount: string): ArcError {
  const shown = printablePath(root)
  return new ArcError(
    'ARC_TARGET_UNSUITABLE',
    `cannot remove ${shown}: something is mounted at ${printablePath(mount)}`,
    {
      path: shown,
      hint: 'Unmount it, then try again; for what a restore left, `projectrestore recover` does.',
    },
  )
}

function at(root: string, path: string): string | Buffer {
  return path === '' ? root : localPath(root, path as EntryPath)
}

function ignoreMissing(step: () => void): void {
  try {
    step()
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error
  }
}
