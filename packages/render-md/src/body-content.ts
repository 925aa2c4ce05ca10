import { ArcError, type ContentReader, type SyncContent } from '@arc/core'
import type { Attributes } from './attributes.ts'
import { addReturns, BASE64_LINE_BYTES, decodeBase64Lines, decodeBody } from './body-decoding.ts'
import { type DumpInput, readFrom } from './dump-input.ts'
import { damaged } from './dump-record.ts'
import { PiecesReader } from './pieces-reader.ts'
import type { Platform } from './platform.ts'

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
  readonly #input: DumpInput
  readonly #path: string
  readonly #bodyAt: number
  readonly #bodyBytes: number
  readonly #attributes: Attributes

  constructor(input: DumpInput, { path, bodyAt, bodyBytes, attributes }: BodyPlace) {
    this.#input = input
    this.#path = path
    this.#bodyAt = bodyAt
    this.#bodyBytes = bodyBytes
    this.#attributes = attributes
  }

  open(): ContentReader {
    const { base64, crlf, charset, noeol } = this.#attributes
    if (base64 || crlf || charset !== undefined) {
      const place = {
        path: this.#path,
        bodyAt: this.#bodyAt,
        bodyBytes: this.#bodyBytes,
        attributes: this.#attributes,
      }
      return new PiecesReader(decodedPieces(this.#input, place))
    }
    return new BodyReader(this.#input, this.#bodyAt, this.#bodyAt + this.#bodyBytes - (noeol ? 1 : 0))
  }
}

/** Reads a body that is the content. That it ends in LF is known: its closing fence begins a line. */
class BodyReader implements ContentReader {
  readonly #input: DumpInput
  readonly #end: number
  #at: number

  constructor(input: DumpInput, start: number, end: number) {
    this.#input = input
    this.#at = start
    this.#end = end
  }

  read(into: Uint8Array): number {
    const count = Math.min(into.length, this.#end - this.#at)
    readFrom(this.#input, count === into.length ? into : into.subarray(0, count), this.#at)
    this.#at += count
    return count
  }

  close(): void {}
}

/** What a body stands for, decoded piece by piece. */
function* decodedPieces(
  input: DumpInput,
  { path, bodyAt, bodyBytes, attributes }: BodyPlace,
): Generator<Uint8Array, void, void> {
  const { platform } = input
  const isWhole = bodyBytes <= WHOLE_BYTES || attributes.charset !== undefined
  const piece = platform.allocate(isWhole ? bodyBytes : PIECE_BYTES)
  for (let at = 0; at < bodyBytes; at += piece.length) {
    const body = piece.subarray(0, bodyBytes - at)
    readFrom(input, body, bodyAt + at)
    const isLast = at + body.length === bodyBytes
    const decoded = isWhole ? decodeBody(body, attributes, platform) : decodePiece(body, attributes, isLast, platform)
    if (decoded === undefined) throw damaged('its content is not encoded as its attributes say', bodyAt + at, path)
    yield decoded
  }
}

function decodePiece(
  body: Uint8Array,
  attributes: Attributes,
  isLast: boolean,
  platform: Platform,
): Uint8Array | undefined {
  // Padding may end the body only, not a piece within.
  if (attributes.base64) return isLast || body.at(-2) !== 0x3d ? decodeBase64Lines(body, platform) : undefined
  if (isLast) return decodeBody(body, attributes, platform)
  if (!attributes.crlf) return body
  return body.includes(0x0d) ? undefined : addReturns(body, platform)
}

/** For how long something can be had. */
export interface Turn {
  isOver: boolean
}

/** Content that lies decoded in memory, but only until its turn is over. Its own reader: there is one for each file of a dump. */
export class PassingContent implements SyncContent, ContentReader {
  readonly kind = 'sync'
  readonly #bytes: Uint8Array
  readonly #turn: Turn
  #at = 0

  constructor(bytes: Uint8Array, turn: Turn) {
    this.#bytes = bytes
    this.#turn = turn
  }

  open(): ContentReader {
    this.#checkTurn()
    this.#at = 0
    return this
  }

  read(into: Uint8Array): number {
    this.#checkTurn()
    const piece = this.#bytes.subarray(this.#at, this.#at + into.length)
    into.set(piece)
    this.#at += piece.length
    return piece.length
  }

  view(): Uint8Array {
    this.#checkTurn()
    const rest = this.#at === 0 ? this.#bytes : this.#bytes.subarray(this.#at)
    this.#at = this.#bytes.length
    return rest
  }

  close(): void {}

  #checkTurn(): void {
    if (!this.#turn.isOver) return
    throw new ArcError(
      'ARC_ENTRY_UNREADABLE',
      'content of a dump that is read once can only be had before the next batch',
      { hint: 'Read the content of each batch before asking for the next one.' },
    )
  }
}
