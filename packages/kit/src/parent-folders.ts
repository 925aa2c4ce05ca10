import { existsSync, rmdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { systemCallError } from '@arc/core'
import { makeFolders } from '@arc/core/node'

/** The folders above `path` (absolute) that do not exist, the outermost first. */
export function missingParents(path: string): string[] {
  const missing: string[] = []
  for (let folder = dirname(path); !existsSync(folder) && folder !== dirname(folder); folder = dirname(folder))
    missing.unshift(folder)
  return missing
}

/** Make the folders that are to hold `path`; when disposed, those that are empty are removed again. */
export function makeParents(path: string): Disposable {
  const made = missingParents(path)
  try {
    makeFolders(dirname(path))
  } catch (error) {
    removeEmpty(made)
    throw systemCallError(error, 'make the folder', dirname(path))
  }
  return { [Symbol.dispose]: () => removeEmpty(made) }
}

function removeEmpty(folders: readonly string[]): void {
  try {
    for (const folder of folders.toReversed()) rmdirSync(folder)
  } catch {
    // Something is in it, as there should be.
  }
}
