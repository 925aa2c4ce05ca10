import { spawnSync } from 'node:child_process'

let passed = 0
let failed = 0

/** Run one named check; a thrown error makes it fail, and the next one is tried. */
export function check(name: string, body: () => void): void {
  try {
    body()
    passed++
    console.log(`  ok   ${name}`)
  } catch (error) {
    failed++
    console.log(`  FAIL ${name}\n${indent(error instanceof Error ? error.message : String(error))}`)
  }
}

function indent(text: string): string {
  return text.replaceAll(/^/gm, '       ')
}

/** Fail the running check unless `condition` holds. */
export function expectThat(condition: boolean, otherwise: string): void {
  if (!condition) throw new Error(otherwise)
}

/** Print the totals and set the exit status. */
export function report(): void {
  console.log(`smoke: ${passed} checks passed, ${failed} failed`)
  if (failed > 0) process.exitCode = 1
}

/** How a child ended. */
export interface Outcome {
  status: number | null
  stdout: Buffer
  stderr: string
}

interface RunOptions {
  cwd: string
  env?: NodeJS.ProcessEnv
}

/** Run a program to its end, whatever that is. */
export function attempt(command: string, args: readonly string[], options: RunOptions): Outcome {
  const { status, stdout, stderr, error } = spawnSync(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] })
  if (error !== undefined) throw error
  return { status, stdout, stderr: String(stderr) }
}

/** Run a program that must succeed and return what it wrote to stdout. */
export function run(command: string, args: readonly string[], options: RunOptions): Buffer {
  const { status, stdout, stderr } = attempt(command, args, options)
  if (status !== 0) throw new Error(`${[command, ...args].join(' ')} ended with ${status}\n${String(stdout)}${stderr}`)
  return stdout
}
