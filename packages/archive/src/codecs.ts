import type { ByteFeed } from './byte-feed.ts'

/** What reading compressed archives needs from the platform; `@arc/archive/node` has `nodeCodecs`. */
export interface Codecs {
  /** CRC-32 of `bytes`, going on from the CRC-32 `seed` of what came before. */
  crc32(bytes: Uint8Array, seed?: number): number
  /**
   * Decompress one raw deflate stream that lies whole in `bytes`. Throws when it is damaged or gives more than
   * `maxOutputBytes`; `usedBytes` tells where it ended.
   */
  inflateRawSync(bytes: Uint8Array, maxOutputBytes: number): { output: Uint8Array; usedBytes: number }
  /**
   * Decompress one raw deflate stream from where `feed` stands, and leave `feed` right behind its end. A piece is valid
   * until the next one is asked for; no more than some pieces are ever held.
   */
  inflateRaw(feed: ByteFeed): AsyncGenerator<Uint8Array, void, void>
  /** Decompress one whole zstd frame that says it holds `sizeBytes`. */
  zstdFrame(frame: Uint8Array, sizeBytes: number): Promise<Uint8Array>
  /** Decompress exactly one zstd frame that arrives in pieces. */
  zstdFrameStream(frame: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, void>
}
