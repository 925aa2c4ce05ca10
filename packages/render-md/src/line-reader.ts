import { assertWithin } from '@arc/core'
import { type DumpInput, readFrom } from './dump-input.ts'

const PIECE_BYTES = 4 * 1024 * 1024
const LF = 0x0a

/** A line of a document; its bytes are valid until the next one is asked for. */
export class Line {
  /** Where it begins, and where the next one does. */
  readonly at: number
  readonly end: number
  /** Without the LF. */
  readonly bytes: Uint8Array

  constructor(at: number, bytes: Uint8Array) {
    this.at = at
    this.bytes = bytes
    this.end = at + bytes.length + 1
  }
}

/**
 * The lines of a document, each ended by LF; bytes after the last LF are no line. `undefined` in between: a long line goes on. Memory: the
 * longest line, at most `maxLineBytes`.
 */
export function* readLines(input: DumpInput, maxLineBytes: number): Generator<Line | undefined, void, void> {
  const { platform } = input
  let buffer = platform.allocate(Math.min(PIECE_BYTES, input.sizeBytes))
  let used = 0 // bytes of a line that has not ended yet
  let lineAt = 0
  for (let at = 0; at < input.sizeBytes;) {
    if (used === buffer.length) {
      assertWithin('bytes in one line', used, maxLineBytes)
      const larger = platform.allocate(buffer.length * 2)
      larger.set(buffer)
      buffer = larger
      yield undefined
    }
    const filled = Math.min(buffer.length, used + input.sizeBytes - at)
    readFrom(input, buffer.subarray(used, filled), at)
    at += filled - used
    let start = 0
    for (let end = buffer.indexOf(LF, used); end >= 0 && end < filled; end = buffer.indexOf(LF, start)) {
      yield new Line(lineAt, buffer.subarray(start, end))
      lineAt += end + 1 - start
      start = end + 1
    }
    buffer.copyWithin(0, start, filled)
    used = filled - start
  }
}
