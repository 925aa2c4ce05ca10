import { runWorkers, SharedFileList, TaskCounter } from '@arc/core/node'
import { ID_BYTES } from './chunk-id.ts'
import type { ChunkWriter } from './chunk-writer.ts'
import { type Intake, type PendingEntry } from './intake.ts'
import { REFERENCE_BYTES, unpackReference } from './reference.ts'
import { SharedIdFilter } from './shared-id-filter.ts'
import type { CallOptions } from './store.ts'
import type { FrameMessage, StoreWork, TaskMessage } from './store-worker.ts'
import type { VaultInternals } from './vault-internals.ts'
import { packWorkerKeys } from './worker-keys.ts'

/** Files this long are begun first, so that none is left to a single thread at the end. */
const LONG_FILE_BYTES = 8 * 1024 * 1024

/** Little in a worker lives long: a small nursery costs no time and saves tens of megabytes. */
const WORKER_YOUNG_MIB = 4

/** Let threads store the pending files; returns the rows of those that the calling one must see to. */
export async function storeByWorkers(
  vault: VaultInternals,
  intake: Intake,
  writer: ChunkWriter,
  options: CallOptions & { jobs: number },
): Promise<number[]> {
  const pending = inGoodOrder(intake)
  const list = SharedFileList.of(entriesOf(intake, pending))
  // One file, however long, is one task: a second thread would have nothing to do.
  if (list === undefined || list.taskCount < 2) return pending
  const { config, objects } = vault
  const filter = await filterFor(vault, writer, intake)
  const tasks = new TaskCounter(list.taskCount)
  const framesWaiting = new SharedArrayBuffer(4)
  const work: StoreWork = {
    files: list.shared,
    counter: tasks.buffer,
    filter: filter.shared,
    framesWaiting,
    keys: await packWorkerKeys(config.id, objects.keys, config.encryption !== 'none'),
    chunkSizes: config.chunker,
    compressionLevel: vault.compressionLevel,
  }
  const job = new WorkerJob(intake, pending, writer, new Int32Array(framesWaiting), options)
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  await runWorkers<FrameMessage | TaskMessage>({
    module: new URL(`./store-worker.${extension}`, import.meta.url),
    data: work,
    workerCount: Math.min(options.jobs, list.taskCount),
    resourceLimits: { maxYoungGenerationSizeMb: WORKER_YOUNG_MIB },
    onMessage: (message) => (message.kind === 'frame' ? job.takeFrame(message) : job.takeTask(message)),
    signal: options.signal,
  })
  await writer.written()
  return job.leftOver()
}

function inGoodOrder({ pending, rows }: Intake): number[] {
  const long = pending.filter((row) => rows.sizeBytes(row) >= LONG_FILE_BYTES)
  const rest = pending.filter((row) => rows.sizeBytes(row) < LONG_FILE_BYTES)
  return [...long.sort((a, b) => rows.sizeBytes(b) - rows.sizeBytes(a)), ...rest]
}

function* entriesOf(intake: Intake, pending: readonly number[]): Generator<PendingEntry, void, void> {
  for (const row of pending) yield intake.pendingEntry(row)
}

/** A filter with room for all chunks there can be, and with those that are in the vault already. */
async function filterFor(vault: VaultInternals, writer: ChunkWriter, intake: Intake): Promise<SharedIdFilter> {
  const index = await writer.index()
  const most = intake.pending.length + intake.pendingBytes / vault.config.chunker.minBytes
  const filter = SharedIdFilter.of(index.chunkCount + most)
  for await (const names of index.names()) for (const id of names) filter.claim(id)
  return filter
}

class WorkerJob {
  readonly #intake: Intake
  /** Rows, in the order of the shared list. */
  readonly #pending: readonly number[]
  readonly #writer: ChunkWriter
  readonly #framesWaiting: Int32Array
  readonly #options: CallOptions
  readonly #redo = new Set<number>()
  readonly #relied: { ids: Uint8Array; files: Uint32Array; first: number }[] = []
  #doneEntries = 0
  #doneBytes = 0

  constructor(
    intake: Intake,
    pending: readonly number[],
    writer: ChunkWriter,
    framesWaiting: Int32Array,
    options: CallOptions,
  ) {
    this.#intake = intake
    this.#pending = pending
    this.#writer = writer
    this.#framesWaiting = framesWaiting
    this.#options = options
  }

  takeFrame({ packKind, frame }: FrameMessage): void {
    const release = (): void => {
      Atomics.sub(this.#framesWaiting, 0, 1)
      Atomics.notify(this.#framesWaiting, 0)
    }
    const waiting = this.#writer.addFrame(packKind, frame)
    // What fails is thrown once all is written.
    if (waiting === undefined) release()
    else waiting.then(release, release)
  }

  takeTask({ first, references, sizes, redo, relied, reliedBy }: TaskMessage): void {
    for (const file of redo) this.#redo.add(first + file)
    for (const [own, sizeBytes] of sizes.entries()) {
      const row = this.#pending[first + own] as number
      const packed = references.subarray(own * REFERENCE_BYTES, (own + 1) * REFERENCE_BYTES)
      const stored = { reference: unpackReference(packed), sizeBytes }
      if (this.#redo.has(first + own) || !this.#intake.isSettled(row, stored)) this.#redo.add(first + own)
      else this.#intake.settle(row, stored)
      this.#doneBytes += sizeBytes
    }
    if (reliedBy.length > 0) this.#relied.push({ ids: relied, files: reliedBy, first })
    this.#doneEntries += sizes.length
    const { length } = this.#pending
    this.#options.onProgress?.({
      phase: 'storing',
      doneEntries: this.#doneEntries,
      doneBytes: this.#doneBytes,
      totalEntries: length,
    })
  }

  /** Files that were not as listed, and those that relied on a chunk which turns out not to be there. */
  async leftOver(): Promise<number[]> {
    for (const { ids, files, first } of this.#relied) {
      for (const [i, file] of files.entries()) {
        const found = this.#writer.has(ids.subarray(i * ID_BYTES, (i + 1) * ID_BYTES))
        const isThere = typeof found === 'boolean' ? found : await found
        if (!isThere) this.#redo.add(first + file)
      }
    }
    return [...this.#redo].sort((a, b) => a - b).map((file) => this.#pending[file] as number)
  }
}
