import * as z from 'zod/mini'
import { IdTable } from '../id-table.ts'
import type { CallOptions } from '../store.ts'
import type { BlobKind, PackedBlob } from './pack-header.ts'
import type { RepositoryFiles } from './repository-files.ts'
import { conforming, jsonValue } from '../parse-json.ts'

const hexId = z.string().check(z.regex(/^[0-9a-f]{64}$/))
const word = z.int().check(z.gte(0), z.lt(2 ** 32))

const packSchema = z.object({
  id: hexId,
  blobs: z.array(
    z.object({
      id: hexId,
      type: z.enum(['data', 'tree']),
      offset: word,
      length: word,
      uncompressed_length: z.optional(word),
    }),
  ),
})
const indexSchema = z.object({ packs: z.nullish(z.array(packSchema)) })
/** Before restic 0.3.2 an index was the list of its packs. */
const oldIndexSchema = z.array(packSchema)

/** A pack, and what is in it. */
export interface IndexedPack {
  readonly id: string
  readonly blobs: readonly PackedBlob[]
}

/** Where a blob is. */
export interface BlobPlace {
  readonly pack: string
  readonly start: number
  readonly sealedBytes: number
  readonly plainBytes: number | undefined
}

const COLUMNS = 4
const FIRST_ROWS = 1024

/** Where every blob of a repository is: some 70 bytes each, no objects. */
export class BlobIndex {
  readonly #rows: Readonly<Record<BlobKind, IdTable>> = { data: new IdTable(), tree: new IdTable() }
  /** Of each row: pack, start, sealed bytes, plain bytes + 1 or 0. */
  #places = new Uint32Array(FIRST_ROWS * COLUMNS)
  #count = 0
  readonly #packs: string[] = []

  /** Read every index of a repository. Throws `ARC_VAULT_DAMAGED`. */
  static async load(files: RepositoryFiles, options: CallOptions): Promise<BlobIndex> {
    const index = new BlobIndex()
    for await (const pack of readIndexes(files, options)) index.add(pack)
    return index
  }

  get size(): number {
    return this.#rows.data.size + this.#rows.tree.size
  }

  add({ id, blobs }: IndexedPack): void {
    const pack = this.#packs.push(id) - 1
    for (const blob of blobs) {
      if (!this.#rows[blob.kind].add(Buffer.from(blob.id, 'hex'), this.#count)) continue
      if ((this.#count + 1) * COLUMNS > this.#places.length) {
        const places = new Uint32Array(this.#places.length * 2)
        places.set(this.#places)
        this.#places = places
      }
      const at = this.#count++ * COLUMNS
      this.#places.set([pack, blob.start, blob.sealedBytes, (blob.plainBytes ?? -1) + 1], at)
    }
  }

  has(kind: BlobKind, id: string): boolean {
    return this.#rows[kind].has(Buffer.from(id, 'hex'))
  }

  find(kind: BlobKind, id: string): BlobPlace | undefined {
    const row = this.#rows[kind].get(Buffer.from(id, 'hex'))
    if (row < 0) return undefined
    const [pack, start, sealedBytes, plain] = this.#places.subarray(row * COLUMNS, (row + 1) * COLUMNS) as unknown as [
      number,
      number,
      number,
      number,
    ]
    return { pack: this.#packs[pack] as string, start, sealedBytes, plainBytes: plain === 0 ? undefined : plain - 1 }
  }
}

/** What every index of a repository lists. A pack can come more than once. */
async function* readIndexes(files: RepositoryFiles, options: CallOptions): AsyncGenerator<IndexedPack, void, void> {
  for await (const { id, key } of files.list('index', options)) {
    options.signal?.throwIfAborted()
    const json = await files.read('index', id, options)
    if (json !== undefined) yield* decodeIndex(json, key) // gone: a newer one has what it listed
  }
}

/** What an index lists. Throws `ARC_VAULT_DAMAGED`. */
export function* decodeIndex(json: Buffer, object: string): Generator<IndexedPack, void, void> {
  const value = jsonValue(json, object)
  const packs = Array.isArray(value)
    ? conforming(value, oldIndexSchema, object)
    : (conforming(value, indexSchema, object).packs ?? [])
  for (const { id, blobs } of packs) {
    yield {
      id,
      blobs: blobs.map((blob) => ({
        kind: blob.type,
        id: blob.id,
        start: blob.offset,
        sealedBytes: blob.length,
        plainBytes: blob.uncompressed_length === 0 ? undefined : blob.uncompressed_length,
      })),
    }
  }
}

/** An index of new packs, as JSON. */
export function encodeIndex(packs: readonly IndexedPack[]): string {
  return JSON.stringify({
    packs: packs.map(({ id, blobs }) => ({
      id,
      blobs: blobs.map((blob) => ({
        id: blob.id,
        type: blob.kind,
        offset: blob.start,
        length: blob.sealedBytes,
        uncompressed_length: blob.plainBytes,
      })),
    })),
  })
}
