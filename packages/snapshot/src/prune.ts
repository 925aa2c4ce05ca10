import { ArcError, isArcError } from '@arc/core'
import { ChunkIndex } from './chunk-index.ts'
import { removeForgotten, writeTombstones } from './forget-records.ts'
import { IdTable } from './id-table.ts'
import type { NamedPack } from './index-format.ts'
import { isPartlyNamed, isUnnamed, namedPacks, withNamesOf } from './index-names.ts'
import { IndexWriter } from './index-writer.ts'
import { isMissing, missing } from './problems.ts'
import { markKey, MARKS_PREFIX, type PruneMark, type PruneState, readPruneState, writeMark } from './prune-mark.ts'
import { idText } from './chunk-id.ts'
import { visitReachable } from './reachability.ts'
import {
  DAY_MS,
  findPrunable,
  isSmall,
  MAX_SMALL_INDEXES,
  packSizes,
  type PrunedPack,
  type PruneOptions,
  sum,
  usedChunks,
} from './prunable.ts'
import { repack } from './repack.ts'
import type { CallOptions } from './store.ts'
import type { Vault } from './vault.ts'
import type { VaultInternals } from './vault-internals.ts'
import type { LiveSnapshot } from './vault-log.ts'
import { nameOf, packKey } from './vault-objects.ts'

/** What {@link applyPrune} will do: plain data. */
export interface PrunePlan {
  readonly schemaVersion: 1
  readonly location: string
  /** Prunings that were complete when this was planned. */
  readonly generation: number
  /** `sweep`: what an earlier pruning marked goes now. `wait`: it goes later. `mark`: these packs are marked, and go once the grace period is over. */
  readonly step: 'mark' | 'sweep' | 'wait' | 'nothing'
  readonly packs: readonly PrunedPack[]
  /** Ids of the snapshots that need none of these packs, or nothing of them that is not copied first. */
  readonly snapshots: readonly string[]
  /** Bytes of packs that go. */
  readonly removedBytes: number
  /** Bytes of content that is copied out of packs that go. */
  readonly repackedBytes: number
  /** When what is marked may go: ISO 8601; absent unless the step is `wait`. */
  readonly due?: string | undefined
}

/** Say what pruning would remove. Changes nothing; reads every listing of every snapshot. */
export async function planPrune(vault: Vault, options: PruneOptions = {}): Promise<PrunePlan> {
  return beside(vault.internal, options, (state) => planFrom(vault, state, options))
}

async function planFrom(vault: Vault, state: PruneState, options: PruneOptions): Promise<PrunePlan> {
  const { internal, location } = vault
  const common = { schemaVersion: 1 as const, location, generation: state.generation }
  if (state.planned !== undefined) {
    const dueMs = Date.parse(state.planned.time) + (options.graceMs ?? DAY_MS)
    const packs = await plannedPacks(internal, state.planned, options)
    const removedBytes = sum(packs.map(({ sizeBytes }) => sizeBytes))
    const { snapshots } = state.planned
    const plan = { ...common, packs, snapshots, removedBytes, repackedBytes: 0 }
    if (internal.now() >= dueMs) return { ...plan, step: 'sweep' }
    return { ...plan, step: 'wait', due: new Date(dueMs).toISOString() }
  }
  const live = await internal.log.allLive(await internal.log.view(options), options)
  const { packs, repackedBytes, isScattered } = await findPrunable(internal, state, live, options)
  const removedBytes = sum(packs.map(({ sizeBytes }) => sizeBytes))
  const step = packs.length === 0 && !isScattered ? 'nothing' : 'mark'
  return { ...common, step, packs, snapshots: live.map(({ hash }) => hash), removedBytes, repackedBytes }
}

async function plannedPacks(vault: VaultInternals, mark: PruneMark, options: CallOptions): Promise<PrunedPack[]> {
  const sizes = await packSizes(vault, options)
  return mark.packs.map((id) => ({ id, sizeBytes: sizes.get(id)?.sizeBytes ?? 0, reason: 'unused' as const }))
}

