// The first code that runs, on whatever Node is installed. Until the version has been checked nothing newer than Node 12
// understands may be parsed: no static import (nor an import of a package's index, which has them), no `?.`, no `??`, no
// class fields, no top-level await. A bundle keeps that property as long as this module imports nothing.
import type { Main } from './host.ts'

/** What {@link start} needs of an app's package.json. */
export interface BinManifest {
  readonly name: string
  readonly version: string
  readonly engines: { readonly node: string }
}

/**
 * The whole body of an app's `bin.ts`: refuse an old Node in one sentence, answer `--version` at once, else load the rest
 * and run it with signals, closed pipes and the exit status taken care of.
 */
export function start(manifest: BinManifest, load: () => Promise<{ readonly main: Main }>): void {
  const problem = runtimeProblem(manifest, process.versions.node)
  if (problem !== undefined) {
    process.exitCode = 1
    process.stderr.write(problem + '\n')
    return
  }
  const args = process.argv.slice(2)
  if (args.length === 1 && (args[0] === '--version' || args[0] === '-V')) {
    process.stdout.on('error', ignore)
    process.stdout.write(manifest.name + ' ' + manifest.version + '\n')
    return
  }
  Promise.all([load(), import('./process-host.ts')]).then(
    function (modules) {
      return modules[1].runInProcess(manifest.name, modules[0].main, args)
    },
    function (error: unknown) {
      process.exitCode = 1
      const reason = error instanceof Error && error.stack !== undefined ? error.stack : String(error)
      process.stderr.write(manifest.name + ': cannot load the program, reinstall it: ' + reason + '\n')
    },
  )
}

// `--version | true`: nobody is left to tell.
function ignore(): void {}

/**
 * Why this Node cannot run the app, in one sentence, or `undefined` when it can. Understands ranges made of `^1.2.3` and
 * `>=1.2.3`, joined by `||`.
 */
export function runtimeProblem(manifest: BinManifest, version: string): string | undefined {
  const ranges = manifest.engines.node.split('||')
  const names = []
  for (const range of ranges) {
    const isCaret = range.trim()[0] === '^'
    const floor = range.replace(/[^0-9.]/g, '')
    if (isAtLeast(version, floor) && (!isCaret || parseInt(version, 10) === parseInt(floor, 10))) return undefined
    names.push(isCaret ? floor + ' or a later ' + parseInt(floor, 10) : floor + ' or later')
  }
  const needed = names.join(', or ')
  return (
    manifest.name + ' needs Node.js ' + needed + '; this is ' + version + ' (get a newer one from https://nodejs.org)'
  )
}

function isAtLeast(version: string, floor: string): boolean {
  const found = version.split('.')
  const wanted = floor.split('.')
  for (let i = 0; i < 3; i++) {
    const difference = parseInt(found[i] || '0', 10) - parseInt(wanted[i] || '0', 10)
    if (difference !== 0) return difference > 0
  }
  return true
}
