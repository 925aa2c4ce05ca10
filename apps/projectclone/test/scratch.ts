import { type ChildProcess, execFileSync, spawn, spawnSync, type SpawnSyncReturns } from 'node:child_process'
import { chmodSync, linkSync, mkdirSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { temporaryFolder } from '@arc/core/testing'
import { runMain, type TestHostOptions, type TestRun } from '@arc/kit/testing'
import { main } from '../src/main.ts'

/** The command, unbuilt. */
export const bin: string = join(import.meta.dirname, '../src/bin.ts')

/** A folder for one test, with a home of its own, and the command in it. */
export interface Scratch extends Disposable {
  readonly path: string
  readonly env: Readonly<Record<string, string>>
  /** Write files, and folders where the content is `null`; returns the path of the folder `at`. */
  write(at: string, files: Readonly<Record<string, string | Uint8Array | null>>): string
  /** Run a command line in this process. */
  run(args: readonly string[], options?: TestHostOptions): Promise<TestRun>
  /** Run a command line that must succeed; returns what it prints. */
  ok(args: readonly string[], options?: TestHostOptions): Promise<string>
  /** The same with `--json`, parsed. */
  json<Result>(args: readonly string[], options?: TestHostOptions): Promise<Result>
  /** Run it as a process of its own, to its end. */
  spawn(args: readonly string[], options?: SpawnOptions): SpawnSyncReturns<string>
  /** Start it as a process of its own. */
  start(args: readonly string[], env?: Record<string, string>): ChildProcess
  /** Run another program in it. */
  tool(command: string, ...args: readonly string[]): string
}

interface SpawnOptions {
  readonly cwd?: string
  readonly env?: Record<string, string>
  /** Words before the command, such as `setpriv …`. */
  readonly under?: readonly string[]
}

export function makeScratch(): Scratch {
  const folder = temporaryFolder()
  const { path } = folder
  const home = join(path, '.home')
  mkdirSync(home)
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: home,
    TMPDIR: home,
    LANG: 'C.UTF-8',
    // Stripping the types of every module anew is most of what a short process costs.
    NODE_COMPILE_CACHE: join(import.meta.dirname, '../node_modules/.cache/compiled'),
    GIT_CONFIG_NOSYSTEM: '1',
  }
  let now = Date.UTC(2026, 0, 1)
  const run = (args: readonly string[], options: TestHostOptions = {}): Promise<TestRun> =>
    runMain(main, args, { cwd: join(path, 'app'), env, now: (now += 60_000), ...options })
  const ok = async (args: readonly string[], options?: TestHostOptions): Promise<string> => {
    const { status, stdout, stderr } = await run(args, options)
    if (status !== 0) throw new Error(`${args.join(' ')} ended with ${status}\n${stderr}`)
    return stdout
  }
  return {
    path,
    env,
    write(at, files) {
      const root = join(path, at)
      mkdirSync(root, { recursive: true })
      for (const [name, content] of Object.entries(files)) {
        if (content === null) mkdirSync(join(root, name), { recursive: true })
        else {
          mkdirSync(dirname(join(root, name)), { recursive: true })
          writeFileSync(join(root, name), content)
        }
      }
      return root
    },
    run,
    ok,
    json: async (args, options) => JSON.parse(await ok([...args, '--json'], options)),
    spawn(args, { cwd = join(path, 'app'), env: more = {}, under = [] } = {}) {
      const [command = '', ...words] = [...under, process.execPath, bin, ...args]
      const settings = { cwd, env: { ...env, ...more }, maxBuffer: 1 << 28, timeout: 60_000, encoding: 'utf8' } as const
      return spawnSync(command, words, { ...settings, input: '' })
    },
    start: (args, more = {}) =>
      spawn(process.execPath, [bin, ...args], {
        cwd: join(path, 'app'),
        env: { ...env, ...more },
        stdio: ['ignore', 'pipe', 'pipe'],
      }),
    tool: (command, ...args) =>
      execFileSync(command, args, {
        cwd: path,
        env,
        stdio: ['ignore', 'pipe', 'pipe'],
        maxBuffer: 1 << 28,
        encoding: 'utf8',
      }),
    [Symbol.dispose]: () => folder[Symbol.dispose](),
  }
}

/** A project called `app`, with one of everything. */
export function writeApp(scratch: Scratch): string {
  const root = scratch.write('app', {
    'README.md': '# App\n',
    'src/main.ts': 'export {}\n',
    'src/deep/er/file': 'deep\n',
    'logo.bin': Uint8Array.from({ length: 3000 }, (_, i) => (i * 7) % 256),
    'empty file': '',
    'empty folder': null,
    'größe ß.txt': 'umlaut\n',
    '.gitignore': 'ignored\n',
    ignored: 'but kept\n',
  })
  writeFileSync(Buffer.concat([Buffer.from(`${root}/caf`), Buffer.of(0xe9)]), 'latin\n')
  chmodSync(join(root, 'src/main.ts'), 0o755)
  linkSync(join(root, 'README.md'), join(root, 'src/readme'))
  symlinkSync('src/main.ts', join(root, 'link'))
  symlinkSync('nowhere', join(root, 'src/dangling'))
  for (const name of ['README.md', 'src/main.ts', 'logo.bin', 'src'])
    utimesSync(join(root, name), 1_600_000_000, 1_600_000_000.25)
  return root
}
