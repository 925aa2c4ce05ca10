import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { attempt, run } from '../tools/smoke/check.ts'
import type { Command } from './measure.ts'

const OPENED = /\bopen(?:at|at2)?\((?:AT_FDCWD, )?"((?:[^"\\]|\\.)*)", ([^)]*)\)\s+= \d/

/** Whether calls of the system can be watched here. */
export function canWatchCalls(cwd: string): boolean {
  try {
    return attempt('strace', ['-f', '-o', '/dev/null', 'true'], { cwd }).status === 0
  } catch {
    return false
  }
}

/**
 * How many files of the project at `root` (absolute) a command opens: folders, and git's own files, are none. git itself
 * works in the project's folder and names files relative to it, so what it reads (ignore files) does not count.
 */
export function countOpenedFiles(command: Command, root: string): number {
  const scratch = mkdtempSync(join(tmpdir(), 'arc-bench-calls-'))
  try {
    const calls = join(scratch, 'calls')
    const args = [
      '-f',
      '-qq',
      '-e',
      'trace=open,openat,openat2',
      '-s',
      '8192',
      '-o',
      calls,
      command.program,
      ...command.args,
    ]
    run('strace', args, { cwd: command.cwd, env: { ...process.env, ...command.env } })
    return readFileSync(calls, 'utf8')
      .split('\n')
      .filter((line) => isContent(OPENED.exec(line), root)).length
  } finally {
    rmSync(scratch, { recursive: true })
  }
}

function isContent(call: RegExpExecArray | null, root: string): boolean {
  const [, path = '', how = ''] = call ?? []
  return path.startsWith(`${root}/`) && !path.startsWith(`${root}/.git/`) && !how.includes('O_DIRECTORY')
}
