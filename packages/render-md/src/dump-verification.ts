import type { DumpOrigin } from './dump-input.ts'
import { type DocumentOptions, openDocument } from './open-document.ts'
import { readRecords } from './read-records.ts'

/** What an intact dump holds. */
export interface DumpSummary {
  entries: number
  /** Bytes of content, without that which was left out. */
  bytes: number
  /** Files without their content. */
  omitted: number
}

/**
 * Check every byte of a dump: structure, paths, and the hash of all content. Nothing of it is kept. Throws what `openDump` with
 * `verifyContent` throws.
 */
export async function verifyDump(origin: DumpOrigin, options: DocumentOptions = {}): Promise<DumpSummary> {
  const document = await openDocument(origin, 'verifying', options)
  using _input = document.input
  const summary: DumpSummary = { entries: 0, bytes: 0, omitted: 0 }
  readRecords(document, { verifyContent: true, content: 'never' }, ({ isOmitted, sizeBytes }) => {
    summary.entries++
    if (isOmitted) summary.omitted++
    else summary.bytes += sizeBytes
  })
  return summary
}