/**
 * Carry out a plan. Writers need not be stopped, and neither they nor prunings that are killed or halted at any moment can
 * leave a snapshot without its content: docs/formats/vault-1.md tells why. Throws `ARC_PLAN_STALE` when another pruning was completed,
 * `ARC_VAULT_BUSY` when one is at work, `ARC_BACKEND_UNSUITABLE` on a backend that cannot create an object only if it is absent.
 */
export async function applyPrune(plan: PrunePlan, vault: Vault, options: PruneOptions = {}): Promise<void> {
  await beside(vault.internal, options, (state) => applyTo(vault, state, plan, options))
}

/** Do what others at work may undo: when something turned out to be missing, and they were, that is the reason. */
async function beside<Result>(
  vault: VaultInternals,
  options: CallOptions,
  task: (state: PruneState) => Promise<Result>,
): Promise<Result> {
  const state = await readPruneState(vault.objects, options)
  try {
    return await task(state)
  } catch (error) {
    const now = isMissing(error) ? await readPruneState(vault.objects, options) : state
    if (now.generation === state.generation && now.latest === state.latest) throw error
    throw busy(error)
  }
}

function busy(cause: unknown): ArcError {
  return new ArcError('ARC_VAULT_BUSY', 'another pruning is at work in this vault', {
    retryable: true,
    hint: 'Run it again when that one is done.',
    ...(cause !== undefined && { cause }),
  })
}

async function applyTo(vault: Vault, state: PruneState, plan: PrunePlan, options: PruneOptions): Promise<void> {
  const { internal } = vault
  if (plan.generation !== state.generation || plan.location !== vault.location) {
    throw new ArcError('ARC_PLAN_STALE', 'another pruning was completed after the plan was made', {
      hint: 'Plan again, then apply the new plan.',
    })
  }
  await finishDeletion(internal, state, options)
  await removeForgotten(internal, options)
  await forgetStale(internal, options)
  if (plan.step === 'mark') {
    if (state.planned !== undefined) throw busy(undefined)
    const obsolete = await markPacks(internal, plan, state, options)
    if ((options.graceMs ?? DAY_MS) > 0) return
    await sweep(internal, obsolete, options)
  } else if (plan.step === 'sweep' && state.planned !== undefined) await sweep(internal, state.planned, options)
}

/** Forget what writers published who knew nothing of a pruning and were killed before they could see it. */
async function forgetStale(vault: VaultInternals, options: CallOptions): Promise<void> {
  const view = await vault.log.view(options)
  const live = new Set((await vault.log.allLive(view, options)).map(({ hash }) => hash))
  const stale = view.snapshots.filter(({ hash }) => !live.has(hash)).map(({ hash }) => hash)
  if (stale.length > 0) await writeTombstones(vault, stale, 'its writer was stopped by a pruning', options)
}

/** Copy what is still needed, then say which packs are going. */
async function markPacks(
  vault: VaultInternals,
  plan: PrunePlan,
  state: PruneState,
  options: CallOptions,
): Promise<PruneMark> {
  const repacked = new Set(plan.packs.filter(({ reason }) => reason === 'repacked').map(({ id }) => id))
  const { index, used } = await usedChunks(vault, state.doomedPacks, options)
  if (repacked.size > 0) await repack(vault, index, used, repacked, options)
  const mark: PruneMark = {
    generation: state.generation + 1,
    time: new Date(vault.now()).toISOString(),
    packs: plan.packs.map(({ id }) => id),
    indexes: [],
    snapshots: [...plan.snapshots],
  }
  await publishMark(vault, 'plan', mark, options)
  return mark
}

/**
 * Remove what was marked, but for what a snapshot has come to need since. The `done` mark is the moment from which writers that
 * began before are held to have failed; only then anything is deleted.
 */
async function sweep(vault: VaultInternals, planned: PruneMark, options: CallOptions): Promise<void> {
  const { objects, log } = vault
  const view = await log.view(options)
  const live = await log.allLive(view, options)
  const doomed = await unneededPacks(vault, new Set(planned.packs), live, options)
  const indexes = await rewriteIndexes(vault, doomed, options)
  const mark: PruneMark = {
    generation: planned.generation,
    time: new Date(vault.now()).toISOString(),
    packs: [...doomed],
    indexes,
    snapshots: live.map(({ hash }) => hash),
    damaged: view.prune.done?.damaged ?? [],
  }
  await publishMark(vault, 'done', mark, options)
  await finishDeletion(vault, await readPruneState(objects, options), options)
  await vault.freshIndex(options)
}

