import { attempt, check, expectThat, type Outcome } from './check.ts'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { loadedModules, TELL_LOADED_MODULES } from '../loaded-modules.ts'
import { environmentOf, type NodeRuntime } from './node-runtime.ts'

/** What stands in the code of the clients of object stores, and nowhere else. */
const CLIENT_CODE = /x-amz-|x-ms-|googleapis\.com|ssh-userauth|PROPFIND/

/** A command as npm installed it, to be run on one Node. */
export interface InstalledApp {
  name: string
  version: string
  /** The file that npm put into `node_modules/.bin`. */
  command: string
  /** An empty folder for the checks. */
  scratch: string
  node: NodeRuntime
  /** What it finds in its environment besides. */
  env?: Readonly<Record<string, string>>
}

/** What each `tools/smoke/<app>.ts` exports. */
export interface AppChecks {
  /** What a user of the command would notice, as named checks. */
  checkApp: (app: InstalledApp) => void
}

/** Run the command, by default in its scratch folder. */
export function runApp(app: InstalledApp, args: readonly string[], cwd: string = app.scratch): Outcome {
  return attempt(app.command, args, { cwd, env: { ...environmentOf(app.node), ...app.env } })
}

/** Run the command, which must succeed, and return its stdout. */
export function succeed(app: InstalledApp, args: readonly string[], cwd?: string): Buffer {
  const { status, stdout, stderr } = runApp(app, args, cwd)
  expectThat(status === 0, `${[app.name, ...args].join(' ')} ended with ${status}\n${stderr}`)
  return stdout
}

/** On a Node that is too old: one clear sentence, status 1, nothing on stdout. */
export function refusesPolitely(app: InstalledApp): void {
  for (const args of [['.'], ['--version']]) {
    check(`${[app.name, ...args].join(' ')}: refuses Node ${app.node.version} in one sentence`, () => {
      const { status, stdout, stderr } = runApp(app, args)
      expectThat(status === 1, `ended with ${status}\n${stderr}`)
      expectThat(stdout.length === 0, `stdout: ${String(stdout)}`)
      expectThat(/^[^\n]+\n$/.test(stderr), `stderr is not one line:\n${stderr}`)
      expectThat(stderr.includes('Node') && stderr.includes(app.node.version), `stderr does not say why: ${stderr}`)
    })
  }
}

/** What every command owes: version, help, completion, usage errors. */
export function checkHabits(app: InstalledApp): void {
  check('--version prints name and version', () => {
    const printed = String(succeed(app, ['--version']))
    expectThat(printed === `${app.name} ${app.version}\n`, `it printed ${printed}, the package is ${app.version}`)
  })
  check('--version and --help load no client of an object store', () => {
    for (const option of ['--version', '--help']) {
      const { stderr } = runApp({ ...app, env: { ...app.env, ...TELL_LOADED_MODULES } }, [option])
      const files = loadedModules(stderr).map((url) => fileURLToPath(url))
      expectThat(files.length > 0, `${option} loads nothing`)
      const clients = files.filter((file) => CLIENT_CODE.test(readFileSync(file, 'utf8')))
      expectThat(clients.length === 0, `${option} loads ${clients.join(' ')}`)
    }
  })
  check('--help goes to stdout', () => {
    const { status, stdout, stderr } = runApp(app, ['--help'])
    expectThat(status === 0 && stderr === '', `ended with ${status}\n${stderr}`)
    expectThat(/usage/i.test(String(stdout)) && String(stdout).includes(app.name), String(stdout))
  })
  for (const shell of ['bash', 'zsh', 'fish', 'powershell']) {
    check(`completion script for ${shell}`, () => {
      expectThat(String(succeed(app, ['completion', shell])).includes(app.name), 'it does not name the command')
    })
  }
  check('an unknown option is a usage error', () => {
    const { status, stdout, stderr } = runApp(app, ['--no-such-option'])
    expectThat(status === 2 && stdout.length === 0, `ended with ${status}, stdout: ${String(stdout)}`)
    expectThat(stderr.includes('--no-such-option'), stderr)
  })
}
