import type { ChunkIndex } from './chunk-index.ts'
import { ID_BYTES } from './chunk-id.ts'
import { compressFrame, FRAME_BYTES, MAX_FRAME_BYTES } from './frame.ts'
import { IdTable } from './id-table.ts'
import type { NamedPack } from './index-format.ts'
import { IndexWriter } from './index-writer.ts'
import { PackWriter, type SealedFrame } from './pack-writer.ts'
import type { PackKind } from './pack-footer.ts'
import { release } from './release.ts'
import { packKey, type VaultObjects } from './vault-objects.ts'
import type { CallOptions } from './store.ts'

/** Gathers chunks until they make a frame. */
export class FrameBuilder {
  readonly #plain = Buffer.allocUnsafeSlow(MAX_FRAME_BYTES)
  readonly #objectsSeal: (plaintext: Uint8Array) => Uint8Array
  readonly #level: number
  #used = 0
  #chunkBytes: number[] = []
  #ids: Uint8Array[] = []

  constructor(level: number, seal: (plaintext: Uint8Array) => Uint8Array) {
    this.#level = level
    this.#objectsSeal = seal
  }

  get isEmpty(): boolean {
    return this.#used === 0
  }

  get isFull(): boolean {
    return this.#used >= FRAME_BYTES
  }

  add(id: Uint8Array, bytes: Uint8Array): void {
    this.#plain.set(bytes, this.#used)
    this.#used += bytes.length
    this.#chunkBytes.push(bytes.length)
    this.#ids.push(id)
  }

  /** The frame of all chunks since the last one. */
  build(): SealedFrame {
    const compressed = compressFrame(this.#plain.subarray(0, this.#used), this.#level)
    const sealed = this.#objectsSeal(compressed)
    if (sealed !== compressed) release(compressed)
    const facts = { sealedBytes: sealed.length, plainBytes: this.#used, chunkBytes: this.#chunkBytes }
    const ids = Buffer.concat(this.#ids, this.#ids.length * ID_BYTES)
    this.#used = 0
    this.#chunkBytes = []
    this.#ids = []
    return { sealed, facts, ids }
  }
}

/** What the vault got from a writer. */
export interface WrittenTotals {
  /** Bytes of chunks that were not there, before compression. */
  newBytes: number
  /** Bytes of packs and indexes. */
  storedBytes: number
}

/** How one writer stores chunks. */
export interface ChunkWriterOptions extends CallOptions {
  compressionLevel: number
  /** What the vault has already; asked for only when a chunk is not known otherwise. */
  index: () => ChunkIndex | Promise<ChunkIndex>
}

/** Stores chunks: each once, in frames, in packs, in an index. */
export class ChunkWriter {
  readonly #objects: VaultObjects
  readonly totals: WrittenTotals = { newBytes: 0, storedBytes: 0 }
  /** Packs that what was put relies on: those that were there, and those written since. */
  readonly usedPacks: Set<string> = new Set()
  /** Those of them that were written since. */
  readonly ownPacks: Set<string> = new Set()
  readonly #options: ChunkWriterOptions
  readonly #written = new IdTable()
  readonly #frames: Readonly<Record<PackKind, FrameBuilder>>
  readonly #packWriter: PackWriter
  readonly #indexWriter: IndexWriter
  #index: ChunkIndex | undefined

  constructor(objects: VaultObjects, options: ChunkWriterOptions) {
    this.#objects = objects
    this.#options = options
    const frame = (): FrameBuilder =>
      new FrameBuilder(options.compressionLevel, (plaintext) => objects.seal('frame', plaintext))
    this.#frames = { data: frame(), tree: frame() }
    this.#indexWriter = new IndexWriter(objects, options)
    this.#packWriter = new PackWriter(objects, (pack) => this.#onPack(pack), options)
  }

  /** Store a chunk unless it is there. A promise only when something must be waited for; `bytes` must stay until then. */
  put(kind: PackKind, id: Uint8Array, bytes: Uint8Array): void | Promise<void> {
    if (this.#written.has(id)) return
    const index = this.#index
    if (index === undefined) return this.index().then(() => this.put(kind, id, bytes))
    const found = index.find(id)
    if (typeof found === 'number') return this.#putUnlessFound(index, found, kind, id, bytes)
    return found.then((chunk) => this.#putUnlessFound(index, chunk, kind, id, bytes))
  }

  /** Whether a chunk is stored, by this writer or before; if before, its pack counts as used. */
  has(id: Uint8Array): boolean | Promise<boolean> {
    if (this.#written.has(id)) return true
    const index = this.#index
    if (index === undefined) return this.index().then(() => this.has(id))
    const found = index.find(id)
    return typeof found === 'number' ? this.#use(index, found) : found.then((chunk) => this.#use(index, chunk))
  }

  #use(index: ChunkIndex, chunk: number): boolean {
    if (chunk >= 0) this.usedPacks.add(index.place(chunk).frame.packId)
    return chunk >= 0
  }

  /** Take a frame that was built elsewhere, from chunks that were not there. A promise only when packs must be waited for. */
  addFrame(kind: PackKind, frame: SealedFrame): Promise<void> | undefined {
    const { ids, facts } = frame
    for (let at = 0; at < ids.length; at += ID_BYTES) this.#written.add(ids.subarray(at, at + ID_BYTES), 0)
    this.totals.newBytes += facts.plainBytes
    return this.#packWriter.add(kind, frame)
  }

  /** Wait until every pack so far is written. Throws what a write threw. */
  written(): Promise<void> {
    return this.#packWriter.written()
  }

  /** Write what is not full yet, then the index. Afterwards every chunk that was put is in the vault for good. */
  async finish(): Promise<void> {
    for (const kind of ['data', 'tree'] as const) {
      if (!this.#frames[kind].isEmpty) void this.#packWriter.add(kind, this.#frames[kind].build())
    }
    await this.#packWriter.finish()
    await this.#indexWriter.flush()
    this.totals.storedBytes += this.#indexWriter.writtenBytes
    this.#indexWriter.writtenBytes = 0
  }

  /** After a failure: remove the packs that nobody will ever find, as far as that is still possible. A disk may be full of them. */
  async abandon(): Promise<void> {
    await this.#packWriter.written().catch(() => undefined)
    for (const id of this.#indexWriter.unindexed) await this.#objects.delete(packKey(id), {}).catch(() => undefined)
  }

  /** What the vault had before. */
  async index(): Promise<ChunkIndex> {
    return (this.#index ??= await this.#options.index())
  }

  #putUnlessFound(
    index: ChunkIndex,
    found: number,
    kind: PackKind,
    id: Uint8Array,
    bytes: Uint8Array,
  ): void | Promise<void> {
    if (this.#use(index, found)) return
    this.#written.add(id, 0)
    this.totals.newBytes += bytes.length
    const frame = this.#frames[kind]
    frame.add(id, bytes)
    if (frame.isFull) return this.#packWriter.add(kind, frame.build())
  }

  #onPack(pack: NamedPack): Promise<void> {
    this.totals.storedBytes += pack.sizeBytes
    this.usedPacks.add(pack.id)
    this.ownPacks.add(pack.id)
    return this.#indexWriter.add(pack)
  }
}
