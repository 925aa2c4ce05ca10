import { dirname } from 'node:path'
import { errnoOf } from './error.ts'
import { type FileSystem, nodeFileSystem } from './file-system.ts'

export interface MakeFoldersOptions {
  /** Permission bits of what is made, before umask; default `0o777`. */
  mode?: number | undefined
  fs?: FileSystem | undefined
}

/**
 * Make a folder and those above it that are missing; returns the paths of those, the outermost first. What the system
 * refuses is thrown as it comes. (Node's own `recursive` tries for ever where a file system answers ENOENT to whoever
 * makes a folder, as /proc does.)
 */
export function makeFolders(folder: string, options: MakeFoldersOptions = {}): string[] {
  const { mode = 0o777, fs = nodeFileSystem } = options
  const missing: string[] = []
  for (let at = folder; dirname(at) !== at && !fs.existsSync(at); at = dirname(at)) missing.unshift(at)
  for (const path of missing) {
    try {
      fs.mkdirSync(path, { mode })
    } catch (error) {
      if (errnoOf(error) !== 'EEXIST') throw error // somebody else was faster
    }
  }
  // What is there may be a file: the system's own words for that.
  if (!fs.statSync(folder).isDirectory()) fs.mkdirSync(folder)
  return missing
}
