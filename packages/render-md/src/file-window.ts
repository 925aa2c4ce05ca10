import { readSync } from 'node:fs'
import { ArcError } from '@arc/core'

const LF = 0x0a

/** A file that is read through a window, so that a document of any size is searched in constant memory. */
export class FileWindow {
  readonly sizeBytes: number
  /** What is in the window: the bytes `[start, end)` of the file. What lies behind those means nothing. */
  readonly bytes: Buffer
  readonly #fd: number
  #start = 0
  #end = 0

  /** The window holds `windowBytes`: what must be seen at once may not be longer. */
  constructor(fd: number, sizeBytes: number, windowBytes: number) {
    this.#fd = fd
    this.sizeBytes = sizeBytes
    this.bytes = Buffer.allocUnsafeSlow(Math.min(windowBytes, sizeBytes))
  }

  get start(): number {
    return this.#start
  }

  get end(): number {
    return this.#end
  }

  /** The bytes `[start, end)` of the file, valid until the next call; shorter at the end of the file. */
  view(start: number, end: number): Buffer {
    const stop = Math.min(end, this.sizeBytes)
    if (start < this.#start || stop > this.#end) {
      if (stop - start > this.bytes.length) {
        throw new ArcError('ARC_LIMIT_EXCEEDED', `a part of the document is longer than ${this.bytes.length} bytes`)
      }
      this.load(start)
    }
    return this.bytes.subarray(start - this.#start, stop - this.#start)
  }

  /** Where `bytes` first occurs at or after `start` and wholly before `start + maxBytes`, or -1. */
  find(bytes: Buffer, start: number, maxBytes: number): number {
    const at = this.view(start, start + maxBytes).indexOf(bytes)
    return at < 0 ? -1 : start + at
  }

  /** The line that begins at `start`, without its LF; `undefined` when it has none or is longer than `maxBytes`. */
  line(start: number, maxBytes: number): Buffer | undefined {
    const all = this.view(start, start + maxBytes)
    const end = all.indexOf(LF)
    return end < 0 ? undefined : all.subarray(0, end)
  }

  /** Move the window to `start` and fill it, or only the first `maxBytes` of it. */
  load(start: number, maxBytes: number = this.bytes.length): void {
    const end = Math.min(start + Math.min(maxBytes, this.bytes.length), this.sizeBytes)
    let filled = 0
    if (start >= this.#start && start < this.#end) {
      this.bytes.copyWithin(0, start - this.#start, this.#end - this.#start)
      filled = Math.min(this.#end, end) - start
    }
    while (filled < end - start) {
      const count = readSync(this.#fd, this.bytes, filled, end - start - filled, start + filled)
      if (count === 0) throw new ArcError('ARC_DUMP_DAMAGED', 'the document became shorter while it was read')
      filled += count
    }
    this.#start = start
    this.#end = end
  }
}
