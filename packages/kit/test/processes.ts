// The demo command as a real process, with pipes, with a shell, or at a pseudo-terminal.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { join } from 'node:path'

export const DEMO: string = join(import.meta.dirname, 'demo/bin.ts')

export interface Finished {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

// What vitest sets must not reach the command.
const { NO_COLOR: _, FORCE_COLOR: __, CI: ___, ...environment } = process.env
export const ENVIRONMENT: NodeJS.ProcessEnv = { ...environment, TERM: 'xterm' }

/** Start the demo; `finished` resolves when it has ended and its pipes are empty. */
export function startDemo(...args: string[]): {
  child: ChildProcess
  saw(text: string): Promise<void>
  finished: Promise<Finished>
} {
  const child = spawn(process.execPath, [DEMO, ...args], { env: ENVIRONMENT })
  let stdout = ''
  let stderr = ''
  const waiting = new Map<string, () => void>()
  child.stdout.on('data', (chunk) => (stdout += String(chunk)))
  child.stderr.on('data', (chunk) => {
    stderr += String(chunk)
    for (const [text, done] of waiting) if (stderr.includes(text)) done()
  })
  const finished = new Promise<Finished>((done) => child.on('close', (status) => done({ status, stdout, stderr })))
  const saw = (text: string): Promise<void> =>
    new Promise((done) => (stderr.includes(text) ? done() : void waiting.set(text, done)))
  return { child, saw, finished }
}

/** Run a line of bash in which `demo` is the demo command. */
export function bash(line: string, env: NodeJS.ProcessEnv = ENVIRONMENT): Finished {
  const setUp = `demo() { '${process.execPath}' '${DEMO}' "$@"; }`
  const { status, stdout, stderr } = spawnSync('bash', ['-c', `${setUp}\n${line}`], { env, encoding: 'utf8' })
  return { status, stdout, stderr }
}

/** Run a shell line at a pseudo-terminal that `input` is typed into; everything it shows comes as stdout. */
export function atTerminal(line: string, input = '', env: NodeJS.ProcessEnv = ENVIRONMENT): Finished {
  const { status, stdout, stderr } = spawnSync('script', ['--quiet', '--return', '--command', `stty cols 80 rows 24; ${line}`, '/dev/null'], {
    env: { ...env, SHELL: '/bin/sh' },
    encoding: 'utf8',
    input,
  })
  return { status, stdout, stderr }
}

/** Why a test that needs `program` cannot run here, or `undefined`. */
export function missing(program: string): string | undefined {
  return spawnSync('sh', ['-c', `command -v ${program}`]).status === 0 ? undefined : `${program} is not installed`
}
