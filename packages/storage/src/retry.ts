import { setTimeout as delay } from 'node:timers/promises'
import { isArcError } from '@arc/core'
import { isTimeout } from './network-failure.ts'

const MAX_ATTEMPTS = 5
/** Each takes as long as is waited for a byte. */
const MAX_TIMEOUTS = 3
const FIRST_DELAY_MS = 100
const MAX_DELAY_MS = 10_000

/**
 * Call again what failed with a retryable error, after a while that doubles each time and is partly random. What the client
 * has tried by itself counts (`details.attempts`).
 */
export async function retried<Result>(
  call: () => Promise<Result>,
  { signal, maxAttempts = MAX_ATTEMPTS }: { signal?: AbortSignal | undefined; maxAttempts?: number },
): Promise<Result> {
  let attempts = 0
  for (let round = 0; ; round++) {
    try {
      return await call()
    } catch (error) {
      if (!isArcError(error) || !error.retryable) throw error
      const { attempts: ofClient, name } = error.details
      attempts += typeof ofClient === 'number' ? ofClient : 1
      if (attempts >= (isTimeout(name) ? MAX_TIMEOUTS : maxAttempts)) throw error
      const longest = Math.min(FIRST_DELAY_MS * 2 ** round, MAX_DELAY_MS)
      signal?.throwIfAborted()
      await delay(longest * (0.5 + Math.random() / 2), undefined, { signal, ref: true }).catch(() => {
        signal?.throwIfAborted()
      })
    }
  }
}
