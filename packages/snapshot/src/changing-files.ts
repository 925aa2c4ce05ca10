import type { ContentReader, Entry, SyncContent } from '@arc/core'
import { LocalContent, localPath } from '@arc/core/node'

/** Times a file is read when it is found changed each time. */
export const MAX_READS = 3

/** Reading less takes no time in which much could change. */
export const LONG_READ_BYTES: number = 1024 * 1024

/** Whether what was read is what was listed, as far as can be told. */
export function isSettled(entry: Entry, readBytes: number): boolean {
  if (readBytes !== entry.sizeBytes) return false
  const { content } = entry
  if (!(content instanceof LocalContent) || entry.mtimeNs === undefined) return true
  if (entry.sizeBytes < LONG_READ_BYTES) return true
  const { fs, root } = content.at
  try {
    const stat = fs.lstatSync(localPath(root, entry.path), { bigint: true, throwIfNoEntry: false })
    return stat === undefined || stat.isSymbolicLink() || stat.mtimeNs === entry.mtimeNs
  } catch {
    return true // what was read was read; the next snapshot tells what became of it
  }
}

/**
 * A long file with as many bytes as it was listed with, whatever becomes of it meanwhile: what it grew by is left out, what it lost are
 * zeros, as with tar. `onOther` is called then, once for each reading.
 */
export function withListedSize(content: SyncContent, sizeBytes: number, onOther: () => void): SyncContent {
  return { kind: 'sync', open: () => new ListedSizeReader(content.open(), sizeBytes, onOther) }
}

class ListedSizeReader implements ContentReader {
  readonly #reader: ContentReader
  readonly #onOther: () => void
  #leftBytes: number
  #isShort = false

  constructor(reader: ContentReader, sizeBytes: number, onOther: () => void) {
    this.#reader = reader
    this.#leftBytes = sizeBytes
    this.#onOther = onOther
  }

  read(into: Uint8Array): number {
    const wanted = into.subarray(0, Math.min(into.length, this.#leftBytes))
    const found = this.#isShort ? 0 : this.#reader.read(wanted)
    if (found < wanted.length) {
      if (!this.#isShort) this.#onOther()
      this.#isShort = true
      wanted.fill(0, found)
    }
    this.#leftBytes -= wanted.length
    return wanted.length
  }

  close(): void {
    this.#reader.close()
  }
}
