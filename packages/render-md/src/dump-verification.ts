import type { Steps } from '@arc/core'
import type { DumpInput } from './dump-input.ts'
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

/** Check every byte of a dump, and dispose the input. */
export function* verifyDumpInput(input: DumpInput, options: DocumentOptions): Steps<DumpSummary> {
  const document = openDocument(input, 'verifying', options)
  using _input = input
  const summary: DumpSummary = { entries: 0, bytes: 0, omitted: 0 }
  yield* readRecords(document, { verifyContent: true, content: 'never' }, ({ isOmitted, sizeBytes }) => {
    summary.entries++
    if (isOmitted) summary.omitted++
    else summary.bytes += sizeBytes
  })
  return summary
}
