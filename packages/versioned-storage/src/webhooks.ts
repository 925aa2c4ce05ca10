import { createHmac, timingSafeEqual } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { ArcError } from '@arc/core'
import { assertNotAborted, heeding } from './abort.ts'
import { assertOptions } from './arguments.ts'
import type { StorageEventType } from './event.ts'
import type { CallOptions, StoredEvent, VersionStore } from './store.ts'

export interface WebhookConfig {
  url: string
  /** The key of the signature; share it with the receiver only. */
  secret: string
  /** Which events; default all. */
  events?: readonly StorageEventType[] | undefined
  fetch?: typeof fetch | undefined
}

const ATTEMPTS = 5
const FIRST_WAIT_MS = 200
const TIMEOUT_MS = 10_000
const TOLERANCE_MS = 5 * 60 * 1000

/** The header `arc-signature` of a message: time in seconds and HMAC-SHA256 of `<time>.<body>`. */
export function signWebhook(body: string, secret: string, time: Date): string {
  const seconds = Math.floor(time.getTime() / 1000)
  return `t=${seconds},v1=${createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex')}`
}

/** Whether a message came from who knows the secret, in the last five minutes. For those who receive webhooks. */
export function verifyWebhook(body: string, signature: string, secret: string, now: Date = new Date()): boolean {
  const seconds = /^t=(\d{1,12}),v1=[0-9a-f]{64}$/.exec(signature)?.[1]
  if (seconds === undefined || Math.abs(now.getTime() - Number(seconds) * 1000) > TOLERANCE_MS) return false
  const expected = signWebhook(body, secret, new Date(Number(seconds) * 1000))
  return timingSafeEqual(Buffer.from(signature), Buffer.from(expected))
}

/**
 * Delivers what lies in the outboxes of stores. An event leaves its outbox when every webhook has answered with success:
 * each hears of it at least once, and may hear of it again after a crash; the id tells.
 */
export class WebhookSender {
  readonly #webhooks: WebhookConfig[] = []
  /** Who has heard of an event that somebody else has not. */
  readonly #heard = new Map<string, Set<WebhookConfig>>()
  readonly #now: () => Date
  #running: Promise<number> | undefined
  #isAskedAgain = false

  constructor(now: () => Date) {
    this.#now = now
  }

  get hasAny(): boolean {
    return this.#webhooks.length > 0
  }

  add(config: WebhookConfig): void {
    if (typeof config.secret !== 'string' || config.secret === '' || !URL.canParse(config.url))
      throw new ArcError('ARC_OPTION_INVALID', 'a webhook needs a URL and a secret')
    this.#webhooks.push(config)
  }

  /** Deliver everything. Gives how many events are left because a receiver did not take them. */
  async deliver(stores: () => readonly VersionStore[], options: CallOptions = {}): Promise<number> {
    assertOptions(options)
    const { signal } = options
    assertNotAborted(signal)
    if (this.#running !== undefined) {
      this.#isAskedAgain = true
      return this.#running
    }
    const running = this.#deliverAll(stores, signal)
    this.#running = running
    return heeding(signal, () => running)
  }

  async #deliverAll(stores: () => readonly VersionStore[], signal: AbortSignal | undefined): Promise<number> {
    await Promise.resolve() // who called has noted that this runs
    try {
      for (;;) {
        this.#isAskedAgain = false
        const left = await this.#deliverOnce(stores(), signal)
        if (!this.#isAskedAgain) return left
      }
    } finally {
      // In the same turn as the last look at whether somebody asked again: nobody can ask in between and not be heard.
      this.#running = undefined
    }
  }

  async #deliverOnce(stores: readonly VersionStore[], signal: AbortSignal | undefined): Promise<number> {
    let left = 0
    for (const store of stores) {
      const events = await store.pendingEvents()
      const done: string[] = []
      for (const event of events) {
        if (await this.#deliverOne(event, signal)) done.push(event.id)
        else break // in order: a later one must not overtake
      }
      if (done.length > 0) await store.forgetEvents(done)
      left += events.length - done.length
    }
    return left
  }

  async #deliverOne(event: StoredEvent, signal: AbortSignal | undefined): Promise<boolean> {
    const { type } = JSON.parse(event.body) as { type: StorageEventType }
    const heard = this.#heard.get(event.id) ?? new Set()
    for (const webhook of this.#webhooks) {
      if (heard.has(webhook) || (webhook.events !== undefined && !webhook.events.includes(type))) continue
      if (await this.#send(webhook, event, signal)) heard.add(webhook)
      else {
        this.#heard.set(event.id, heard)
        return false
      }
    }
    this.#heard.delete(event.id)
    return true
  }

  async #send(
    { url, secret, fetch: post = fetch }: WebhookConfig,
    { id, body }: StoredEvent,
    signal: AbortSignal | undefined,
  ): Promise<boolean> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      if (attempt > 0)
        await delay(FIRST_WAIT_MS * 2 ** (attempt - 1) * (0.5 + Math.random()), undefined, signal && { signal })
      signal?.throwIfAborted()
      try {
        const headers = {
          'content-type': 'application/json',
          'arc-event-id': id,
          'arc-signature': signWebhook(body, secret, this.#now()),
        }
        const response = await post(url, {
          method: 'POST',
          body,
          headers,
          redirect: 'error',
          signal: AbortSignal.timeout(TIMEOUT_MS),
        })
        await response.body?.cancel()
        if (response.ok) return true
        if (response.status < 500 && response.status !== 429 && response.status !== 408) return false
      } catch {
        // Not reached: tried again, and then left in the outbox.
      }
    }
    return false
  }
}
