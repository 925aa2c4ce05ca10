import { join } from 'node:path'
import { type CommandScratch, commandScratch } from '@arc/kit/testing'
import { main } from '../src/main.ts'

export const bin: string = join(import.meta.dirname, '../src/bin.ts')

/** A folder for one test, with a home of its own, and the command in it. */
export interface Scratch extends CommandScratch {
  git(at: string, ...args: readonly string[]): string
}

export function makeScratch(): Scratch {
  const env = {
    GIT_AUTHOR_NAME: 'Ada',
    GIT_AUTHOR_EMAIL: 'ada@example.org',
    GIT_COMMITTER_NAME: 'Ada',
    GIT_COMMITTER_EMAIL: 'ada@example.org',
  }
  const scratch = commandScratch({ main, bin, env })
  return {
    ...scratch,
    git: (at, ...args) =>
      scratch.tool('git', '-C', join(scratch.path, at), '-c', 'protocol.file.allow=always', ...args).toString(),
  }
}
