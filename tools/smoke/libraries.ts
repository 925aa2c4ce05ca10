import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { WorkspacePackage } from '../workspace.ts'
import { readManifest, root } from '../workspace.ts'
import { check, expectThat, run } from './check.ts'
import { environmentOf, type NodeRuntime } from './node-runtime.ts'

/** Import specifiers of everything that the installed package exports. */
function exportedSpecifiers(consumer: string, name: string): string[] {
  const { exports = {} } = readManifest(join(consumer, 'node_modules', name))
  const subpaths = Object.keys(exports).filter((subpath) => subpath !== './package.json')
  return subpaths.map((subpath) => name + subpath.slice(1))
}

/** Load each export of each library on this Node. */
export function importEveryExport(consumer: string, libraries: readonly WorkspacePackage[], node: NodeRuntime): void {
  for (const { manifest } of libraries) {
    for (const specifier of exportedSpecifiers(consumer, manifest.name)) {
      check(`import ${specifier}`, () => {
        const program = `console.log(Object.keys(await import(${JSON.stringify(specifier)})).length)`
        const options = { cwd: consumer, env: environmentOf(node) }
        const names = run(node.executable, ['--input-type=module', '--eval', program], options)
        expectThat(Number(names) > 0, 'it exports nothing')
      })
    }
  }
}

/** Type-check a program that uses each export through the published declarations. */
export function checkTypes(consumer: string, libraries: readonly WorkspacePackage[]): void {
  const specifiers = libraries.flatMap(({ manifest }) => exportedSpecifiers(consumer, manifest.name))
  const lines = specifiers.map((specifier, index) => `export * as export${index} from '${specifier}'\n`)
  writeFileSync(join(consumer, 'use.ts'), lines.join(''))
  const compilerOptions = {
    target: 'es2024',
    lib: ['es2024', 'esnext.disposable'],
    module: 'nodenext',
    strict: true,
    noEmit: true,
    types: ['node'],
    typeRoots: [join(root, 'node_modules/@types')],
  }
  writeFileSync(join(consumer, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['use.ts'] }))
  check('the published types compile', () => void run('tsc', ['--project', consumer], { cwd: consumer }))
}
