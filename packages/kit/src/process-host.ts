import { isatty } from 'node:tty'
import { setFlagsFromString } from 'node:v8'
import { errnoOf, isArcError, systemCallError } from '@arc/core'
import { exitStatusOf, formatError, interruption, signalStatus, toArcError } from './error-report.ts'
import type { ChoiceList, Host, HostInput, HostOutput, Main, Question } from './host.ts'
import { outputClosed } from './output-closed.ts'
import { createStyle } from './style.ts'

/**
 * Run `main` as this process, and end it. The first SIGINT, SIGTERM or SIGHUP aborts the host's signal, the second ends at
 * once; what nobody caught is reported as the bug it is.
 */
export async function runInProcess(name: string, main: Main, args: readonly string[]): Promise<void> {
  tuneEngine()
  const controller = new AbortController()
  let diversion: ((signal: NodeJS.Signals) => void) | undefined
  const divertSignals: Host['divertSignals'] = (listener) => {
    diversion = listener
    return { [Symbol.dispose]: () => void (diversion = undefined) }
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (diversion !== undefined) return diversion(signal)
      if (controller.signal.aborted) process.exit(signalStatus(signal))
      controller.abort(interruption(signal))
    })
  }
  const fail = (error: unknown): never => {
    const report = toArcError(error, controller.signal)
    process.stderr.write(
      formatError(name, report, { style: createStyle(false), isTraced: (process.env['ARC_DEBUG'] ?? '0') !== '0' }),
    )
    process.exit(exitStatusOf(report))
  }
  process.on('uncaughtException', fail)
  // Node would end with 0, as if all were done.
  process.on('beforeExit', () => fail(new Error('the job waits for something that never comes')))
  const stdout = new ProcessOutput(process.stdout, 1)
  const stderr = new ProcessOutput(process.stderr, 2)
  const status = await main(args, { ...processHost(stdout, stderr, controller.signal), divertSignals })
  await Promise.all([stdout.flush(), stderr.flush()])
  if (stdout.failure !== undefined && status === 0) fail(cannotWrite(stdout.failure))
  process.exit(status)
}

function processHost(stdout: HostOutput, stderr: HostOutput, signal: AbortSignal): Omit<Host, 'divertSignals'> {
  return {
    env: process.env,
    cwd: process.cwd(),
    stdin: processInput(),
    stdout,
    stderr,
    signal,
    now: () => Date.now(),
    // `performance` loads a family of modules when it is first looked at.
    elapsed: () => Number(process.hrtime.bigint()) / 1e6,
    resources() {
      const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage()
      return { userMs: userCPUTime / 1000, systemMs: systemCPUTime / 1000, peakBytes: maxRSS * 1024 }
    },
    ask: (question) => askAtTerminal(question, signal),
    askSecret: (message) => askSecretAtTerminal(message, signal),
    choose: (list) => chooseAtTerminal(list, signal),
    async page(text) {
      const { page } = await import('./pager.ts')
      await page(text, stdout, process.env)
      signal.throwIfAborted()
    },
  }
}

/** `process.stdin` starts to exist, and to keep the process alive, only when it is used. */
function processInput(): HostInput {
  return {
    get isTTY() {
      return isatty(0)
    },
    async *[Symbol.asyncIterator]() {
      try {
        for await (const chunk of process.stdin) yield chunk as Uint8Array
      } catch (error) {
        throw isArcError(error) ? error : systemCallError(error, 'read', 'standard input')
      }
    },
  }
}

/**
 * A stream of this process. A reader that goes away (`| head`) is no failure: text is dropped and the job goes on to its own
 * end and status, while content that was asked for by nobody else stops with `ARC_OUTPUT_CLOSED`, 141, as `cat` and `tar` do.
 */
class ProcessOutput implements HostOutput {
  readonly #stream: NodeJS.WriteStream
  readonly #fd: number
  #isClosed = false
  /** Why what was written did not arrive, when the reader is not the reason: a full disk. */
  failure: Error | undefined

  constructor(stream: NodeJS.WriteStream, fd: number) {
    this.#stream = stream
    this.#fd = fd
    sizeUp(stream)
    stream.on('error', (error) => {
      this.#isClosed = true
      if (!isClosedPipe(error)) this.failure ??= error
    })
  }

