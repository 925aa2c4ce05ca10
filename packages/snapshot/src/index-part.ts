import { ID_BYTES } from './chunk-id.ts'
import { damaged } from './problems.ts'
import {
  decodeIndexHeader,
  ENTRY_BYTES,
  findInPage,
  type IndexHeader,
  indexHeaderBytes,
  type IndexPage,
  PREFIX_BYTES,
} from './index-format.ts'
import { decodeFooter, type PackKind } from './pack-footer.ts'
import { asBuffer, type VaultObjects } from './vault-objects.ts'
import type { CallOptions } from './store.ts'

const MAX_HEADER_BYTES = 256 * 1024 * 1024
/** Places in packs are kept as numbers of 32 bits. */
const MAX_PACK_BYTES = 2 ** 32 - 1
/** Most indexes are small: one read brings them whole. */
const FIRST_READ_BYTES = 256 * 1024

/** A frame in its pack. */
export interface FramePlace {
  readonly packId: string
  readonly kind: PackKind
  /** In the pack. */
  readonly start: number
  readonly sealedBytes: number
  readonly plainBytes: number
}

/** One index object: its header in memory, its pages where they are until somebody asks. */
export class IndexPart {
  readonly key: string
  readonly header: IndexHeader
  readonly chunkCount: number
  readonly #kinds: readonly PackKind[]
  /** Where each chunk begins in its frame's plaintext. */
  readonly #chunkStart: Uint32Array
  /** The first chunk of each frame, and one more for the end of the last. */
  readonly #frameFirst: Uint32Array
  /** The first frame of each pack. */
  readonly #packFrames: Uint32Array
  /** Where each frame begins in its pack. */
  readonly #frameStart: Uint32Array
  readonly #frameSealed: Uint32Array
  readonly #framePlain: Uint32Array
  /** The beginning of the object, when it was all read at once. */
  #whole: Buffer | undefined

  constructor(key: string, header: IndexHeader, whole?: Buffer) {
    this.key = key
    this.header = header
    this.#whole = whole
    const kinds: PackKind[] = []
    // Columns: an object for each of millions of frames, if only for a moment, would take hundreds of megabytes.
    const chunkStart = new NumberColumn()
    const frameFirst = new NumberColumn()
    const packFrames = new NumberColumn()
    const frameStart = new NumberColumn()
    const frameSealed = new NumberColumn()
    const framePlain = new NumberColumn()
    for (const { footer } of header.packs) {
      const { kind, frames } = decodeFooter(footer, key)
      kinds.push(kind)
      packFrames.push(frameSealed.length)
      let packBytes = 0
      for (const facts of frames) {
        frameFirst.push(chunkStart.length)
        frameStart.push(packBytes)
        frameSealed.push(facts.sealedBytes)
        packBytes += facts.sealedBytes
        if (packBytes > MAX_PACK_BYTES) throw damaged(key, 'the frames of a pack are too large')
        framePlain.push(facts.plainBytes)
        let start = 0
        for (const size of facts.chunkBytes) {
          chunkStart.push(start)
          start += size
        }
      }
    }
    frameFirst.push(chunkStart.length)
    this.chunkCount = chunkStart.length
    this.#kinds = kinds
    this.#chunkStart = chunkStart.values()
    this.#frameFirst = frameFirst.values()
    this.#packFrames = packFrames.values()
    this.#frameStart = frameStart.values()
    this.#frameSealed = frameSealed.values()
    this.#framePlain = framePlain.values()
  }

  static async load(objects: VaultObjects, key: string, options: CallOptions = {}): Promise<IndexPart> {
    let bytes = await objects.readRange(key, 0, FIRST_READ_BYTES, options)
    const isWhole = bytes.length < FIRST_READ_BYTES
    const end = PREFIX_BYTES + indexHeaderBytes(bytes.subarray(0, PREFIX_BYTES), key)
    if (end > MAX_HEADER_BYTES) throw damaged(key, 'its header is too large')
    if (end > bytes.length && !isWhole) bytes = await objects.readRange(key, 0, end, options)
    if (end > bytes.length) throw damaged(key, 'it ends too early')
    const header = decodeIndexHeader(objects.unseal('index', bytes.subarray(PREFIX_BYTES, end)), end, key)
    return new IndexPart(key, header, isWhole ? bytes : undefined)
  }

