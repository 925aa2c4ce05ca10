import { inspect } from 'node:util'
import { ArcError, ERROR_EXIT_STATUS, isArcError } from '@arc/core'
import type { Style } from './style.ts'
import { visible } from './visible-text.ts'

export interface ErrorReportOptions {
  readonly style: Style
  /** Show stacks and causes: ARC_DEBUG=1 or `-vv`. */
  readonly isTraced: boolean
  readonly bugs?: string | undefined
}

const SIGNAL_STATUS: Readonly<Record<string, number>> = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 }

/** The exit status for the signal that ended a run. */
export function signalStatus(signal: string): number {
  return SIGNAL_STATUS[signal] ?? ERROR_EXIT_STATUS.ARC_ABORTED
}

/** What an aborted host's signal carries as its reason. */
export function interruption(signal: string): ArcError {
  return new ArcError('ARC_ABORTED', `interrupted by ${signal}`, { details: { signal } })
}

/**
 * What was thrown, as an {@link ArcError}: itself; the interruption, for anything that is an AbortError once the host was
 * aborted; an `ARC_INTERNAL_ERROR` for what no code meant to throw.
 */
export function toArcError(error: unknown, signal: AbortSignal): ArcError {
  if (isArcError(error)) return error
  const isAbort = error instanceof Error && (error.name === 'AbortError' || error === signal.reason)
  if (isAbort && isArcError(signal.reason)) return signal.reason
  if (isAbort) return new ArcError('ARC_ABORTED', 'interrupted', { cause: error })
  return new ArcError('ARC_INTERNAL_ERROR', error instanceof Error ? error.message : String(error), { cause: error })
}

/** The exit status an error ends the command with. */
export function exitStatusOf(error: ArcError): number {
  const { signal } = error.details
  if (error.code === 'ARC_ABORTED' && typeof signal === 'string') return signalStatus(signal)
  // An error of a newer copy of core may have a code that this one does not know.
  return ERROR_EXIT_STATUS[error.code] ?? 1
}

/** The lines for people: `create-dump: cannot read x: reason [ARC_CODE]` and what helps. Each ends in a newline. */
export function formatError(name: string, error: ArcError, options: ErrorReportOptions): string {
  const { style, isTraced } = options
  const isBug = error.code === 'ARC_INTERNAL_ERROR'
  const message = isBug ? `internal error: ${error.message}` : error.message
  const lines = [`${name}: ${style.error(visible(message))} ${style.quiet(`[${error.code}]`)}`]
  const hint = isBug ? bugHint(name, options) : error.hint
  if (hint !== undefined) lines.push(`hint: ${visible(hint)}`)
  if (isTraced) lines.push(visible(inspect(error, { depth: 5 })))
  return `${lines.join('\n')}\n`
}

function bugHint(name: string, { isTraced, bugs }: ErrorReportOptions): string {
  const where = bugs === undefined ? '' : ` at ${bugs}`
  return `This is a bug in ${name}. Please report it${where}${isTraced ? '' : ' with what it prints when ARC_DEBUG=1 is set'}.`
}

/** The error as `--json` prints it. */
export function errorDocument(error: ArcError): object {
  const { code, message, hint, path, retryable, details } = error
  return { error: { code, message, hint, path, retryable, details } }
}
