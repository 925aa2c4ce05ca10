import { type ChildProcess, spawn, type SpawnOptions } from 'node:child_process'
import { constants } from 'node:os'
import type { Readable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { ArcError, errnoOf } from '@arc/core'
import type { Host, HostOutput } from '@arc/kit'
import type { OutputLog } from './output-log.ts'

/** How long to wait for more output of a command that has ended, as long as something it started has its output open. */
const LINGER_MS = 500
const SIGNAL_STATUS = 128

export interface ExecuteOptions {
  readonly host: Host
  /** Where it runs: absolute. */
  readonly folder: string
  readonly env: Host['env']
  readonly stdout: HostOutput
  readonly stderr: HostOutput
  /**
   * Whether it gets our standard input and, in our place, the signals that are sent to us. Else it has no input, and a signal ends it
   * and then the job.
   */
  readonly isInteractive: boolean
  /** Keeps what it prints. */
  readonly log?: OutputLog | undefined
}

/** How a command ended: with a status, or by a signal. */
export interface Execution {
  readonly status: number | undefined
  readonly signal: NodeJS.Signals | undefined
}

/**
 * Run a command to its end. What it prints is passed on while it runs; signals go to it and not to this process. Throws
 * `ARC_COMMAND_NOT_FOUND` and `ARC_COMMAND_REFUSED` when it cannot be started.
 */
export async function execute(command: readonly string[], options: ExecuteOptions): Promise<Execution> {
  const { host, folder, env, stdout, stderr, log } = options
  host.signal.throwIfAborted()
  const [program = '', ...words] = command
  if (program === '') throw cannotStart("''", new Error('it has no name'))
  // A terminal is handed on as it is, unless somebody listens.
  const isOurs = log === undefined && stdout === host.stdout && stdout.isTTY && stderr.isTTY
  const output = isOurs ? 'inherit' : 'pipe'
  const child = start(program, words, {
    cwd: folder,
    env,
    stdio: [options.isInteractive ? 'inherit' : 'ignore', output, output],
  })
  using _ = options.isInteractive ? forwardSignals(child, host) : endOnAbort(child, host.signal)
  const ended = new Promise<Execution>((resolve, reject) => {
    child.once('error', (error) => reject(cannotStart(program, error)))
    child.once('exit', (status, signal) => resolve({ status: status ?? undefined, signal: signal ?? undefined }))
  })
  const pipes = [new Relay(child.stdout, stdout, log), new Relay(child.stderr, stderr, log)]
  const execution = await ended
  await untilQuiet(child, pipes)
  host.signal.throwIfAborted()
  return execution
}

/** Node tells of some reasons why a program cannot be started later, of others at once. */
function start(program: string, words: readonly string[], options: SpawnOptions): ChildProcess {
  try {
    return spawn(program, words, options)
  } catch (error) {
    throw cannotStart(program, error)
  }
}

/** The exit status that says the same, as shells have it. */
export function statusOf({ status, signal }: Execution): number {
  if (status !== undefined) return status
  return SIGNAL_STATUS + (signal === undefined ? 0 : constants.signals[signal])
}

/** `ended with 1`, `was ended by SIGTERM`. */
export function endText({ status, signal }: { status?: number | undefined; signal?: string | undefined }): string {
  return signal === undefined ? `ended with ${status}` : `was ended by ${signal}`
}

/** The environment that is passed on: without the passphrase of a vault. */
export function passedOn(env: Host['env']): Host['env'] {
  const { ARC_PASSPHRASE: _, ...rest } = env
  return rest
}

function forwardSignals(child: ChildProcess, host: Host): Disposable {
  const isAtTerminal = host.stdin.isTTY || host.stdout.isTTY || host.stderr.isTTY
  return host.divertSignals((signal) => {
    // A terminal sends Ctrl-C to everybody in front of it, and twice is another thing than once.
    if (signal !== 'SIGINT' || !isAtTerminal) child.kill(signal)
  })
}

function endOnAbort(child: ChildProcess, signal: AbortSignal): Disposable {
  const end = (): void => void child.kill()
  signal.addEventListener('abort', end, { once: true })
  return { [Symbol.dispose]: () => signal.removeEventListener('abort', end) }
}

function cannotStart(program: string, error: unknown): ArcError {
  const isMissing = errnoOf(error) === 'ENOENT'
  const message = error instanceof Error ? error.message : String(error)
  const why = isMissing ? 'there is no such program' : (errnoOf(error) ?? message)
  return new ArcError(
    isMissing ? 'ARC_COMMAND_NOT_FOUND' : 'ARC_COMMAND_REFUSED',
    `cannot run ${program}: ${why === 'EACCES' ? 'it is not executable' : why}`,
    { cause: error, hint: 'Write the program and its arguments as words; for a line of the shell: sh -c LINE.' },
  )
}

/** Passes on what comes out of a pipe, as fast as it is taken. */
class Relay {
  readonly stream: Readable | null
  pieces = 0
  isBusy = false

  constructor(stream: Readable | null, output: HostOutput, log: OutputLog | undefined) {
    this.stream = stream
    if (stream !== null) void this.#run(stream, output, log)
  }

  async #run(stream: Readable, output: HostOutput, log: OutputLog | undefined): Promise<void> {
    let isGone = false
    try {
      for await (const piece of stream as AsyncIterable<Buffer>) {
        this.pieces++
        this.isBusy = true
        log?.add(piece)
        // Whoever read our output may go; the command goes on all the same, and so does the log.
        if (!isGone) await output.writeBytes(piece).catch(() => (isGone = true))
        this.isBusy = false
      }
    } catch {
      // The pipe was closed under our hands: see untilQuiet.
    }
  }
}

function untilClosed(stream: Readable | null): Promise<void> {
  return new Promise((done) => {
    if (stream === null || stream.destroyed) done()
    else stream.once('close', () => done())
  })
}

/** Wait until all has come that will. A process left behind can keep a pipe open for ever: then until nothing comes any more. */
async function untilQuiet(child: ChildProcess, relays: readonly Relay[]): Promise<void> {
  const closed = Promise.all(relays.map(({ stream }) => untilClosed(stream)))
  const controller = new AbortController()
  const { signal } = controller
  try {
    for (;;) {
      const before = relays.map(({ pieces }) => pieces)
      const isDone = await Promise.race([closed.then(() => true), delay(LINGER_MS, false, { signal })])
      if (isDone || relays.every(({ pieces, isBusy }, i) => pieces === before[i] && !isBusy)) break
    }
    // The last pieces are still being passed on.
    while (relays.some(({ isBusy }) => isBusy)) await delay(1)
  } finally {
    controller.abort()
    child.stdout?.destroy()
    child.stderr?.destroy()
  }
}
