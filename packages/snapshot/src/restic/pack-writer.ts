import { sha256Hex, startSha256, takeTurn } from '@arc/core/node'
import type { CallOptions } from '../store.ts'
import { type BlobIndex, encodeIndex, type IndexedPack } from './blob-index.ts'
import { type BlobKind, encodeHeader, LENGTH_BYTES, type PackedBlob } from './pack-header.ts'
import { compress, packKey, type RepositoryFiles } from './repository-files.ts'

/** restic's own size of a pack. */
const PACK_BYTES = 16 * 1024 * 1024
/** restic's own size of an index, about. */
const INDEX_BLOBS = 50_000

/** What was written so far. */
export interface WrittenTotals {
  /** Bytes of new blobs, before compression. */
  newBytes: number
  /** Bytes of packs and indexes. */
  storedBytes: number
  data: number
  tree: number
}

interface OpenPack {
  readonly pieces: Buffer[]
  readonly blobs: PackedBlob[]
  /** Blobs of this pack, which no index has yet. */
  readonly ids: Set<string>
  sizeBytes: number
}

/** Writes what is not in a repository yet: packs first, then the indexes that name them. */
export class ResticPackWriter {
  readonly totals: WrittenTotals = { newBytes: 0, storedBytes: 0, data: 0, tree: 0 }
  readonly #files: RepositoryFiles
  readonly #index: BlobIndex
  readonly #options: CallOptions
  readonly #beforeWrite: () => Promise<void>
  /** Trees lie apart from data, so that reading them all is reading little. */
  readonly #open: Record<BlobKind, OpenPack> = { data: newPack(), tree: newPack() }
  #unlisted: IndexedPack[] = []
  #unlistedBlobs = 0

  /** `beforeWrite` is called before each write. */
  constructor(files: RepositoryFiles, index: BlobIndex, beforeWrite: () => Promise<void>, options: CallOptions) {
    this.#files = files
    this.#index = index
    this.#beforeWrite = beforeWrite
    this.#options = options
  }

  /** Store a blob unless it is there; returns its name. */
  async put(kind: BlobKind, plain: Uint8Array): Promise<string> {
    await takeTurn(this.#options.signal)
    const id = sha256Hex(plain)
    const pack = this.#open[kind]
    if (pack.ids.has(id) || this.#index.has(kind, id)) return id
    const sealed = this.#sealed(kind, plain)
    pack.blobs.push({
      kind,
      id,
      start: pack.sizeBytes,
      sealedBytes: sealed.bytes.length,
      plainBytes: sealed.plainBytes,
    })
    pack.pieces.push(sealed.bytes)
    pack.ids.add(id)
    pack.sizeBytes += sealed.bytes.length
    this.totals.newBytes += plain.length
    this.totals[kind]++
    if (pack.sizeBytes >= PACK_BYTES) await this.#flush(kind)
    return id
  }

  /** Write all that is left. Afterwards everything that was put is durable and listed. */
  async finish(): Promise<void> {
    await this.#flush('data')
    await this.#flush('tree')
    await this.#list()
  }

  /** Trees are always compressed; data that does not become smaller is stored as it is. */
  #sealed(kind: BlobKind, plain: Uint8Array): { bytes: Buffer; plainBytes: number | undefined } {
    const { key, version } = this.#files
    if (version > 1 && plain.length > 0) {
      const small = compress(plain)
      if (kind === 'tree' || small.length < plain.length) return { bytes: key.seal(small), plainBytes: plain.length }
    }
    return { bytes: key.seal(plain), plainBytes: undefined }
  }

  async #flush(kind: BlobKind): Promise<void> {
    const { pieces, blobs } = this.#open[kind]
    if (blobs.length === 0) return
    this.#open[kind] = newPack()
    const header = this.#files.key.seal(encodeHeader(blobs))
    const length = Buffer.alloc(LENGTH_BYTES)
    length.writeUInt32LE(header.length)
    pieces.push(header, length)
    const hash = startSha256()
    let sizeBytes = 0
    for (const piece of pieces) {
      hash.update(piece)
      sizeBytes += piece.length
    }
    const id = hash.digestHex()
    await this.#beforeWrite()
    const { signal } = this.#options
    await this.#files.backend.write(packKey(id), inPieces(pieces), { signal, sha256: id, sizeBytes })
    this.totals.storedBytes += sizeBytes
    const pack: IndexedPack = { id, blobs }
    this.#index.add(pack)
    this.#unlisted.push(pack)
    this.#unlistedBlobs += blobs.length
    if (this.#unlistedBlobs >= INDEX_BLOBS) await this.#list()
  }

  async #list(): Promise<void> {
    if (this.#unlisted.length === 0) return
    await this.#beforeWrite()
    const json = encodeIndex(this.#unlisted)
    await this.#files.write('index', json, this.#options)
    this.#unlisted = []
    this.#unlistedBlobs = 0
  }
}

function newPack(): OpenPack {
  return { pieces: [], blobs: [], ids: new Set(), sizeBytes: 0 }
}

async function* inPieces(pieces: readonly Buffer[]): AsyncGenerator<Buffer, void, void> {
  yield* pieces
}
