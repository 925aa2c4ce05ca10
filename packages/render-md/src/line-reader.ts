import { readSync } from 'node:fs'
import { ArcError, assertWithin } from '@arc/core'
import type { DumpInput } from './dump-input.ts'

const PIECE_BYTES = 4 * 1024 * 1024
const LF = 0x0a

/** A line of a file; its bytes are valid until the next one is asked for. */
export class Line {
  /** Where it begins, and where the next one does. */
  readonly at: number
  readonly end: number
  /** Without the LF. */
  readonly bytes: Buffer

  constructor(at: number, bytes: Buffer) {
    this.at = at
    this.bytes = bytes
    this.end = at + bytes.length + 1
  }

  text(): string {
    return this.bytes.toString('utf8')
  }
}

/** The lines of a file, each ended by LF; bytes after the last LF are no line. Memory: the longest line, at most `maxLineBytes`. */
export function* readLines(input: DumpInput, maxLineBytes: number): Generator<Line, void, void> {
  let buffer = Buffer.allocUnsafeSlow(Math.min(PIECE_BYTES, input.sizeBytes))
  let used = 0 // bytes of a line that has not ended yet
  let lineAt = 0
  for (let at = 0; at < input.sizeBytes;) {
    if (used === buffer.length) {
      assertWithin('bytes in one line', used, maxLineBytes)
      buffer = Buffer.concat([buffer], buffer.length * 2)
    }
    const count = readSync(input.fd, buffer, used, buffer.length - used, at)
    if (count === 0) throw new ArcError('ARC_DUMP_DAMAGED', 'the document became shorter while it was read')
    at += count
    const filled = used + count
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
