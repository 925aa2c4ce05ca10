import type { ByteFeed } from './byte-feed.ts'
import { BitReader, decodeBlock, expandRuns, updateBzipCrc } from './bzip2-block.ts'
import { damaged, unsupported } from './problems.ts'

const BLOCK_MAGIC = 0x314159265359
const END_MAGIC = 0x177245385090

/** The most compressed bytes that one block can take, with room to spare: so a block is decoded from bytes at hand. */
const MAX_BLOCK_BYTES = 2 * 1024 * 1024

/** Decompress bzip2: one stream after another until the end, every checksum checked. Anything else behind is damage. */
export async function* bunzip2(feed: ByteFeed): AsyncGenerator<Uint8Array, void, void> {
  const window = new InputWindow(feed)
  await window.fill()
  if (window.isEmpty) throw damaged('it is empty')
  while (!window.isEmpty) yield* decodeStream(window)
}

async function* decodeStream(window: InputWindow): AsyncGenerator<Uint8Array, void, void> {
  const bits = window.bits
  const magic = bits.read(24)
  const level = bits.read(8) - 0x30
  if (magic !== 0x425a68 || level < 1 || level > 9)
    throw damaged('something that is no bzip2 data follows the bzip2 data')
  const maxBytes = level * 100_000
  const links = new Uint32Array(maxBytes)
  let combined = 0
  for (;;) {
    await window.fill()
    const kind = bits.read(24) * 2 ** 24 + bits.read(24)
    const crc = (bits.read(16) << 16) | bits.read(16)
    if (kind === END_MAGIC) {
      if (crc !== combined) throw damaged('the bzip2 data does not match its checksum')
      bits.alignToByte()
      await window.fill()
      return
    }
    if (kind !== BLOCK_MAGIC) throw damaged('a bzip2 block is malformed')
    if (bits.read(1) !== 0)
      throw unsupported('it uses randomised bzip2 blocks, which no program has written since 1997')
    const block = decodeBlock(bits, links)
    let blockCrc = -1
    for (const piece of expandRuns(links, block)) {
      blockCrc = updateBzipCrc(blockCrc, piece)
      yield piece
    }
    if (~blockCrc !== crc) throw damaged('a bzip2 block does not match its checksum')
    combined = ((combined << 1) | (combined >>> 31)) ^ crc
  }
}

/** Compressed bytes at hand, always enough for a whole block unless the input ends. */
class InputWindow {
  readonly bits: BitReader
  readonly #feed: ByteFeed
  readonly #bytes = new Uint8Array(2 * MAX_BLOCK_BYTES)

  constructor(feed: ByteFeed) {
    this.#feed = feed
    this.bits = new BitReader(this.#bytes)
  }

  get isEmpty(): boolean {
    return this.bits.leftBytes === 0
  }

  async fill(): Promise<void> {
    if (this.bits.leftBytes >= MAX_BLOCK_BYTES) return
    let length = this.bits.moveToFront()
    while (length < this.#bytes.length) {
      const piece = await this.#feed.next()
      if (piece === undefined) break
      const part = piece.subarray(0, this.#bytes.length - length)
      this.#bytes.set(part, length)
      length += part.length
      this.#feed.putBack(piece.subarray(part.length))
    }
    this.bits.length = length
  }
}
