import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { temporaryFolder } from '@arc/core/testing'

/** An environment without the settings of whoever runs the tests. */
export const isolatedEnv: NodeJS.ProcessEnv = {
  PATH: process.env['PATH'],
  HOME: '/nonexistent',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_NOSYSTEM: '1',
}

const AUTHOR = {
  GIT_AUTHOR_NAME: 'A',
  GIT_AUTHOR_EMAIL: 'a@example.org',
  GIT_COMMITTER_NAME: 'A',
  GIT_COMMITTER_EMAIL: 'a@example.org',
  GIT_AUTHOR_DATE: '2020-01-01T00:00:00Z',
  GIT_COMMITTER_DATE: '2020-01-01T00:00:00Z',
}

/** A repository in a folder of its own, with plain git beside it. */
export interface Scratch extends Disposable {
  readonly path: string
  git(...args: string[]): string
  write(path: string, content: string | Uint8Array, mode?: number): void
  /** Stage everything and commit. */
  commit(): string
}

export function scratch(initArgs: readonly string[] = []): Scratch {
  const folder = temporaryFolder()
  const env = { ...isolatedEnv, ...AUTHOR }
  const git = (...args: string[]): string =>
    execFileSync('git', ['-C', folder.path, '-c', 'protocol.file.allow=always', ...args], {
      env,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    }).trimEnd()
  git('init', '-q', '-b', 'main', ...initArgs)
  return {
    path: folder.path,
    git,
    write(path, content, mode) {
      const at = join(folder.path, path)
      mkdirSync(dirname(at), { recursive: true })
      writeFileSync(at, content)
      if (mode !== undefined) chmodSync(at, mode)
    },
    commit() {
      git('add', '-A')
      git('commit', '-q', '--allow-empty', '-m', 'x')
      return git('rev-parse', 'HEAD')
    },
    [Symbol.dispose]: () => folder[Symbol.dispose](),
  }
}
