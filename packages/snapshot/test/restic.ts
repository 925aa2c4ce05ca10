import { execFileSync } from 'node:child_process'
import type { Backend } from '@arc/storage'
import { createRestic, type CreateResticOptions, openRestic, type ResticRepository } from '../src/restic/index.ts'

export const PASSWORD = 'pass word'
/** So that a test does not spend its time deriving keys. */
const CHEAP = { N: 1024, r: 8, p: 1 }

export function newRepository(backend: Backend, options: Partial<CreateResticOptions> = {}): Promise<ResticRepository> {
  return createRestic(backend, { password: PASSWORD, cost: CHEAP, ...options })
}

export function repositoryAt(backend: Backend): Promise<ResticRepository> {
  return openRestic(backend, { password: PASSWORD })
}

/** Run restic itself on a repository; returns what it prints. */
export function restic(repository: string, ...args: readonly string[]): string {
  return resticIn(process.cwd(), repository, ...args)
}

/** The same in a folder. */
export function resticIn(cwd: string, repository: string, ...args: readonly string[]): string {
  return execFileSync('restic', ['--repo', repository, '--no-cache', '--quiet', ...args], {
    cwd,
    env: { PATH: process.env['PATH'], RESTIC_PASSWORD: PASSWORD, HOME: repository, GOMAXPROCS: '1' },
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    maxBuffer: 1 << 26,
  })
}
