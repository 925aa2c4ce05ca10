import type { ContentReader, EntryContent, SyncContent } from './entry.ts'
import { sha256Hex, startSha256 } from './hash.ts'
import { finishSteps, type Steps } from './steps.ts'
import { takeSteps, takeTurn } from './turns.ts'

/** What all bytes of a content come to. */
export interface ContentHash {
  /** Lower-case hex. */
  sha256: string
  sizeBytes: number
}

const BUFFER_BYTES = 256 * 1024
// Whoever needs it for longer takes it away, and brings it back.
let spare: Buffer | undefined

/** Hash content that is at hand, all at once. Throws what reading it throws. */
export function hashSyncContent(content: SyncContent): ContentHash {
  const reader = content.open()
  try {
    return hashSmall(reader) ?? finishSteps(hashLarge(reader))
  } finally {
    reader.close()
  }
}

/**
 * Hash content of either kind; while that of a large file is read the event loop turns. Throws what reading it throws, and the reason
 * of `signal`.
 */
export async function hashContent(
  content: EntryContent,
  { signal }: { signal?: AbortSignal | undefined } = {},
): Promise<ContentHash> {
  if (content.kind === 'sync') {
    const reader = content.open()
    try {
      return hashSmall(reader) ?? (await takeSteps(hashLarge(reader), signal))
    } finally {
      reader.close()
    }
  }
  const sha256 = startSha256()
  let sizeBytes = 0
  for await (const piece of content.stream()) {
    await takeTurn(signal)
    sha256.update(piece)
    sizeBytes += piece.length
  }
  return { sha256: sha256.digestHex(), sizeBytes }
}

/**
 * Pass pieces on and, behind the last, tell `check` their SHA-256 in lower-case hex: what it throws is thrown there, so whoever takes
 * them must take them all before trusting any.
 */
export async function* checkedPieces(
  pieces: AsyncIterable<Uint8Array>,
  check: (sha256: string) => void,
): AsyncGenerator<Uint8Array, void, void> {
  const hash = startSha256()
  for await (const piece of pieces) {
    hash.update(piece)
    yield piece
  }
  check(hash.digestHex())
}

/** Most files fit into one piece: one native call, no state to set up. `undefined` when there is more, for {@link hashLarge}. */
function hashSmall(reader: ContentReader): ContentHash | undefined {
  const piece = (spare ??= Buffer.allocUnsafeSlow(BUFFER_BYTES))
  const count = reader.read(piece)
  return count < BUFFER_BYTES ? { sha256: sha256Hex(piece.subarray(0, count)), sizeBytes: count } : undefined
}

/** Hash the piece that {@link hashSmall} has just read, and the rest. */
function* hashLarge(reader: ContentReader): Steps<ContentHash> {
  const piece = spare as Buffer
  spare = undefined
  try {
    const sha256 = startSha256()
    let sizeBytes = 0
    for (let count = BUFFER_BYTES; count > 0; count = count < BUFFER_BYTES ? 0 : reader.read(piece)) {
      sha256.update(piece.subarray(0, count))
      sizeBytes += count
      yield
    }
    return { sha256: sha256.digestHex(), sizeBytes }
  } finally {
    spare = piece
  }
}
