import { lstatSync } from 'node:fs'
import type { EntryPath } from '@arc/core'
import { localPath } from '@arc/core/node'

/** Whether a tree on this disk has a folder at `path`. */
export function isFolderAt(root: string, path: EntryPath): boolean {
  try {
    return lstatSync(localPath(root, path)).isDirectory()
  } catch {
    return false // it is not there, or no path that could be
  }
}
