import { ArcError } from '@arc/core'
import type { ReadRange } from './store.ts'

/** Throws `ARC_OPTION_INVALID` unless a value is an object that has a method of that name: a node, a request. */
export function assertHas(value: unknown, method: string, what: string): void {
  if (typeof value === 'object' && value !== null && method in value) return
  throw new ArcError('ARC_OPTION_INVALID', `what was given is no ${what}`, { hint: `Give a ${what}.` })
}

/** Throws `ARC_OPTION_INVALID` unless options, or facts, are an object. */
export function assertObject(value: unknown, what: string): void {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return
  throw new ArcError('ARC_OPTION_INVALID', `${what} must be given as an object`, { hint: 'See what the method takes.' })
}

/** Throws `ARC_OPTION_INVALID` unless options are an object, and what they share is what it must be. */
export function assertOptions(options: object): void {
  assertObject(options, 'options')
  const { signal, onProgress } = options as Readonly<Record<string, unknown>>
  const isSignal = typeof signal === 'object' && signal !== null && 'aborted' in signal && 'addEventListener' in signal
  if (signal !== undefined && !isSignal)
    throw new ArcError('ARC_OPTION_INVALID', 'signal is no AbortSignal', { hint: 'Give the signal of a controller.' })
  if (onProgress !== undefined && typeof onProgress !== 'function')
    throw new ArcError('ARC_OPTION_INVALID', 'onProgress is no function', { hint: 'Give one that takes the progress.' })
}

/** Throws `ARC_OPTION_INVALID` unless each is `true`, `false` or not given: what reads like a no must not mean yes. */
export function assertFlags(flags: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(flags)) {
    if (value === undefined || typeof value === 'boolean') continue
    throw new ArcError('ARC_OPTION_INVALID', `${name} must be true or false`, { hint: 'Give one of them, or nothing.' })
  }
}

/** Throws `ARC_OPTION_INVALID` for what is no time between these; default: of any length. */
export function assertDuration(
  name: string,
  ms: unknown,
  minMs: number,
  maxMs: number = Number.POSITIVE_INFINITY,
): void {
  if (typeof ms === 'number' && ms >= minMs && ms <= maxMs) return
  throw new ArcError('ARC_OPTION_INVALID', `${name} is ${String(ms)}, which is no time to wait`, {
    hint: `Give a number of milliseconds from ${minMs} to ${maxMs}.`,
  })
}

/** Throws `ARC_OPTION_INVALID` for what is no range of bytes, whatever the place would make of it. */
export function assertRange(range: ReadRange['range']): void {
  if (range === undefined) return
  assertObject(range, 'a range')
  const { start, end = start } = range
  if (Number.isSafeInteger(start) && Number.isSafeInteger(end) && start >= 0 && end >= start) return
  throw new ArcError('ARC_OPTION_INVALID', `there is no range of bytes from ${String(start)} to ${String(range.end)}`, {
    hint: 'Give whole numbers from 0, the end not before the start.',
  })
}
