import { ArcError, printablePath } from '@arc/core'
import type { ObjectContent, ObjectInfo, WriteOptions } from './backend.ts'
import { checkedPieces } from './content.ts'

/** How a service takes an object: small ones in one request, others in parts. */
export interface PartTarget {
  putWhole(bytes: Uint8Array): Promise<ObjectInfo>
  begin(): Promise<PartSession>
}

/** An upload in parts under way. */
export interface PartSession {
  /** Parts count from 1; several are under way at a time. The bytes are free again once it has resolved. */
  put(number: number, bytes: Uint8Array): Promise<void>
  /** Make the object of all parts appear. */
  finish(sizeBytes: number): Promise<ObjectInfo>
  /** Drop the parts. Must not throw: what went wrong before is what is told. */
  abandon(): Promise<void>
}

export const PARTS_AT_ONCE = 4
const MEBIBYTE = 1024 * 1024
const PART_BYTES = 16 * MEBIBYTE
/** What is known to be smaller goes in one request: beginning and finishing an upload in parts would cost two more. */
const WHOLE_BYTES = 32 * MEBIBYTE

/** The size of all parts but the last: equal ones, because some services ask for that. */
export function partBytesFor(sizeBytes: number | undefined, maxParts: number): number {
  if (sizeBytes === undefined) return PART_BYTES
  if (sizeBytes < WHOLE_BYTES) return Math.max(PART_BYTES, sizeBytes + 1)
  return Math.max(PART_BYTES, Math.ceil(sizeBytes / maxParts / MEBIBYTE) * MEBIBYTE)
}

/**
 * Send a content of any length in constant memory: what fits one part goes in one request, more in parts of `partBytes`,
 * four at a time. When anything fails the parts are dropped, unless the upload may be resumed and nobody asked to stop it.
 */
export async function uploadInParts(
  key: string,
  content: ObjectContent,
  options: WriteOptions,
  { partBytes, maxParts, target }: { partBytes: number; maxParts: number; target: PartTarget },
): Promise<ObjectInfo> {
  const { onProgress, ...checks } = options
  const totalBytes = options.sizeBytes ?? (content instanceof Uint8Array ? content.length : undefined)
  let doneBytes = 0
  const tell = (bytes: number): void => {
    doneBytes += bytes
    onProgress?.({ phase: 'writing', doneEntries: 0, doneBytes, totalEntries: 1, totalBytes })
  }
  const spare: Uint8Array[] = []
  const parts = partsOf(checkedPieces(key, content, checks), content, partBytes, spare)
  const first = await parts.next()
  const head = first.done === true ? new Uint8Array() : first.value
  if (head.length < partBytes) {
    // The end was seen, so hash and size have been checked.
    const end = await parts.next()
    if (end.done !== true) throw new Error('a part that is not full was not the last')
    const info = await target.putWhole(head)
    tell(head.length)
    return info
  }
  const session = await target.begin()
  const pool = new PartPool(async (number, bytes) => {
    await session.put(number, bytes)
    tell(bytes.length)
    if (spare.length < PARTS_AT_ONCE) spare.push(bytes)
  })
  try {
    let number = 1
    for (let part: IteratorResult<Uint8Array, void> = first; part.done !== true; part = await parts.next()) {
      if (number > maxParts) throw tooManyParts(key, maxParts, partBytes)
      await pool.add(number++, part.value)
    }
    await pool.drain()
    options.signal?.throwIfAborted()
    return await session.finish(doneBytes)
  } catch (error) {
    await pool.settle() // a part that arrives behind the request to drop them might stay for ever
    if (options.resume !== true || options.signal?.aborted === true) await session.abandon()
    throw error
  } finally {
    await parts.return()
  }
}

function tooManyParts(key: string, maxParts: number, partBytes: number): ArcError {
  const shown = printablePath(key)
  return new ArcError('ARC_LIMIT_EXCEEDED', `${shown} is longer than ${maxParts} parts of ${partBytes} bytes`, {
    path: shown,
    hint: 'Say its size beforehand (sizeBytes): then the parts are made large enough.',
  })
}

/** Parts on their way, so many at a time. */
class PartPool {
  readonly #put: (number: number, bytes: Uint8Array) => Promise<void>
  readonly #underWay = new Set<Promise<void>>()
  #failure: { error: unknown } | undefined

  constructor(put: (number: number, bytes: Uint8Array) => Promise<void>) {
    this.#put = put
  }

  async add(number: number, bytes: Uint8Array): Promise<void> {
    const part = this.#put(number, bytes)
      .catch((error: unknown) => void (this.#failure ??= { error }))
      .finally(() => void this.#underWay.delete(part))
    this.#underWay.add(part)
    if (this.#underWay.size >= PARTS_AT_ONCE) await Promise.race(this.#underWay)
    if (this.#failure !== undefined) await this.drain()
  }

  async settle(): Promise<void> {
    await Promise.all(this.#underWay)
  }

  async drain(): Promise<void> {
    await this.settle()
    if (this.#failure !== undefined) throw this.#failure.error
  }
}

/** Pieces gathered into parts, each full but the last; a content at hand is not copied. */
async function* partsOf(
  pieces: AsyncIterable<Uint8Array>,
  content: ObjectContent,
  partBytes: number,
  spare: Uint8Array[],
): AsyncGenerator<Uint8Array, void, undefined> {
  if (content instanceof Uint8Array) {
    for await (const _checked of pieces) continue
    for (let at = 0; at < content.length; at += partBytes) yield content.subarray(at, at + partBytes)
    return
  }
  let part: Uint8Array | undefined
  let used = 0
  for await (const piece of pieces) {
    for (let at = 0; at < piece.length;) {
      part ??= fullSize(spare.pop(), partBytes)
      const taken = piece.subarray(at, at + partBytes - used)
      part.set(taken, used)
      used += taken.length
      at += taken.length
      if (used < partBytes) continue
      yield part
      part = undefined
      used = 0
    }
  }
  if (part !== undefined) yield part.subarray(0, used)
}

function fullSize(spare: Uint8Array | undefined, partBytes: number): Uint8Array {
  return spare?.length === partBytes ? spare : Buffer.allocUnsafeSlow(partBytes)
}
