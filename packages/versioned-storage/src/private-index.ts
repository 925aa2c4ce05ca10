import { constants, copyFileSync, existsSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { VersionIndex } from './version-index.ts'

/**
 * An index that nobody else sees: a copy of the store's, which spares most of the log, or an empty one when there is none,
 * when somebody may be writing to it, or when it cannot be read. Where the log goes on behind it, so does the caller.
 */
export function openPrivateIndex(storeIndex: string): VersionIndex {
  const before = stateOf(storeIndex)
  if (before === undefined) return emptyIndex()
  const folder = mkdtempSync(join(tmpdir(), 'arc-index-'))
  try {
    const copy = join(folder, 'index.db')
    copyFileSync(storeIndex, copy, constants.COPYFILE_FICLONE)
    if (stateOf(storeIndex) === before) return new CopiedIndex(copy, folder)
  } catch {
    // It is damaged, of another release, or not for us to read: the log says the same.
  }
  rmSync(folder, { recursive: true, force: true })
  return emptyIndex()
}

function emptyIndex(): VersionIndex {
  const index = new VersionIndex('') // on disk, and gone when it is closed
  index.create()
  return index
}

class CopiedIndex extends VersionIndex {
  readonly #folder: string

  constructor(path: string, folder: string) {
    super(path)
    this.#folder = folder
    try {
      this.create()
      this.position()
    } catch (error) {
      super[Symbol.dispose]()
      throw error
    }
  }

  override [Symbol.dispose](): void {
    super[Symbol.dispose]()
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

/** What changes when somebody writes to an index; `undefined` while somebody has it open, or when there is none. */
function stateOf(path: string): string | undefined {
  try {
    if (existsSync(`${path}-wal`)) return undefined
    const { ino, size, mtimeMs } = statSync(path)
    return `${ino} ${size} ${mtimeMs}`
  } catch {
    return undefined
  }
}
