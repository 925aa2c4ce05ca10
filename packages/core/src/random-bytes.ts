import type { SyncContent } from './entry.ts'

/** Bytes that can be read from any position: a file, memory, a spool. Synchronous, because reading what is at hand never waits. */
export interface RandomBytes {
  readonly sizeBytes: number
  /** Fill `into` from `position`; returns the bytes read, fewer than asked for only at the end. */
  read(into: Uint8Array, position: number): number
}

/** The bytes `[start, end)` as content, as long as they can be read. */
export function randomContent(bytes: RandomBytes, start = 0, end: number = bytes.sizeBytes): SyncContent {
  return {
    kind: 'sync',
    open() {
      let at = start
      return {
        read(into) {
          const count = bytes.read(into.subarray(0, end - at), at)
          at += count
          return count
        },
        close() {},
      }
    },
  }
}
