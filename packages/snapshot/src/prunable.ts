import { ChunkIndex } from './chunk-index.ts'
import { idText } from './chunk-id.ts'
import { IdTable } from './id-table.ts'
import type { IndexPart } from './index-part.ts'
import { missing } from './problems.ts'
import type { PruneState } from './prune-mark.ts'
import { visitReachable } from './reachability.ts'
import type { CallOptions } from './store.ts'
import type { VaultInternals } from './vault-internals.ts'
import type { LiveSnapshot } from './vault-log.ts'
import { nameOf } from './vault-objects.ts'

export interface PruneOptions extends CallOptions {
  /** How long what is marked stays, for the sake of readers and of writers at work; default a day. Nothing breaks with 0. */
  graceMs?: number | undefined
  /** Share of all content that may be unused in packs that are partly used, before they are rewritten; default 0.05. */
  maxUnused?: number | undefined
}

/** A pack that is to go. */
export interface PrunedPack {
  readonly id: string
  readonly sizeBytes: number
  /** `unused`: no snapshot needs anything in it. `repacked`: what is needed is copied first. `unfinished`: its writer never got to its index. */
  readonly reason: 'unused' | 'repacked' | 'unfinished'
}

/** How long what is marked stays unless somebody says otherwise. */
export const DAY_MS: number = 24 * 60 * 60 * 1000
const MAX_UNUSED = 0.05
/** Index objects with fewer chunks are small, */
const SMALL_INDEX_CHUNKS = 64 * 1024
/** and more small ones than this are merged. */
export const MAX_SMALL_INDEXES = 16

/** What could go. */
export interface Prunable {
  readonly packs: PrunedPack[]
  readonly repackedBytes: number
  /** Whether there are so many small indexes that merging them alone is worth a pruning. */
  readonly isScattered: boolean
}

/** Find packs that nobody needs, that are worth to be rewritten, or that were never finished. */
export async function findPrunable(
  vault: VaultInternals,
  state: PruneState,
  live: readonly LiveSnapshot[],
  options: PruneOptions,
): Promise<Prunable> {
  const { index, used } = await usedChunks(vault, state.doomedPacks, options, live)
  const indexed = index.packs()
  const usage = packUsage(index, used)
  const sizes = await packSizes(vault, options)
  const packs: PrunedPack[] = []
  const partly: { id: string; sizeBytes: number; liveBytes: number; deadBytes: number }[] = []
  let totalBytes = 0
  for (const [id, sizeBytes] of indexed) {
    if (index.absentPacks.has(id)) continue
    const { liveBytes, deadBytes } = usage.get(id) ?? { liveBytes: 0, deadBytes: 0 }
    totalBytes += liveBytes
    if (state.doomedPacks.has(id)) continue
    if (liveBytes === 0) packs.push({ id, sizeBytes, reason: 'unused' })
    else if (deadBytes > 0) partly.push({ id, sizeBytes, liveBytes, deadBytes })
  }
  let unusedBytes = sum(partly.map(({ deadBytes }) => deadBytes))
  const allowed = totalBytes * (options.maxUnused ?? MAX_UNUSED)
  let repackedBytes = 0
  // Those that give most for the least copying first.
  for (const { id, sizeBytes, liveBytes, deadBytes } of partly.sort(
    (a, b) => b.deadBytes / b.liveBytes - a.deadBytes / a.liveBytes,
  )) {
    if (unusedBytes <= allowed) break
    unusedBytes -= deadBytes
    repackedBytes += liveBytes
    packs.push({ id, sizeBytes, reason: 'repacked' })
  }
  const oldMs = vault.now() - (options.graceMs ?? DAY_MS)
  for (const [id, { sizeBytes, modifiedMs }] of sizes) {
    if (indexed.has(id) || state.doomedPacks.has(id) || modifiedMs > oldMs) continue
    packs.push({ id, sizeBytes, reason: 'unfinished' })
  }
  const isScattered = index.parts.filter(isSmall).length > 2 * MAX_SMALL_INDEXES
  return { packs, repackedBytes, isScattered }
}

/** How much of each pack's content is used, and how much is not. */
function packUsage(index: ChunkIndex, used: IdTable): Map<string, { liveBytes: number; deadBytes: number }> {
  const live = new Map<string, number>()
  for (let row = 0; row < used.size; row++) {
    const { frame, sizeBytes } = index.place(used.valueAt(row))
    live.set(frame.packId, (live.get(frame.packId) ?? 0) + sizeBytes)
  }
  const usage = new Map<string, { liveBytes: number; deadBytes: number }>()
  for (const part of index.parts) {
    // Two indexes name the same packs while a pruning has not deleted the one that it replaced.
    const counted = new Set(usage.keys())
    for (const { packId, plainBytes } of part.frames()) {
      if (counted.has(packId)) continue
      const liveBytes = live.get(packId) ?? 0
      const before = usage.get(packId) ?? { liveBytes, deadBytes: -liveBytes }
      usage.set(packId, { liveBytes, deadBytes: before.deadBytes + plainBytes })
    }
  }
  return usage
}

/** Every chunk that a snapshot needs, with its number in an index that leaves out some packs. Throws when one is missing. */
export async function usedChunks(
  vault: VaultInternals,
  excludedPacks: ReadonlySet<string>,
  options: CallOptions,
  live?: readonly LiveSnapshot[],
): Promise<{ index: ChunkIndex; used: IdTable }> {
  const snapshots = live ?? (await vault.log.allLive(await vault.log.view(options), options))
  const needed = new IdTable()
  await visitReachable(vault, snapshots, { onChunk: ({ id }) => void needed.add(id, 0) }, options)
  const index = await ChunkIndex.loadPresent(vault.objects, excludedPacks, options)
  for await (const { row, chunk } of index.findEach(needed)) {
    if (chunk < 0) throw missing(`the chunk ${idText(needed.idAt(row))}`)
    needed.setValueAt(row, chunk)
  }
  return { index, used: needed }
}

/** Whether merging an index with others is worth while. */
export function isSmall({ chunkCount }: IndexPart): boolean {
  return chunkCount < SMALL_INDEX_CHUNKS
}

/** Every pack that is there, by id. */
export async function packSizes(
  vault: VaultInternals,
  options: CallOptions,
): Promise<Map<string, { sizeBytes: number; modifiedMs: number }>> {
  const found = new Map<string, { sizeBytes: number; modifiedMs: number }>()
  for (const { key, sizeBytes, modified } of await vault.objects.list('packs/', options))
    found.set(nameOf(key), { sizeBytes, modifiedMs: modified.getTime() })
  return found
}

/** All of them together. */
export function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}
