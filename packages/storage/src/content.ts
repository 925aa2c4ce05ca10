import { ArcError, assertWithin, printablePath } from '@arc/core'
import { startSha256 } from '@arc/core/node'
import type { Backend, ObjectContent, ReadOptions, WriteOptions } from './backend.ts'

type CheckedOptions = Pick<WriteOptions, 'onProgress' | 'sha256' | 'signal' | 'sizeBytes'>

/**
 * The pieces of a content on their way to a backend: counted, told to the listener, stopped by the signal, and held
 * against the SHA-256 and size that were declared. It throws after the last piece, before the driver makes the object
 * visible.
 */
export async function* checkedPieces(
  key: string,
  content: ObjectContent,
  options: CheckedOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  const { onProgress, sha256, signal, sizeBytes } = options
  const hash = sha256 === undefined ? undefined : startSha256()
  const totalBytes = sizeBytes ?? (content instanceof Uint8Array ? content.length : undefined)
  let doneBytes = 0
  signal?.throwIfAborted()
  for await (const piece of piecesOf(content)) {
    signal?.throwIfAborted()
    if (!(piece instanceof Uint8Array)) throw noBytes(key, piece)
    if (piece.length === 0) continue
    hash?.update(piece)
    yield piece
    doneBytes += piece.length
    onProgress?.({ phase: 'writing', doneEntries: 0, doneBytes, totalEntries: 1, totalBytes })
  }
  if (sizeBytes !== undefined && doneBytes !== sizeBytes) throw wrongSize(key, sizeBytes, doneBytes)
  if (hash !== undefined) assertHash(key, sha256, hash.digestHex())
}

/** Throw `ARC_HASH_MISMATCH` unless `actual` is what was declared, or nothing was. */
export function assertHash(key: string, declared: string | undefined, actual: string): void {
  if (declared === undefined || declared === actual) return
  const shown = printablePath(key)
  throw new ArcError('ARC_HASH_MISMATCH', `the content of ${shown} has SHA-256 ${actual}, not ${declared}`, {
    path: shown,
    details: { declared, actual },
  })
}

function wrongSize(key: string, declaredBytes: number, actualBytes: number): ArcError {
  const shown = printablePath(key)
  return new ArcError('ARC_HASH_MISMATCH', `the content of ${shown} has ${actualBytes} bytes, not ${declaredBytes}`, {
    path: shown,
    details: { declaredBytes, actualBytes },
  })
}

/** A stream that was given an encoding yields texts, of which a driver would keep something else. */
function noBytes(key: string, given: unknown): ArcError {
  const shown = printablePath(key)
  return new ArcError('ARC_OPTION_INVALID', `the content of ${shown} must be bytes, not ${typeof given}`, {
    path: shown,
  })
}

function* onePiece(bytes: Uint8Array): Generator<Uint8Array> {
  yield bytes
}

/** The pieces of either kind of content. */
export function piecesOf(content: ObjectContent): AsyncIterable<Uint8Array> | Iterable<Uint8Array> {
  return content instanceof Uint8Array ? onePiece(content) : content
}

/** What {@link readBytes} takes into memory unless told otherwise: more than any manifest, less than any machine has. */
export const DEFAULT_MAX_BYTES: number = 64 * 1024 * 1024

export interface ReadBytesOptions extends ReadOptions {
  /** Throw `ARC_LIMIT_EXCEEDED` rather than take more than this into memory; default {@link DEFAULT_MAX_BYTES}. */
  maxBytes?: number | undefined
}

/** A whole object, or a range of it, in memory. */
export async function readBytes(backend: Backend, key: string, options: ReadBytesOptions = {}): Promise<Uint8Array> {
  const { maxBytes = DEFAULT_MAX_BYTES, ...readOptions } = options
  const pieces: Uint8Array[] = []
  let count = 0
  for await (const piece of await backend.read(key, readOptions)) {
    count += piece.length
    assertWithin(`bytes in ${printablePath(key)}`, count, maxBytes)
    pieces.push(piece)
  }
  const [first] = pieces
  return pieces.length === 1 && first !== undefined ? first : Buffer.concat(pieces, count)
}

/** The pieces of a body on their way to the reader: told to the listener, stopped by the signal. */
export async function* toldPieces(
  pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  totalBytes: number,
  { onProgress, signal }: Pick<ReadOptions, 'onProgress' | 'signal'>,
): AsyncGenerator<Uint8Array, void, undefined> {
  let doneBytes = 0
  for await (const piece of pieces) {
    signal?.throwIfAborted()
    yield piece
    doneBytes += piece.length
    onProgress?.({ phase: 'reading', doneEntries: 0, doneBytes, totalEntries: 1, totalBytes })
  }
  signal?.throwIfAborted()
}

/** Bytes in pieces of at most `pieceBytes`, without copying them. */
export function* sliced(bytes: Uint8Array, pieceBytes: number): Generator<Uint8Array, void, undefined> {
  for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes)
}

/** All pieces, in an array; `Array.fromAsync` is too young for the declarations that published packages are built with. */
export async function gathered<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const all: Item[] = []
  for await (const item of items) all.push(item)
  return all
}

/** Where a range begins and ends in an object of that size. */
export function clampRange(range: ReadOptions['range'], sizeBytes: number): { start: number; end: number } {
  const { start, end } = checkedRange(range) ?? { start: 0 }
  const last = Math.min(end ?? sizeBytes, sizeBytes)
  return { start: Math.min(start, last), end: last }
}

/** The range itself; throws `ARC_OPTION_INVALID` when it is none. */
export function checkedRange(range: ReadOptions['range']): ReadOptions['range'] {
  if (range === undefined) return undefined
  const { start, end } = range
  const isCount = (value: number): boolean => Number.isSafeInteger(value) && value >= 0
  if (isCount(start) && (end === undefined || (isCount(end) && end >= start))) return range
  throw new ArcError('ARC_OPTION_INVALID', `${start} to ${end} is no range of bytes`)
}
