import { join } from 'node:path'
import type { Entry } from '@arc/core'
import { sha256Hex, StampCache, StampCacheWriter } from '@arc/core/node'
import * as z from 'zod/mini'
import { packReference, type Reference, REFERENCE_BYTES, unpackReference } from './reference.ts'

/** What an earlier snapshot of the same root was. */
export interface CacheNote {
  /** Its record's hash. */
  readonly snapshot: string
  /** What stands for its tree, packed, in hex. */
  readonly root: string
}

const noteSchema = z.strictObject({ snapshot: z.string(), root: z.string() })
// A reference, padded so that payloads stay aligned.
const PAYLOAD_BYTES = 40

/** Where the cache for one root and vault lies. */
export function cacheFile(folder: string, vaultId: string, path: string): string {
  return join(folder, `snapshot-${sha256Hex(Buffer.from(`${vaultId}\0${path}`)).slice(0, 32)}`)
}

/** What files looked like when they were last stored, and what they were stored as. Disposable. */
export class StatCache {
  readonly note: CacheNote
  readonly rowCount: number
  readonly #stamps: StampCache

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
}

/** Collects what the next run's {@link StatCache} will know. Entries must come in byte order of path. */
export class StatCacheWriter {
  readonly #rows = new StampCacheWriter(PAYLOAD_BYTES)
  readonly #payload = Buffer.alloc(PAYLOAD_BYTES)

  /** `packed` as `packReference` made it. */
  add(entry: Entry, packed: Uint8Array): void {
    this.#payload.set(packed.subarray(0, REFERENCE_BYTES))
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
