// Runs a command in process: a host that captures what is printed and stands still in time.
import type { ChoiceList, Host, HostOutput, Main, Question } from './host.ts'
import { outputClosed } from './output-closed.ts'

export interface TestHostOptions {
  /** Default: empty, whatever the test runner's own is. */
  readonly env?: Host['env']
  /** Default `/`. */
  readonly cwd?: string
  /** What stdin gives; a list comes in these pieces. Default: nothing. */
  readonly stdin?: string | Uint8Array | readonly Uint8Array[]
  /** Which streams are terminals. Default: none. */
  readonly terminals?: readonly ('stdin' | 'stdout' | 'stderr')[]
  /** Width of the terminals; default 80. */
  readonly columns?: number
  /** Default: 2026-01-01T00:00:00Z. */
  readonly now?: number
  /** Each asking of the clock that never jumps moves it by this; default 0. */
  readonly tickMs?: number
  /** What the person answers, in order. A question too many fails the run. */
  readonly answers?: readonly boolean[]
  /** What the person types where nothing is shown, in order. A secret too many fails the run. */
  readonly secrets?: readonly string[]
  /** What the person chooses, list by list. A list too many fails the run. */
  readonly chosen?: readonly (readonly string[])[]
  readonly signal?: AbortSignal
  /** Bytes after which stdout has no reader any more. */
  readonly closeStdoutAfter?: number
}

/** A {@link Host} for tests, and what it heard. */
export interface TestHost extends Host {
  readonly stdout: CapturedOutput
  readonly stderr: CapturedOutput
  /** Every question that was asked, in order. */
  readonly questions: readonly Question[]
  /** Every list that was offered, in order. */
  readonly lists: readonly ChoiceList[]
}

/** What a finished run did. */
export interface TestRun {
  readonly status: number
  readonly stdout: string
  readonly stdoutBytes: Buffer
  readonly stderr: string
  readonly questions: readonly Question[]
  readonly lists: readonly ChoiceList[]
}

/** Run an app's `main` with a {@link testHost}. */
export async function runMain(main: Main, args: readonly string[], options: TestHostOptions = {}): Promise<TestRun> {
  const host = testHost(options)
  const status = await main(args, host)
  const { stdout, stderr, questions, lists } = host
  return { status, stdout: stdout.text, stdoutBytes: stdout.bytes, stderr: stderr.text, questions, lists }
}

/** A host that captures output, and whose time, input and answers are what the options say. */
export function testHost(options: TestHostOptions = {}): TestHost {
  const { terminals = [], columns = 80, tickMs = 0, stdin = [] } = options
  const pieces = typeof stdin === 'string' || stdin instanceof Uint8Array ? [Buffer.from(stdin)] : stdin
  const answers = [...(options.answers ?? [])]
  const secrets = [...(options.secrets ?? [])]
  const chosen = [...(options.chosen ?? [])]
  const questions: Question[] = []
  const lists: ChoiceList[] = []
  const stdout = new CapturedOutput(terminals.includes('stdout'), columns, options.closeStdoutAfter)
  let elapsed = 0
  return {
    env: options.env ?? {},
    cwd: options.cwd ?? '/',
    stdin: {
      isTTY: terminals.includes('stdin'),
      async *[Symbol.asyncIterator]() {
        yield* pieces
      },
    },
    stdout,
    stderr: new CapturedOutput(terminals.includes('stderr'), columns),
    signal: options.signal ?? new AbortController().signal,
    divertSignals: () => ({ [Symbol.dispose]() {} }),
    now: () => options.now ?? Date.UTC(2026, 0, 1),
    elapsed: () => (elapsed += tickMs),
    resources: () => ({ userMs: 1000, systemMs: 200, peakBytes: 100 * 1024 * 1024 }),
    async ask(question) {
      questions.push(question)
      const answer = answers.shift()
      if (answer === undefined) throw new Error(`nobody answers: ${question.message}`)
      return answer
    },
    async askSecret(message) {
      const secret = secrets.shift()
      if (secret === undefined) throw new Error(`nobody knows: ${message}`)
      return secret
    },
    async choose(list) {
      lists.push(list)
      const values = chosen.shift()
      if (values === undefined) throw new Error(`nobody chooses: ${list.message}`)
      return values
    },
    async page(text) {
      for await (const piece of text) stdout.write(piece)
    },
    questions,
    lists,
  }
}

/** An output that keeps everything. */
export class CapturedOutput implements HostOutput {
  readonly isTTY: boolean
  readonly columns: number | undefined
  readonly #closeAfter: number
  readonly #chunks: Buffer[] = []
  #size = 0

  constructor(isTTY: boolean, columns: number, closeAfter: number = Number.POSITIVE_INFINITY) {
    this.isTTY = isTTY
    this.columns = isTTY ? columns : undefined
    this.#closeAfter = closeAfter
  }

  get bytes(): Buffer {
    return Buffer.concat(this.#chunks)
  }

  get text(): string {
    return this.bytes.toString()
  }

  write(text: string): void {
    if (this.#size < this.#closeAfter) this.#keep(Buffer.from(text))
  }

  async writeBytes(bytes: Uint8Array): Promise<void> {
    if (this.#size >= this.#closeAfter) throw outputClosed()
    this.#keep(Buffer.from(bytes))
  }

  #keep(chunk: Buffer): void {
    this.#chunks.push(chunk)
    this.#size += chunk.length
  }
}
