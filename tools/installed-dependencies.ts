import { existsSync, realpathSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { readManifest } from './workspace.ts'

/** A package that comes with one of ours. */
export interface InstalledDependency {
  name: string
  /** What npm would run when it is installed. */
  installScripts: string[]
}

/** Every package that installing the one in `folder` brings along, itself not included. */
export function installedProductionDependencies(folder: string): InstalledDependency[] {
  const found = new Map<string, InstalledDependency>()
  const visit = (from: string): void => {
    const { dependencies, optionalDependencies } = readManifest(from)
    for (const name of Object.keys({ ...dependencies, ...optionalDependencies })) {
      const at = locate(name, from)
      if (at === undefined) {
        if (optionalDependencies?.[name] !== undefined) continue // not for this platform
        throw new Error(`${name}, which ${from} depends on, is not installed`)
      }
      if (found.has(at)) continue
      found.set(at, { name, installScripts: installScripts(at) })
      visit(at)
    }
  }
  visit(realpathSync(folder))
  return [...found.values()]
}

function locate(name: string, from: string): string | undefined {
  for (let folder = from; ; folder = dirname(folder)) {
    const candidate = join(folder, 'node_modules', name)
    if (existsSync(candidate)) return realpathSync(candidate)
    if (folder === dirname(folder)) return undefined
  }
}

function installScripts(folder: string): string[] {
  const declared = Object.keys(readManifest(folder).scripts ?? {}).filter((name) => /^(pre|post)?install$/.test(name))
  // npm builds a package with a binding.gyp even when it declares no script.
  return existsSync(join(folder, 'binding.gyp')) ? [...declared, 'binding.gyp'] : declared
}
