import { setTimeout as delay } from 'node:timers/promises'
import type { ArcError } from '@arc/core'
import type { Backend, ObjectBody, ObjectContent, ObjectInfo } from '../backend.ts'
import { backendFailed } from '../backend-error.ts'
import { piecesOf } from '../content.ts'
import { compareKeys } from '../object-key.ts'
import { seededRandom } from './random.ts'

/** A failure that is due at a certain call. */
export interface PlannedFailure {
  /** Name of the method: `write`, `deleteMany`. */
  operation: string
  /** Only for this key. */
  key?: string
  /** Which of the calls that match fails, from 1; every one when left out. */
  nth?: number
  /** What is thrown; default `ARC_BACKEND_FAILED`, retryable. */
  error?: Error
}

export interface FaultyOptions {
  /** The same seed gives the same faults for the same calls. */
  seed: number
  /** How long each call takes at least, or a range from which it is drawn. */
  latencyMs?: number | readonly [number, number]
  /** Share of calls, from 0 to 1, that fail before anything was done. */
  failureRate?: number
  /** Share of calls that are done, but whose answer is lost. */
  lostResponseRate?: number
  /** Share of writes that break off in the middle of the content. */
  partialWriteRate?: number
  /** Share of reads whose body breaks off after a part. */
  partialReadRate?: number
  /** So many of the latest writes and deletes are not seen by listings yet. */
  listLag?: number
  failures?: readonly PlannedFailure[]
  /** How time passes; default is to wait really. */
  sleep?: (ms: number) => Promise<unknown>
}

/** What {@link faulty} has done so far. */
export interface FaultCounts {
  calls: number
  failures: number
  lostResponses: number
  partialWrites: number
  partialReads: number
}

type Method = (...args: unknown[]) => unknown

/**
 * A backend that does to its callers what networks and services do: it is slow, fails, loses answers, breaks off in the
 * middle and lists late. The same for the same seed and the same order of calls.
 */
export function faulty(backend: Backend, options: FaultyOptions): Backend & { readonly faults: Readonly<FaultCounts> } {
  const faults = new Faults(backend, options)
  return new Proxy(backend, {
    get(target, name) {
      if (name === 'faults') return faults.counts
      const member: unknown = Reflect.get(target, name, target)
      if (typeof member !== 'function') return member
      const method: Method = (...args) => Reflect.apply(member, target, args) as unknown
      return typeof name === 'symbol' ? method : faults.adapt(name, method)
    },
  }) as Backend & { readonly faults: Readonly<FaultCounts> }
}

class Faults {
  readonly counts: FaultCounts = { calls: 0, failures: 0, lostResponses: 0, partialWrites: 0, partialReads: 0 }
  readonly #backend: Backend
  readonly #options: FaultyOptions
  readonly #random: () => number
  readonly #matches = new Map<PlannedFailure, number>()
  /** The latest changes, the newest last, each with what was there before it. */
  readonly #recent: { key: string; before: ObjectInfo | undefined }[] = []

  constructor(backend: Backend, options: FaultyOptions) {
    this.#backend = backend
    this.#options = options
    this.#random = seededRandom(options.seed)
  }

  adapt(name: string, method: Method): Method {
    switch (name) {
      case 'list':
        return (...args) => this.#list(method, args)
      case 'listVersions':
      case 'listUploads':
        return method
      case 'read':
        return async (...args) => this.#read((await this.#call(name, method, args)) as ObjectBody)
      case 'write':
        return async (key, content, writeOptions) => {
          const given = [key, this.#maybeCut(String(key), content as ObjectContent), writeOptions]
          return this.#changing(String(key), async () => this.#call(name, method, given))
        }
      case 'delete':
        return async (...args) => this.#changing(String(args[0]), async () => this.#call(name, method, args))
      default:
        return async (...args) => this.#call(name, method, args)
    }
  }

  async #call(operation: string, method: Method, args: unknown[]): Promise<unknown> {
    this.counts.calls++
    const key = typeof args[0] === 'string' ? args[0] : ''
    await this.#wait(args)
    this.#throwPlanned(operation, key)
    if (this.#isDue(this.#options.failureRate)) {
      this.counts.failures++
      throw this.#failure(operation, key, 'the service is out of order')
    }
    const isLost = this.#isDue(this.#options.lostResponseRate)
    const result = await method(...args)
    if (!isLost) return result
    this.counts.lostResponses++
    throw this.#failure(operation, key, 'the answer was lost')
  }

