import { decodeFooter, type PackKind } from './pack-footer.ts'
import { damaged } from './problems.ts'

/** Places in packs are kept as numbers of 32 bits. */
const MAX_PACK_BYTES = 2 ** 32 - 1

/** A frame in its pack. */
export interface FramePlace {
  readonly packId: string
  readonly kind: PackKind
  /** In the pack. */
  readonly start: number
  readonly sealedBytes: number
  readonly plainBytes: number
}

/** What the footer of one pack tells, in columns: frames and chunks are counted from 0 in the order of the pack. */
export class PackFrames {
  readonly chunkCount: number
  readonly frameCount: number
  readonly #packId: string
  readonly #kind: PackKind
  /** The first chunk of each frame. */
  readonly #frameFirst: Uint32Array
  /** Where each frame begins in the pack, and where the last one ends. */
  readonly #frameStart: Uint32Array
  readonly #framePlain: Uint32Array
  /** Where each chunk begins in its frame's plaintext. */
  readonly #chunkStart: Uint32Array

  /** `object` is what messages call it. Throws `ARC_VAULT_DAMAGED`. */
  constructor(packId: string, footer: Uint8Array, object: string) {
    const { kind, frames } = decodeFooter(footer, object)
    this.#packId = packId
    this.#kind = kind
    this.frameCount = frames.length
    this.chunkCount = frames.reduce((sum, { chunkBytes }) => sum + chunkBytes.length, 0)
    this.#frameFirst = new Uint32Array(frames.length)
    this.#frameStart = new Uint32Array(frames.length + 1)
    this.#framePlain = new Uint32Array(frames.length)
    this.#chunkStart = new Uint32Array(this.chunkCount)
    let packBytes = 0
    let chunk = 0
    for (const [frame, { sealedBytes, plainBytes, chunkBytes }] of frames.entries()) {
      this.#frameFirst[frame] = chunk
      this.#framePlain[frame] = plainBytes
      packBytes += sealedBytes
      if (packBytes > MAX_PACK_BYTES) throw damaged(object, 'the frames of a pack are too large')
      this.#frameStart[frame + 1] = packBytes
      let start = 0
      for (const size of chunkBytes) {
        this.#chunkStart[chunk++] = start
        start += size
      }
    }
  }

  frameOf(chunk: number): number {
    return lastAtMost(this.#frameFirst, chunk)
  }

  place(frame: number): FramePlace {
    const start = this.#frameStart[frame] as number
    return {
      packId: this.#packId,
      kind: this.#kind,
      start,
      sealedBytes: (this.#frameStart[frame + 1] as number) - start,
      plainBytes: this.#framePlain[frame] as number,
    }
  }

  /** Where a chunk is in its frame's plaintext. */
  rangeInFrame(chunk: number, frame: number): { start: number; sizeBytes: number } {
    const start = this.#chunkStart[chunk] as number
    const isLast = chunk + 1 === (this.#frameFirst[frame + 1] ?? this.chunkCount)
    const end = (isLast ? this.#framePlain[frame] : this.#chunkStart[chunk + 1]) as number
    return { start, sizeBytes: end - start }
  }
}

/** Where the last of numbers, which ascend, is that is at most `value`; -1 when there is none. */
export function lastAtMost(numbers: Uint32Array, value: number): number {
  let low = 0
  let high = numbers.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((numbers[middle] as number) <= value) low = middle + 1
    else high = middle
  }
  return low - 1
}
