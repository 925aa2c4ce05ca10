import { ArcError } from '@arc/core'
import { type DumpInput, readFrom } from './dump-input.ts'
import type { Platform } from './platform.ts'

const LF = 0x0a

/** A document that is read through a window, so that a document of any size is searched in constant memory. */
export class FileWindow {
  readonly sizeBytes: number
  /** What is in the window: the bytes `[start, end)` of the document. What lies behind those means nothing. */
  readonly bytes: Uint8Array
  readonly platform: Platform
  readonly #input: DumpInput
  #start = 0
  #end = 0

  /** The window holds `windowBytes`: what must be seen at once may not be longer. */
  constructor(input: DumpInput, windowBytes: number) {
    this.#input = input
    this.sizeBytes = input.sizeBytes
    this.platform = input.platform
    this.bytes = input.platform.allocate(Math.min(windowBytes, input.sizeBytes))
  }

  get start(): number {
    return this.#start
  }

  get end(): number {
    return this.#end
  }

  /** The bytes `[start, end)` of the document, valid until the next call; shorter at its end. */
  view(start: number, end: number): Uint8Array {
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
  find(bytes: Uint8Array, start: number, maxBytes: number): number {
    const at = this.platform.indexOf(this.view(start, start + maxBytes), bytes, 0)
    return at < 0 ? -1 : start + at
  }

  /** The line that begins at `start`, without its LF; `undefined` when it has none or is longer than `maxBytes`. */
  line(start: number, maxBytes: number): Uint8Array | undefined {
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
    if (filled < end - start) readFrom(this.#input, this.bytes.subarray(filled, end - start), start + filled)
    this.#start = start
    this.#end = end
  }
}

/** Whether two byte strings are the same; for short ones. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}