  /** The entries of a page, sorted. */
  async readPage(objects: VaultObjects, page: number, options: CallOptions = {}): Promise<Buffer> {
    const { start, sealedBytes } = this.header.pages[page] as IndexPage
    const sealed =
      this.#whole === undefined
        ? await objects.readRange(this.key, start, start + sealedBytes, options)
        : this.#whole.subarray(start, start + sealedBytes)
    if (sealed.length !== sealedBytes) throw damaged(this.key, 'it ends too early')
    const plain = objects.unseal('index', sealed)
    if (plain.length % ENTRY_BYTES !== 0) throw damaged(this.key, 'a page is cut off')
    return plain
  }

  /** Let go of bytes that are kept only until their pages were read. */
  dropBytes(): void {
    this.#whole = undefined
  }

  /** The page that would hold a name, or -1. */
  pageFor(id: Uint8Array): number {
    const wanted = asBuffer(id)
    const { pages } = this.header
    let low = 0
    let high = pages.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((pages[middle] as IndexPage).firstId.compare(wanted) <= 0) low = middle + 1
      else high = middle
    }
    return low - 1
  }

  /** The number of a name's chunk, or -1. */
  findIn(page: Buffer, id: Uint8Array): number {
    const chunk = findInPage(page, id)
    if (chunk >= this.chunkCount) throw damaged(this.key, 'it names a chunk that no pack has')
    return chunk
  }

  /** The number of the chunk whose entry begins at `at` in a page. */
  chunkAt(page: Buffer, at: number): number {
    const chunk = page.readUInt32LE(at + ID_BYTES)
    if (chunk >= this.chunkCount) throw damaged(this.key, 'it names a chunk that no pack has')
    return chunk
  }

  frameOf(chunk: number): number {
    return lastAtMost(this.#frameFirst, this.frameCount, chunk)
  }

  packOf(chunk: number): number {
    return this.#packOfFrame(this.frameOf(chunk))
  }

  frame(frame: number): FramePlace {
    const pack = this.#packOfFrame(frame)
    return {
      packId: this.header.packs.idAt(pack),
      kind: this.#kinds[pack] as PackKind,
      start: this.#frameStart[frame] as number,
      sealedBytes: this.#frameSealed[frame] as number,
      plainBytes: this.#framePlain[frame] as number,
    }
  }

  /** How many chunks are in a pack. */
  chunksInPack(pack: number): number {
    const endFrame = this.#packFrames[pack + 1] ?? this.frameCount
    return (this.#frameFirst[endFrame] as number) - (this.#frameFirst[this.#packFrames[pack] as number] as number)
  }

  get frameCount(): number {
    return this.#frameSealed.length
  }

  #packOfFrame(frame: number): number {
    return lastAtMost(this.#packFrames, this.#packFrames.length, frame)
  }

  /** The numbers of a frame's chunks, as the half-open range `[first, end)`. */
  chunksOf(frame: number): { first: number; end: number } {
    return { first: this.#frameFirst[frame] as number, end: this.#frameFirst[frame + 1] as number }
  }

  /** Where a chunk is in its frame's plaintext. */
  rangeInFrame(chunk: number, frame: number): { start: number; sizeBytes: number } {
    const start = this.#chunkStart[chunk] as number
    const isLast = chunk + 1 === this.#frameFirst[frame + 1]
    const end = (isLast ? this.#framePlain[frame] : this.#chunkStart[chunk + 1]) as number
    return { start, sizeBytes: end - start }
  }
}

/** Where the last of the first `count` numbers, which ascend, is that is at most `value`; -1 when there is none. */
function lastAtMost(numbers: Uint32Array, count: number, value: number): number {
  let low = 0
  let high = count
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((numbers[middle] as number) <= value) low = middle + 1
    else high = middle
  }
  return low - 1
}

/** Whole numbers below 2^32, as many as come. */
class NumberColumn {
  length = 0
  #values = new Uint32Array(64)

  push(value: number): void {
    if (this.length === this.#values.length) {
      const larger = new Uint32Array(this.length * 2)
      larger.set(this.#values)
      this.#values = larger
    }
    this.#values[this.length++] = value
  }

  /** All of them, in memory of just that size. */
  values(): Uint32Array {
    return this.#values.slice(0, this.length)
  }
}
