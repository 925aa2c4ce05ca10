// Where the tests of a command work: a folder with a home of its own, and the command in it, in this process or in one of its own.
import { type ChildProcess, execFileSync, spawn, spawnSync, type SpawnSyncReturns } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { temporaryFolder } from '@arc/core/testing'
import type { Main } from './host.ts'
import { runMain, type TestHostOptions, type TestRun } from './test-host.ts'

export interface CommandScratchOptions {
  readonly main: Main
  /** The program as a file, unbuilt. */
  readonly bin: string
  /** Where the command runs, below the folder; default: there. */
  readonly cwd?: string
  /** More than `PATH`, `HOME` and what keeps the outcome from depending on the machine. */
  readonly env?: Readonly<Record<string, string>>
  /** The time of each run; default: the machine's. */
  readonly now?: () => number
}

export interface CommandScratch extends Disposable {
  readonly path: string
  readonly env: Readonly<Record<string, string>>
  /** Write files, and folders where the content is `null`; returns the path of the folder `at`. */
  write(at: string, files: Readonly<Record<string, string | Uint8Array | null>>): string
  /** Run a command line in this process. */
  run(args: readonly string[], options?: TestHostOptions): Promise<TestRun>
  /** Run it as a process of its own, to its end. */
  spawn(args: readonly string[], options?: SpawnOptions): SpawnSyncReturns<Buffer>
  /** Start it as a process of its own. */
  start(args: readonly string[], env?: Readonly<Record<string, string>>): ChildProcess
  /** Run another program in the folder; returns what it prints. */
  tool(command: string, ...args: readonly string[]): Buffer
}

export interface SpawnOptions {
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
  readonly input?: Uint8Array
  /** Words before the command, such as `setpriv …`. */
  readonly under?: readonly string[]
}

/** A folder for one test, and a command in it. */
export function commandScratch({
  main,
  bin,
  cwd = '.',
  env: more,
  now = Date.now,
}: CommandScratchOptions): CommandScratch {
  const folder = temporaryFolder()
  const { path } = folder
  const home = join(path, '.home')
  mkdirSync(home)
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: home,
    TMPDIR: home,
    XDG_CACHE_HOME: join(home, 'cache'),
    LANG: 'C.UTF-8',
    // Stripping the types of every module anew is most of what a short process costs.
    NODE_COMPILE_CACHE: join(dirname(bin), '../node_modules/.cache/compiled'),
    GIT_CONFIG_NOSYSTEM: '1',
    ...more,
  }
  const at = join(path, cwd)
  return {
    path,
    env,
    write(below, files) {
      const root = join(path, below)
      mkdirSync(root, { recursive: true })
      for (const [name, content] of Object.entries(files)) {
        mkdirSync(content === null ? join(root, name) : dirname(join(root, name)), { recursive: true })
        if (content !== null) writeFileSync(join(root, name), content)
      }
      return root
    },
    run: (args, options = {}) => runMain(main, args, { cwd: at, env, now: now(), ...options }),
    spawn(args, { cwd: from = at, env: extra, input = new Uint8Array(), under = [] } = {}) {
      const [command = '', ...words] = [...under, process.execPath, bin, ...args]
      const settings = { cwd: from, env: { ...env, ...extra }, input }
      return spawnSync(command, words, { ...settings, maxBuffer: MAX_OUTPUT_BYTES, timeout: 60_000 })
    },
    start: (args, extra = {}) =>
      spawn(process.execPath, [bin, ...args], { cwd: at, env: { ...env, ...extra }, stdio: ['pipe', 'pipe', 'pipe'] }),
    tool: (command, ...args) =>
      execFileSync(command, args, { cwd: path, env, stdio: ['ignore', 'pipe', 'pipe'], maxBuffer: MAX_OUTPUT_BYTES }),
    [Symbol.dispose]: () => folder[Symbol.dispose](),
  }
}

const MAX_OUTPUT_BYTES = 1 << 28

/** What a process needs in its environment to be sent a signal right before its `call`th system call that changes a disk. */
export function signalledAt(call: number, signal: NodeJS.Signals): Record<string, string> {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  return {
    NODE_OPTIONS: `--import ${new URL(`./signal-at.${extension}`, import.meta.url).href}`,
    SIGNAL_AT_CALL: String(call),
    SIGNAL_AT_NAME: signal,
  }
}