  get isTTY(): boolean {
    return isatty(this.#fd)
  }

  get columns(): number | undefined {
    return this.#stream.columns
  }

  write(text: string): void {
    if (!this.#isClosed) this.#stream.write(text)
  }

  writeBytes(bytes: Uint8Array): Promise<void> {
    return new Promise((done, fail) => {
      if (this.#isClosed) fail(outputClosed())
      else
        this.#stream.write(bytes, (error) =>
          error ? fail(isClosedPipe(error) ? outputClosed() : cannotWrite(error)) : done(),
        )
    })
  }

  /** Wait until everything has left the process, or cannot. */
  flush(): Promise<void> {
    return new Promise((done) => {
      if (this.#isClosed) done()
      else this.#stream.write('', () => done())
    })
  }
}

/** A terminal that nobody gave a size says 0: then it is as large as terminals were before they could be resized. */
function sizeUp(stream: NodeJS.WriteStream): void {
  if (!stream.isTTY) return
  stream.columns ||= 80
  stream.rows ||= 24
}

function isClosedPipe(error: Error): boolean {
  const errno = errnoOf(error)
  // EIO is what a terminal that was closed answers.
  return (
    errno === 'EPIPE' ||
    errno === 'EIO' ||
    errno === 'ECONNRESET' ||
    ('code' in error && error.code === 'ERR_STREAM_DESTROYED')
  )
}

function cannotWrite(error: Error): Error {
  return systemCallError(error, 'write to', 'standard output')
}

async function askAtTerminal(question: Question, signal: AbortSignal): Promise<boolean> {
  const { confirm, isCancel } = await import('@clack/prompts')
  const { message, initial = false } = question
  const answer = await confirm({ message, initialValue: initial, signal, input: process.stdin, output: process.stderr })
  if (isCancel(answer)) throw signal.aborted ? signal.reason : interruption('SIGINT')
  return answer
}

async function askSecretAtTerminal(message: string, signal: AbortSignal): Promise<string> {
  const { isCancel, password } = await import('@clack/prompts')
  const answer = await password({ message, signal, input: process.stdin, output: process.stderr })
  if (isCancel(answer)) throw signal.aborted ? signal.reason : interruption('SIGINT')
  return answer
}

async function chooseAtTerminal({ message, choices }: ChoiceList, signal: AbortSignal): Promise<readonly string[]> {
  const { autocompleteMultiselect, isCancel } = await import('@clack/prompts')
  const options = choices.map((choice) => ({ ...choice }))
  const chosen = await autocompleteMultiselect({
    message,
    options,
    placeholder: 'Type to search',
    // Its own looks into labels and hints as well, which say the same of many choices.
    filter: (search, { value }) => value.toLowerCase().includes(search.toLowerCase()),
    required: true,
    maxItems: 12,
    signal,
    input: process.stdin,
    output: process.stderr,
  })
  if (isCancel(chosen)) throw signal.aborted ? signal.reason : interruption('SIGINT')
  return chosen
}

const FIRST_TUNED_NODE = 26

/**
 * V8 is made for programs that run for hours; a command has done its work in a second or two.
 *
 * The space for new objects grows to 32 MiB and more. Commands that stream batches gain no time by that (measured: none within
 * 2 %), but it is a third of their memory.
 *
 * TurboFan takes more processor time to compile than its code saves: without it a dump of 28,000 files takes 7 % less, listing
 * and verifying one 15 to 25 %, a dump of the kernel's source the same. The quick compilers before it go on working. Older
 * versions of Node lack the better of those, Maglev, or were not measured.
 *
 * Sparkplug compiles in the main thread, as it does on older versions: a thread of it that waits for a collection when the
 * process exits waits for ever, and so does the exit.
 */
function tuneEngine(): void {
  setFlagsFromString('--semi-space-growth-factor=1')
  if (Number.parseInt(process.versions.node, 10) < FIRST_TUNED_NODE) return
  setFlagsFromString('--no-opt')
  setFlagsFromString('--no-concurrent-sparkplug')
}
