import { spawnSync } from 'node:child_process'
import { describe } from 'vitest'

/** Run a program with bytes on its standard input; its status, and what it printed. */
export function run(program: string, args: readonly string[], cwd: string, input: Uint8Array): RunResult {
  const { status, stdout, stderr } = spawnSync(program, args, { cwd, input, maxBuffer: 64 * 1024 * 1024 })
  return { status, stdout, stderr: stderr.toString() }
}

export interface RunResult {
  status: number | null
  stdout: Buffer
  stderr: string
}

/** A group of tests that needs programs; says which one is missing where it is skipped. */
export function describeWith(programs: readonly string[], name: string, tests: () => void): void {
  const missing = programs.filter((program) => spawnSync('sh', ['-c', `command -v ${program}`]).status !== 0)
  const title = missing.length === 0 ? name : `${name} (skipped: ${missing.join(', ')} not installed)`
  // oxlint-disable-next-line vitest/valid-title, vitest/valid-describe-callback -- both are handed on
  describe.skipIf(missing.length > 0)(title, tests)
}
