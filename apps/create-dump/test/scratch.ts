import { type ChildProcess, execFileSync, spawn, spawnSync, type SpawnSyncReturns } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { temporaryFolder } from '@arc/core/testing'
import { runMain, type TestHostOptions, type TestRun } from '@arc/kit/testing'
import { main } from '../src/main.ts'

export const bin: string = join(import.meta.dirname, '../src/bin.ts')

/** A folder for one test, with a home of its own, and the command in it. */
export interface Scratch extends Disposable {
  readonly path: string
  readonly env: Readonly<Record<string, string>>
  /** Write files, and folders where the content is `null`; returns the path of the folder `at`. */
  write(at: string, files: Readonly<Record<string, string | Uint8Array | null>>): string
  /** Run a command line in this process. */
  run(args: readonly string[], options?: TestHostOptions): Promise<TestRun>
  /** Run it as a process of its own, to its end. */
  spawn(
    args: readonly string[],
    options?: { input?: Uint8Array; env?: Record<string, string> },
  ): SpawnSyncReturns<Buffer>
  /** Start it as a process of its own. */
  start(args: readonly string[], env?: Record<string, string>): ChildProcess
  git(at: string, ...args: readonly string[]): string
}

export function makeScratch(): Scratch {
  const folder = temporaryFolder()
  const { path } = folder
  const home = join(path, '.home')
  mkdirSync(home)
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: home,
    XDG_CACHE_HOME: join(home, 'cache'),
    LANG: 'C.UTF-8',
    // Stripping the types of every module anew is most of what a short process costs.
    NODE_COMPILE_CACHE: join(import.meta.dirname, '../node_modules/.cache/compiled'),
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_AUTHOR_NAME: 'Ada',
    GIT_AUTHOR_EMAIL: 'ada@example.org',
    GIT_COMMITTER_NAME: 'Ada',
    GIT_COMMITTER_EMAIL: 'ada@example.org',
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
      spawn(process.execPath, [bin, ...args], {
        cwd: path,
        env: { ...env, ...more },
        stdio: ['ignore', 'pipe', 'pipe'],
      }),
    git: (at, ...args) =>
      execFileSync('git', ['-c', 'protocol.file.allow=always', ...args], {
        cwd: join(path, at),
        env,
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'pipe'],
      }),
    [Symbol.dispose]: () => folder[Symbol.dispose](),
  }
}
