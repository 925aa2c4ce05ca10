import { ArcError, type RandomBytes } from '@arc/core'
import type { Platform } from './platform.ts'

/** A document, and the platform it is read on. */
export interface DumpInput extends RandomBytes, Disposable {
  readonly platform: Platform
}

/** Fill `into` with bytes that the document must have. */
export function readFrom(input: RandomBytes, into: Uint8Array, position: number): void {
  if (input.read(into, position) < into.length)
    throw new ArcError('ARC_DUMP_DAMAGED', 'the document became shorter while it was read')
}
