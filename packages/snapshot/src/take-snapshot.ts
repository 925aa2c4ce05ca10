import { bytesContent, type EntryPath, type EntrySource, type Omission } from '@arc/core'
import { defaultWorkerCount } from '@arc/core/node'
import { Chunker } from './chunker.ts'
import { ChunkWriter } from './chunk-writer.ts'
import { CHUNKER_BUFFER_BYTES, ContentWriter } from './content-writer.ts'
import { Intake, type Taken, takeUnchanged } from './intake.ts'
import { assertNewTags } from './new-tags.ts'
import { isMissing } from './problems.ts'
import { isCurrent, isSpared } from './prune-mark.ts'
import { indexToRelyOn, MAX_ATTEMPTS, prunedAgain, type Published, publishSnapshot } from './publish-snapshot.ts'
import type { LogRecord } from './record.ts'
import type { Reference } from './reference.ts'
import { assertRecordable, type RunFacts, runFacts } from './run-facts.ts'
import { newSnapshotRecord, snapshotInfo } from './snapshot-record.ts'
import { cacheFile, parseReference, referenceText, StatCache, StatCacheWriter } from './stat-cache.ts'
import { storeByWorkers } from './store-by-workers.ts'
import type { SnapshotResult, TakeOptions } from './store.ts'
import { type StoredListing, writeTree } from './tree-writer.ts'
import type { VaultInternals } from './vault-internals.ts'
import type { LogPlace, LogView } from './vault-log.ts'

/**
 * Below this much, threads save little: compiling the same code in each of them takes a fifth more processor time than one thread
 * needs for 57,000 small files of 90 MiB, and saves a tenth of the wait.
 */
const PARALLEL_BYTES = 128 * 1024 * 1024
/** Below this much, they save nothing, asked for or not. */
const LEAST_PARALLEL_BYTES = 16 * 1024 * 1024
/** Snapshots looked at for one that a cache can stand on. */
const BASE_DEPTH = 64

/** Store a source as a snapshot of the vault. */
export async function takeVaultSnapshot(
  vault: VaultInternals,
  source: EntrySource,
  options: TakeOptions,
): Promise<SnapshotResult> {
  assertNewTags(options)
  if (options.run !== undefined) assertRecordable(options.run)
  const timeMs = options.time?.getTime() ?? vault.now()
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
    const run = new SnapshotRun(vault, source, options, { timeMs, isRetry: attempt > 1 })
    const result = await run.run().catch(async (error: unknown) => {
      // A pruning replaced an index that was in use.
      if (isMissing(error)) return undefined
      await run.abandon()
      throw error
    })
    if (result !== undefined) return result
    if (source.access === 'sequential') break
  }
  throw prunedAgain()
}

/** The snapshot before, as far as what it stored can be relied on. */
interface Base {
  readonly place: LogPlace
  readonly generation: number
  readonly root: Reference | undefined
  /** Of the root's listing. */
  readonly rootBytes: number
}

/** One attempt to store a source. */
class SnapshotRun {
  readonly #vault: VaultInternals
  readonly #source: EntrySource
  readonly #options: TakeOptions
  readonly #timeMs: number
  readonly #writer: ChunkWriter
  readonly #content: ContentWriter
  readonly #cacheFile: string | undefined
  readonly #cacheKey: string
  #ran: RunFacts | undefined