/** Of packs that are to go, those that no snapshot needs. */
async function unneededPacks(
  vault: VaultInternals,
  candidates: ReadonlySet<string>,
  live: readonly LiveSnapshot[],
  options: CallOptions,
): Promise<Set<string>> {
  const needed = new IdTable()
  // Listings may be in packs that are to go: they are there still.
  const { done } = await readPruneState(vault.objects, options)
  const everything = await ChunkIndex.loadPresent(vault.objects, new Set(done?.packs), options)
  vault.useIndex(everything)
  await visitReachable(vault, live, { onChunk: ({ id }) => void needed.add(id, 0) }, options)
  const useless = new Set([...candidates, ...(done?.packs ?? [])])
  const others = await ChunkIndex.loadPresent(vault.objects, useless, options)
  const doomed = new Set(candidates)
  const lacking = new IdTable()
  for await (const { row, chunk } of others.findEach(needed)) if (chunk < 0) lacking.add(needed.idAt(row), 0)
  for await (const { row, chunk } of everything.findEach(lacking)) {
    const id = lacking.idAt(row)
    if (chunk < 0) throw missing(`the chunk ${idText(id)}`)
    doomed.delete(everything.packIdOf(chunk))
  }
  return doomed
}

/**
 * Replace the indexes that name packs which go, and merge them when there are many. Returns the hashes of those that were replaced.
 * An index may name a chunk only in a pack that goes, and another one, of the same packs, where it stays: names of all count.
 */
async function rewriteIndexes(
  vault: VaultInternals,
  doomed: ReadonlySet<string>,
  options: CallOptions,
): Promise<string[]> {
  const { objects } = vault
  const { parts, absentPacks } = await ChunkIndex.loadPresent(objects, new Set(), options)
  const gone = new Set([...doomed, ...absentPacks])
  const small = parts.filter(isSmall)
  const merged = small.length > MAX_SMALL_INDEXES ? small : []
  const obsolete = parts.filter((part) => merged.includes(part) || part.header.packs.hasAny(gone))
  const covered = new Set<string>()
  for (const part of parts) if (!obsolete.includes(part)) for (const id of part.header.packs.ids()) covered.add(id)
  const writer = new IndexWriter(objects, options)
  const partly = new Map<string, NamedPack>()
  for (const part of obsolete) {
    for (const pack of await namedPacks(objects, part, options)) {
      if (gone.has(pack.id) || covered.has(pack.id)) continue
      const whole = withNamesOf(pack, partly.get(pack.id))
      if (isPartlyNamed(whole.ids)) {
        partly.set(pack.id, whole)
        continue
      }
      await writer.add(whole)
      covered.add(pack.id)
      partly.delete(pack.id)
    }
  }
  for (const pack of partly.values()) if (!isUnnamed(pack.ids)) await writer.add(pack)
  await writer.flush()
  return obsolete.map(({ key }) => nameOf(key))
}

/** Delete what a complete pruning said was going, and marks that are of no use any more. */
async function finishDeletion(vault: VaultInternals, { done }: PruneState, options: CallOptions): Promise<void> {
  if (done === undefined) return
  const { objects } = vault
  const there = new Set((await objects.list('', options)).map(({ key }) => key))
  const keys = [
    ...done.indexes.map((name) => `index/${name}`),
    ...done.packs.map(packKey),
    ...[...there].filter((key) => key.startsWith(MARKS_PREFIX) && key < markKey(done.generation, 'done')),
    markKey(done.generation, 'plan'),
  ]
  for (const key of keys) if (there.has(key)) await objects.delete(key, options)
}

async function publishMark(
  vault: VaultInternals,
  phase: 'plan' | 'done',
  mark: PruneMark,
  options: CallOptions,
): Promise<void> {
  try {
    await writeMark(vault.objects, phase, mark, options)
  } catch (error) {
    if (!isArcError(error) || error.code !== 'ARC_OBJECT_CONFLICT') throw error
    throw busy(error)
  }
}
