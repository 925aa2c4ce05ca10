import type { ByteFeed } from './byte-feed.ts'

/** What reading compressed archives needs from the platform; `@arc/archive/node` has `nodeCodecs`. */
export interface Codecs {
  /** CRC-32 of `bytes`, going on from the CRC-32 `seed` of what came before. */
  crc32(bytes: Uint8Array, seed?: number): number
  /**
   * Decompress one raw deflate stream that lies whole in `bytes` into `output`. Throws when it is damaged or does not
   * leave at least one byte of `output` free; `usedBytes` tells where it ended in `bytes`.
   */
  inflateRawInto(bytes: Uint8Array, output: Uint8Array): { usedBytes: number; writtenBytes: number }
  /**
   * Decompress one raw deflate stream from where `feed` stands, and leave `feed` right behind its end. A piece is valid
   * until the next one is asked for; no more than some pieces are ever held.
   */
  inflateRaw(feed: ByteFeed): AsyncGenerator<Uint8Array, void, void>
  /** SHA-256 of `bytes` in lower-case hex. */
  sha256(bytes: Uint8Array): string
  /** Start a SHA-256 over bytes that come in pieces. */
  startSha256(): { update(bytes: Uint8Array): void; digestHex(): string }
  /** Decompress exactly one zstd frame that arrives in pieces. A piece is valid until the next one is asked for. */
  zstdFrameStream(frame: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, void>
  /** Let whoever else has to do something do it, now and then, where reading never waits; throws the reason of `signal`. */
  takeTurn?(signal: AbortSignal | undefined): Promise<void>
}
