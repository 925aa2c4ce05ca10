import { basename, dirname, join, relative, resolve, sep } from 'node:path'
import type { EntryPath } from '@arc/core'
import { type FileSystem, isInRestoreFolder, isTemporaryName } from '@arc/core/node'

const LAST_LETTER = 'p'.charCodeAt(0) // of `.arc-tmp`

/** What the program that reads a tree writes into it: never part of what it reads. */
export class OwnOutput {
  readonly #paths: ReadonlySet<string>

  /** `root` is absolute, with symlinks resolved. */
  constructor(fs: FileSystem, root: string, omitPaths: readonly string[] = []) {
    const relativePaths = omitPaths.map((path) => relative(root, realPath(fs, resolve(path))))
    this.#paths = new Set(
      relativePaths.map((path) => path.split(sep).join('/')).filter((path) => !path.startsWith('../')),
    )
  }

  /** Whether the path is output, or lies in a folder that is. */
  has(path: EntryPath): boolean {
    // Every path comes by here: one look at its last letter settles nearly all.
    if (path.charCodeAt(path.length - 1) === LAST_LETTER && isTemporaryName(path.slice(path.lastIndexOf('/') + 1)))
      return true
    if (isInRestoreFolder(path)) return true
    if (this.#paths.size === 0) return false
    for (let end = path.length; end > 0; end = path.lastIndexOf('/', end - 1))
      if (this.#paths.has(path.slice(0, end))) return true
    return false
  }
}

/** The path as the tree's own names spell it; the last part need not exist yet. */
function realPath(fs: FileSystem, path: string): string {
  try {
    return join(fs.realpathSync(dirname(path)), basename(path))
  } catch {
    return path
  }
}
