import { ArcError } from '@arc/core'
import { ChunkIndex } from './chunk-index.ts'
import { ChunkReader } from './chunk-reader.ts'
import { ID_BYTES } from './chunk-id.ts'
import { copySnapshots } from './copy-snapshots.ts'
import { type DamagedRecord, intactRecord, judgeRecords } from './damaged-records.ts'
import { IdTable } from './id-table.ts'
import { isUnnamed, namedPacks } from './index-names.ts'
import { IndexWriter } from './index-writer.ts'
import { writeTombstone, writeTombstones } from './forget-records.ts'
import { salvagePack } from './pack-check.ts'
import { isMissing } from './problems.ts'
import { type PruneMark, readPruneState, writeMark } from './prune-mark.ts'
import { visitReachable } from './reachability.ts'
import { Repacker } from './repack.ts'
import type { SnapshotInfo } from './snapshot-info.ts'
import type { CallOptions, VerifyReport } from './store.ts'
import type { Vault } from './vault.ts'
import type { VaultInternals } from './vault-internals.ts'
import { packKey } from './vault-objects.ts'
import { examineVault } from './verify-vault.ts'

export interface RepairOptions extends CallOptions {
  /** A vault that may have what this one lacks: a copy of it, without encryption or with the same keys. */
  from?: Vault | undefined
}

/** What {@link applyRepair} will do: plain data. */
export interface RepairPlan {
  readonly schemaVersion: 1
  readonly location: string
  readonly generation: number
  /** What verifying all data found; each problem names the files that are concerned. */
  readonly report: VerifyReport
  /** Records that cannot be read: each is fetched, or its snapshot copied back, or it is given up. */
  readonly records: readonly DamagedRecord[]
  /** Indexes that are removed. */
  readonly indexes: readonly string[]
  /** Packs that no index names, and one will. */
  readonly reindexed: readonly string[]
  /** Packs that are replaced by what can be read of them. */
  readonly replaced: readonly string[]
  /** Snapshots that lack something; all else of them can be restored. */
  readonly incomplete: readonly string[]
}

/** What repairing came to. */
export interface RepairResult {
  /** What is left: files that cannot be restored from any snapshot that has them in this state. */
  readonly report: VerifyReport
  /** Chunks that came from the other vault. */
  readonly fetchedChunks: number
  /** Snapshots that were copied back from there: new ones, with the time, note and tags of those that they stand for. */
  readonly copied: readonly SnapshotInfo[]
  /** Records that were given up: those of snapshots are lost. */
  readonly lost: readonly DamagedRecord[]
}

/**
 * Verify all data and say what could be done about what is wrong. Changes nothing. What a disk refuses to read is reported and left as
 * it is: it may come back. Throws `ARC_KEY_WRITE_ONLY` for who cannot read.
 */
export async function planRepair(vault: Vault, options: RepairOptions = {}): Promise<RepairPlan> {
  const { internal, location } = vault
  const found = await examineVault(internal, { ...options, read: 'data' })
  const { generation } = await readPruneState(internal.objects, options)
  return {
    schemaVersion: 1,
    location,
    generation,
    report: found.report,
    records: await judgeRecords(found.badRecords, options.from, options),
    indexes: found.badIndexes,
    // Of an index that is damaged or gone, which packs it named is known only from the packs themselves.
    reindexed: found.report.problems.length > 0 ? found.unindexed : [],
    replaced: found.badPacks,
    incomplete: [...found.incomplete],
  }
}

/**
 * Make the vault whole as far as it can be: records that are damaged are fetched, or given up; of those that are, snapshots that another vault has a copy of are copied back; indexes are built from the packs, what is readable of damaged packs is copied into new
 * ones, what another vault has is fetched, and the rest is dropped, so that the next snapshot stores it again. Nothing is removed
 * before its replacement is in place. Throws `ARC_PLAN_STALE` when a pruning was completed since the plan.
 */
export async function applyRepair(plan: RepairPlan, vault: Vault, options: RepairOptions = {}): Promise<RepairResult> {
  const { internal } = vault
  const { objects } = internal
  const state = await readPruneState(objects, options)
  if (plan.location !== vault.location || plan.generation !== state.generation || state.planned !== undefined) {
    throw new ArcError('ARC_PLAN_STALE', 'a pruning was at work in this vault after the plan was made', {
      hint: 'Prune to its end, plan again, then apply the new plan.',
    })
  }
  const lost = await replaceRecords(internal, plan.records, options)
  const torn = await reindex(internal, plan.reindexed, options)
  for (const key of plan.indexes) await objects.delete(key, options)
  const gone = await replacePacks(internal, [...plan.replaced, ...torn], options)
  const fetchedChunks = options.from === undefined ? 0 : await fetchMissing(internal, options.from, gone, options)
  await dropPacks(internal, gone, plan, options)
  const ids = plan.records.flatMap(({ copyId }) => copyId ?? [])
  const copied = options.from && ids.length > 0 ? await copySnapshots(options.from, vault, { ...options, ids }) : []
  const found = await examineVault(internal, { ...options, read: 'metadata' })
  return { report: found.report, fetchedChunks, copied, lost }
}

