import type { Steps, SyncContent } from '@arc/core'

// As much as ripgrep looks at in one go. A NUL in a piece makes a file binary, unless an earlier piece settled the matter.
const PIECE_BYTES = 64 * 1024
const LINE_FEED = 0x0a
// A line that goes on for longer is searched in parts: it must fit into a string.
const MAX_LINE_BYTES = 64 * 1024 * 1024

/** What a search for a line that matches came to; a `binary` file has no lines. */
export type SearchResult = 'found' | 'not-found' | 'binary'

/**
 * Finds lines that match, as ripgrep does: each line by itself, without its line feed; text in UTF-8, or in UTF-16 when
 * it begins with a mark that says so.
 */
export class LineSearch {
  readonly #expression: RegExp
  readonly #piece: Buffer

  constructor(expression: RegExp) {
    // Lines hold no line feed, so "." may match all there is; `g` and `y` would make the answer depend on the one before.
    const flags = expression.flags.replace(/[gmy]/g, '')
    this.#expression = new RegExp(expression.source, flags.includes('s') ? flags : `${flags}s`)
    this.#piece = Buffer.allocUnsafe(PIECE_BYTES)
  }

  /** Search content that is at hand. Throws `ARC_ENTRY_UNREADABLE`. */
  *search(content: SyncContent): Steps<SearchResult> {
    const lines = new Lines(this.#expression)
    const reader = content.open()
    try {
      for (;;) {
        const count = reader.read(this.#piece)
        const result = lines.add(this.#piece.subarray(0, count))
        if (result !== undefined) return result
        if (count < this.#piece.length) return lines.end()
        yield
      }
    } finally {
      reader.close()
    }
  }

  /** Search content that arrives. */
  async searchStream(pieces: AsyncIterable<Uint8Array>): Promise<SearchResult> {
    const lines = new Lines(this.#expression)
    for await (const piece of pieces) {
      for (let at = 0; at < piece.length; at += PIECE_BYTES) {
        const result = lines.add(piece.subarray(at, at + PIECE_BYTES))
        if (result !== undefined) return result
      }
    }
    return lines.end()
  }
}

/** Cuts pieces into lines and tries them until one matches. */
class Lines {
  readonly #expression: RegExp
  #rest: Buffer = Buffer.alloc(0)
  #decoder: InstanceType<typeof TextDecoder> | undefined
  #isFirst = true

  constructor(expression: RegExp) {
    this.#expression = expression
  }

  /** Returns the result once nothing more needs to be read. */
  add(piece: Uint8Array): SearchResult | undefined {
    let bytes = Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength)
    if (this.#isFirst) bytes = this.#start(bytes)
    if (this.#decoder !== undefined) bytes = Buffer.from(this.#decoder.decode(bytes, { stream: true }))
    if (bytes.includes(0)) return 'binary'
    const end = bytes.lastIndexOf(LINE_FEED)
    if (end < 0 && this.#rest.length + bytes.length < MAX_LINE_BYTES) {
      this.#rest = Buffer.concat([this.#rest, bytes])
      return undefined
    }
    const cut = end < 0 ? bytes.length : end
    const whole = Buffer.concat([this.#rest, bytes.subarray(0, cut)])
    this.#rest = Buffer.from(bytes.subarray(cut + 1))
    return this.#matches(whole) ? 'found' : undefined
  }

  /** The result when all was added. */
  end(): SearchResult {
    return this.#rest.length > 0 && this.#matches(this.#rest) ? 'found' : 'not-found'
  }

  #start(bytes: Buffer): Buffer {
    this.#isFirst = false
    if (bytes[0] === 0xff && bytes[1] === 0xfe) this.#decoder = new TextDecoder('utf-16le')
    else if (bytes[0] === 0xfe && bytes[1] === 0xff) this.#decoder = new TextDecoder('utf-16be')
    else if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) return bytes.subarray(3)
    return bytes
  }

  #matches(bytes: Buffer): boolean {
    return bytes
      .toString('utf8')
      .split('\n')
      .some((line) => this.#expression.test(line))
  }
}
