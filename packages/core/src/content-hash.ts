import { readContent } from './content.ts'
import type { EntryContent, SyncContent } from './entry.ts'
import { sha256Hex, startSha256 } from './hash.ts'

/** What all bytes of a content come to. */
export interface ContentHash {
  /** Lower-case hex. */
  sha256: string
  sizeBytes: number
}

const BUFFER_BYTES = 256 * 1024
// One for all: hashing content at hand never waits, so nobody else can be using it.
let buffer: Buffer | undefined

/** Hash content that is at hand. Throws what reading it throws. */
export function hashSyncContent(content: SyncContent): ContentHash {
  buffer ??= Buffer.allocUnsafeSlow(BUFFER_BYTES)
  const reader = content.open()
  try {
    let count = reader.read(buffer)
    // Most files fit: one native call, no state to set up.
    if (count < BUFFER_BYTES) return { sha256: sha256Hex(buffer.subarray(0, count)), sizeBytes: count }
    const sha256 = startSha256()
    let sizeBytes = 0
    for (; count > 0; count = count < BUFFER_BYTES ? 0 : reader.read(buffer)) {
      sha256.update(buffer.subarray(0, count))
      sizeBytes += count
    }
    return { sha256: sha256.digestHex(), sizeBytes }
  } finally {
    reader.close()
  }
}

/** Hash content of either kind. */
export async function hashContent(content: EntryContent): Promise<ContentHash> {
  if (content.kind === 'sync') return hashSyncContent(content)
  const sha256 = startSha256()
  let sizeBytes = 0
  for await (const piece of readContent(content)) {
    sha256.update(piece)
    sizeBytes += piece.length
  }
  return { sha256: sha256.digestHex(), sizeBytes }
}
