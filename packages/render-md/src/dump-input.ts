import { ArcError } from '@arc/core'
import type { Platform } from './platform.ts'

/** Bytes that can be read from any position. Synchronous, because reading what is at hand never waits. */
export interface RandomBytes {
  readonly sizeBytes: number
  /** Fill `into` from `position`; returns the bytes read, fewer than asked for only at the end. */
  read(into: Uint8Array, position: number): number
}

/** A document, and the platform it is read on. */
export interface DumpInput extends RandomBytes, Disposable {
  readonly platform: Platform
}

/** Fill `into` with bytes that the document must have. */
export function readFrom(input: RandomBytes, into: Uint8Array, position: number): void {
  if (input.read(into, position) < into.length)
    throw new ArcError('ARC_DUMP_DAMAGED', 'the document became shorter while it was read')
}
