import { ArcError, assertWithin, type ProgressListener } from '@arc/core'
import { checkedPieces, sha256Hex, startSha256 } from '@arc/core/node'
import { untilAborted } from './abort.ts'
import type { Content, ContentInput } from './store.ts'
import { damagedStore } from './store-error.ts'

/** What is read into memory at once unless told otherwise. */
const DEFAULT_MAX_BYTES: number = 512 * 1024 * 1024

/** All bytes of a content. Throws `ARC_LIMIT_EXCEEDED` rather than fill the memory. */
export async function contentBytes(content: Content, maxBytes: number = DEFAULT_MAX_BYTES): Promise<Buffer> {
  assertWithin('bytes to be read into memory', content.sizeBytes, maxBytes)
  const pieces: Buffer[] = []
  let count = 0
  for await (const piece of content) {
    count += piece.length
    assertWithin('bytes to be read into memory', count, maxBytes)
    pieces.push(Buffer.from(piece)) // a copy: the piece may be reused
  }
  const [first] = pieces
  return pieces.length === 1 && first !== undefined ? first : Buffer.concat(pieces, count)
}

/** The same content; the listener hears of each piece once it has been taken. */
export function toldContent(content: Content, onProgress: ProgressListener | undefined): Content {
  if (onProgress === undefined) return content
  const { sizeBytes: totalBytes } = content
  async function* pieces(): AsyncGenerator<Uint8Array, void, undefined> {
    let doneBytes = 0
    for await (const piece of content) {
      yield piece
      doneBytes += piece.length
      onProgress?.({ phase: 'reading', doneEntries: 0, doneBytes, totalEntries: 1, totalBytes })
    }
  }
  return { sizeBytes: totalBytes, [Symbol.asyncIterator]: pieces }
}

/** SHA-256 of a content in lower-case hex. */
export async function contentSha256(content: AsyncIterable<Uint8Array> | Uint8Array): Promise<string> {
  if (content instanceof Uint8Array) return sha256Hex(content)
  const sha = startSha256()
  for await (const piece of content) sha.update(piece)
  return sha.digestHex()
}

/** Bytes as a content. */
export function bytesContent(bytes: Uint8Array): Content {
  return {
    sizeBytes: bytes.length,
    async *[Symbol.asyncIterator]() {
      if (bytes.length > 0) yield bytes
    },
  }
}

/** Pieces as they come; throws `ARC_STORE_DAMAGED` at the end when together they are something else. */
export function verified(
  pieces: AsyncIterable<Uint8Array>,
  sha256: string,
  name: string,
): AsyncGenerator<Uint8Array, void, void> {
  return checkedPieces(pieces, (found) => {
    if (found !== sha256) throw damagedStore(name, 'the content of a version is not what was written')
  })
}

/**
 * A content that is bytes, all through. Throws `ARC_OPTION_INVALID` otherwise: a stream that was given an encoding yields
 * texts, and what would be kept of those is not what they say. The signal ends the wait for a piece, too.
 */
export function checkedContent(content: ContentInput, signal?: AbortSignal): ContentInput {
  if (content instanceof Uint8Array) return content
  if (typeof content?.[Symbol.asyncIterator] !== 'function') throw noContent('bytes or a sequence of them', content)
  return onlyBytes(untilAborted(signal, content))
}

async function* onlyBytes(content: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const piece of content) {
    if (!(piece instanceof Uint8Array)) throw noContent('a sequence of bytes', piece)
    yield piece
  }
}

/** `ARC_OPTION_INVALID`. */
export function noContent(expected: string, given: unknown): ArcError {
  const what = given === null ? 'null' : typeof given
  return new ArcError('ARC_OPTION_INVALID', `the content must be ${expected}, not ${what}`)
}
