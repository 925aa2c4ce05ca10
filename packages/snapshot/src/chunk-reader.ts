import type { ChunkIndex } from './chunk-index.ts'
import type { ChunkPlace } from './index-part.ts'
import { compareIds, ID_BYTES, idText } from './chunk-id.ts'
import { damaged, isMissing, missing } from './problems.ts'
import { LIST_NAMES, type Reference } from './reference.ts'
import type { CallOptions } from './store.ts'
import type { VaultInternals } from './vault-internals.ts'
import { packKey } from './vault-objects.ts'

/** A listing of a million names; more in one folder is a mistake or an attack. */
const MAX_LISTING_BYTES = 512 * 1024 * 1024

const EMPTY = Buffer.alloc(0)

/** Reads what references stand for. Every chunk is held against its name before anybody sees it. */
export class ChunkReader {
  readonly #vault: VaultInternals

  constructor(vault: VaultInternals) {
    this.#vault = vault
  }

  /** The bytes of a chunk: a view that is valid as long as somebody holds it. */
  async chunk(id: Uint8Array, options: CallOptions = {}): Promise<Buffer> {
    try {
      return await this.#read(await this.#vault.index(options), id, options)
    } catch (error) {
      if (!isMissing(error)) throw error
      // A pruning may have moved it since the index was loaded.
      return await this.#read(await this.#vault.freshIndex(options), id, options)
    }
  }

  /** The bytes a reference stands for, chunk by chunk. */
  async *stream(reference: Reference | undefined, options: CallOptions = {}): AsyncGenerator<Buffer, void, void> {
    if (reference === undefined) return
    const bytes = await this.chunk(reference.id, options)
    if (reference.depth === 0) {
      yield bytes
      return
    }
    for (const id of namesIn(bytes)) yield* this.stream({ depth: reference.depth - 1, id }, options)
  }

  /** The bytes of a reference when they are one chunk of a frame that is in memory. */
  atHand(reference: Reference | undefined): Buffer | undefined {
    if (reference === undefined) return EMPTY
    const index = this.#vault.loadedIndex
    if (reference.depth > 0 || index === undefined) return undefined
    const chunk = index.peek(reference.id)
    if (chunk === undefined || chunk < 0) return undefined
    const place = index.place(chunk)
    const plain = this.#vault.frames.peek(place.frame)
    return plain && this.#cut(plain, place, reference.id)
  }

  /** All bytes a reference stands for; they must be as many as `sizeBytes`. */
  async whole(reference: Reference | undefined, sizeBytes: number, options: CallOptions = {}): Promise<Buffer> {
    if (reference === undefined) return Buffer.alloc(0)
    if (sizeBytes > MAX_LISTING_BYTES) throw damaged(`the listing ${idText(reference.id)}`, 'it is too large')
    const pieces: Buffer[] = []
    let total = 0
    for await (const piece of this.stream(reference, options)) {
      pieces.push(piece)
      total += piece.length
      if (total > sizeBytes) break
    }
    if (total !== sizeBytes) throw damaged(`the listing ${idText(reference.id)}`, 'it does not have the declared size')
    return pieces.length === 1 ? (pieces[0] as Buffer) : Buffer.concat(pieces)
  }

  /** The names of all chunks behind a reference: of lists first, then, for each, of what it lists. */
  async *names(
    reference: Reference | undefined,
    options: CallOptions = {},
  ): AsyncGenerator<{ id: Uint8Array; isContent: boolean }, void, void> {
    if (reference === undefined) return
    yield { id: reference.id, isContent: reference.depth === 0 }
    if (reference.depth === 0) return
    for (const id of namesIn(await this.chunk(reference.id, options))) {
      yield* this.names({ depth: reference.depth - 1, id }, options)
    }
  }

  async #read(index: ChunkIndex, id: Uint8Array, options: CallOptions): Promise<Buffer> {
    const { frames } = this.#vault
    const chunk = await index.find(id)
    if (chunk < 0) throw missing(`the chunk ${idText(id)}`)
    const place = index.place(chunk)
    const plain = frames.peek(place.frame) ?? (await frames.get(place.frame, options))
    return this.#cut(plain, place, id)
  }

  /** A chunk out of its frame, held against its name. */
  #cut(plain: Buffer, { frame, start, sizeBytes }: ChunkPlace, id: Uint8Array): Buffer {
    const bytes = plain.subarray(start, start + sizeBytes)
    if (compareIds(this.#vault.objects.keys.identify(bytes), 0, id, 0) !== 0)
      throw damaged(packKey(frame.packId), `the bytes of chunk ${idText(id)} are not those of its name`)
    return bytes
  }
}

/** The names in a list. */
function namesIn(list: Buffer): Buffer[] {
  if (list.length % ID_BYTES !== 0 || list.length > LIST_NAMES * ID_BYTES || list.length <= ID_BYTES)
    throw damaged('a list of chunks', 'its size is not that of names')
  const names: Buffer[] = []
  for (let at = 0; at < list.length; at += ID_BYTES) names.push(list.subarray(at, at + ID_BYTES))
  return names
}
