import { spawn } from 'node:child_process'
import { ArcError } from '@arc/core'
import { durationOption, formatDuration, type Host, type Log, nameOption, type Values, visible } from '@arc/kit'

const GROUP = 'Hooks'
const DEFAULT_TIMEOUT_MS = 600_000
/** Of what a hook prints, the end is kept. */
const MAX_OUTPUT_BYTES = 64 * 1024
const NOT_STARTED_STATUS = 127

/** Commands of the person's own around a snapshot, run by the shell in the folder of the project. */
export const hookOptions = {
  before: nameOption('run this first; when it fails, no snapshot is taken', { placeholder: 'COMMAND', group: GROUP }),
  after: nameOption('run this afterwards, also when the snapshot failed', { placeholder: 'COMMAND', group: GROUP }),
  hookTimeout: durationOption('how long either may take (default: 10m)', { group: GROUP }),
}

/** What became of a hook: plain data. */
export interface HookResult {
  readonly moment: 'before' | 'after'
  readonly command: string
  /** `null` when a signal ended it. */
  readonly status: number | null
  readonly isTimeout: boolean
  readonly durationMs: number
  /** What it printed, standard output and error together; of much, the end. */
  readonly output: string
}

/** What hooks get in their environment, besides what this process has; without the passphrase. */
export interface HookFacts {
  readonly ARC_PROJECT_PATH: string
  readonly ARC_PROJECT?: string | undefined
  readonly ARC_NOTE?: string | undefined
  /** After: `ok`, `partial` or `failed`. */
  readonly ARC_STATUS?: string | undefined
  /** After: the id of the snapshot, when there is one. */
  readonly ARC_SNAPSHOT?: string | undefined
}

/** Run a hook to its end. A failing `before` throws `ARC_HOOK_FAILED`; of a failing `after` the person is warned. */
export async function runHook(
  moment: HookResult['moment'],
  values: Values<typeof hookOptions>,
  facts: HookFacts,
  { host, log }: { host: Host; log: Log },
): Promise<HookResult | undefined> {
  const command = values[moment]
  if (command === undefined) return undefined
  const timeoutMs = values.hookTimeout ?? DEFAULT_TIMEOUT_MS
  const started = host.elapsed()
  const ended = await execute(command, { ...facts, ARC_HOOK: moment }, timeoutMs, moment === 'before', host)
  const result: HookResult = { moment, command, ...ended, durationMs: Math.round(host.elapsed() - started) }
  if (result.output !== '') log.detail(visible(result.output.trimEnd()))
  if (result.status === 0) return result
  const why = result.isTimeout
    ? `took more than ${formatDuration(timeoutMs)}`
    : `ended with ${result.status ?? 'a signal'}`
  if (moment === 'after') {
    log.warn(`the hook after the snapshot ${why}: ${visible(command)}\n${visible(result.output)}`.trimEnd())
    return result
  }
  throw new ArcError('ARC_HOOK_FAILED', `the hook before the snapshot ${why}: ${command}\n${result.output}`.trimEnd(), {
    hint: 'No snapshot was taken.',
    details: { ...result },
  })
}

async function execute(
  command: string,
  facts: object,
  timeoutMs: number,
  isAbortable: boolean,
  host: Host,
): Promise<Pick<HookResult, 'status' | 'isTimeout' | 'output'>> {
  if (isAbortable) host.signal.throwIfAborted()
  const { ARC_PASSPHRASE: _, ...env } = host.env
  // A group of its own, so that what the shell started ends with it.
  const cwd = 'ARC_PROJECT_PATH' in facts ? String(facts.ARC_PROJECT_PATH) : host.cwd
  const child = spawn(command, {
    shell: true,
    detached: true,
    cwd,
    env: { ...env, ...facts },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = Buffer.alloc(0)
  const keep = (piece: Buffer): void => {
    output = Buffer.concat([output, piece]).subarray(-MAX_OUTPUT_BYTES)
  }
  child.stdout.on('data', keep)
  child.stderr.on('data', keep)
  // When the shell cannot be started: the folder is gone.
  child.once('error', (error) => keep(Buffer.from(`${error.message}\n`)))
  let isTimeout = false
  const stop = (): void => {
    if (child.pid === undefined) return
    try {
      process.kill(-child.pid, 'SIGKILL')
    } catch {
      // It ended by itself.
    }
  }
  const timer = setTimeout(() => {
    isTimeout = true
    stop()
  }, timeoutMs)
  // What cleans up after a snapshot runs even when the person has had enough.
  if (isAbortable) host.signal.addEventListener('abort', stop, { once: true })
  try {
    const status = await new Promise<number | null>((done) => child.once('close', done))
    if (isAbortable) host.signal.throwIfAborted()
    return { status: status !== null && status < 0 ? NOT_STARTED_STATUS : status, isTimeout, output: output.toString() }
  } finally {
    clearTimeout(timer)
    host.signal.removeEventListener('abort', stop)
  }
}
