import { mkdirSync, readdirSync, statSync } from 'node:fs'
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

/** pnpm as the repository pins it, whether or not it is installed. */
function pnpm(args: readonly string[], cwd: string): void {
  const { packageManager } = readManifest(root) as { packageManager?: string }
  run('npx', ['--yes', String(packageManager), ...args], { cwd })
}
