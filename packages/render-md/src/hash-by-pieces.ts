import type { Steps, SyncContent } from '@arc/core'
import type { Platform } from './platform.ts'

/** What all bytes of a content come to. */
export interface ContentHash {
  /** Lower-case hex. */
  sha256: string
  sizeBytes: number
}

const PIECE_BYTES = 256 * 1024

/** Hash content of any length. Throws what reading it throws. */
export function* hashByPieces(content: SyncContent, platform: Platform): Steps<ContentHash> {
  const piece = platform.allocate(PIECE_BYTES)
  const sha256 = platform.startSha256()
  const reader = content.open()
  try {
    let sizeBytes = 0
    for (let count = PIECE_BYTES; count === PIECE_BYTES;) {
      count = reader.read(piece)
      sha256.update(piece.subarray(0, count))
      sizeBytes += count
      yield
    }
    return { sha256: sha256.digestHex(), sizeBytes }
  } finally {
    reader.close()
  }
}
