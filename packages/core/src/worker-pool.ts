import { availableParallelism } from 'node:os'
import { type ResourceLimits, Worker } from 'node:worker_threads'
import { ArcError, isArcError } from './error.ts'

/**
 * A shared list of numbered tasks from which workers take the next one by an atomic add: no message per task, no queue,
 * no idle worker while work is left.
 */
export class TaskCounter {
  readonly buffer: SharedArrayBuffer
  readonly #cells: Int32Array

  /** Without `buffer` a new list of `taskCount` tasks; with it a view of the list another thread made. */
  constructor(taskCount: number, buffer: SharedArrayBuffer = new SharedArrayBuffer(12)) {
    this.buffer = buffer
    this.#cells = new Int32Array(buffer)
    if (taskCount > 0) Atomics.store(this.#cells, 1, taskCount)
  }

  /** The number of a task nobody else has, or `undefined` when none is left. */
  take(): number | undefined {
    const task = Atomics.add(this.#cells, 0, 1)
    return task < Atomics.load(this.#cells, 1) ? task : undefined
  }

  /** Tell how many tasks' results are used up, so that workers which wait for that go on. */
  release(usedTasks: number): void {
    Atomics.store(this.#cells, 2, usedTasks)
    Atomics.notify(this.#cells, 2)
  }

  /** Block this thread until at most `ahead` tasks before `task` are not used up: what bounds the memory of results. */
  waitUntilNear(task: number, ahead: number): void {
    for (let used = Atomics.load(this.#cells, 2); task - used > ahead; used = Atomics.load(this.#cells, 2))
      Atomics.wait(this.#cells, 2, used)
  }

  /** Let every worker find the list empty. */
  stop(): void {
    Atomics.store(this.#cells, 1, 0)
  }
}

export interface WorkerPoolOptions<Message> {
  /** The module that the workers run; it finds `data` in `workerData`. */
  module: URL
  /** Structured-cloned to every worker; buffers that are to be shared must be `SharedArrayBuffer`s. */
  data: unknown
  workerCount: number
  /** Called for each message; a worker that has nothing more to do simply ends. */
  onMessage: (message: Message, worker: Worker) => void
  /** Bounds on the heap of each worker; default: those of Node, which lets garbage pile up to tens of megabytes. */
  resourceLimits?: ResourceLimits | undefined
  signal?: AbortSignal | undefined
}

/** Run workers until all have ended. The first failure, or an abort, ends the others and is thrown. */
export async function runWorkers<Message>(options: WorkerPoolOptions<Message>): Promise<void> {
  const { resourceLimits } = options
  options.signal?.throwIfAborted()
  const workers = Array.from(
    { length: options.workerCount },
    () => new Worker(options.module, { workerData: options.data, ...(resourceLimits && { resourceLimits }) }),
  )
  const onAbort = (): void => workers.forEach((worker) => void worker.terminate())
  options.signal?.addEventListener('abort', onAbort, { once: true })
  try {
    await Promise.all(workers.map((worker) => untilEnd(worker, options.onMessage)))
    options.signal?.throwIfAborted()
  } catch (error) {
    options.signal?.throwIfAborted() // that is why a worker ended early
    throw error
  } finally {
    options.signal?.removeEventListener('abort', onAbort)
    await Promise.all(workers.map((worker) => worker.terminate()))
  }
}

function untilEnd<Message>(worker: Worker, onMessage: (message: Message, worker: Worker) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    worker.on('message', (message: Message) => {
      try {
        onMessage(message, worker)
      } catch (error) {
        reject(error)
      }
    })
    worker.on('error', (error) =>
      reject(
        isArcError(error) ? error : new ArcError('ARC_SYSTEM_CALL_FAILED', 'a worker thread failed', { cause: error }),
      ),
    )
    worker.on('exit', (status) =>
      status === 0
        ? resolve()
        : reject(new ArcError('ARC_SYSTEM_CALL_FAILED', `a worker thread ended with status ${status}`)),
    )
  })
}

/** How many workers suit this machine. */
export function defaultWorkerCount(): number {
  return availableParallelism()
}
