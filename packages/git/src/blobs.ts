import type { ChildProcess } from 'node:child_process'
import { ArcError } from '@arc/core'
import { collectMessage, gitFailure, spawnGit, startError } from './command.ts'
import type { Repository } from './repository.ts'

/** A blob as a listing names it. */
export interface Blob {
  readonly objectId: string
  readonly sizeBytes: number
}

export interface BlobReaderOptions {
  /** Fetch blobs that follow the one asked for; default true. */
  ahead?: boolean | undefined
  signal?: AbortSignal | undefined
}

const AHEAD_COUNT = 256 // requests on their way: enough to keep git busy while a consumer hashes
const AHEAD_BYTES = 4 * 1024 * 1024 // and the memory they may hold
const LARGE_BYTES = 1024 * 1024 // what is larger is streamed by a process of its own

/**
 * The contents of a list of blobs, read through one long-lived git process. Small blobs are fetched ahead of a consumer
 * that reads in the order of the list; any other order works too.
 */
export class BlobReader implements AsyncDisposable {
  readonly #repository: Repository
  readonly #blobs: readonly Blob[]
  readonly #signal: AbortSignal | undefined
  readonly #readsAhead: boolean
  /** Asked for and not yet taken, by place in the list. */
  readonly #ahead = new Map<number, Promise<Buffer>>()
  #aheadBytes = 0
  #batch: BatchProcess | undefined

  constructor(repository: Repository, blobs: readonly Blob[], options: BlobReaderOptions = {}) {
    this.#repository = repository
    this.#blobs = blobs
    this.#signal = options.signal
    this.#readsAhead = options.ahead ?? true
  }

  /** The bytes of the blob at `index` of the list, in pieces. Throws `ARC_GIT_FAILED` when the repository lacks it. */
  async *read(index: number): AsyncGenerator<Uint8Array, void, void> {
    const blob = this.#blobs[index]
    if (blob === undefined) throw new RangeError(`no blob ${index}`)
    if (blob.sizeBytes > LARGE_BYTES) yield* this.#stream(blob)
    else yield await this.#take(index)
  }

