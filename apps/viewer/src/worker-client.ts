import type { Failure, Kind, Questions, Reply } from './protocol.ts'

/** What the worker said went wrong. */
export class WorkerFailure extends Error {
  readonly failure: Failure

  constructor(failure: Failure) {
    super(failure.message)
    this.failure = failure
  }
}

interface Pending {
  resolve: (answer: Questions[Kind]['answer']) => void
  reject: (error: WorkerFailure) => void
  onProgress?: ((doneBytes: number, totalBytes: number) => void) | undefined
}

/** One worker for one file: what a hostile file could do to it ends with it. */
export class WorkerClient {
  readonly #worker: Worker
  readonly #pending = new Map<number, Pending>()
  #nextId = 0

  constructor(source: string) {
    // A worker made of a blob is held to the policy of the page; one that is loaded from a server is not.
    const url = URL.createObjectURL(new Blob([source], { type: 'text/javascript' }))
    this.#worker = new Worker(url)
    this.#worker.addEventListener('message', ({ data }: MessageEvent<Reply>) => this.#take(data))
    this.#worker.addEventListener('error', (event) => this.#fail(event.message))
  }

  /** Rejects with a {@link WorkerFailure}. */
  ask<K extends Kind>(
    kind: K,
    question: Questions[K]['ask'],
    onProgress?: Pending['onProgress'],
  ): Promise<Questions[K]['answer']> {
    const id = this.#nextId++
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject, onProgress })
      this.#worker.postMessage({ id, kind, ...question })
    })
  }

  close(): void {
    this.#worker.terminate()
    this.#pending.clear()
  }

  #take(reply: Reply): void {
    const pending = this.#pending.get(reply.id)
    if (pending === undefined) return
    if (reply.kind === 'progress') {
      pending.onProgress?.(reply.doneBytes, reply.totalBytes)
      return
    }
    this.#pending.delete(reply.id)
    if (reply.kind === 'answer') pending.resolve(reply.answer)
    else pending.reject(new WorkerFailure(reply.failure))
  }

  #fail(message: string): void {
    const failure = { code: 'ARC_INTERNAL_ERROR', message: `the reader stopped: ${message}` }
    for (const { reject } of this.#pending.values()) reject(new WorkerFailure(failure))
    this.#pending.clear()
  }
}
