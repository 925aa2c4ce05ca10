import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { describe } from 'vitest'

/** Run a program with bytes on its standard input; its status, and what it printed. */
export function run(program: string, args: readonly string[], input: Uint8Array = new Uint8Array(0)): RunResult {
  const { status, stdout, stderr } = spawnSync(program, args, { input, maxBuffer: 64 * 1024 * 1024 })
  return { status, stdout, stderr: stderr.toString() }
}

export interface RunResult {
  status: number | null
  stdout: Buffer
  stderr: string
}

/** The Python that Debian's python3-cryptography belongs to; another one may come first on the PATH. */
export const PYTHON = existsSync('/usr/bin/python3') ? '/usr/bin/python3' : 'python3'

/** Names for what is more than a program on the PATH, and how to find out. */
const PROBES: Readonly<Record<string, string>> = {
  'python3 with cryptography': `${PYTHON} -c 'import cryptography'`,
}

/** A group of tests that needs programs; says which one is missing where it is skipped. */
export function describeWith(programs: readonly string[], name: string, tests: () => void): void {
  const missing = programs.filter(
    (program) => spawnSync('sh', ['-c', PROBES[program] ?? `command -v ${program}`]).status !== 0,
  )
  const title = missing.length === 0 ? name : `${name} (skipped: ${missing.join(', ')} not installed)`
  // oxlint-disable-next-line vitest/valid-title, vitest/valid-describe-callback -- both are handed on
  describe.skipIf(missing.length > 0)(title, tests)
}
