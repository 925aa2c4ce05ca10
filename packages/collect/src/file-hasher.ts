import { type EntryPath, isArcError, type Omission, type SyncContent } from '@arc/core'
import { sha256Hex, startSha256 } from '@arc/core/node'

/** A file and what its content hashes to. */
export interface FileHash {
  path: EntryPath
  sizeBytes: number
  /** Lower-case hex. */
  sha256: string
}

/** A hash, or why there is none. */
export type HashOutcome = FileHash | Omission

const BUFFER_BYTES = 1024 * 1024

/** Hashes files one after another through one buffer. */
export class FileHasher {
  readonly #buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES)

  hash(path: EntryPath, content: SyncContent): HashOutcome {
    try {
      return this.#read(path, content)
    } catch (error) {
      return unreadable(path, error)
    }
  }

  #read(path: EntryPath, content: SyncContent): FileHash {
    const reader = content.open()
    try {
      let count = reader.read(this.#buffer)
      // Most files fit: one native call, no state to set up.
      if (count < BUFFER_BYTES) return { path, sizeBytes: count, sha256: sha256Hex(this.#buffer.subarray(0, count)) }
      const sha256 = startSha256()
      let sizeBytes = 0
      for (; count > 0; count = count === BUFFER_BYTES ? reader.read(this.#buffer) : 0) {
        sha256.update(this.#buffer.subarray(0, count))
        sizeBytes += count
      }
      return { path, sizeBytes, sha256: sha256.digestHex() }
    } finally {
      reader.close()
    }
  }
}

/** The omission for a file that cannot be read; anything else that was thrown is thrown again. */
export function unreadable(path: EntryPath, error: unknown): Omission {
  if (!isArcError(error) || error.code !== 'ARC_ENTRY_UNREADABLE') throw error
  return { path, reason: error.details['errno'] === 'ENOENT' ? 'vanished' : 'unreadable', detail: error.message }
}
