/** Where a command writes: standard output or standard error. */
export interface HostOutput {
  /** Whether a person looks at it. */
  readonly isTTY: boolean
  /** Width in cells; `undefined` when it is no terminal. */
  readonly columns: number | undefined
  /** Write text of modest size: results line by line, messages. Never waits. Once the reader has gone it does nothing. */
  write(text: string): void
  /**
   * Write content. Resolves when `bytes` may be reused, so awaiting it is the back-pressure. Rejects with `ARC_OUTPUT_CLOSED`
   * once the reader has gone.
   */
  writeBytes(bytes: Uint8Array): Promise<void>
}

/** What a command reads from standard input. Nothing is read before it is iterated. */
export interface HostInput extends AsyncIterable<Uint8Array> {
  readonly isTTY: boolean
}

/** What a process has used since it started. */
export interface Resources {
  readonly userMs: number
  readonly systemMs: number
  readonly peakBytes: number
}

/** A yes-or-no question for the person at the terminal. */
export interface Question {
  /** One sentence that ends in a question mark. */
  readonly message: string
  /** The answer that Enter gives; default `false`. */
  readonly initial?: boolean | undefined
}

/** Something to choose from, for the person at the terminal. */
export interface ChoiceList {
  /** One sentence that ends in a question mark or a colon. */
  readonly message: string
  readonly choices: readonly Choosable[]
}

/** One line of a {@link ChoiceList}. */
export interface Choosable {
  /** What is handed back when it is chosen, and what typing searches in; unique in its list. */
  readonly value: string
  /** What is shown; safe to send to a terminal. */
  readonly label: string
  /** More about it, shown while it is in focus. */
  readonly hint?: string
}

/** Everything a command may touch of its process, so that a test can run it in process with its own. */
export interface Host {
  readonly env: Readonly<Record<string, string | undefined>>
  /** Absolute; what relative paths of the command line are relative to. */
  readonly cwd: string
  readonly stdin: HostInput
  readonly stdout: HostOutput
  readonly stderr: HostOutput
  /** Aborted by the first SIGINT, SIGTERM or SIGHUP, with an `ARC_ABORTED` as its reason. Pass it to every library call. */
  readonly signal: AbortSignal
  /**
   * Until the result is disposed of, SIGINT, SIGTERM and SIGHUP go to `listener` and abort nothing: what to do is up to a program that
   * was started and has the terminal now.
   */
  divertSignals(listener: (signal: NodeJS.Signals) => void): Disposable
  /** Milliseconds since 1970. */
  now(): number
  /** Milliseconds of a clock that never jumps. */
  elapsed(): number
  /** What the process has used so far. */
  resources(): Resources
  /** Ask at the terminal. Commands call `confirm` instead, which knows `--yes` and when there is nobody to ask. */
  ask(question: Question): Promise<boolean>
  /** Ask for a secret, which is not shown. Commands call `askSecret` instead, which knows when there is nobody to ask. */
  askSecret(message: string): Promise<string>
  /** Let the person at the terminal choose any number of lines. Commands call `choose` instead, which knows when nobody is there. */
  choose(list: ChoiceList): Promise<readonly string[]>
  /** Write text of any length to stdout: at a terminal through the person's pager, until they have seen enough of it. */
  page(text: AsyncIterable<string>): Promise<void>
}

/** What `main.ts` of an app exports: run a command line, resolve to its exit status, never reject. */
export type Main = (args: readonly string[], host: Host) => Promise<number>
