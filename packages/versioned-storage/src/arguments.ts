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

/** Throws `ARC_OPTION_INVALID` for what is no range of bytes, whatever the place would make of it. */
export function assertRange(range: ReadRange['range']): void {
  if (range === undefined) return
  const { start, end = start } = range
  if (Number.isSafeInteger(start) && Number.isSafeInteger(end) && start >= 0 && end >= start) return
  throw new ArcError('ARC_OPTION_INVALID', `there is no range of bytes from ${String(start)} to ${String(range.end)}`, {
    hint: 'Give whole numbers from 0, the end not before the start.',
  })
}
