import { ArcError, isArcError } from '@arc/core'

/** What Node's own `fetch` takes. */
const FETCHED: ReadonlySet<string> = new Set(['http:', 'https:', 'data:', 'blob:'])

/** What a URL gives. Throws `ARC_BACKEND_FAILED` unless the answer is a success. */
export async function fetchContent(
  url: string | URL,
  get: typeof fetch,
  signal: AbortSignal | undefined,
): Promise<AsyncIterable<Uint8Array>> {
  if (!URL.canParse(String(url)))
    throw new ArcError('ARC_OPTION_INVALID', `${String(url)} is not a URL`, {
      hint: 'Write it with its scheme: https://…',
    })
  const { origin, protocol } = new URL(url)
  if (get === fetch && !FETCHED.has(protocol))
    throw new ArcError('ARC_OPTION_INVALID', `what ${protocol} URLs name cannot be fetched`, {
      hint: 'Give one that begins with https: or http:, or a fetch that can.',
    })
  let response: Response
  try {
    response = await get(url, signal === undefined ? {} : { signal })
  } catch (error) {
    if (isArcError(error)) throw error
    if (signal?.aborted === true) throw new ArcError('ARC_ABORTED', 'the call was stopped', { cause: error })
    const { networkFailure } = await import('@arc/storage')
    const { reason, hint, retryable } = networkFailure(error) ?? {
      reason: innermostMessage(error),
      hint: 'Check the address.',
      retryable: false,
    }
    throw new ArcError('ARC_BACKEND_FAILED', `${origin} could not be reached: ${reason}`, {
      hint,
      retryable,
      cause: error,
    })
  }
  if (response.ok && response.body !== null) return response.body as AsyncIterable<Uint8Array>
  await response.body?.cancel()
  throw new ArcError('ARC_BACKEND_FAILED', `${origin} answered ${response.status} ${response.statusText}`, {
    hint: 'Check the address.',
    retryable: response.status >= 500,
  })
}

/** What `fetch` throws says only that it failed; why is in what caused that. */
function innermostMessage(error: unknown): string {
  let innermost = error
  while (innermost instanceof Error && innermost.cause instanceof Error) innermost = innermost.cause
  return innermost instanceof Error ? innermost.message : String(innermost)
}
