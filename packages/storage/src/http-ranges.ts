import { isArcError } from '@arc/core'
import type { ObjectBody, ObjectInfo, ReadOptions } from './backend.ts'
import { type BackendPlace, backendFailed, objectConflict } from './backend-error.ts'
import { clampRange, toldPieces, gathered } from './content.ts'
import { rangedBody } from './ranged-body.ts'
import { retried } from './retry.ts'
import { networkError, serviceError } from './service-errors.ts'

/** An answer of HTTP, whichever client got it. */
export interface HttpAnswer {
  readonly status: number
  header(name: string): string | null
  readonly body: AsyncIterable<Uint8Array>
  /** Give the connection up without reading the body. */
  cancel(): Promise<void>
}

export type HttpGet = (range: string | undefined, signal: AbortSignal | undefined) => Promise<HttpAnswer>

/** What the headers tell of an object. */
export function httpObjectInfo(key: string, answer: Pick<HttpAnswer, 'header'>): ObjectInfo {
  const whole = answer.header('content-range')?.split('/')[1] ?? answer.header('content-length') ?? '0'
  const modified = answer.header('last-modified')
  return {
    key,
    sizeBytes: Number(whole),
    modified: new Date(modified ?? 0),
    etag: bareEtag(answer.header('etag') ?? undefined),
    contentType: answer.header('content-type') ?? undefined,
  }
}

/** An ETag without its quotes: services differ in whether they give and take them. */
export function bareEtag(etag: string | undefined): string | undefined {
  return etag?.replace(/^"|"$/g, '')
}

/** The server gives whole objects only. */
class NoRanges extends Error {}

/** A body by ranges where the server gives them, else in one stream. */
export async function httpBody(
  place: BackendPlace,
  key: string,
  options: ReadOptions,
  get: HttpGet,
): Promise<ObjectBody> {
  try {
    return await rangedBody(place, key, options, async (start, end, { signal, first }) => {
      const answer = await get(end > start ? `bytes=${start}-${end - 1}` : 'bytes=0-0', signal)
      if (answer.status === 416) return { info: first ?? (await wholeInfo(place, key, answer)), chunks: [] }
      if (answer.status === 404) throw await refused(place, key, answer)
      if (answer.status !== 200 && answer.status !== 206) throw await refused(place, key, answer)
      const info = httpObjectInfo(key, answer)
      if (answer.status === 200 && info.sizeBytes > 0) {
        await answer.cancel()
        throw new NoRanges()
      }
      if (end <= start) {
        await answer.cancel()
        return { info, chunks: [] }
      }
      return { info, chunks: await received(place, key, answer, signal) }
    })
  } catch (error) {
    if (!(error instanceof NoRanges)) throw error
    return streamedBody(place, key, options, get)
  }
}

/** An empty object has no range at all; what it is called stands in the refusal. */
async function wholeInfo(place: BackendPlace, key: string, answer: HttpAnswer): Promise<ObjectInfo> {
  await answer.cancel()
  const info = httpObjectInfo(key, answer)
  if (answer.header('content-range') !== null) return info
  return { ...info, sizeBytes: 0 }
}

async function received(
  place: BackendPlace,
  key: string,
  answer: HttpAnswer,
  signal: AbortSignal | undefined,
): Promise<Uint8Array[]> {
  return gathered(arriving(place, key, answer, signal))
}

/** A body, whose errors are ours. */
async function* arriving(
  place: BackendPlace,
  key: string,
  { body }: HttpAnswer,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    for await (const piece of body) yield piece
  } catch (error) {
    signal?.throwIfAborted()
    const reason = error instanceof Error ? error.message : 'the connection broke'
    throw (
      networkError(place, 'read', key, error) ??
      backendFailed(place, 'read', key, reason, { retryable: true, cause: error })
    )
  }
}

async function streamedBody(place: BackendPlace, key: string, options: ReadOptions, get: HttpGet): Promise<ObjectBody> {
  const ask = async (): Promise<HttpAnswer> => {
    const answer = await get(undefined, options.signal)
    if (answer.status === 200) return answer
    throw await refused(place, key, answer)
  }
  // Nothing is read before somebody wants it: a body that nobody reads must not hold a connection.
  const first = await retried(ask, options)
  const info = httpObjectInfo(key, first)
  await first.cancel()
  const { start, end } = clampRange(options.range, info.sizeBytes)
  async function* pieces(): AsyncGenerator<Uint8Array, void, undefined> {
    const answer = await ask()
    if (httpObjectInfo(key, answer).etag !== info.etag) throw objectConflict(place, key)
    let at = 0
    for await (const piece of arriving(place, key, answer, options.signal)) {
      const wanted = piece.subarray(Math.max(0, start - at), Math.max(0, end - at))
      if (wanted.length > 0) yield wanted
      at += piece.length
      if (at >= end) break
    }
    if (at < end) throw backendFailed(place, 'read', key, 'the answer ended early', { retryable: true })
  }
  return { info, [Symbol.asyncIterator]: () => toldPieces(pieces(), end - start, options) }
}

/** The error for an answer that is none of those expected. */
export async function refused(place: BackendPlace, key: string, answer: HttpAnswer, action = 'read'): Promise<Error> {
  await answer.cancel()
  const { status } = answer
  const failure = { status, name: 'Error', message: `the server answers ${status}` }
  return serviceError(place, action, key, undefined, failure, undefined) as Error
}

/** Whether an error says that there is no such object. */
export function isNotFound(error: unknown): boolean {
  return isArcError(error) && error.code === 'ARC_OBJECT_NOT_FOUND'
}
