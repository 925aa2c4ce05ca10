import { join } from 'node:path'
import { run } from '../tools/smoke/check.ts'

const ROLLDOWN = join(import.meta.dirname, 'node_modules/.bin/rolldown')

/** A program of this folder with all it imports as one file below `scratch`, as every Node we support can run it. */
export function bundleProgram(name: string, scratch: string): string {
  const file = join(scratch, name.replace(/\.ts$/, '.mjs'))
  const options = [
    '--file',
    file,
    '--format',
    'esm',
    '--platform',
    'node',
    '--transform.target',
    'node22',
    '--no-code-splitting',
  ]
  run(ROLLDOWN, [join(import.meta.dirname, name), ...options], { cwd: scratch })
  return file
}
