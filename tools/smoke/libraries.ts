import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
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

const THROWN_ELSEWHERE = `
import { ArcError } from '@arc/core'
import { publishFile } from '@arc/core/node'
import { memoryBackend } from '@arc/storage'
const thrown = []
try { publishFile('/nowhere/at/all', Buffer.from('x')) } catch (error) { thrown.push(error) }
await memoryBackend().read('../x').catch((error) => thrown.push(error))
console.log(thrown.map((error) => error instanceof ArcError).join(' '))
console.log(thrown.at(-1).stack)
`

/** What is put into few files must not be there twice, and a stack trace must lead to the source. */
export function checkChunks(consumer: string, libraries: readonly WorkspacePackage[], node: NodeRuntime): void {
  check('errors are of one class wherever they come from, and show their source', () => {
    const args = ['--enable-source-maps', '--input-type=module', '--eval', THROWN_ELSEWHERE]
    const told = String(run(node.executable, args, { cwd: consumer, env: environmentOf(node) }))
    expectThat(told.startsWith('true true\n'), told)
    expectThat(told.includes('storage/src/object-key.ts:'), told)
  })
  for (const { manifest } of libraries) {
    check(`${manifest.name}: the maps hold its sources`, () => {
      const dist = join(consumer, 'node_modules', manifest.name, 'dist')
      const maps = readdirSync(dist, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.js.map'))
      expectThat(maps.length > 0, 'there are none')
      for (const file of maps) {
        const map = JSON.parse(readFileSync(join(dist, file), 'utf8')) as SourceMap
        const foreign = map.sources.filter((source) => !/^(?:\.\.\/)+src\//.test(source))
        expectThat(foreign.length === 0, `${file} has code from elsewhere: ${foreign.join(' ')}`)
        expectThat(map.sourcesContent?.length === map.sources.length, `${file} holds no sources`)
      }
    })
  }
}

interface SourceMap {
  readonly sources: readonly string[]
  readonly sourcesContent?: readonly string[]
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
