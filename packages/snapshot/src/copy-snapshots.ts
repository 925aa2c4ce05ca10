import { assertWithin } from '@arc/core'
import { ID_BYTES } from './chunk-id.ts'
import { ByteWriter } from './byte-writer.ts'
import { ChunkReader } from './chunk-reader.ts'
import { ChunkWriter } from './chunk-writer.ts'
import { unknownSnapshot } from './problems.ts'
import { decodeListing, encodeListingEntry, MAX_TREE_DEPTH } from './listing.ts'
import type { PackKind } from './pack-footer.ts'
import { type PruneState, readPruneState } from './prune-mark.ts'
import { indexToRelyOn, MAX_ATTEMPTS, prunedAgain, publishSnapshot } from './publish-snapshot.ts'
import { LIST_NAMES, packReference, type Reference, REFERENCE_BYTES, unpackReference } from './reference.ts'
import { logReference, referenceFields, type RunFacts } from './run-facts.ts'
import type { SnapshotInfo } from './snapshot-info.ts'
import { snapshotInfo } from './snapshot-record.ts'
import type { CallOptions } from './store.ts'
import type { Vault } from './vault.ts'
import type { LiveSnapshot } from './vault-log.ts'
import { rootOf } from './vault-source.ts'

export interface CopyOptions extends CallOptions {
  /** Ids of the snapshots to copy; default all. */
  ids?: readonly string[] | undefined
}

/**
 * Copy snapshots from one vault to another, oldest first; returns the new ones. Those that were copied before are passed by, and
 * what is there is not stored again. Keys may differ, or one vault may have none: then chunks get other names on the way.
 */
export async function copySnapshots(from: Vault, to: Vault, options: CopyOptions = {}): Promise<SnapshotInfo[]> {
  const source = from.internal
  const target = to.internal
  const live = await source.log.live(await source.log.view(options), options)
  const wanted = options.ids && new Set(options.ids)
  const unknown = options.ids?.find((id) => !live.some(({ hash }) => hash === id))
  if (unknown !== undefined) throw unknownSnapshot(unknown, from)
  const there = await target.log.live(await target.log.view(options), options)
  const copied = new Set(there.flatMap(({ record, hash }) => [hash, record.origin?.snapshot ?? hash]))
  let job = await CopyJob.start(from, to, options, false)
  const results: SnapshotInfo[] = []
  for (const snapshot of live) {
    if (wanted?.has(snapshot.hash) === false) continue
    if (copied.has(snapshot.hash) || copied.has(snapshot.record.origin?.snapshot ?? '')) continue
    let copy = await job.copy(snapshot)
    for (let attempt = 2; copy === undefined; attempt++) {
      if (attempt > MAX_ATTEMPTS) throw prunedAgain()
      job = await CopyJob.start(from, to, options, true)
      copy = await job.copy(snapshot)
    }
    results.push(copy)
  }
  return results
}

class CopyJob {
  readonly #from: Vault
  readonly #to: Vault
  /** The marks of the target before anything was stored. */
  readonly #before: PruneState
  readonly #options: CallOptions
  readonly #reader: ChunkReader
  readonly #writer: ChunkWriter
  /** What each reference of the source became, both packed, as text. */
  readonly #known = new Map<string, { packed: Buffer; sizeBytes: number }>()

