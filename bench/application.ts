import { mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { run } from '../tools/smoke/check.ts'
import type { NodeRuntime } from '../tools/smoke/node-runtime.ts'
import { readManifest, root } from '../tools/workspace.ts'

/** An app as its users get it: built, packed and unpacked, on one Node. */
export interface Application {
  name: string
  version: string
  /** The script that Node runs. */
  bin: string
  packedBytes: number
  node: NodeRuntime
}

/** What does not depend on the Node that runs it. */
export type PackedApplication = Omit<Application, 'node'>

/** Build the app of a folder in `apps/` and unpack its package below `scratch`. */
export function packApplication(folder: string, scratch: string): PackedApplication {
  const source = join(root, 'apps', folder)
  const unpacked = join(scratch, folder)
  mkdirSync(unpacked)
  pnpm(['run', 'build'], source)
  pnpm(['pack', '--pack-destination', unpacked], source)
  const tarball = join(unpacked, String(readdirSync(unpacked)[0]))
  run('tar', ['-xzf', tarball], { cwd: unpacked })
  const manifest = readManifest(join(unpacked, 'package'))
  const bin = typeof manifest.bin === 'string' ? manifest.bin : manifest.bin?.[manifest.name]
  return {
    name: manifest.name,
    version: String(manifest.version),
    bin: join(unpacked, 'package', String(bin)),
    packedBytes: statSync(tarball).size,
  }
}

/**
 * A library of `packages/` as its users get it: built and packed with those of ours that it needs, and installed by plain npm
 * in a project of its own, whose folder this gives.
 */
export function installLibrary(folder: string, scratch: string): string {
  const names = new Set([folder])
  for (const name of names) {
    const { dependencies = {} } = readManifest(join(root, 'packages', name))
    for (const each of Object.keys(dependencies)) if (each.startsWith('@arc/')) names.add(each.slice('@arc/'.length))
  }
  const [project, tarballs] = [join(scratch, 'project'), join(scratch, 'tarballs')]
  for (const each of [project, tarballs]) mkdirSync(each)
  for (const name of names) {
    pnpm(['run', 'build'], join(root, 'packages', name))
    pnpm(['pack', '--pack-destination', tarballs], join(root, 'packages', name))
  }
  writeFileSync(join(project, 'package.json'), '{ "private": true, "type": "module" }')
  const files = readdirSync(tarballs).map((file) => join(tarballs, file))
  run('npm', ['install', '--no-audit', '--no-fund', ...files], { cwd: project })
  return project
}

/** pnpm as the repository pins it, whether or not it is installed. */
function pnpm(args: readonly string[], cwd: string): void {
  const { packageManager } = readManifest(root) as { packageManager?: string }
  run('npx', ['--yes', String(packageManager), ...args], { cwd })
}
