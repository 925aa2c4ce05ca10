import { lstatSync, realpathSync } from 'node:fs'
import { join } from 'node:path'
import { looksLikeDump } from './dump-head.ts'
import { defaultNames } from './output-name.ts'
import { sidecarPath } from './sidecar.ts'

/**
 * Earlier dumps of the project called `name` that lie in one of `folders` under a name this program makes up: they are output of
 * this program and no part of the project. Otherwise a dump as Markdown and one as JSON would each grow by the other,
 * run after run. A file of such a name that is no dump is not among them.
 */
export async function earlierDumps(name: string, folders: readonly string[]): Promise<string[]> {
  const found: string[] = []
  for (const folder of new Set(folders.map(realFolder))) {
    for (const each of defaultNames(name)) {
      const path = join(folder, each)
      if (isRegularFile(path) && (await looksLikeDump(path))) found.push(path, sidecarPath(path))
    }
  }
  return found
}

/** A pipe would be waited for, and what a link leads to is none of ours. */
function isRegularFile(path: string): boolean {
  try {
    return lstatSync(path).isFile()
  } catch {
    return false
  }
}

function realFolder(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    return path
  }
}
