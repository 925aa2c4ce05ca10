import { setTimeout as delay } from 'node:timers/promises'
import { isArcError } from '@arc/core'

const MAX_ATTEMPTS = 5
const FIRST_DELAY_MS = 100
const MAX_DELAY_MS = 10_000

/** Call again what failed with a retryable error, after a while that doubles each time and is partly random. */
export async function retried<Result>(
  call: () => Promise<Result>,
  { signal, maxAttempts = MAX_ATTEMPTS }: { signal?: AbortSignal | undefined; maxAttempts?: number },
): Promise<Result> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await call()
    } catch (error) {
      if (!isArcError(error) || !error.retryable || attempt >= maxAttempts) throw error
      const longest = Math.min(FIRST_DELAY_MS * 2 ** (attempt - 1), MAX_DELAY_MS)
      signal?.throwIfAborted()
      await delay(longest * (0.5 + Math.random() / 2), undefined, { signal, ref: true }).catch(() => {
        signal?.throwIfAborted()
      })
    }
  }
}
