import { ArcError, type ContentReader, type Entry, printablePath, readContent } from '@arc/core'
import { checkedPieces, sha256Hex, startSha256 } from '@arc/core/node'

/**
 * The entry with a content that throws `ARC_HASH_MISMATCH` behind its last byte unless it is what the entry declares: a kept tree or a
 * dump may have been changed since. What declares nothing stays as it is.
 */
export function heldToDeclared(entry: Entry): Entry {
  const { path, content, sha256 } = entry
  if (content === undefined || sha256 === undefined) return entry
  const check = (found: string): void => {
    if (found === sha256) return
    const shown = printablePath(path)
    throw new ArcError(
      'ARC_HASH_MISMATCH',
      `the content of ${shown} has SHA-256 ${found}, not ${sha256} as its source says`,
      {
        path: shown,
        hint: 'Nothing was recorded. Verify the source, and get an undamaged copy of it.',
        details: { declared: sha256, actual: found },
      },
    )
  }
  // What is at hand stays at hand: a promise for each file would cost more than storing it.
  if (content.kind === 'sync')
    return { ...entry, content: { kind: 'sync', open: () => new CheckedReader(content.open(), check) } }
  return { ...entry, content: { kind: 'stream', stream: () => checkedPieces(readContent(content), check) } }
}

/** Calls `check` with the SHA-256 of all that was read once the end is reached. */
class CheckedReader implements ContentReader {
  readonly #reader: ContentReader
  readonly #check: (sha256: string) => void
  #hash: ReturnType<typeof startSha256> | undefined
  #isOver = false

  constructor(reader: ContentReader, check: (sha256: string) => void) {
    this.#reader = reader
    this.#check = check
  }

  read(into: Uint8Array): number {
    const count = this.#reader.read(into)
    const piece = into.subarray(0, count)
    if (this.#isOver) return count
    this.#isOver = count < into.length
    // Most files fit into one piece: one native call, no state to set up.
    if (this.#isOver && this.#hash === undefined) this.#check(sha256Hex(piece))
    else {
      this.#hash ??= startSha256()
      this.#hash.update(piece)
      if (this.#isOver) this.#check(this.#hash.digestHex())
    }
    return count
  }

  close(): void {
    this.#reader.close()
  }
}
