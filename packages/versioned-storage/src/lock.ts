import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import { ArcError, isArcError } from '@arc/core'
import { heeding } from './abort.ts'
import { assertDuration } from './arguments.ts'
import type { LockRecord } from './history.ts'
import type { PermittedStore } from './mount.ts'
import { lockHeld } from './version-changes.ts'

export interface LockOptions {
  /** How long to wait for another holder; default 0: not at all, `Infinity`: until it is released. */
  timeoutMs?: number | undefined
  /** How long the lock outlives a holder that died, from 50 ms to 24.8 days; renewed in time by one that lives. Default 30,000. */
  leaseMs?: number | undefined
  /** What others are told of the holder; default: the host's name. */
  owner?: string | undefined
  signal?: AbortSignal | undefined
}

const DEFAULT_LEASE_MS = 30_000
const MIN_LEASE_MS = 50
const MAX_LEASE_MS = 2 ** 31 - 1 // what a timer takes at most; of more it makes a millisecond
const MAX_POLL_MS = 100

/**
 * The sole right to change a node. Held until released, or until the lease runs out and somebody else takes it. Every write
 * under it carries its token, which rises with each holder: one that slept too long finds its writes refused with
 * `ARC_LOCK_LOST`.
 */
export class NodeLock implements AsyncDisposable {
  /** Rises with every lock of this node; give it to whatever else must not be changed by a late holder. */
  readonly token: number
  readonly key: string
  /** Fires when the lock was lost. */
  readonly signal: AbortSignal
  readonly #store: PermittedStore
  readonly #leaseMs: number
  readonly #now: () => Date
  readonly #onRelease: (lock: NodeLock) => void
  readonly #lost = new AbortController()
  #timer: NodeJS.Timeout | undefined
  #isReleased = false

  constructor(
    store: PermittedStore,
    key: string,
    token: number,
    options: { leaseMs: number; now: () => Date; onRelease: (lock: NodeLock) => void },
  ) {
    this.token = token
    this.key = key
    this.signal = this.#lost.signal
    this.#store = store
    this.#leaseMs = options.leaseMs
    this.#now = options.now
    this.#onRelease = options.onRelease
    this.#timer = setInterval(() => void this.#renewQuietly(), Math.max(10, options.leaseMs / 3)).unref()
  }

  get isHeld(): boolean {
    return !this.#isReleased && !this.#lost.signal.aborted
  }

  /** The token, where it is this key of this store that is locked; for the modules of this package. */
  tokenOf(store: PermittedStore, key: string): number | undefined {
    return key === this.key && store.isOfSameStore(this.#store) ? this.token : undefined
  }

  /** Prolong the lease now. Throws `ARC_LOCK_LOST`. */
  async renew(): Promise<void> {
    const isStill =
      this.isHeld && (await this.#store.renewLock(this.key, this.token, this.#now().getTime() + this.#leaseMs))
    if (isStill) return
    this.#lose()
    throw new ArcError('ARC_LOCK_LOST', `the lock of ${this.key} is no longer held`, {
      path: this.key,
      hint: 'Take it again, and read what is there now.',
    })
  }

  /** Give it up. Releasing a lock that was lost is no error. */
  async release(): Promise<void> {
    if (this.#isReleased) return
    this.#isReleased = true
    clearInterval(this.#timer)
    try {
      await this.#store.commit([this.key], ([history]) => {
        const isOurs = history?.lock?.token === this.token
        return { edits: isOurs ? [{ op: 'unlock', key: this.key, token: this.token }] : [], result: undefined }
      })
    } finally {
      this.#onRelease(this)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.release()
  }

  async #renewQuietly(): Promise<void> {
    try {
      await this.renew()
    } catch (error) {
      // A place that does not answer is asked again; the token protects what is written meanwhile.
      if (isArcError(error) && error.code === 'ARC_LOCK_LOST') clearInterval(this.#timer)
    }
  }

  #lose(): void {
    clearInterval(this.#timer)
    if (!this.#isReleased)
      this.#lost.abort(new ArcError('ARC_LOCK_LOST', `the lock of ${this.key} was lost`, { path: this.key }))
  }
}

/** Take the lock of a key. Throws `ARC_LOCK_HELD` when the time is over. */
export async function takeLock(
  store: PermittedStore,
  key: string,
  options: LockOptions & { now: () => Date; onRelease: (lock: NodeLock) => void },
): Promise<NodeLock> {
  const { timeoutMs = 0, leaseMs = DEFAULT_LEASE_MS, signal, now, onRelease } = options
  assertDuration('leaseMs', leaseMs, MIN_LEASE_MS, MAX_LEASE_MS)
  assertDuration('timeoutMs', timeoutMs, 0)
  if (options.owner !== undefined && typeof options.owner !== 'string')
    throw new ArcError('ARC_OPTION_INVALID', 'the owner of a lock is a text')
  const owner = `${options.owner ?? hostname()} (${randomUUID().slice(0, 8)})`
  const deadline = performance.now() + timeoutMs
  for (;;) {
    const outcome = await store.commit<{ token: number } | { lock: LockRecord }>(
      [key],
      ([history]) => {
        const nowMs = now().getTime()
        const { lock, token = 0 } = history ?? {}
        if (lock !== undefined && lock.untilMs > nowMs) return { edits: [], result: { lock } }
        const next = token + 1
        return { edits: [{ op: 'lock', key, token: next, owner, until: nowMs + leaseMs }], result: { token: next } }
      },
      { signal },
    )
    if ('token' in outcome) return new NodeLock(store, key, outcome.token, { leaseMs, now, onRelease })
    const { lock } = outcome
    const leftMs = deadline - performance.now()
    if (leftMs <= 0) throw lockHeld(key, lock.owner, lock.untilMs)
    const waitMs = Math.min(leftMs, 1 + Math.random() * MAX_POLL_MS)
    await heeding(signal, () => delay(waitMs, undefined, signal === undefined ? {} : { signal }))
  }
}
