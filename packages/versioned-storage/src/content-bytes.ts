import { assertWithin } from '@arc/core'
import { sha256Hex, startSha256 } from '@arc/core/node'
import type { Content } from './store.ts'

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
