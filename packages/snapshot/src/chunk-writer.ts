import type { ChunkIndex } from './chunk-index.ts'
import { ID_BYTES } from './chunk-id.ts'
import { compressFrame, FRAME_BYTES, MAX_FRAME_BYTES } from './frame.ts'
import { IdTable } from './id-table.ts'
import { IndexWriter } from './index-writer.ts'
import { type BuiltPack, PackBuilder, PackWriter, type SealedFrame } from './pack-writer.ts'
import type { PackKind } from './pack-footer.ts'
import type { VaultObjects } from './vault-objects.ts'
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
    const sealed = this.#objectsSeal(compressFrame(this.#plain.subarray(0, this.#used), this.#level))
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
  readonly totals: WrittenTotals = { newBytes: 0, storedBytes: 0 }
  /** Packs that what was put relies on: those that were there, and those written since. */
  readonly usedPacks: Set<string> = new Set()
  readonly #objects: VaultObjects
  readonly #options: ChunkWriterOptions
  readonly #written = new IdTable()
  readonly #frames: Readonly<Record<PackKind, FrameBuilder>>
  readonly #packs: Readonly<Record<PackKind, PackBuilder>>
  readonly #packWriter: PackWriter
  readonly #indexWriter: IndexWriter
  #index: ChunkIndex | undefined

  constructor(objects: VaultObjects, options: ChunkWriterOptions) {
    this.#objects = objects
    this.#options = options
    const frame = (): FrameBuilder =>
      new FrameBuilder(options.compressionLevel, (plaintext) => objects.seal('frame', plaintext))
    this.#frames = { data: frame(), tree: frame() }
    this.#packs = { data: new PackBuilder('data'), tree: new PackBuilder('tree') }
    this.#indexWriter = new IndexWriter(objects, options)
    this.#packWriter = new PackWriter(objects, (pack) => this.#indexWriter.add(pack), options)
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

  /** Take a pack that was built elsewhere, from chunks that were not there. Resolves once it is written, or has failed. */
  addPack(pack: BuiltPack, newBytes: number): Promise<void> {
    for (let at = 0; at < pack.named.ids.length; at += ID_BYTES)
      this.#written.add(pack.named.ids.subarray(at, at + ID_BYTES), 0)
    this.totals.newBytes += newBytes
    this.#countPack(pack)
    return this.#packWriter.start(pack)
  }

  /** Wait until every pack so far is written. Throws what a write threw. */
  written(): Promise<void> {
    return this.#packWriter.flush()
  }

  /** Write what is not full yet, then the index. Afterwards every chunk that was put is in the vault for good. */
  async finish(): Promise<void> {
    for (const kind of ['data', 'tree'] as const) {
      this.#endFrame(kind)
      if (!this.#packs[kind].isEmpty) await this.#endPack(kind)
    }
    await this.#packWriter.flush()
    await this.#indexWriter.flush()
    this.totals.storedBytes += this.#indexWriter.writtenBytes
    this.#indexWriter.writtenBytes = 0
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
    if (!frame.isFull) return
    this.#endFrame(kind)
    return this.#packs[kind].isFull ? this.#endPack(kind) : undefined
  }

  #endFrame(kind: PackKind): void {
    const frame = this.#frames[kind]
    if (!frame.isEmpty) this.#packs[kind].add(frame.build())
  }

  #endPack(kind: PackKind): Promise<void> | undefined {
    return this.#write(this.#packs[kind].build((footer) => this.#objects.seal('footer', footer)))
  }

  #write(pack: BuiltPack): Promise<void> | undefined {
    this.#countPack(pack)
    return this.#packWriter.write(pack)
  }

  #countPack({ named }: BuiltPack): void {
    this.totals.storedBytes += named.sizeBytes
    this.usedPacks.add(named.id)
  }
}
