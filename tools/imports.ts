import { posix } from 'node:path'
import { readSourceFile } from './source-file.ts'

/** The package that a specifier names, or `undefined` for a relative path or a module of Node. */
export function importedPackage(specifier: string): string | undefined {
  if (specifier.startsWith('.') || specifier.startsWith('node:') || specifier.startsWith('/')) return undefined
  const [first = '', second = ''] = specifier.split('/')
  return first.startsWith('@') ? `${first}/${second}` : first
}

/** A request that loads something when the program runs, and the module that makes it. */
export interface LoadedImport {
  from: string
  specifier: string
}

/** Everything that loading `entry` loads, following relative imports; paths are relative to the repository. */
export function reachableImports(entry: string): LoadedImport[] {
  const visited = new Set([entry])
  const loaded: LoadedImport[] = []
  for (const from of visited) {
    for (const { specifier, isErased } of readSourceFile(from).imports) {
      if (isErased) continue
      loaded.push({ from, specifier })
      if (specifier.startsWith('.')) visited.add(posix.join(posix.dirname(from), specifier))
    }
  }
  return loaded
}
