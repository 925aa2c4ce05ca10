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
import { type FramePlace, lastAtMost, PackFrames } from './pack-frames.ts'
import { asBuffer, type VaultObjects } from './vault-objects.ts'
import type { CallOptions } from './store.ts'

const MAX_HEADER_BYTES = 256 * 1024 * 1024
/** Most indexes are small: one read brings them whole. */
const FIRST_READ_BYTES = 256 * 1024

/** Packs whose footers are kept decoded. An index with more of them has few chunks in each: quickly decoded again. */
const MAX_DECODED_PACKS = 256

/** Where a chunk is. */
export interface ChunkPlace {
  /** Names the frame within an index: equal numbers, equal frames. */
  readonly frameNumber: number
  readonly frame: FramePlace
  /** In the frame's plaintext. */
  readonly start: number
  readonly sizeBytes: number
}

/**
 * One index object: its header in memory, its pages where they are until somebody asks. Of a pack there is no more in memory than the
 * header says, some few bytes a frame and chunk; it is decoded when the place of one of its chunks is wanted.
 */
export class IndexPart {
  readonly key: string
  readonly header: IndexHeader
  readonly chunkCount: number
  readonly frameCount: number
  /** The first chunk of each pack. */
  readonly #packChunks: Uint32Array
  /** The first frame of each pack. */
  readonly #packFrames: Uint32Array
  /** The one used longest ago first. */
  readonly #decoded = new Map<number, PackFrames>()
  /** The beginning of the object, when it was all read at once. */
  #whole: Buffer | undefined

  /** Throws `ARC_VAULT_DAMAGED` when a footer is not what it should be. */
  constructor(key: string, header: IndexHeader, whole?: Buffer) {
    this.key = key
    this.header = header
    this.#whole = whole
    this.#packChunks = new Uint32Array(header.packs.count)
    this.#packFrames = new Uint32Array(header.packs.count)
    let chunks = 0
    let frames = 0
    for (let pack = 0; pack < header.packs.count; pack++) {
      this.#packChunks[pack] = chunks
      this.#packFrames[pack] = frames
      const { chunkCount, frameCount } = this.#decode(pack)
      chunks += chunkCount
      frames += frameCount
    }
    this.chunkCount = chunks
    this.frameCount = frames
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

  packOf(chunk: number): number {
    return lastAtMost(this.#packChunks, chunk)
  }

  /** How many chunks are in a pack. */
  chunksInPack(pack: number): number {
    return (this.#packChunks[pack + 1] ?? this.chunkCount) - (this.#packChunks[pack] as number)
  }

  /** Where the chunk with this number is. */
  place(chunk: number): ChunkPlace {
    const pack = this.packOf(chunk)
    const frames = this.#framesOf(pack)
    const own = chunk - (this.#packChunks[pack] as number)
    const frame = frames.frameOf(own)
    return {
      frameNumber: (this.#packFrames[pack] as number) + frame,
      frame: frames.place(frame),
      ...frames.rangeInFrame(own, frame),
    }
  }

  /** Every frame, in order. */
  *frames(): Generator<FramePlace, void, void> {
    for (let pack = 0; pack < this.header.packs.count; pack++) {
      const frames = this.#decode(pack)
      for (let frame = 0; frame < frames.frameCount; frame++) yield frames.place(frame)
    }
  }

  #framesOf(pack: number): PackFrames {
    const known = this.#decoded.get(pack)
    if (known !== undefined && this.#decoded.size < MAX_DECODED_PACKS) return known
    this.#decoded.delete(pack)
    const frames = known ?? this.#decode(pack)
    const [oldest] = this.#decoded.keys()
    if (oldest !== undefined && this.#decoded.size === MAX_DECODED_PACKS) this.#decoded.delete(oldest)
    this.#decoded.set(pack, frames)
    return frames
  }

  #decode(pack: number): PackFrames {
    const { id, footer } = this.header.packs.at(pack)
    return new PackFrames(id, footer, this.key)
  }
}
