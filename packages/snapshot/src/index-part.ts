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
  readonly #chunkBytes: Uint32Array
  /** The first chunk of each frame, and one more for the end of the last. */
  readonly #frameFirst: Uint32Array
  readonly #framePack: Uint32Array
  readonly #frameStart: Uint32Array
  readonly #frameSealed: Uint32Array
  readonly #framePlain: Uint32Array
  /** The beginning of the object, when it was all read at once. */
  #whole: Buffer | undefined

  constructor(key: string, header: IndexHeader, whole?: Buffer) {
    this.key = key
    this.header = header
    this.#whole = whole
    const footers = header.packs.map((pack) => decodeFooter(pack.footer, key))
    this.#kinds = footers.map(({ kind }) => kind)
    const frames = footers.flatMap(({ frames: own }, pack) => own.map((facts) => ({ facts, pack })))
    this.chunkCount = frames.reduce((sum, { facts }) => sum + facts.chunkBytes.length, 0)
    this.#chunkBytes = new Uint32Array(this.chunkCount)
    this.#frameFirst = new Uint32Array(frames.length + 1)
    this.#framePack = new Uint32Array(frames.length)
    this.#frameStart = new Uint32Array(frames.length)
    this.#frameSealed = new Uint32Array(frames.length)
    this.#framePlain = new Uint32Array(frames.length)
    let chunk = 0
    let start = 0
    let lastPack = -1
    for (const [i, { facts, pack }] of frames.entries()) {
      if (pack !== lastPack) start = 0
      lastPack = pack
      this.#framePack[i] = pack
      this.#frameStart[i] = start
      this.#frameSealed[i] = facts.sealedBytes
      this.#framePlain[i] = facts.plainBytes
      this.#chunkBytes.set(facts.chunkBytes, chunk)
      start += facts.sealedBytes
      chunk += facts.chunkBytes.length
      this.#frameFirst[i + 1] = chunk
    }
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

  frameOf(chunk: number): number {
    let low = 0
    let high = this.#framePack.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#frameFirst[middle + 1] as number) <= chunk) low = middle + 1
      else high = middle
    }
    return low
  }

  packOf(chunk: number): number {
    return this.#framePack[this.frameOf(chunk)] as number
  }

  frame(frame: number): FramePlace {
    const pack = this.#framePack[frame] as number
    return {
      packId: (this.header.packs[pack] as { id: string }).id,
      kind: this.#kinds[pack] as PackKind,
      start: this.#frameStart[frame] as number,
      sealedBytes: this.#frameSealed[frame] as number,
      plainBytes: this.#framePlain[frame] as number,
    }
  }

  /** How many chunks are in a pack. */
  chunksInPack(pack: number): number {
    let count = 0
    for (const [frame, own] of this.#framePack.entries()) {
      if (own === pack) count += (this.#frameFirst[frame + 1] as number) - (this.#frameFirst[frame] as number)
    }
    return count
  }

  get frameCount(): number {
    return this.#framePack.length
  }

  /** The numbers of a frame's chunks, as the half-open range `[first, end)`. */
  chunksOf(frame: number): { first: number; end: number } {
    return { first: this.#frameFirst[frame] as number, end: this.#frameFirst[frame + 1] as number }
  }

  chunkBytes(chunk: number): number {
    return this.#chunkBytes[chunk] as number
  }

  /** Where a chunk begins in its frame's plaintext. */
  startInFrame(chunk: number, frame: number): number {
    let start = 0
    for (let before = this.#frameFirst[frame] as number; before < chunk; before++) start += this.chunkBytes(before)
    return start
  }
}
