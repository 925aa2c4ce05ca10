import type { Entry, EntryContent } from './entry.ts'
import { printablePath } from './entry-path.ts'
import { ArcError } from './error.ts'

const PIECE_BYTES = 256 * 1024

/** The content of a file as pieces, whichever kind it is; a piece is valid only until the next one is asked for. */
export async function* readContent(content: EntryContent): AsyncGenerator<Uint8Array, void, void> {
  if (content.kind === 'stream') yield* content.stream()
  else yield* readSyncContent(content)
}

function* readSyncContent(content: Extract<EntryContent, { kind: 'sync' }>): Generator<Uint8Array, void, void> {
  const piece = new Uint8Array(PIECE_BYTES)
  const reader = content.open()
  try {
    for (;;) {
      const count = reader.read(piece)
      if (count > 0) yield piece.subarray(0, count)
      if (count < piece.length) return
    }
  } finally {
    reader.close()
  }
}

/** What to throw when an entry's bytes are not those it was listed with. */
export function entryChanged(entry: Pick<Entry, 'path' | 'sizeBytes'>, foundBytes: number): ArcError {
  const path = printablePath(entry.path)
  return new ArcError(
    'ARC_ENTRY_CHANGED',
    `${path} changed while it was read (${entry.sizeBytes} bytes listed, ${foundBytes} found)`,
    {
      path,
      retryable: true,
      hint: 'Stop the program that writes to it, then try again.',
    },
  )
}
