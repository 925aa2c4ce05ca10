import type { ContentReader, SyncContent } from '@arc/core'

const PIECE_BYTES = 1024 * 1024
const LINE_FEED = 0x0a
// A line that goes on for longer is searched in parts: it must fit into a string.
const MAX_LINE_BYTES = 64 * 1024 * 1024

/**
 * Finds lines that match, as ripgrep does: each line by itself, without its line feed; text in UTF-8, or in UTF-16 when
 * it begins with a mark that says so; a NUL ends the text, for what follows is binary.
 */
export class LineSearch {
  readonly #expression: RegExp
  readonly #piece: Buffer

  constructor(expression: RegExp) {
    // Lines hold no line feed, so "." may match all there is; `g` and `y` would make the answer depend on the one before.
    const flags = expression.flags.replace(/[gym]/g, '')
    this.#expression = new RegExp(expression.source, flags.includes('s') ? flags : `${flags}s`)
    this.#piece = Buffer.allocUnsafe(PIECE_BYTES)
  }

  /** Whether any line of the content matches. Throws `ARC_ENTRY_UNREADABLE`. */
  matches(content: SyncContent): boolean {
    const reader = content.open()
    try {
      return this.#search(reader)
    } finally {
      reader.close()
    }
  }

  /** The same for content that comes in pieces. */
  async matchesStream(pieces: AsyncIterable<Uint8Array>): Promise<boolean> {
    const text = new LineFeeder((line) => this.#expression.test(line))
    for await (const piece of pieces) if (text.add(piece)) return text.found
    return text.end()
  }

  #search(reader: ContentReader): boolean {
    const text = new LineFeeder((line) => this.#expression.test(line))
    for (;;) {
      const count = reader.read(this.#piece)
      if (count > 0 && text.add(this.#piece.subarray(0, count))) return text.found
      if (count < this.#piece.length) return text.end()
    }
  }
}

/** Cuts pieces into lines and shows them to a test until it says yes. */
class LineFeeder {
  found = false
  readonly #test: (line: string) => boolean
  #rest: Buffer = Buffer.alloc(0)
  #decoder: InstanceType<typeof TextDecoder> | undefined
  #isFirst = true

  constructor(test: (line: string) => boolean) {
    this.#test = test
  }

  /** Returns true when nothing more needs to be read. */
  add(piece: Uint8Array): boolean {
    let bytes = Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength)
    if (this.#isFirst) bytes = this.#startText(bytes)
    if (this.#decoder !== undefined) bytes = Buffer.from(this.#decoder.decode(bytes, { stream: true }))
    const nul = bytes.indexOf(0)
    if (nul >= 0) {
      this.#testLines(Buffer.concat([this.#rest, bytes.subarray(0, nul)]))
      return true
    }
    const end = bytes.lastIndexOf(LINE_FEED)
    if (end < 0 && this.#rest.length + bytes.length < MAX_LINE_BYTES) {
      this.#rest = Buffer.concat([this.#rest, bytes])
      return false
    }
    const cut = end < 0 ? bytes.length : end
    this.#testLines(this.#rest.length === 0 ? bytes.subarray(0, cut) : Buffer.concat([this.#rest, bytes.subarray(0, cut)]))
    this.#rest = Buffer.from(bytes.subarray(cut + 1))
    return this.found
  }

  end(): boolean {
    if (!this.found && this.#rest.length > 0) this.#testLines(this.#rest)
    return this.found
  }

  #startText(bytes: Buffer): Buffer {
    this.#isFirst = false
    if (bytes[0] === 0xff && bytes[1] === 0xfe) this.#decoder = new TextDecoder('utf-16le')
    else if (bytes[0] === 0xfe && bytes[1] === 0xff) this.#decoder = new TextDecoder('utf-16be')
    else if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) return bytes.subarray(3)
    return bytes
  }

  #testLines(bytes: Buffer): void {
    for (const line of bytes.toString('utf8').split('\n')) {
      if (!this.#test(line)) continue
      this.found = true
      return
    }
  }
}
