import { ArcError, printablePath, type SyncContent } from '@arc/core'
import { startSha256 } from '@arc/core/node'

const PIECE_BYTES = 1024 * 1024

/** Hex SHA-256 of a content, read in pieces. */
export function hashContent(content: SyncContent): string {
  const sha256 = startSha256()
  const piece = Buffer.allocUnsafe(PIECE_BYTES)
  const reader = content.open()
  try {
    for (let count = piece.length; count === piece.length;) {
      count = reader.read(piece)
      sha256.update(piece.subarray(0, count))
    }
  } finally {
    reader.close()
  }
  return sha256.digestHex()
}

/** The error for content that is not what its document says. */
export function hashMismatch(path: string, stated: string, found: string): ArcError {
  const shown = printablePath(path)
  return new ArcError('ARC_HASH_MISMATCH', `${shown}: its content has another SHA-256 than the dump states`, {
    path: shown,
    hint: 'The dump was changed or damaged after it was made. Use an intact copy.',
    details: { stated, found },
  })
}