/** Fetch damaged records that the other vault has too, being a copy of this one; of the others say that they are gone. Returns those that are lost. */
async function replaceRecords(
  vault: VaultInternals,
  records: readonly DamagedRecord[],
  { from, ...options }: RepairOptions,
): Promise<DamagedRecord[]> {
  const { objects, log } = vault
  const gone: DamagedRecord[] = []
  for (const record of records) {
    const bytes = from && (await intactRecord(from.internal.objects, record.key, options))
    if (bytes === undefined) gone.push(record)
    else {
      await objects.backend.write(record.key, bytes, { signal: options.signal })
      log.forgetDamage(record.key)
    }
  }
  const hashes = (kind: DamagedRecord['kind']): string[] => gone.flatMap((one) => (one.kind === kind ? one.id : []))
  await writeTombstones(vault, hashes('snapshot'), REASON, options)
  const notes = hashes('note')
  if (notes.length > 0) await writeTombstone(vault, { snapshots: [], notes, reason: REASON }, options)
  for (const { key } of gone) {
    await objects.delete(key, options)
    log.forgetDamage(key)
  }
  return gone.filter(({ copyId }) => from === undefined || copyId === undefined)
}

const REASON = 'its record was damaged'

/** Write an index of packs; returns those that cannot be in it, because only a part of them can be read. */
async function reindex(vault: VaultInternals, packs: readonly string[], options: CallOptions): Promise<string[]> {
  const writer = new IndexWriter(vault.objects, options)
  const torn: string[] = []
  for (const id of packs) {
    const salvaged = await salvagePack(vault, id, options)
    if (salvaged?.isWhole === true) await writer.add(salvaged.named)
    else if (salvaged !== undefined) torn.push(id)
  }
  await writer.flush()
  return torn
}

/** Copy what can be read out of damaged packs; returns those that can go, with those of them that are not there. */
async function replacePacks(
  vault: VaultInternals,
  packs: readonly string[],
  options: CallOptions,
): Promise<ReadonlySet<string>> {
  const index = await ChunkIndex.load(vault.objects, new Set(packs), options)
  const repacker = new Repacker(vault, options)
  const copied = new IdTable()
  for (const id of packs) {
    const salvaged = await salvagePack(vault, id, options)
    for (const chunk of salvaged?.chunks() ?? []) {
      if ((await index.find(chunk.id)) >= 0 || !copied.add(chunk.id, 0)) continue
      await repacker.add(salvaged?.kind ?? 'data', chunk.id, chunk.bytes)
    }
  }
  await repacker.finish()
  return new Set(packs)
}

/** Fetch what snapshots need and this vault does not have any more. */
async function fetchMissing(
  vault: VaultInternals,
  from: Vault,
  gone: ReadonlySet<string>,
  options: CallOptions,
): Promise<number> {
  const reader = new ChunkReader(from.internal)
  const repacker = new Repacker(vault, options)
  let fetched = 0
  for (let rounds = 0; rounds < MAX_ROUNDS; rounds++) {
    const lacking = await lackingChunks(vault, gone, options)
    let found = 0
    for (let row = 0; row < lacking.size; row++) {
      const id = Buffer.from(lacking.idAt(row))
      try {
        const bytes = await reader.chunk(id, options)
        if (Buffer.compare(vault.objects.keys.identify(bytes), id) !== 0) continue
        await repacker.add(lacking.valueAt(row) === 1 ? 'tree' : 'data', id, bytes)
        found++
      } catch (error) {
        if (!isMissing(error)) throw error
      }
    }
    await repacker.finish()
    fetched += found
    // A listing that came back may tell of more that is missing.
    if (found === 0) break
  }
  return fetched
}

/** One for each level of folders that can be missing; the rest comes with the next repair. */
const MAX_ROUNDS = 64

async function lackingChunks(vault: VaultInternals, gone: ReadonlySet<string>, options: CallOptions): Promise<IdTable> {
  const index = await ChunkIndex.load(vault.objects, gone, options)
  vault.useIndex(index)
  const needed: Buffer[] = []
  const unreadable = new IdTable()
  const live = await vault.log.live(await vault.log.view(options), options)
  await visitReachable(
    vault,
    live,
    {
      onChunk: ({ id }) => void needed.push(Buffer.from(id)),
      onUnreadable: ({ id }) => void unreadable.add(id, 0),
    },
    options,
  )
  const lacking = new IdTable()
  for (const id of needed) if ((await index.find(id)) < 0) lacking.add(id, unreadable.has(id) ? 1 : 0)
  return lacking
}

/** Take damaged packs out of the indexes, mark what is incomplete, then delete them. */
async function dropPacks(
  vault: VaultInternals,
  gone: ReadonlySet<string>,
  plan: RepairPlan,
  options: CallOptions,
): Promise<void> {
  const { objects, log } = vault
  if (gone.size === 0 && plan.incomplete.length === 0) return
  const view = await log.view(options)
  const live = await log.live(view, options)
  const mark: PruneMark = {
    generation: view.prune.generation + 1,
    time: new Date(vault.now()).toISOString(),
    packs: [...gone],
    indexes: [],
    snapshots: live.map(({ hash }) => hash),
    damaged: [...new Set([...(view.prune.done?.damaged ?? []), ...plan.incomplete])],
  }
  await writeMark(objects, 'done', mark, options)
  await rewriteWithout(vault, gone, options)
  for (const id of gone) await objects.delete(packKey(id), options)
  await vault.freshIndex(options)
}

async function rewriteWithout(vault: VaultInternals, gone: ReadonlySet<string>, options: CallOptions): Promise<void> {
  const { objects } = vault
  const { parts } = await ChunkIndex.load(objects, new Set(), options)
  for (const part of parts.filter(({ header }) => header.packs.hasAny(gone))) {
    const writer = new IndexWriter(objects, options)
    for (const pack of await namedPacks(objects, part, options)) {
      if (!gone.has(pack.id) && hasNames(pack.ids)) await writer.add(pack)
    }
    await writer.flush()
    await objects.delete(part.key, options)
  }
}

function hasNames(ids: Uint8Array): boolean {
  return ids.length >= ID_BYTES && !isUnnamed(ids)
}
