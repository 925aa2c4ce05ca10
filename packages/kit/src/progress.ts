import type { ProgressEvent, ProgressListener } from '@arc/core'
import { isContinuousIntegration } from './confirm.ts'
import { truncateToWidth } from './display-width.ts'
import type { Host } from './host.ts'
import { formatBytes, formatCount, formatDuration, formatRate } from './quantity.ts'

/** Shows how far the job is, as `--progress` asks: a line on the terminal, JSON lines on stderr, or nothing. */
export interface Progress {
  /** For a library call's `onProgress`. Throttles itself. */
  readonly listener: ProgressListener
  /** Take the line off the terminal before something else is written; the next event draws it again. */
  clear(): void
  /** The job is over: clear the line, or send the last event. The kit does it when the command ends; harmless twice. */
  end(): void
}

/** `auto` draws on a terminal only; `always` writes plain lines where there is none; `json` writes events for programs. */
export const PROGRESS_MODES = ['auto', 'always', 'never', 'json'] as const
export type ProgressMode = (typeof PROGRESS_MODES)[number]

/** Ten times a second is smooth to the eye and nothing to the processor; a log wants less. */
const REDRAW_MS = 100
const LOG_LINE_MS = 5000

/** The progress of one run on `host.stderr`. */
export function createProgress(
  host: Pick<Host, 'stderr' | 'env' | 'elapsed'>,
  mode: ProgressMode,
  isQuiet: boolean,
): Progress {
  if (mode === 'json') return eventStream(host)
  const { isTTY } = host.stderr
  const mayRedraw = isTTY && host.env['TERM'] !== 'dumb'
  if (mode === 'never' || (mode === 'auto' && (isQuiet || !mayRedraw || isContinuousIntegration(host.env))))
    return NOTHING
  return mayRedraw ? terminalLine(host) : logLines(host)
}

const NOTHING: Progress = { listener() {}, clear() {}, end() {} }

function terminalLine(host: Pick<Host, 'stderr' | 'elapsed'>): Progress {
  const pace = createPace(host, REDRAW_MS)
  let isDrawn = false
  const clear = (): void => {
    if (isDrawn) host.stderr.write('\r\u001B[K')
    isDrawn = false
  }
  return {
    listener(event) {
      if (!pace.isDue(event)) return
      // The last column stays free: filling it makes some terminals wrap.
      const line = truncateToWidth(formatProgress(event, pace.phaseMs()), (host.stderr.columns ?? 80) - 1)
      host.stderr.write(`\r${line}\u001B[K`)
      isDrawn = true
    },
    clear,
    end: clear,
  }
}

function logLines(host: Pick<Host, 'stderr' | 'elapsed'>): Progress {
  const pace = createPace(host, LOG_LINE_MS)
  return {
    listener: (event) => void (pace.isDue(event) && host.stderr.write(`${formatProgress(event, pace.phaseMs())}\n`)),
    clear() {},
    end() {},
  }
}

function eventStream(host: Pick<Host, 'stderr' | 'elapsed'>): Progress {
  const pace = createPace(host, REDRAW_MS)
  let pending: ProgressEvent | undefined
  const send = (event: ProgressEvent): void => host.stderr.write(`${JSON.stringify({ type: 'progress', ...event })}\n`)
  const end = (): void => {
    if (pending !== undefined) send(pending)
    pending = undefined
  }
  return {
    listener(event) {
      if (pending !== undefined && pending.phase !== event.phase) end()
      pending = pace.isDue(event) ? undefined : event
      if (pending === undefined) send(event)
    },
    clear() {},
    end,
  }
}

/** Decides which events are shown: the first of a phase (it may be the only one for long), then one per interval. */
function createPace(
  host: Pick<Host, 'elapsed'>,
  intervalMs: number,
): { isDue(event: ProgressEvent): boolean; phaseMs(): number } {
  let phase: string | undefined
  let phaseStart = 0
  let shownAt = Number.NEGATIVE_INFINITY
  return {
    isDue(event) {
      const now = host.elapsed()
      if (event.phase !== phase) {
        phase = event.phase
        phaseStart = now
      } else if (now - shownAt < intervalMs) return false
      shownAt = now
      return true
    },
    phaseMs: () => shownAt - phaseStart,
  }
}

/** `reading  12,345 of 28,000  80.0 MiB of 190 MiB  45.1 MiB/s  2.4 s left`; what is not known is left out. */
export function formatProgress(event: ProgressEvent, phaseMs: number): string {
  const { phase, doneEntries, totalEntries, doneBytes, totalBytes } = event
  const parts = [
    phase,
    totalEntries === undefined
      ? formatCount(doneEntries)
      : `${formatCount(doneEntries)} of ${formatCount(totalEntries)}`,
  ]
  if (doneBytes > 0) {
    parts.push(
      totalBytes === undefined ? formatBytes(doneBytes) : `${formatBytes(doneBytes)} of ${formatBytes(totalBytes)}`,
    )
    if (phaseMs >= 500) parts.push(formatRate(doneBytes, phaseMs))
  }
  const leftMs = remainingMs(event, phaseMs)
  if (leftMs !== undefined) parts.push(`${formatDuration(leftMs)} left`)
  return parts.join('  ')
}

/** By bytes where their total is known, else by entries; `undefined` in the first second, when it would be a guess. */
function remainingMs(
  { doneEntries, totalEntries, doneBytes, totalBytes }: ProgressEvent,
  phaseMs: number,
): number | undefined {
  const [done, total] = totalBytes === undefined ? [doneEntries, totalEntries] : [doneBytes, totalBytes]
  if (total === undefined || done === 0 || done > total || phaseMs < 1000) return undefined
  return (phaseMs * (total - done)) / done
}
