import { type ChildProcess, execFileSync, spawn, spawnSync, type SpawnSyncReturns } from 'node:child_process'
import {
  chmodSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { temporaryFolder } from '@arc/core/testing'
import { runMain, type TestHostOptions, type TestRun } from '@arc/kit/testing'
import { main } from '../src/main.ts'

const bin: string = join(import.meta.dirname, '../src/bin.ts')

/** A folder for one test, with a home of its own, and the command in it. */
export interface Scratch extends Disposable {
  readonly path: string
  readonly env: Readonly<Record<string, string>>
  /** Write files, and folders where the content is `null`; returns the path of the folder `at`. */
  write(at: string, files: Readonly<Record<string, string | Uint8Array | null>>): string
  read(path: string): string
  /** What lies in it, hidden folders of restores included. */
  names(): string[]
  /** Run a command line in this process. */
  run(args: readonly string[], options?: TestHostOptions): Promise<TestRun>
  /** Run it as a process of its own, to its end. */
  spawn(args: readonly string[], options?: SpawnOptions): SpawnSyncReturns<Buffer>
  /** Start it as a process of its own. */
  start(args: readonly string[], env?: Record<string, string>): ChildProcess
  /** Run another program in it. */
  tool(command: string, ...args: readonly string[]): Buffer
}

interface SpawnOptions {
  readonly input?: Uint8Array
  readonly env?: Record<string, string>
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
    read: (at) => readFileSync(join(path, at), 'utf8'),
    names: () => readdirSync(path).filter((name) => name !== '.home'),
    run: (args, options = {}) => runMain(main, args, { cwd: path, env, now: Date.now(), ...options }),
    spawn: (args, options = {}) =>
      spawnSync(process.execPath, [bin, ...args], {
        cwd: path,
        env: { ...env, ...options.env },
        input: options.input ?? '',
        maxBuffer: 1 << 28,
        timeout: 30_000,
      }),
    start: (args, more = {}) =>
      spawn(process.execPath, [bin, ...args], { cwd: path, env: { ...env, ...more }, stdio: ['pipe', 'pipe', 'pipe'] }),
    tool: (command, ...args) =>
      execFileSync(command, args, { cwd: path, env, stdio: ['ignore', 'pipe', 'pipe'], maxBuffer: 1 << 28 }),
    [Symbol.dispose]: () => folder[Symbol.dispose](),
  }
}

/** A project called `app`, with one of everything that tar and zip both carry. */
export function writeApp(scratch: Scratch): string {
  const root = scratch.write('app', {
    'README.md': '# App\n',
    'src/main.ts': 'export {}\n',
    'src/deep/er/file': 'deep\n',
    'logo.bin': Uint8Array.from({ length: 3000 }, (_, i) => (i * 7) % 256),
    'empty file': '',
    'empty folder': null,
    'größe ß.txt': 'umlaut\n',
  })
  chmodSync(join(root, 'src/main.ts'), 0o755)
  symlinkSync('src/main.ts', join(root, 'link'))
  symlinkSync('../README.md', join(root, 'src/up'))
  for (const name of ['README.md', 'src/main.ts', 'logo.bin'])
    utimesSync(join(root, name), 1_600_000_000, 1_600_000_000)
  return root
}

/** {@link writeApp} with hard links, which zip does not have. */
export function writeLinkedApp(scratch: Scratch): string {
  const root = writeApp(scratch)
  linkSync(join(root, 'README.md'), join(root, 'src/readme'))
  return root
}
