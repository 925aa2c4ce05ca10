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
  saw: (text: string) => Promise<void>
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

/** What is typed once `shows` has appeared since the last step. */
export interface Typing {
  readonly shows: string
  readonly type: string
}

/** Run a shell line at a pseudo-terminal; everything it shows comes as stdout. What hangs is killed after 20 s. */
export function atTerminal(
  line: string,
  steps: readonly Typing[] = [],
  env: NodeJS.ProcessEnv = ENVIRONMENT,
): Promise<Finished> {
  const command = `stty cols 80 rows 24; ${line}`
  const child = spawn('script', ['--quiet', '--return', '--command', command, '/dev/null'], {
    env: { ...env, SHELL: '/bin/sh' },
    signal: AbortSignal.timeout(20_000),
    killSignal: 'SIGKILL',
  })
  const left = [...steps]
  let shown = ''
  let seen = 0
  child.stdout.on('data', (chunk) => {
    shown += String(chunk)
    const at = left[0] === undefined ? -1 : shown.indexOf(left[0].shows, seen)
    if (at === -1) return
    seen = shown.length
    child.stdin.write(left.shift()?.type ?? '')
  })
  return new Promise((done, fail) => {
    child.on('error', () => fail(new Error(`waited in vain for ${left[0]?.shows ?? 'the end'}; shown: ${shown}`)))
    child.on('close', (status) => done({ status, stdout: shown, stderr: '' }))
  })
}

/** Why a test that needs `program` cannot run here, or `undefined`. */
export function missing(program: string): string | undefined {
  return spawnSync('sh', ['-c', `command -v ${program}`]).status === 0 ? undefined : `${program} is not installed`
}
