import type { ContentReader, Entry, EntrySource, Omission, SyncContent } from './entry.ts'
import { comparePaths } from './entry-path.ts'

/** Content that is already in memory. */
export function bytesContent(bytes: Uint8Array): SyncContent {
  return { kind: 'sync', open: () => new BytesReader(bytes) }
}

class BytesReader implements ContentReader {
  readonly #bytes: Uint8Array
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  read(into: Uint8Array): number {
    const piece = this.#bytes.subarray(this.#at, this.#at + into.length)
    into.set(piece)
    this.#at += piece.length
    return piece.length
  }

  view(): Uint8Array {
    const rest = this.#at === 0 ? this.#bytes : this.#bytes.subarray(this.#at)
    this.#at = this.#bytes.length
    return rest
  }

  close(): void {}
}

/** A source of entries that are at hand: a filtered listing, a test's tree. Sorts them by path. */
export function memorySource(
  name: string,
  entries: Iterable<Entry>,
  facts: Partial<Pick<EntrySource, 'git' | 'rootMode' | 'omissions'>> = {},
): EntrySource {
  const sorted = [...entries].sort((a, b) => comparePaths(a.path, b.path))
  const omissions: readonly Omission[] = facts.omissions ?? []
  return {
    name,
    access: 'random',
    git: facts.git,
    rootMode: facts.rootMode,
    omissions,
    async *entries() {
      if (sorted.length > 0) yield sorted
    },
    async [Symbol.asyncDispose]() {},
  }
}
