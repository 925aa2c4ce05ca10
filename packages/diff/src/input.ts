import { types } from 'node:util'
import { ArcError } from '@arc/core'

/** Throws `ARC_DIFF_INPUT_INVALID` for what is neither text nor bytes: it might compare as equal. */
export function assertContent(value: unknown): void {
  if (typeof value === 'string') return
  assertBytes(value, 'neither text nor bytes')
}

/** Throws `ARC_DIFF_INPUT_INVALID` for what are no bytes. */
export function assertBytes(value: unknown, reason: string = 'no bytes'): void {
  if (types.isUint8Array(value)) return
  const kind = value === null ? 'null' : typeof value
  throw new ArcError('ARC_DIFF_INPUT_INVALID', `what is to be compared is ${reason}, but ${kind}`, {
    hint: 'Give both contents.',
  })
}
