import type { SyncContent } from '@arc/core'
import { hashContent } from '@arc/core/node'
import type { DumpRecord } from './dump-record.ts'
import { hashMismatch } from './hash-mismatch.ts'

/** Throw `ARC_HASH_MISMATCH` unless all of a record's content is what its document states. */
export async function assertIntact(
  record: Pick<DumpRecord, 'path' | 'sha256'>,
  content: SyncContent,
  options: { signal?: AbortSignal | undefined } = {},
): Promise<void> {
  const { sha256 } = await hashContent(content, options)
  if (sha256 !== record.sha256) throw hashMismatch(record.path, record.sha256 ?? '-', sha256)
}
