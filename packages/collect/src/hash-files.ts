import { type Entry, type EntryPath, type EntrySource, isArcError, type Omission, type ProgressListener, readContent } from '@arc/core'
import { startSha256 } from '@arc/core/node'

/** A file and what its content hashes to. */
export interface FileHash {
  path: EntryPath
  sizeBytes: number
  /** Lower-case hex. */
  sha256: string
}

export interface HashOptions {
  signal?: AbortSignal | undefined
  onProgress?: ProgressListener | undefined
}

export interface HashResult {
  /** In the order of the source. */
  files: FileHash[]
  /** What the source left out, and files that could not be read. */
  omissions: readonly Omission[]
}

/** Hash every file of a source with SHA-256. A file that cannot be read becomes an omission. */
export async function hashFiles(source: EntrySource, options: HashOptions = {}): Promise<HashResult> {
  const files: FileHash[] = []
  const failed: Omission[] = []
  let doneBytes = 0
  for await (const batch of source.entries({ signal: options.signal, onProgress: options.onProgress })) {
    options.signal?.throwIfAborted()
    for (const entry of batch) {
      if (entry.type !== 'file') continue
      try {
        const file = await hashFile(entry)
        files.push(file)
        doneBytes += file.sizeBytes
      } catch (error) {
        if (!isArcError(error) || error.code !== 'ARC_ENTRY_UNREADABLE') throw error
        failed.push({ path: entry.path, reason: 'unreadable', detail: error.message })
      }
    }
    options.onProgress?.({ phase: 'hashing', doneEntries: files.length, doneBytes })
  }
  return { files, omissions: [...source.omissions, ...failed] }
}

async function hashFile(entry: Entry): Promise<FileHash> {
  const sha256 = startSha256()
  let sizeBytes = 0
  if (entry.content !== undefined) {
    for await (const piece of readContent(entry.content)) {
      sha256.update(piece)
      sizeBytes += piece.length
    }
  }
  return { path: entry.path, sizeBytes, sha256: sha256.digestHex() }
}
