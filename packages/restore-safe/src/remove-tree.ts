import { decodePath, type EntryPath, errnoOf } from '@arc/core'
import { type FileSystem, localPath } from '@arc/core/node'

/** Remove a folder and all below it without following any link; folders whose permissions forbid it are opened first. */
export function removeTree(root: string, fs: FileSystem): void {
  const folders: string[] = ['']
  for (let i = 0; i < folders.length; i++) emptyFolder(root, folders[i] as string, folders, fs)
  for (const folder of folders.reverse()) ignoreMissing(() => fs.rmdirSync(at(root, folder)))
}

function emptyFolder(root: string, folder: string, folders: string[], fs: FileSystem): void {
  const path = at(root, folder)
  const stat = fs.lstatSync(path, { throwIfNoEntry: false })
  if (stat === undefined) return
  if ((stat.mode & 0o700) !== 0o700) fs.chmodSync(path, 0o700)
  for (const child of fs.readdirSync(path, { withFileTypes: true, encoding: 'buffer' })) {
    const name = decodePath(child.name)
    const childPath = folder === '' ? name : `${folder}/${name}`
    if (child.isDirectory()) folders.push(childPath)
    else ignoreMissing(() => fs.unlinkSync(at(root, childPath)))
  }
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