  async #wait(args: readonly unknown[]): Promise<void> {
    const { latencyMs, sleep = delay } = this.#options
    if (latencyMs === undefined) return
    const [low, high] = typeof latencyMs === 'number' ? [latencyMs, latencyMs] : latencyMs
    await sleep(low + (high - low) * this.#random())
    const { signal } = (args.at(-1) ?? {}) as { signal?: AbortSignal }
    signal?.throwIfAborted()
  }

  #throwPlanned(operation: string, key: string): void {
    for (const planned of this.#options.failures ?? []) {
      if (planned.operation !== operation || (planned.key !== undefined && planned.key !== key)) continue
      const count = (this.#matches.get(planned) ?? 0) + 1
      this.#matches.set(planned, count)
      if (planned.nth !== undefined && planned.nth !== count) continue
      this.counts.failures++
      throw planned.error ?? this.#failure(operation, key, 'a failure was planned')
    }
  }

  #isDue(rate = 0): boolean {
    return rate > 0 && this.#random() < rate
  }

  #failure(action: string, key: string, reason: string): ArcError {
    return backendFailed(this.#backend, action, key, reason, { retryable: true, details: { injected: true } })
  }

  #maybeCut(key: string, content: ObjectContent): ObjectContent {
    if (!this.#isDue(this.#options.partialWriteRate)) return content
    this.counts.partialWrites++
    const share = this.#random()
    const error = this.#failure('write', key, 'the connection broke')
    return (async function* cut() {
      for await (const piece of piecesOf(content)) {
        yield piece.subarray(0, Math.floor(piece.length * share))
        throw error
      }
      throw error
    })()
  }

  #read(body: ObjectBody): ObjectBody {
    if (!this.#isDue(this.#options.partialReadRate)) return body
    this.counts.partialReads++
    const error = this.#failure('read', body.info.key, 'the connection broke')
    return {
      info: body.info,
      async *[Symbol.asyncIterator]() {
        for await (const piece of body) {
          yield piece.subarray(0, piece.length >> 1)
          throw error
        }
      },
    }
  }

  /** Remember what was there before a change, for as long as listings are to show it. */
  async #changing(key: string, change: () => Promise<unknown>): Promise<unknown> {
    const { listLag = 0 } = this.#options
    if (listLag === 0) return change()
    const before = await this.#backend.stat(key)
    try {
      return await change()
    } finally {
      this.#recent.push({ key, before })
      if (this.#recent.length > listLag) this.#recent.shift()
    }
  }

  async *#list(method: Method, args: unknown[]): AsyncGenerator<readonly ObjectInfo[]> {
    await this.#call('list', () => undefined, args)
    const [prefix, { startAfter } = {}] = args as [string, { startAfter?: string }?]
    const old = new Map<string, ObjectInfo | undefined>()
    for (const { key, before } of this.#recent) if (!old.has(key)) old.set(key, before)
    const isAsked = (key: string): boolean =>
      key.startsWith(prefix) && (startAfter === undefined || compareKeys(key, startAfter) > 0)
    const missing = [...old.values()].filter((info) => info !== undefined).filter(({ key }) => isAsked(key))
    const pending = missing.sort((a, b) => compareKeys(a.key, b.key))
    for await (const batch of method(...args) as AsyncIterable<readonly ObjectInfo[]>) {
      const shown: ObjectInfo[] = []
      for (const info of batch) {
        while (pending[0] !== undefined && compareKeys(pending[0].key, info.key) < 0)
          shown.push(...pending.splice(0, 1))
        if (!old.has(info.key)) shown.push(info)
      }
      if (shown.length > 0) yield shown
    }
    if (pending.length > 0) yield pending
  }
}
