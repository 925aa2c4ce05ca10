import { ArcError, isArcError } from '@arc/core'
import { takeTurn } from '@arc/core/node'
import type { Content } from './store.ts'

/** Content of which more than this is read lets the event loop turn in between. */
const LONG_BYTES = 64 * 1024

/** Throws `ARC_ABORTED`, or the error of ours that the signal was given as its reason. */
export function assertNotAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw abortedAsOurs(signal.reason, signal)
}

/** What is thrown after an abort, as an error of ours. */
export function abortedAsOurs(error: unknown, signal: AbortSignal | undefined): unknown {
  if (signal?.aborted !== true || isArcError(error)) return error
  return new ArcError('ARC_ABORTED', 'the call was stopped', { cause: error })
}

/** Do something unless it is stopped. */
export async function heeding<T>(signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
  assertNotAborted(signal)
  try {
    return await work()
  } catch (error) {
    throw abortedAsOurs(error, signal)
  }
}

/** The same for what comes in pieces: a local disk never waits, so the event loop must be let turn. */
export async function* heedingEach<T>(
  signal: AbortSignal | undefined,
  pieces: AsyncIterable<T>,
): AsyncGenerator<T, void, undefined> {
  try {
    assertNotAborted(signal)
    for await (const piece of pieces) {
      yield piece
      await takeTurn(signal)
    }
  } catch (error) {
    throw abortedAsOurs(error, signal)
  }
}

/** The same for a content. */
export function heedingContent(signal: AbortSignal | undefined, content: Content): Content {
  const { sizeBytes } = content
  if (signal === undefined && sizeBytes <= LONG_BYTES) return content
  return { sizeBytes, [Symbol.asyncIterator]: () => heedingEach(signal, content) }
}

/**
 * Pieces that a caller comes with, who may never come with the next one: the signal ends the wait for it, with what
 * {@link assertNotAborted} throws.
 */
export async function* untilAborted<T>(
  signal: AbortSignal | undefined,
  pieces: AsyncIterable<T>,
): AsyncGenerator<T, void, undefined> {
  if (signal === undefined) return yield* pieces
  const iterator = pieces[Symbol.asyncIterator]()
  let isOver = false
  try {
    for (;;) {
      isOver = true // who fails is, too
      const next = await orAborted(signal, async () => iterator.next())
      if (next.done === true) return
      isOver = false
      yield next.value
    }
  } finally {
    const close = async (): Promise<unknown> => iterator.return?.()
    if (signal.aborted) close().catch(() => {}) // who does not come with a piece does not come to an end, either
    else if (!isOver) await close()
  }
}

function orAborted<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(abortedAsOurs(signal.reason, signal))
    signal.addEventListener('abort', stop, { once: true })
    if (signal.aborted) stop()
    void work()
      .then(resolve, reject)
      .then(() => signal.removeEventListener('abort', stop))
  })
}
