import { ArcError } from '@arc/core'
import { absentPacks } from './absent-packs.ts'
import { ChunkIndex } from './chunk-index.ts'
import type { ChunkWriter } from './chunk-writer.ts'
import { writeTombstones } from './forget-records.ts'
import { type PruneState, readPruneState } from './prune-mark.ts'
import type { SnapshotRecord } from './record.ts'
import type { newSnapshotRecord } from './snapshot-record.ts'
import type { CallOptions } from './store.ts'
import type { VaultInternals } from './vault-internals.ts'
import type { LogPlace, LogView } from './vault-log.ts'
import type { VaultObjects } from './vault-objects.ts'

/** Times a snapshot is tried anew when prunings get in its way each time. */
export const MAX_ATTEMPTS = 3

/** What ends the attempts. */
export function prunedAgain(): ArcError {
  return new ArcError('ARC_VAULT_BUSY', 'prunings removed what this snapshot was going to share, again and again', {
    retryable: true,
    hint: 'Run it again; give prunings a longer grace period.',
  })
}

/** Where chunks are that a new snapshot may rely on. What an index names is nearly always there: it is looked at before the snapshot counts. */
export async function indexToRelyOn(
  objects: VaultObjects,
  isRetry: boolean,
  options: CallOptions,
): Promise<ChunkIndex> {
  const { doomedPacks } = await readPruneState(objects, options)
  return isRetry
    ? ChunkIndex.loadPresent(objects, doomedPacks, options)
    : ChunkIndex.load(objects, doomedPacks, options)
}

/** A snapshot that is in the log. */
export type Published = Awaited<ReturnType<VaultInternals['log']['append']>> & { record: SnapshotRecord }

type Draft = ReturnType<typeof newSnapshotRecord>

/**
 * Make a snapshot visible whose content `writer` has stored, unless something that it relies on is gone or going away: then
 * `undefined`, and it must be stored anew (vault-1, 9). `before`: the marks before anything was stored. `draft` is asked for the
 * record when the log is at hand, and may give none.
 */
export async function publishSnapshot(
  vault: VaultInternals,
  writer: ChunkWriter,
  before: PruneState,
  draft: (view: LogView) => Promise<Draft | undefined>,
  options: CallOptions,
): Promise<Published | undefined> {
  const { log, objects, signingKey } = vault
  const view = await log.view(options)
  if (!objects.keys.canUnseal && view.prune.latest !== before.latest) return undefined
  if (!(await isSafe(vault, writer, before, view.prune, options))) return undefined
  const record = await draft(view)
  if (record === undefined) return undefined
  const place = await log.append(view, record, signingKey, options)
  const prune = await readPruneState(objects, options)
  const isSeen = prune.done?.snapshots.includes(place.hash) === true
  if (prune.latest === record.generation || (isSeen && prune.latest === prune.generation)) return asSnapshot(place)
  // A pruning was announced between our look and our record: whether it knows of the record cannot be told.
  await writeTombstones(vault, [place.hash], 'a pruning got in the way', options)
  return undefined
}

/**
 * Whether every pack that the snapshot relies on stays, as far as prunings up to `now` are concerned. Marks older than the last do
 * not say any more what they removed: only a look tells. While no pruning was announced nothing of our own can have gone.
 */
async function isSafe(
  { objects }: VaultInternals,
  { usedPacks, ownPacks }: ChunkWriter,
  before: PruneState,
  now: PruneState,
  options: CallOptions,
): Promise<boolean> {
  const used = [...usedPacks]
  if (used.some((pack) => now.doomedPacks.has(pack))) return false
  const doubtful = now.latest === before.latest ? used.filter((pack) => !ownPacks.has(pack)) : used
  return (await absentPacks(objects, doubtful, options)).size === 0
}

function asSnapshot(place: LogPlace & Awaited<ReturnType<VaultInternals['log']['append']>>): Published {
  const { record } = place.signed
  if (record.kind !== 'snapshot') throw new TypeError('a snapshot was written as something else')
  return { ...place, record }
}
