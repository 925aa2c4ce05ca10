import { readSync } from 'node:fs'
import { ArcError, type ContentReader, type SyncContent } from '@arc/core'
import type { Attributes } from './attributes.ts'
import { addReturns, BASE64_LINE_BYTES, decodeBase64Lines, decodeBody } from './body.ts'
import { damaged } from './dump-record.ts'

/** Where a section's body lies, and how to read it. */
export interface BodyPlace {
  fd: number
  path: string
  bodyAt: number
  bodyBytes: number
  attributes: Attributes
}

/** Bodies up to this size are decoded at once; a text in another charset always is. */
const WHOLE_BYTES = 1024 * 1024
const PIECE_BYTES = BASE64_LINE_BYTES * 8192
/** Only what our writer reads whole gets a charset: no more than 4 MiB, which UTF-8 at most triples. */
export const MAX_CHARSET_BODY_BYTES: number = 16 * 1024 * 1024

/** The content of a section. */
export function bodyContent(place: BodyPlace): SyncContent {
  return { kind: 'sync', open: () => new BodyReader(place) }
}

/** Decodes a body piece by piece. */
class BodyReader implements ContentReader {
  readonly #place: BodyPlace
  readonly #pieceBytes: number
  #at = 0
  #decoded: Buffer = Buffer.alloc(0)

  constructor(place: BodyPlace) {
    this.#place = place
    this.#pieceBytes =
      place.bodyBytes <= WHOLE_BYTES || place.attributes.charset !== undefined ? place.bodyBytes : PIECE_BYTES
  }

  read(into: Uint8Array): number {
    let filled = 0
    while (filled < into.length) {
      if (this.#decoded.length === 0 && !this.#decodeNext()) break
      const piece = this.#decoded.subarray(0, into.length - filled)
      into.set(piece, filled)
      filled += piece.length
      this.#decoded = this.#decoded.subarray(piece.length)
    }
    return filled
  }

  close(): void {}

  #decodeNext(): boolean {
    const { fd, path, bodyAt, bodyBytes, attributes } = this.#place
    const count = Math.min(this.#pieceBytes, bodyBytes - this.#at)
    if (count === 0) return false
    const body = Buffer.allocUnsafe(count)
    if (readSync(fd, body, 0, count, bodyAt + this.#at) !== count) {
      throw new ArcError('ARC_DUMP_DAMAGED', 'the document became shorter while it was read')
    }
    const isLast = this.#at + count === bodyBytes
    const decoded =
      this.#pieceBytes === bodyBytes ? decodeBody(body, attributes) : decodePiece(body, attributes, isLast)
    if (decoded === undefined)
      throw damaged('its content is not encoded as its attributes say', bodyAt + this.#at, path)
    this.#decoded = decoded
    this.#at += count
    return true
  }
}

function decodePiece(body: Buffer, attributes: Attributes, isLast: boolean): Buffer | undefined {
  // Padding may end the body only, not a piece within.
  if (attributes.base64) return isLast || body.at(-2) !== 0x3d ? decodeBase64Lines(body) : undefined
  if (isLast) return decodeBody(body, attributes)
  if (!attributes.crlf) return body
  return body.includes(0x0d) ? undefined : addReturns(body)
}
