import { assertWithin, DEFAULT_LIMITS, isArcError, RATIO_FLOOR_BYTES, type StreamContent } from '@arc/core'
import { checkedPieces, startSha256, takeTurn } from '@arc/core/node'
import { decompressZstd } from '@arc/archive/node'
import { type Backend, readBytes } from '@arc/storage'
import { damaged, missing } from '../problems.ts'
import type { CallOptions } from '../store.ts'

const ZSTD_MAGIC = Buffer.from([0x28, 0xb5, 0x2f, 0xfd])

/** Where the content with this SHA-256 is. */
export function objectKey(sha256: string): string {
  return `objects/${sha256}`
}

/**
 * The objects of a vault: whole files under the SHA-256 of their content, compressed by zstd or, in the oldest vaults, as they
 * were. Which of the two is told by the hash, since what was kept as it was may be a zstd file itself.
 */
export class PredecessorObjects {
  readonly #backend: Backend
  readonly #plain = new Map<string, boolean>()

  constructor(backend: Backend) {
    this.#backend = backend
  }

  /** A content, held against its hash; it is known to be wrong only once all of it was read. */
  content(sha256: string): StreamContent {
    return { kind: 'stream', stream: () => this.#checked(sha256, {}) }
  }

  /** Read a whole content; returns its length. Throws `ARC_VAULT_DAMAGED`. */
  async measure(sha256: string, options: CallOptions): Promise<number> {
    let sizeBytes = 0
    for await (const piece of this.#checked(sha256, options)) sizeBytes += piece.length
    return sizeBytes
  }

  async *#checked(sha256: string, options: CallOptions): AsyncGenerator<Uint8Array, void, void> {
    // A local disk never makes us wait: without a turn for the event loop, Ctrl-C would not be heard.
    await takeTurn(options.signal)
    const key = objectKey(sha256)
    const pieces = (await this.#isPlain(sha256, options)) ? this.#bytes(key, options) : this.#decompressed(key, options)
    yield* checkedPieces(pieces, (found) => {
      if (found !== sha256) throw damaged(key, 'the SHA-256 of its content is not its name')
    })
  }

  /** Whether an object is the content itself. */
  async #isPlain(sha256: string, options: CallOptions): Promise<boolean> {
    const known = this.#plain.get(sha256)
    if (known !== undefined) return known
    const key = objectKey(sha256)
    let isPlain = !(await this.#head(key, options)).equals(ZSTD_MAGIC)
    if (!isPlain) {
      const hash = startSha256()
      for await (const piece of this.#bytes(key, options)) hash.update(piece)
      isPlain = hash.digestHex() === sha256
    }
    this.#plain.set(sha256, isPlain)
    return isPlain
  }

  async #head(key: string, { signal }: CallOptions): Promise<Buffer> {
    try {
      return Buffer.from(await readBytes(this.#backend, key, { signal, range: { start: 0, end: ZSTD_MAGIC.length } }))
    } catch (error) {
      throw asMissing(error, key)
    }
  }

  async *#bytes(key: string, { signal }: CallOptions): AsyncGenerator<Uint8Array, void, void> {
    try {
      yield* await this.#backend.read(key, { signal })
    } catch (error) {
      throw asMissing(error, key)
    }
  }

  async *#decompressed(key: string, options: CallOptions): AsyncGenerator<Uint8Array, void, void> {
    let packedBytes = 0
    let sizeBytes = 0
    const bytes = this.#bytes(key, options)
    const counted = async function* (): AsyncGenerator<Uint8Array, void, void> {
      for await (const piece of bytes) {
        packedBytes += piece.length
        yield piece
      }
    }
    try {
      for await (const piece of decompressZstd(counted())) {
        sizeBytes += piece.length
        assertWithin(`bytes in ${key}`, sizeBytes, Math.max(RATIO_FLOOR_BYTES, packedBytes * DEFAULT_LIMITS.maxRatio))
        yield piece
      }
    } catch (error) {
      if (isArcError(error) && error.code.startsWith('ARC_ARCHIVE_')) throw damaged(key, error.message, error)
      throw error
    }
  }
}

function asMissing(error: unknown, key: string): unknown {
  return isArcError(error) && error.code === 'ARC_OBJECT_NOT_FOUND' ? missing(key) : error
}
