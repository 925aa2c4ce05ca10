import { ArcError, isArcError } from '@arc/core'

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
  const { origin } = new URL(url)
  let response: Response
  try {
    response = await get(url, signal === undefined ? {} : { signal })
  } catch (error) {
    if (isArcError(error)) throw error
    if (signal?.aborted === true) throw new ArcError('ARC_ABORTED', 'the call was stopped', { cause: error })
    const { networkFailure } = await import('@arc/storage')
    const { reason, hint, retryable } = networkFailure(error) ?? {
      reason: String(error),
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
