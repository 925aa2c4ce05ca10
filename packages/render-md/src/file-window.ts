import { readSync } from 'node:fs'
import { ArcError } from '@arc/core'

const LF = 0x0a

/** A file that is read forward through a window, so that a document of any size is searched in constant memory. */
export class FileWindow {
  readonly sizeBytes: number
  readonly #fd: number
  readonly #buffer: Buffer
  /** The part of the file that is in the buffer: `[#start, #end)`. */
  #start = 0
  #end = 0

  /** The window holds `windowBytes`: what must be seen at once may not be longer. */
  constructor(fd: number, sizeBytes: number, windowBytes: number) {
    this.#fd = fd
    this.sizeBytes = sizeBytes
    this.#buffer = Buffer.allocUnsafeSlow(Math.min(windowBytes, sizeBytes))
  }

  /** The bytes `[start, end)` of the file, valid until the next call; shorter at the end of the file. */
  view(start: number, end: number): Buffer {
    const stop = Math.min(end, this.sizeBytes)
    if (start < this.#start || stop > this.#end) this.#load(start, stop)
    return this.#buffer.subarray(start - this.#start, stop - this.#start)
  }

  /** Where `bytes` first occurs at or after `start` and wholly before `start + maxBytes`, or -1. */
  find(bytes: Buffer, start: number, maxBytes: number): number {
    // What is in the window already mostly suffices.
    if (start >= this.#start && start < this.#end) {
      const near = this.#buffer
        .subarray(start - this.#start, Math.min(this.#end, start + maxBytes) - this.#start)
        .indexOf(bytes)
      if (near >= 0) return start + near
    }
    const at = this.view(start, start + maxBytes).indexOf(bytes)
    return at < 0 ? -1 : start + at
  }

  /** The line that begins at `start`, without its LF; `undefined` when it has none or is longer than `maxBytes`. */
  line(start: number, maxBytes: number): Buffer | undefined {
    const near = this.view(
      start,
      Math.max(Math.min(this.#end, start + maxBytes), Math.min(start + 256, this.sizeBytes)),
    )
    const nearEnd = near.indexOf(LF)
    if (nearEnd >= 0) return near.subarray(0, nearEnd)
    const all = this.view(start, start + maxBytes)
    const end = all.indexOf(LF)
    return end < 0 ? undefined : all.subarray(0, end)
  }

  #load(start: number, stop: number): void {
    if (stop - start > this.#buffer.length) {
      throw new ArcError('ARC_LIMIT_EXCEEDED', `a part of the document is longer than ${this.#buffer.length} bytes`)
    }
    const end = Math.min(start + this.#buffer.length, this.sizeBytes)
    let filled = 0
    while (filled < end - start) {
      const count = readSync(this.#fd, this.#buffer, filled, end - start - filled, start + filled)
      if (count === 0) throw new ArcError('ARC_DUMP_DAMAGED', 'the document became shorter while it was read')
      filled += count
    }
    this.#start = start
    this.#end = end
  }
}
