import { type Entry, entryChanged, type SyncContent } from '@arc/core'

/** Content up to this size is read once, in one piece; larger files are read twice, in pieces. */
export const WHOLE_BYTES: number = 4 * 1024 * 1024
/** How often a file that changes while it is read is tried. */
export const ATTEMPTS = 3

/**
 * Read a content to `at` of `buffer`, again when it is not as long as it was listed. Returns its length; more than
 * {@link WHOLE_BYTES} means that it is too large (there must be room for one byte more than that). Throws `ARC_ENTRY_CHANGED` when it keeps changing.
 */
export function readWhole(entry: Entry, content: SyncContent, buffer: Buffer, at: number): number {
  let previous = entry.sizeBytes
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    // One byte more than expected tells whether that was all, without another call.
    const roomBytes = (attempt === 1 ? previous : WHOLE_BYTES) + 1
    const count = readStart(content, buffer, at, roomBytes)
    if (count === previous || count > WHOLE_BYTES) return count
    previous = count
  }
  throw entryChanged(entry, previous)
}

function readStart(content: SyncContent, into: Buffer, at: number, length: number): number {
  if (content.readStart !== undefined) return content.readStart(into, at, length)
  const reader = content.open()
  try {
    return reader.read(into.subarray(at, at + length))
  } finally {
    reader.close()
  }
}
