import { ArcError, printablePath, type SyncContent } from '@arc/core'
import { hashSyncContent } from '@arc/core/node'
import type { DumpRecord } from './dump-record.ts'

/** Throw `ARC_HASH_MISMATCH` unless all of a record's content is what its document states. */
export function assertIntact(record: Pick<DumpRecord, 'path' | 'sha256'>, content: SyncContent): void {
  const { sha256 } = hashSyncContent(content)
  if (sha256 !== record.sha256) throw hashMismatch(record.path, record.sha256 ?? '-', sha256)
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