  #take(index: number): Promise<Buffer> {
    for (const other of this.#ahead.keys()) if (other < index || other >= index + AHEAD_COUNT) this.#forget(other)
    const taken = this.#request(index)
    this.#forget(index)
    // Ask for more only when half of the window is used up: requests then travel together.
    if (this.#readsAhead && this.#ahead.size < AHEAD_COUNT / 2 && this.#aheadBytes < AHEAD_BYTES / 2)
      this.#fill(index + 1)
    return taken
  }

  #fill(from: number): void {
    const end = Math.min(from + AHEAD_COUNT, this.#blobs.length)
    for (let next = from; next < end && this.#aheadBytes < AHEAD_BYTES; next++) {
      if ((this.#blobs[next] as Blob).sizeBytes <= LARGE_BYTES) void this.#request(next)
    }
  }

  #request(index: number): Promise<Buffer> {
    const known = this.#ahead.get(index)
    if (known !== undefined) return known
    const blob = this.#blobs[index] as Blob
    if (this.#batch?.ended ?? true) this.#batch = new BatchProcess(this.#repository, this.#signal)
    const asked = (this.#batch as BatchProcess).request(blob.objectId)
    asked.catch(() => {}) // whoever takes it hears of it; one that nobody takes must not end the program
    this.#ahead.set(index, asked)
    this.#aheadBytes += blob.sizeBytes
    return asked
  }

  #forget(index: number): void {
    if (this.#ahead.delete(index)) this.#aheadBytes -= (this.#blobs[index] as Blob).sizeBytes
  }

  async *#stream(blob: Blob): AsyncGenerator<Uint8Array, void, void> {
    const run = { env: this.#repository.environment, signal: this.#signal }
    const args = ['cat-file', 'blob', blob.objectId]
    const child = spawnGit(this.#repository.root, args, run)
    const message = collectMessage(child)
    const ended = new Promise<number>((resolve, reject) => {
      child.once('error', (error) => reject(startError(error, run)))
      child.once('close', (status) => resolve(status ?? -1))
    })
    ended.catch(() => {})
    try {
      if (child.stdout !== null) yield* child.stdout
      const status = await ended
      if (status !== 0) throw gitFailure(this.#repository.root, args, { status, stderr: message() })
    } finally {
      child.kill()
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ahead.clear()
    await this.#batch?.end()
  }
}

interface Waiting {
  resolve(bytes: Buffer): void
  reject(error: unknown): void
}

const LINE_FEED = 0x0a
const EMPTY = Buffer.alloc(0)

/** `git cat-file --batch`: answers come in the order of the requests. */
class BatchProcess {
  ended = false
  readonly #child: ChildProcess
  readonly #closed: Promise<void>
  readonly #waiting: Waiting[] = []
  #first = 0
  /** Bytes received and not yet understood. */
  #rest: Buffer = EMPTY
  /** The answer being received, and how much of it has come. */
  #answer: Buffer | undefined
  #received = 0
  #requests = ''

  constructor(repository: Repository, signal: AbortSignal | undefined) {
    const run = { env: repository.environment, signal }
    const args = ['cat-file', '--batch']
    this.#child = spawnGit(repository.root, args, run, 'pipe')
    const message = collectMessage(this.#child)
    this.#child.stdin?.on('error', () => {}) // it ended: its exit status says why
    this.#child.stdout?.on('data', (piece: Buffer) => this.#receive(piece))
    this.#closed = new Promise((resolve) => {
      this.#child.once('error', (error) => this.#fail(startError(error, run)))
      this.#child.once('close', (status) => {
        this.#fail(gitFailure(repository.root, args, { status: status ?? -1, stderr: message() }))
        resolve()
      })
    })
  }

  request(objectId: string): Promise<Buffer> {
    // What is asked for in one turn goes to git in one write.
    if (this.#requests === '') queueMicrotask(() => this.#send())
    this.#requests += `${objectId}\n`
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }))
  }

  #send(): void {
    this.#child.stdin?.write(this.#requests)
    this.#requests = ''
  }

  #receive(piece: Buffer): void {
    this.#rest = this.#rest.length === 0 ? piece : Buffer.concat([this.#rest, piece])
    while (this.#answer === undefined ? this.#receiveHeader() : this.#receiveBytes(this.#answer));
  }

  /** `<object> blob <size>\n`, or `<object> missing\n`. Returns whether there may be more to understand. */
  #receiveHeader(): boolean {
    const end = this.#rest.indexOf(LINE_FEED)
    if (end < 0) return false
    const header = this.#rest.toString('latin1', 0, end)
    this.#rest = this.#rest.subarray(end + 1)
    const size = / blob (\d+)$/.exec(header)?.[1]
    if (size !== undefined) this.#answer = Buffer.allocUnsafe(Number(size))
    else
      this.#next()?.reject(
        new ArcError('ARC_GIT_FAILED', `git has no such blob: ${header}`, { details: { answer: header } }),
      )
    return true
  }

  #receiveBytes(answer: Buffer): boolean {
    const used = this.#rest.copy(answer, this.#received)
    this.#received += used
    this.#rest = this.#rest.subarray(used)
    // The line feed after the bytes belongs to the answer.
    if (this.#received < answer.length || this.#rest.length === 0) return false
    this.#rest = this.#rest.subarray(1)
    this.#answer = undefined
    this.#received = 0
    this.#next()?.resolve(answer)
    return true
  }

  #next(): Waiting | undefined {
    const next = this.#waiting[this.#first++]
    if (this.#first === this.#waiting.length) this.#waiting.length = this.#first = 0
    return next
  }

  #fail(error: unknown): void {
    this.ended = true
    for (const waiting of this.#waiting.splice(this.#first)) waiting.reject(error)
    this.#waiting.length = this.#first = 0
  }

  async end(): Promise<void> {
    if (!this.ended) this.#child.stdin?.end()
    this.#child.kill()
    await this.#closed
  }
}
