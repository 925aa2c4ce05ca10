/** Bytes that can be read from any position: a file, memory, a spool. Synchronous, because reading what is at hand never waits. */
export interface RandomBytes {
  readonly sizeBytes: number
  /** Fill `into` from `position`; returns the bytes read, fewer than asked for only at the end. */
  read(into: Uint8Array, position: number): number
}
