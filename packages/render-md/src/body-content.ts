import { readSync } from 'node:fs'
import { ArcError, bytesContent, type ContentReader, type SyncContent } from '@arc/core'
import type { Attributes } from './attributes.ts'
import { addReturns, BASE64_LINE_BYTES, decodeBase64Lines, decodeBody } from './body.ts'
import { damaged } from './dump-record.ts'

/** Where a section's body lies. */
export interface BodyPlace {
  readonly path: string
  readonly bodyAt: number
  readonly bodyBytes: number
  readonly attributes: Attributes
}

/** Bodies up to this size are decoded at once; a text in another charset always is. */
const WHOLE_BYTES = 1024 * 1024
const PIECE_BYTES = BASE64_LINE_BYTES * 8192
/** Only what our writer reads whole gets a charset: no more than 4 MiB, which UTF-8 at most triples. */
export const MAX_CHARSET_BODY_BYTES: number = 16 * 1024 * 1024

/** The content of a section, read from the document. It holds no more than it must: a listing has one for each file. */
export class BodyContent implements SyncContent {
  readonly kind = 'sync'
  readonly #fd: number
  readonly #path: string
  readonly #bodyAt: number
  readonly #bodyBytes: number
  readonly #attributes: Attributes

  constructor(fd: number, { path, bodyAt, bodyBytes, attributes }: BodyPlace) {
    this.#fd = fd
    this.#path = path
    this.#bodyAt = bodyAt
    this.#bodyBytes = bodyBytes
    this.#attributes = attributes
  }

  open(): ContentReader {
    const { base64, crlf, charset, noeol } = this.#attributes
    if (base64 || crlf || charset !== undefined) {
      return new BodyDecoder(this.#fd, {
        path: this.#path,
        bodyAt: this.#bodyAt,
        bodyBytes: this.#bodyBytes,
        attributes: this.#attributes,
      })
    }
    return new BodyReader(this.#fd, this.#bodyAt, this.#bodyAt + this.#bodyBytes - (noeol ? 1 : 0))
  }
}

/** Reads a body that is the content. That it ends in LF is known: its closing fence begins a line. */
class BodyReader implements ContentReader {
  readonly #fd: number
  readonly #end: number
  #at: number

  constructor(fd: number, start: number, end: number) {
    this.#fd = fd
    this.#at = start
    this.#end = end
  }

  read(into: Uint8Array): number {
    const count = Math.min(into.length, this.#end - this.#at)
    readAll(this.#fd, into, count, this.#at)
    this.#at += count
    return count
  }

  close(): void {}
}

/** Decodes a body piece by piece. */
class BodyDecoder implements ContentReader {
  readonly #fd: number
  readonly #place: BodyPlace
  readonly #pieceBytes: number
  #at = 0
  #piece: Buffer | undefined
  #decoded: Buffer = Buffer.alloc(0)

  constructor(fd: number, place: BodyPlace) {
    this.#fd = fd
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
    const { path, bodyAt, bodyBytes, attributes } = this.#place
    const count = Math.min(this.#pieceBytes, bodyBytes - this.#at)
    if (count === 0) return false
    const body = (this.#piece ??= Buffer.allocUnsafeSlow(this.#pieceBytes)).subarray(0, count)
    readAll(this.#fd, body, count, bodyAt + this.#at)
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

/** Fill the first `count` bytes of `into`. */
function readAll(fd: number, into: Uint8Array, count: number, position: number): void {
  for (let done = 0; done < count;) {
    const more = readSync(fd, into, done, count - done, position + done)
    if (more === 0) throw new ArcError('ARC_DUMP_DAMAGED', 'the document became shorter while it was read')
    done += more
  }
}

function decodePiece(body: Buffer, attributes: Attributes, isLast: boolean): Buffer | undefined {
  // Padding may end the body only, not a piece within.
  if (attributes.base64) return isLast || body.at(-2) !== 0x3d ? decodeBase64Lines(body) : undefined
  if (isLast) return decodeBody(body, attributes)
  if (!attributes.crlf) return body
  return body.includes(0x0d) ? undefined : addReturns(body)
}

/** For how long something can be had. */
export interface Turn {
  isOver: boolean
}

/** Content that lies decoded in memory, but only until its turn is over. */
export class PassingContent implements SyncContent {
  readonly kind = 'sync'
  readonly #bytes: Uint8Array
  readonly #turn: Turn

  constructor(bytes: Uint8Array, turn: Turn) {
    this.#bytes = bytes
    this.#turn = turn
  }

  open(): ContentReader {
    if (!this.#turn.isOver) return bytesContent(this.#bytes).open()
    throw new ArcError(
      'ARC_ENTRY_UNREADABLE',
      'content of a dump that is read once can only be had before the next batch',
      {
        hint: 'Read the content of each batch before asking for the next one.',
      },
    )
  }
}
