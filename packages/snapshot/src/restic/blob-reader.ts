import { sha256Hex, takeTurn } from '@arc/core/node'
import { damaged } from '../problems.ts'
import type { CallOptions } from '../store.ts'
import type { BlobIndex, BlobPlace } from './blob-index.ts'
import { SEAL_BYTES } from './key.ts'
import type { BlobKind } from './pack-header.ts'
import { decompress, packKey, type RepositoryFiles } from './repository-files.ts'

/** Packs are read in pieces of this size, since small files lie beside each other. */
const PIECE_BYTES = 1024 * 1024
/** Pieces that are kept: restic fills some packs at a time, in no certain order. */
const MAX_CACHED_BYTES = 48 * 1024 * 1024
/** No blob is larger but the tree of a folder of millions. */
const MAX_BLOB_BYTES = 512 * 1024 * 1024

/** Reads blobs, each held against its name before anybody gets it. */
export class BlobReader {
  readonly #files: RepositoryFiles
  readonly #index: BlobIndex
  /** The piece used longest ago first. */
  readonly #pieces = new Map<string, Buffer>()
  #cachedBytes = 0

  constructor(files: RepositoryFiles, index: BlobIndex) {
    this.#files = files
    this.#index = index
  }

  /** What a blob holds. Throws `ARC_VAULT_DAMAGED`. */
  async read(kind: BlobKind, id: string, options: CallOptions = {}): Promise<Buffer> {
    const place = this.#index.find(kind, id)
    if (place === undefined) throw damaged(blobName(kind, id), 'no index lists it')
    const sealed = await this.#sealed(place, options)
    if (sealed.length !== place.sealedBytes) throw damaged(packKey(place.pack), 'it ends too early')
    return this.open(kind, id, sealed, place.plainBytes)
  }

  /** What a sealed blob holds. Throws `ARC_VAULT_DAMAGED`. */
  open(kind: BlobKind, id: string, sealed: Uint8Array, plainBytes: number | undefined): Buffer {
    const name = blobName(kind, id)
    const body = this.#files.key.open(sealed, name)
    if (plainBytes !== undefined && plainBytes > MAX_BLOB_BYTES) throw damaged(name, 'it would be too large')
    const plain = plainBytes === undefined ? body : decompress(body, plainBytes, name)
    if (sha256Hex(plain) !== id) throw damaged(name, 'its SHA-256 is not its name')
    return plain
  }

  async #sealed({ pack, start, sealedBytes }: BlobPlace, options: CallOptions): Promise<Buffer> {
    const end = start + sealedBytes
    if (sealedBytes > PIECE_BYTES) {
      if (sealedBytes > MAX_BLOB_BYTES + SEAL_BYTES) throw damaged(packKey(pack), 'it has a blob that is too large')
      return this.#files.readPack(pack, start, end, options)
    }
    const first = Math.floor(start / PIECE_BYTES)
    const last = Math.floor((end - 1) / PIECE_BYTES)
    const pieces: Buffer[] = []
    for (let number = first; number <= last; number++) {
      const offset = number * PIECE_BYTES
      const piece = await this.#piece(pack, number, options)
      pieces.push(piece.subarray(Math.max(start - offset, 0), end - offset))
    }
    return pieces.length === 1 ? (pieces[0] as Buffer) : Buffer.concat(pieces)
  }

  async #piece(pack: string, number: number, options: CallOptions): Promise<Buffer> {
    const name = `${pack}:${number}`
    const known = this.#pieces.get(name)
    if (known !== undefined) {
      this.#pieces.delete(name)
      this.#pieces.set(name, known)
      return known
    }
    // A local disk never makes us wait: without a turn for the event loop, Ctrl-C would not be heard.
    await takeTurn(options.signal)
    const piece = await this.#files.readPack(pack, number * PIECE_BYTES, (number + 1) * PIECE_BYTES, options)
    this.#pieces.set(name, piece)
    this.#cachedBytes += piece.length
    for (const [oldest, { length }] of this.#pieces) {
      if (this.#cachedBytes <= MAX_CACHED_BYTES) break
      this.#pieces.delete(oldest)
      this.#cachedBytes -= length
    }
    return piece
  }
}

function blobName(kind: BlobKind, id: string): string {
  return `the ${kind} blob ${id.slice(0, 16)}`
}
