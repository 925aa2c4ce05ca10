import { ChunkIndex } from './chunk-index.ts'
import { IdTable } from './id-table.ts'
import { visitReachable } from './reachability.ts'
import type { CallOptions } from './store.ts'
import type { Vault } from './vault.ts'

/** What a vault holds and what that takes. */
export interface VaultStatistics {
  readonly snapshots: number
  /** Bytes of all files of all snapshots, as if each were a copy. */
  readonly contentBytes: number
  /** Bytes of the chunks that snapshots need, each once, before compression. */
  readonly uniqueBytes: number
  /** Bytes of chunks that no snapshot needs: what pruning is for. */
  readonly unusedBytes: number
  readonly chunks: number
  readonly packs: number
  readonly packBytes: number
  /** Bytes of everything: packs, indexes, records. */
  readonly storedBytes: number
  /** `contentBytes` to `storedBytes`. */
  readonly savingRatio: number
  /** What each snapshot added, oldest first. */
  readonly growth: readonly { readonly id: string; readonly time: string; readonly storedBytes: number }[]
}

/** Measure a vault. Reads every listing of every snapshot, and no content. */
export async function measureVault(vault: Vault, options: CallOptions = {}): Promise<VaultStatistics> {
  const { objects, log } = vault.internal
  const live = await log.live(await log.view(options), options)
  const needed = new IdTable()
  await visitReachable(vault.internal, live, { onChunk: ({ id }) => void needed.add(id, 0) }, options)
  const index = await ChunkIndex.load(objects, new Set(), options)
  let uniqueBytes = 0
  for await (const { chunk } of index.findEach(needed)) {
    if (chunk >= 0) uniqueBytes += index.place(chunk).sizeBytes
  }
  let plainBytes = 0
  for (const part of index.parts) for (const frame of part.frames()) plainBytes += frame.plainBytes
  const all = await objects.list('', options)
  const packs = all.filter(({ key }) => key.startsWith('packs/'))
  const sizeOf = (list: readonly { sizeBytes: number }[]): number =>
    list.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
  const contentBytes = live.reduce((sum, { record }) => sum + record.statistics.contentBytes, 0)
  const storedBytes = sizeOf(all)
  return {
    snapshots: live.length,
    contentBytes,
    uniqueBytes,
    unusedBytes: plainBytes - uniqueBytes,
    chunks: needed.size,
    packs: packs.length,
    packBytes: sizeOf(packs),
    storedBytes,
    savingRatio: storedBytes === 0 ? 1 : contentBytes / storedBytes,
    growth: live.map(({ hash, record }) => ({
      id: hash,
      time: record.time,
      storedBytes: record.statistics.storedBytes,
    })),
  }
}
