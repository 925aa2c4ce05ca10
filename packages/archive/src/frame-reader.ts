import type { RandomBytes } from '@arc/core'
import { inputPieces } from './archive-input.ts'
import { ByteFeed } from './byte-feed.ts'
import type { Codecs } from './codecs.ts'
import { damaged } from './problems.ts'
import { unzstd } from './zstd-frames.ts'
import type { SeekFrame } from './zstd-seek-table.ts'

/** Reads ranges of the content of independent frames; keeps the one it decompressed last. */
export class FrameReader {
  readonly contentBytes: number
  readonly #input: RandomBytes
  readonly #codecs: Codecs
  readonly #frames: readonly SeekFrame[]
  /** Where the content of each frame starts, and where its compressed bytes do. */
  readonly #contentStarts: Float64Array
  readonly #starts: Float64Array
  #kept: { index: number; content: Uint8Array } | undefined

  constructor(input: RandomBytes, codecs: Codecs, frames: readonly SeekFrame[]) {
    this.#input = input
    this.#codecs = codecs
    this.#frames = frames
    this.#contentStarts = new Float64Array(frames.length)
    this.#starts = new Float64Array(frames.length)
    let content = 0
    let start = 0
    frames.forEach((frame, i) => {
      this.#contentStarts[i] = content
      this.#starts[i] = start
      content += frame.contentBytes
      start += frame.compressedBytes
    })
    this.contentBytes = content
  }

  /** Exactly `count` bytes from `position`. */
  async read(position: number, count: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(count)
    let at = 0
    for await (const piece of this.stream(position, count)) {
      bytes.set(piece, at)
      at += piece.length
    }
    return bytes
  }

  /** Exactly `count` bytes from `position`, in pieces. */
  async *stream(position: number, count: number): AsyncGenerator<Uint8Array, void, void> {
    if (position + count > this.contentBytes) throw damaged('it is cut off')
    let index = this.#frameAt(position)
    for (let at = position, left = count; left > 0; index++) {
      const content = await this.#content(index)
      const from = at - (this.#contentStarts[index] as number)
      const piece = content.subarray(from, from + left)
      at += piece.length
      left -= piece.length
      yield piece
    }
  }

  #frameAt(position: number): number {
    let [low, high] = [0, this.#frames.length - 1]
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if ((this.#contentStarts[middle] as number) <= position) low = middle
      else high = middle - 1
    }
    return low
  }

  async #content(index: number): Promise<Uint8Array> {
    if (this.#kept?.index === index) return this.#kept.content
    const start = this.#starts[index] as number
    const { compressedBytes, contentBytes } = this.#frames[index] as SeekFrame
    // Through the walker, so that a frame is exactly one whole frame here too.
    const feed = new ByteFeed(inputPieces(this.#input, start, start + compressedBytes))
    const content = new Uint8Array(contentBytes)
    let at = 0
    for await (const piece of unzstd(feed, this.#codecs)) {
      if (at + piece.length > contentBytes) throw damaged('its seek table does not fit the archive')
      content.set(piece, at)
      at += piece.length
    }
    if (at !== contentBytes) throw damaged('its seek table does not fit the archive')
    this.#kept = { index, content }
    return content
  }
}