  private constructor(from: Vault, to: Vault, before: PruneState, isRetry: boolean, options: CallOptions) {
    this.#from = from
    this.#to = to
    this.#before = before
    this.#options = options
    this.#reader = new ChunkReader(from.internal)
    const { objects, compressionLevel } = to.internal
    this.#writer = new ChunkWriter(objects, {
      compressionLevel,
      index: () => indexToRelyOn(objects, isRetry, options),
      signal: options.signal,
    })
  }

  /** `isRetry`: a pruning got in the way of an earlier job. */
  static async start(from: Vault, to: Vault, options: CallOptions, isRetry: boolean): Promise<CopyJob> {
    return new CopyJob(from, to, await readPruneState(to.internal.objects, options), isRetry, options)
  }

  /** The snapshot, or `undefined` when a pruning got in the way: then this job cannot go on. */
  async copy(snapshot: LiveSnapshot): Promise<SnapshotInfo | undefined> {
    const before = { ...this.#writer.totals }
    const root = rootOf(snapshot.record)
    const copied = await this.#listing(root.reference, root.sizeBytes)
    const run = snapshot.record.run && (await this.#run(snapshot.record.run))
    await this.#writer.finish()
    const { sequence: _, previous: __, ...record } = snapshot.record
    const { newBytes, storedBytes } = this.#writer.totals
    const place = await publishSnapshot(
      this.#to.internal,
      this.#writer,
      this.#before,
      async ({ prune }) => ({
        ...record,
        generation: prune.latest,
        tags: [...snapshot.tags],
        origin: record.origin ?? { vault: this.#from.id, snapshot: snapshot.hash },
        run,
        root: { sizeBytes: copied.sizeBytes, ...referenceFields(copied.reference) },
        statistics: {
          ...record.statistics,
          newBytes: newBytes - before.newBytes,
          storedBytes: storedBytes - before.storedBytes,
        },
      }),
      this.#options,
    )
    return place && snapshotInfo({ ...place, tags: snapshot.tags })
  }

  /** Copy the log of a run. */
  async #run(run: RunFacts): Promise<RunFacts> {
    const { printedBytes, sizeBytes } = run.output
    return {
      ...run,
      output: { printedBytes, sizeBytes, ...referenceFields(await this.#content('data', logReference(run))) },
    }
  }

  /** Copy a folder and everything below it. */
  async #listing(
    reference: Reference | undefined,
    sizeBytes: number,
    depth: number = 0,
  ): Promise<{ reference: Reference | undefined; sizeBytes: number }> {
    if (reference === undefined) return { reference, sizeBytes: 0 }
    const key = keyOf('tree', reference)
    const known = this.#known.get(key)
    if (known !== undefined) return { reference: unpackReference(known.packed), sizeBytes: known.sizeBytes }
    assertWithin('folders within each other', depth, MAX_TREE_DEPTH)
    const bytes = await this.#reader.whole(reference, sizeBytes, this.#options)
    const copy = new ByteWriter()
    for (const entry of decodeListing(bytes, 'a listing')) {
      if (entry.type === 'directory') {
        encodeListingEntry({ ...entry, ...(await this.#listing(entry.reference, entry.sizeBytes, depth + 1)) }, copy)
      } else encodeListingEntry({ ...entry, reference: await this.#content('data', entry.reference) }, copy)
    }
    const own = await this.#store('tree', copy.view(), reference, bytes)
    this.#remember(key, own, copy.sizeBytes)
    return { reference: own, sizeBytes: copy.sizeBytes }
  }

  /** Copy what a reference stands for, chunk by chunk as it was cut. */
  async #content(kind: PackKind, reference: Reference | undefined): Promise<Reference | undefined> {
    if (reference === undefined) return undefined
    const key = keyOf(kind, reference)
    const known = this.#known.get(key)
    if (known !== undefined) return unpackReference(known.packed)
    this.#options.signal?.throwIfAborted()
    const bytes = await this.#reader.chunk(reference.id, this.#options)
    let own: Reference
    if (reference.depth === 0) own = { depth: 0, id: await this.#put(kind, bytes) }
    else {
      const ids: Uint8Array[] = []
      for (let at = 0; at < bytes.length; at += ID_BYTES) {
        const inner = { depth: reference.depth - 1, id: Buffer.from(bytes.subarray(at, at + ID_BYTES)) }
        ids.push(((await this.#content(kind, inner)) as Reference).id)
      }
      own = { depth: reference.depth, id: await this.#put('tree', Buffer.concat(ids)) }
    }
    this.#remember(key, own, 0)
    return own
  }

  /** Store a listing: chunk by chunk as before when it is the same, else in pieces. */
  async #store(kind: PackKind, bytes: Buffer, reference: Reference, before: Buffer): Promise<Reference> {
    if (bytes.equals(before)) return (await this.#content(kind, reference)) as Reference
    const { maxBytes } = this.#to.internal.config.chunker
    const ids: Uint8Array[] = []
    for (let at = 0; at < bytes.length; at += maxBytes)
      ids.push(await this.#put(kind, bytes.subarray(at, at + maxBytes)))
    let depth = 0
    for (let level = ids; ; depth++) {
      if (level.length === 1) return { depth, id: level[0] as Uint8Array }
      const lists: Uint8Array[] = []
      for (let at = 0; at < level.length; at += LIST_NAMES)
        lists.push(await this.#put('tree', Buffer.concat(level.slice(at, at + LIST_NAMES))))
      level = lists
    }
  }

  async #put(kind: PackKind, bytes: Buffer): Promise<Uint8Array> {
    const id = this.#to.internal.objects.keys.identify(bytes)
    await this.#writer.put(kind, id, bytes)
    return id
  }

  #remember(key: string, reference: Reference | undefined, sizeBytes: number): void {
    const packed = Buffer.alloc(REFERENCE_BYTES)
    packReference(reference, packed)
    this.#known.set(key, { packed, sizeBytes })
  }
}

function keyOf(kind: PackKind, reference: Reference): string {
  const packed = Buffer.alloc(REFERENCE_BYTES)
  packReference(reference, packed)
  return kind + packed.toString('latin1')
}
