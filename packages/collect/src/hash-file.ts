import { type Entry, type EntryPath, isArcError, type Omission } from '@arc/core'
import { hashContent, hashSyncContent, type LocalContent } from '@arc/core/node'

/** A file and what its content hashes to. */
export interface FileHash {
  path: EntryPath
  sizeBytes: number
  /** Lower-case hex. */
  sha256: string
}

/** A hash, or why there is none. */
export type HashOutcome = FileHash | Omission

/** Hash a file of any source. Throws the reason of `signal`. */
export async function hashFile({ path, content }: Entry, signal: AbortSignal | undefined): Promise<HashOutcome> {
  if (content === undefined) throw new TypeError(`${path} is a file without content`)
  try {
    return { path, ...(await hashContent(content, { signal })) }
  } catch (error) {
    return unreadable(path, error)
  }
}

/** Hash a file of this disk, without waiting. */
export function hashLocalFile(path: EntryPath, content: LocalContent): HashOutcome {
  try {
    return { path, ...hashSyncContent(content) }
  } catch (error) {
    return unreadable(path, error)
  }
}

/** The omission for a file that cannot be read; anything else that was thrown is thrown again. */
function unreadable(path: EntryPath, error: unknown): Omission {
  if (!isArcError(error) || error.code !== 'ARC_ENTRY_UNREADABLE') throw error
  return { path, reason: error.details['errno'] === 'ENOENT' ? 'vanished' : 'unreadable', detail: error.message }
}
