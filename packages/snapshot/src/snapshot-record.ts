import type { EntryPath, EntrySource, Omission } from '@arc/core'
import { MAX_LISTED, type SnapshotRecord } from './record.ts'
import { referenceFields, type RunFacts } from './run-facts.ts'
import type { SnapshotDraft, SnapshotStatistics, TakenSnapshot } from './snapshot-info.ts'
import type { LiveSnapshot } from './vault-log.ts'
import type { StoredListing } from './tree-writer.ts'

const MAX_DETAIL = 1000

/** A snapshot as callers see it. */
export function snapshotInfo({ hash, sequence, record, signed, tags }: Omit<LiveSnapshot, 'key'>): TakenSnapshot {
  return {
    id: hash,
    sequence,
    time: record.time,
    project: record.project,
    host: record.host,
    path: record.path,
    note: record.note,
    tags,
    git: record.git,
    root: record.root.id ?? '',
    statistics: record.statistics,
    omissions: record.omissions,
    omissionCount: record.omissionCount,
    inconsistent: record.inconsistent,
    signer: keyIdOf(signed.signature),
    origin: record.origin,
    run: record.run,
    selection: record.selection,
  }
}

/** What a snapshot's record says of it. */
export interface SnapshotFacts {
  readonly source: EntrySource
  readonly draft: SnapshotDraft
  readonly timeMs: number
  readonly generation: number
  readonly root: StoredListing
  readonly statistics: SnapshotStatistics
  readonly omissions: readonly Omission[]
  readonly inconsistent: readonly EntryPath[]
  readonly run: RunFacts | undefined
}

/** A new snapshot's record, without its place in the log. */
export function newSnapshotRecord(facts: SnapshotFacts): Omit<SnapshotRecord, 'sequence' | 'previous'> {
  const { source, draft, root, omissions, inconsistent } = facts
  const reference = root.reference
  return {
    kind: 'snapshot',
    time: new Date(facts.timeMs).toISOString(),
    generation: facts.generation,
    root: { sizeBytes: reference === undefined ? 0 : root.sizeBytes, ...referenceFields(reference) },
    project: draft.project ?? source.name,
    host: draft.host ?? 'localhost',
    path: draft.path,
    note: draft.note,
    tags: [...new Set(draft.tags)].sort(),
    git: source.git && { ...source.git },
    statistics: facts.statistics,
    omissions: omissions.slice(0, MAX_LISTED).map(briefly),
    omissionCount: omissions.length,
    inconsistent: inconsistent.slice(0, MAX_LISTED),
    rootMode: source.rootMode,
    origin: draft.origin,
    run: facts.run,
    selection: draft.selection,
  }
}

/** An omission as it fits into a record. */
function briefly({ path, reason, detail }: Omission): Omission {
  return detail === undefined ? { path, reason } : { path, reason, detail: detail.slice(0, MAX_DETAIL) }
}

/** The key that a minisign signature names, as minisign prints it. */
function keyIdOf(signature: string | undefined): string | undefined {
  const line = signature?.split('\n')[1]
  if (line === undefined) return undefined
  return Buffer.from(line, 'base64').subarray(2, 10).reverse().toString('hex').toUpperCase()
}
