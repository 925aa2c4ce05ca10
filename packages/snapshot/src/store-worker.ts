// What a worker thread runs: takes tasks from the shared list, stores their files, and sends packs and one message a task.
import { parentPort, workerData } from 'node:worker_threads'
import { SharedFileList, type SharedFiles, TaskCounter } from '@arc/core/node'
import type { VaultKeys } from '@arc/crypto'
import { Chunker, type ChunkSizes } from './chunker.ts'
import { FrameBuilder } from './chunk-writer.ts'
import { type ChunkSink, CHUNKER_BUFFER_BYTES, ContentWriter } from './content-writer.ts'
import type { SealedFrame } from './pack-writer.ts'
import type { PackKind } from './pack-footer.ts'
import { packReference, REFERENCE_BYTES } from './reference.ts'
import { SharedIdFilter } from './shared-id-filter.ts'
import { openWorkerKeys, type WorkerKeys } from './worker-keys.ts'

/** What the main thread gives. */
export interface StoreWork {
  readonly files: SharedFiles
  readonly counter: SharedArrayBuffer
  readonly filter: SharedArrayBuffer
  /** One number: frames that were sent by all workers and are not in a pack yet. */
  readonly framesWaiting: SharedArrayBuffer
  readonly keys: WorkerKeys
  readonly chunkSizes: ChunkSizes
  readonly compressionLevel: number
}

/** Frames that may wait to be put into packs before workers pause: what bounds their memory. */
const MAX_FRAMES_WAITING = 8

/** A complete frame; its bytes are handed over. */
export interface FrameMessage {
  readonly kind: 'frame'
  readonly packKind: PackKind
  readonly frame: SealedFrame
}

/** What became of the files of a task. */
export interface TaskMessage {
  readonly kind: 'task'
  readonly first: number
  /** One packed reference for each file. */
  readonly references: Uint8Array
  readonly sizes: Float64Array
  /** Files, counted from `first`, that the main thread must read itself: they could not be read, or were not as listed. */
  readonly redo: readonly number[]
  /** Names of chunks that were not stored because they seemed to be there, one after another, and the file of each. */
  readonly relied: Uint8Array
  readonly reliedBy: Uint32Array
}

/** Stores chunks that nobody has claimed yet, in frames that go to the main thread. */
class WorkerSink implements ChunkSink {
  readonly relied: Uint8Array[] = []
  readonly reliedBy: number[] = []
  file = 0
  readonly #filter: SharedIdFilter
  readonly #waiting: Int32Array
  readonly #frames: Readonly<Record<PackKind, FrameBuilder>>

  constructor(work: StoreWork, keys: VaultKeys) {
    this.#filter = new SharedIdFilter(work.filter)
    this.#waiting = new Int32Array(work.framesWaiting)
    const frame = (): FrameBuilder =>
      new FrameBuilder(work.compressionLevel, (plaintext) => keys.seal('frame', plaintext))
    this.#frames = { data: frame(), tree: frame() }
  }

  put(kind: PackKind, id: Uint8Array, bytes: Uint8Array): void {
    if (!this.#filter.claim(id)) {
      this.relied.push(id)
      this.reliedBy.push(this.file)
      return
    }
    const frame = this.#frames[kind]
    frame.add(id, bytes)
    if (frame.isFull) this.#send(kind)
  }

  end(): void {
    for (const kind of ['data', 'tree'] as const) if (!this.#frames[kind].isEmpty) this.#send(kind)
  }

  #send(packKind: PackKind): void {
    const built = this.#frames[packKind].build()
    const sealed = ownBytes(built.sealed)
    Atomics.add(this.#waiting, 0, 1)
    const message: FrameMessage = { kind: 'frame', packKind, frame: { ...built, sealed } }
    parentPort?.postMessage(message, [sealed.buffer])
    for (let waiting = Atomics.load(this.#waiting, 0); waiting > MAX_FRAMES_WAITING;) {
      Atomics.wait(this.#waiting, 0, waiting)
      waiting = Atomics.load(this.#waiting, 0)
    }
  }
}

/** Bytes whose memory can be handed over: their own, and not much more than they need. */
function ownBytes(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const isOwn = bytes.buffer instanceof ArrayBuffer && bytes.length * 2 > bytes.buffer.byteLength
  return isOwn && bytes.length > POOL_BYTES ? (bytes as Uint8Array<ArrayBuffer>) : new Uint8Array(bytes)
}

/** Shorter buffers may share memory that belongs to Node. */
const POOL_BYTES = 64 * 1024

async function run(work: StoreWork): Promise<void> {
  const keys = await openWorkerKeys(work.keys)
  const list = new SharedFileList(work.files)
  const tasks = new TaskCounter(0, work.counter)
  const sink = new WorkerSink(work, keys)
  const chunker = new Chunker(keys.gearTable(), work.chunkSizes, CHUNKER_BUFFER_BYTES)
  const content = new ContentWriter(chunker, work.chunkSizes, sink, (bytes) => keys.identify(bytes))
  for (let task = tasks.take(); task !== undefined; task = tasks.take()) {
    const { first, end } = list.task(task)
    const references = new Uint8Array((end - first) * REFERENCE_BYTES)
    const sizes = new Float64Array(end - first)
    const redo: number[] = []
    for (let file = first; file < end; file++) {
      const own = file - first
      sink.file = own
      const entry = list.entry(file)
      try {
        const waiting = content.store(entry.content)
        const stored = waiting instanceof Promise ? await waiting : waiting
        packReference(stored.reference, references.subarray(own * REFERENCE_BYTES, (own + 1) * REFERENCE_BYTES))
        sizes[own] = stored.sizeBytes
        if (stored.sizeBytes !== entry.sizeBytes) redo.push(own)
      } catch {
        redo.push(own) // the main thread meets the same trouble, and tells of it
      }
    }
    const relied = Buffer.concat(sink.relied.splice(0))
    const reliedBy = Uint32Array.from(sink.reliedBy.splice(0))
    parentPort?.postMessage({ kind: 'task', first, references, sizes, redo, relied, reliedBy } satisfies TaskMessage)
  }
  sink.end()
}

await run(workerData as StoreWork)
