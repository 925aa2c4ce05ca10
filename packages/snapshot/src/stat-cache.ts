import { join } from 'node:path'
import type { Entry } from '@arc/core'
import { sha256Hex, StampCache, StampCacheWriter } from '@arc/core/node'
import * as z from 'zod/mini'
import { AttributeEncoder } from './attribute-bytes.ts'
import { packReference, type Reference, REFERENCE_BYTES, unpackReference } from './reference.ts'

/** What an earlier snapshot of the same root was. */
export interface CacheNote {
  /** Its record's hash. */
  readonly snapshot: string
  /** What stands for its tree, packed, in hex. */
  readonly root: string
  /** Its generation: for who cannot read the record. */
  readonly generation: number
  /** Bytes of its root's listing. */
  readonly rootBytes: number
}

const noteSchema = z.strictObject({
  snapshot: z.string(),
  root: z.string(),
  generation: z.int(),
  rootBytes: z.int(),
})
// A reference, padding, what tells attributes apart, the time of last modification: i64.
const PAYLOAD_BYTES = 48
const ATTRIBUTES_AT = 34
const ATTRIBUTES_BYTES = 6
const MTIME_AT = 40

/** Where the cache for one root and vault lies. */
export function cacheFile(folder: string, vaultId: string, path: string): string {
  return join(folder, `${sha256Hex(Buffer.from(`${vaultId}\0${path}`)).slice(0, 32)}.snapshot`)
}

/** What files looked like when they were last stored, and what they were stored as. Disposable. */
export class StatCache {
  readonly note: CacheNote
  readonly rowCount: number
  readonly #stamps: StampCache
  readonly #digests = new AttributeDigests()

  private constructor(note: CacheNote, stamps: StampCache) {
    this.note = note
    this.rowCount = stamps.rowCount
    this.#stamps = stamps
  }

  /** The cache in a file, or `undefined` when there is none that can be used. */
  static load(file: string, key: string): StatCache | undefined {
    const stamps = StampCache.load(file, key, PAYLOAD_BYTES)
    if (stamps === undefined) return undefined
    const note = noteSchema.safeParse(parseJson(stamps.note))
    return note.success ? new StatCache(note.data, stamps) : undefined
  }

  /**
   * What an unchanged entry was stored as, packed; `undefined` when it is not known or may have changed. Of a folder what it was
   * stored as whether or not it changed. Ask in byte order of path.
   */
  find(entry: Entry): Buffer | undefined {
    return this.#stamps.find(entry)
  }

  /** Whether everything that a snapshot keeps of an entry is as it was, a folder's contents apart. Ask in byte order of path. */
  isSame(entry: Entry): boolean {
    if (entry.type === 'symlink' && entry.stamp === undefined) return false
    const payload = this.#stamps.find(entry)
    return (
      payload !== undefined &&
      payload.readBigInt64LE(MTIME_AT) === (entry.mtimeNs ?? 0n) &&
      payload.readUIntLE(ATTRIBUTES_AT, ATTRIBUTES_BYTES) === this.#digests.of(entry)
    )
  }

  /** Begin to ask from the first path again. */
  rewind(): void {
    this.#stamps.rewind()
  }
}

/** Collects what the next run's {@link StatCache} will know. Entries must come in byte order of path. */
export class StatCacheWriter {
  readonly #rows = new StampCacheWriter(PAYLOAD_BYTES)
  readonly #payload = Buffer.alloc(PAYLOAD_BYTES)
  readonly #digests = new AttributeDigests()

  /** `packed` as `packReference` made it. */
  add(entry: Entry, packed: Uint8Array): void {
    this.#payload.set(packed.subarray(0, REFERENCE_BYTES))
    this.#payload.writeUIntLE(this.#digests.of(entry), ATTRIBUTES_AT, ATTRIBUTES_BYTES)
    this.#payload.writeBigInt64LE(entry.mtimeNs ?? 0n, MTIME_AT)
    this.#rows.add(entry, this.#payload)
  }

  /** A cache that cannot be written is no cache: nothing else depends on it. */
  save(file: string, key: string, note: CacheNote): void {
    try {
      this.#rows.save(file, key, JSON.stringify(note))
    } catch {
      // The next run does without.
    }
  }
}

/** Attributes as 48 bits of a SHA-256: a folder's change without its time, and another run may not ask for the same ones. */
class AttributeDigests {
  readonly #encoder = new AttributeEncoder()
  readonly #known = new WeakMap<Uint8Array, number>()

  /** 0 when there are none. */
  of(entry: Entry): number {
    const bytes = this.#encoder.encode(entry)
    if (bytes === undefined) return 0
    let digest = this.#known.get(bytes)
    if (digest === undefined) {
      digest = Number.parseInt(sha256Hex(bytes).slice(0, ATTRIBUTES_BYTES * 2), 16)
      this.#known.set(bytes, digest)
    }
    return digest
  }
}

/** A reference as {@link CacheNote.root} keeps it. */
export function referenceText(reference: Reference | undefined): string {
  const packed = Buffer.alloc(REFERENCE_BYTES)
  packReference(reference, packed)
  return packed.toString('hex')
}

/** What {@link referenceText} made. */
export function parseReference(text: string): Reference | undefined {
  return unpackReference(Buffer.from(text.padEnd(REFERENCE_BYTES * 2, '0'), 'hex'))
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