  constructor(
    vault: VaultInternals,
    source: EntrySource,
    options: TakeOptions,
    { timeMs, isRetry }: { timeMs: number; isRetry: boolean },
  ) {
    this.#vault = vault
    this.#source = source
    this.#options = options
    this.#timeMs = timeMs
    const { objects, config } = vault
    this.#writer = new ChunkWriter(objects, {
      compressionLevel: vault.compressionLevel,
      index: () => indexToRelyOn(objects, isRetry, options),
      signal: options.signal,
    })
    const chunker = new Chunker(objects.keys.gearTable(), config.chunker, CHUNKER_BUFFER_BYTES)
    this.#content = new ContentWriter(chunker, config.chunker, this.#writer, (bytes) => objects.keys.identify(bytes))
    const { cacheFolder, path } = options
    this.#cacheFile =
      cacheFolder === undefined || path === undefined || source.access === 'sequential'
        ? undefined
        : cacheFile(cacheFolder, config.id, path)
    this.#cacheKey = [config.id, objects.keys.id, path ?? ''].join('\0')
  }

  /** Remove what a run that failed has stored, and nobody refers to. */
  abandon(): Promise<void> {
    return this.#writer.abandon()
  }

  /** The snapshot, or `undefined` when a pruning got in the way. */
  async run(): Promise<SnapshotResult | undefined> {
    const view = await this.#vault.log.view(this.#options)
    const cache = this.#cacheFile === undefined ? undefined : StatCache.load(this.#cacheFile, this.#cacheKey)
    const base = cache === undefined ? undefined : await this.#findBase(view, cache)
    const known = base === undefined ? undefined : cache
    const trusted = this.#options.paranoid === true ? undefined : known
    if (base !== undefined && trusted !== undefined) {
      const taken = await takeUnchanged(this.#source, trusted, this.#options.signal)
      if (taken !== undefined) return this.#repeat(view, taken, base)
      trusted.rewind()
    }
    const intake = await this.#takeIn(trusted)
    const root = await writeTree(intake.rows, this.#content, base?.root)
    await this.#storeLog()
    await this.#writer.finish()
    this.#options.signal?.throwIfAborted()
    const published = await this.#publish(view, intake, root, base)
    if (published === undefined) return undefined
    const isSame = base !== undefined && referenceText(base.root) === referenceText(root.reference)
    // With the same tree, too: files that were too young to be trusted are old enough by now.
    await this.#saveCache(intake, root, published)
    const snapshot = snapshotInfo({ ...published, tags: published.record.tags })
    return { snapshot, isChanged: !isSame && (await this.#differsFromLast(view, snapshot)) }
  }

  /** Nothing changed: a record is all there is to write, and the log of a run. */
  async #repeat(view: LogView, taken: Taken, base: Base): Promise<SnapshotResult | undefined> {
    await this.#storeLog()
    await this.#writer.finish()
    const published = await this.#publish(view, taken, { reference: base.root, sizeBytes: base.rootBytes }, base)
    if (published === undefined) return undefined
    return { snapshot: snapshotInfo({ ...published, tags: published.record.tags }), isChanged: false }
  }

  async #storeLog(): Promise<void> {
    const { run } = this.#options
    if (run === undefined) return
    this.#ran = runFacts(run, (await this.#content.store(bytesContent(run.output.log))).reference)
  }

  /** Read the source, and store what is not stored yet. */
  async #takeIn(cache: StatCache | undefined): Promise<Intake> {
    const { jobs, signal, onProgress } = this.#options
    const intake = new Intake(this.#content, cache, jobs !== 1)
    let doneEntries = 0
    for await (const batch of this.#source.entries({ signal })) {
      for (const entry of batch) {
        const waiting = intake.add(entry)
        if (waiting !== undefined) await waiting
      }
      signal?.throwIfAborted()
      doneEntries += batch.length
      onProgress?.({ phase: 'storing', doneEntries, doneBytes: intake.counts.contentBytes - intake.pendingBytes })
    }
    await this.#storePending(intake)
    intake.linkUp()
    return intake
  }

  async #storePending(intake: Intake): Promise<void> {
    const { signal, jobs = defaultWorkerCount() } = this.#options
    const leastBytes = this.#options.jobs === undefined ? PARALLEL_BYTES : LEAST_PARALLEL_BYTES
    let left = intake.pending
    if (jobs > 1 && intake.pendingBytes >= leastBytes && this.#vault.objects.keys.canUnseal) {
      left = await storeByWorkers(this.#vault, intake, this.#writer, { ...this.#options, jobs })
    }
    let countdown = 100
    for (const row of left) {
      await intake.storePending(row)
      if (--countdown > 0) continue
      countdown = 100
      signal?.throwIfAborted()
    }
  }

  /** The snapshot that made the cache, or one with the same tree; what it stored must still count. */
  async #findBase(view: LogView, cache: StatCache): Promise<Base | undefined> {
    const root = parseReference(cache.note.root)
    const rootId = root === undefined ? undefined : Buffer.from(root.id).toString('hex')
    const recent = view.snapshots.slice(-BASE_DEPTH).reverse()
    const made = view.snapshots.find(({ hash }) => hash === cache.note.snapshot)
    if (!this.#vault.objects.keys.canUnseal) {
      const { generation, rootBytes } = cache.note
      const base = made && { place: made, generation, root, rootBytes }
      return base !== undefined && (await this.#counts(view, base)) ? base : undefined
    }
    for (const place of made === undefined ? recent : [made, ...recent]) {
      const record = await this.#recordOf(place)
      if (record?.kind !== 'snapshot' || record.root.id !== rootId || record.root.depth !== root?.depth) continue
      const base = { place, generation: record.generation, root, rootBytes: record.root.sizeBytes }
      if (await this.#counts(view, base)) return base
    }
    return undefined
  }

  /** A record of the log; `undefined` when somebody has forgotten it since it was listed. */
  async #recordOf(place: LogPlace): Promise<LogRecord | undefined> {
    const [signed] = await this.#vault.log.readAll([place], this.#options)
    return signed?.record
  }

  async #counts(view: LogView, { place, generation }: Base): Promise<boolean> {
    if (!view.snapshots.some(({ hash }) => hash === place.hash)) return false
    // Who may only write cannot read tombstones and marks; without a pruning since, nothing can have gone.
    if (!this.#vault.objects.keys.canUnseal) return view.prune.latest === generation
    const snapshot = { hash: place.hash, generation }
    if (!isCurrent(view.prune, snapshot) || !isSpared(view.prune, snapshot)) return false
    if (view.prune.done?.damaged?.includes(place.hash) === true) return false
    return !(await this.#vault.log.forgottenSince(view, place.sequence, this.#options)).has(place.hash)
  }

  async #publish(
    start: LogView,
    taken: Taken,
    root: StoredListing,
    base: Base | undefined,
  ): Promise<Published | undefined> {
    const draft = async (view: LogView): Promise<ReturnType<typeof newSnapshotRecord> | undefined> => {
      if (base !== undefined && !(await this.#counts(view, base))) return undefined
      return this.#record(taken, root, view.prune.latest)
    }
    return publishSnapshot(this.#vault, this.#writer, start.prune, draft, this.#options)
  }

  #record(taken: Taken, root: StoredListing, generation: number): ReturnType<typeof newSnapshotRecord> {
    const { totals } = this.#writer
    const omissions: Omission[] = [...this.#source.omissions, ...taken.omissions]
    return newSnapshotRecord({
      source: this.#source,
      draft: this.#options,
      timeMs: this.#timeMs,
      generation,
      root,
      statistics: { ...taken.counts, newBytes: totals.newBytes, storedBytes: totals.storedBytes },
      omissions,
      inconsistent: taken.inconsistent,
      run: this.#ran,
    })
  }

  /** Remember what the files looked like. A source of random access gives the same entries again. */
  async #saveCache(intake: Intake, root: StoredListing, { hash, record }: Published): Promise<void> {
    if (this.#cacheFile === undefined) return
    const { rows } = intake
    const inconsistent = new Set<EntryPath>(intake.inconsistent)
    const writer = new StatCacheWriter()
    let row = 0
    for await (const batch of this.#source.entries({ signal: this.#options.signal })) {
      for (const entry of batch) {
        if (rows.paths[row] !== entry.path) continue
        if (!rows.isDropped(row) && !inconsistent.has(entry.path)) writer.add(entry, rows.packedReference(row))
        row++
      }
    }
    const note = {
      snapshot: hash,
      root: referenceText(root.reference),
      generation: record.generation,
      rootBytes: root.sizeBytes,
    }
    writer.save(this.#cacheFile, this.#cacheKey, note)
  }

  /** Whether the snapshot of the same project and host before this one had another tree. */
  async #differsFromLast(view: LogView, snapshot: SnapshotResult['snapshot']): Promise<boolean> {
    if (!this.#vault.objects.keys.canUnseal) return true
    for (const place of view.snapshots.slice(-BASE_DEPTH).reverse()) {
      const record = await this.#recordOf(place)
      if (record?.kind !== 'snapshot' || record.project !== snapshot.project || record.host !== snapshot.host) continue
      return (record.root.id ?? '') !== snapshot.root
    }
    return true
  }
}
