import { checkedPieces } from '@arc/core/node'
import type { ObjectBody, ObjectInfo, ReadOptions } from './backend.ts'
import { type BackendPlace, objectConflict } from './backend-error.ts'
import { assertHash, checkedRange, toldPieces } from './content.ts'
import { retried } from './retry.ts'

/** What a service gave for a range; `info` is that of the whole object. */
export interface RangeAnswer {
  readonly info: ObjectInfo
  readonly chunks: readonly Uint8Array[]
}

/**
 * Ask for the bytes `[start, end)`, and read the answer to its end. Gives no chunks when `start` lies behind the object's
 * end. `first` is what the first answer told, so that the same version can be asked for.
 */
export type GetRange = (
  start: number,
  end: number,
  options: { signal: AbortSignal | undefined; first: ObjectInfo | undefined },
) => Promise<RangeAnswer>

const PART_BYTES = 8 * 1024 * 1024
const PARTS_AHEAD = 2

/**
 * A body that is fetched in parts of 8 MiB, two of them ahead of the reader. A part is short enough to be repeated when the
 * line breaks, a body that nobody reads holds no connection, and a far service is read over several connections at once.
 * A whole object is held against its SHA-256 where the service knows it.
 */
export async function rangedBody(
  place: BackendPlace,
  key: string,
  options: ReadOptions,
  get: GetRange,
): Promise<ObjectBody> {
  const { start, end = Number.MAX_SAFE_INTEGER } = checkedRange(options.range) ?? { start: 0 }
  const { signal } = options
  const firstEnd = Math.min(start + PART_BYTES, end)
  const first = await retried(async () => get(start, firstEnd, { signal, first: undefined }), { signal })
  const { info } = first
  const last = Math.max(start, Math.min(end, info.sizeBytes))

  const later = async (from: number): Promise<RangeAnswer> => {
    const to = Math.min(from + PART_BYTES, last)
    const answer = await retried(async () => get(from, to, { signal, first: info }), { signal })
    const isSame = identity(answer.info) === identity(info)
    const count = answer.chunks.reduce((sum, { length }) => sum + length, 0)
    if (!isSame || count !== to - from) throw objectConflict(place, key)
    return answer
  }
  async function* chunks(): AsyncGenerator<Uint8Array, void, undefined> {
    const ahead: Promise<RangeAnswer>[] = [Promise.resolve(first)]
    let next = firstEnd
    for (let part = ahead.shift(); part !== undefined; part = ahead.shift()) {
      for (; ahead.length < PARTS_AHEAD && next < last; next += PART_BYTES) {
        const answer = later(next)
        answer.catch(() => {}) // it is waited for in its turn, or the reader has left
        ahead.push(answer)
      }
      for (const chunk of (await part).chunks) yield chunk // `yield*` would cost three times the turns
    }
  }
  const isWhole = start === 0 && last === info.sizeBytes
  const { sha256 } = info
  const verified =
    isWhole && sha256 !== undefined ? checkedPieces(chunks(), (found) => assertHash(key, sha256, found)) : chunks()
  return { info, [Symbol.asyncIterator]: () => toldPieces(verified, last - start, options) }
}

/** What changes when an object is replaced; the time too, for services without etags. */
function identity({ etag, sizeBytes, modified }: ObjectInfo): string {
  return `${etag} ${sizeBytes} ${modified.getTime()}`
}
