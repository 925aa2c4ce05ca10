import { randomBytes } from 'node:crypto'
import { startSha256 } from '@arc/core/node'
import type { NamedPack } from './index-format.ts'
import { encodeFooter, footerFrame, type FrameFacts, type PackKind, SALT_BYTES } from './pack-footer.ts'
import { packKey, type VaultObjects } from './vault-objects.ts'
import type { CallOptions } from './store.ts'

/** A pack is complete once it has this many bytes: few objects, and little lost when a writer is killed. */
export const PACK_BYTES: number = 16 * 1024 * 1024
/** Packs being written while the next one is filled. */
const MAX_WRITING = 1

/** A frame ready to be put into a pack, with the names of its chunks one after another. */
export interface SealedFrame {
  readonly sealed: Uint8Array
  readonly facts: FrameFacts
  readonly ids: Uint8Array
}

/** A complete pack in memory. */
export interface BuiltPack {
  readonly named: NamedPack
  readonly pieces: readonly Uint8Array[]
}

/** Puts frames one behind another until they are a pack. */
export class PackBuilder {
  readonly #kind: PackKind
  #frames: SealedFrame[] = []
  #sizeBytes = 0

  constructor(kind: PackKind) {
    this.#kind = kind
  }

  get isEmpty(): boolean {
    return this.#frames.length === 0
  }

  get isFull(): boolean {
    return this.#sizeBytes >= PACK_BYTES
  }

  add(frame: SealedFrame): void {
    this.#frames.push(frame)
    this.#sizeBytes += frame.sealed.length
  }

  /** The pack of all frames since the last one. */
  build(seal: (footer: Uint8Array) => Uint8Array): BuiltPack {
    const frames = this.#frames
    this.#frames = []
    this.#sizeBytes = 0
    const footer = encodeFooter(
      this.#kind,
      randomBytes(SALT_BYTES),
      frames.map(({ facts }) => facts),
    )
    const pieces = [...frames.map(({ sealed }) => sealed), footerFrame(seal(footer))]
    const sha256 = startSha256()
    for (const piece of pieces) sha256.update(piece)
    const sizeBytes = pieces.reduce((sum, piece) => sum + piece.length, 0)
    const ids = Buffer.concat(frames.map((frame) => frame.ids))
    return { named: { id: sha256.digestHex(), sizeBytes, footer, ids }, pieces }
  }
}

/** Writes packs, and tells of each once it is safe. */
export class PackWriter {
  readonly #objects: VaultObjects
  readonly #onPack: (pack: NamedPack) => void | Promise<void>
  readonly #options: CallOptions
  readonly #writing = new Set<Promise<void>>()
  #failure: unknown
  #hasFailed = false

  constructor(objects: VaultObjects, onPack: (pack: NamedPack) => void | Promise<void>, options: CallOptions = {}) {
    this.#objects = objects
    this.#onPack = onPack
    this.#options = options
  }

  /** Start to write a pack. When enough are on their way, a promise to wait for. */
  write(pack: BuiltPack): Promise<void> | undefined {
    void this.start(pack)
    return this.#writing.size > MAX_WRITING ? this.#untilFewer(MAX_WRITING) : undefined
  }

  /** Start to write a pack; the promise resolves once it is written, or has failed: {@link PackWriter.flush} throws that. */
  start(pack: BuiltPack): Promise<void> {
    const job = this.#write(pack).catch((error: unknown) => {
      if (!this.#hasFailed) this.#failure = error
      this.#hasFailed = true
    })
    const tracked: Promise<void> = job.finally(() => this.#writing.delete(tracked))
    this.#writing.add(tracked)
    return tracked
  }

  /** Wait until everything is written. Throws what a write threw. */
  async flush(): Promise<void> {
    await this.#untilFewer(0)
  }

  async #untilFewer(count: number): Promise<void> {
    while (this.#writing.size > count) await Promise.race(this.#writing)
    if (this.#hasFailed) throw this.#failure
  }

  async #write({ named, pieces }: BuiltPack): Promise<void> {
    // The name was made from these very pieces: to have them hashed again would cost as much as a tenth of compressing them.
    await this.#objects.backend.write(packKey(named.id), piecesOf(pieces), {
      sizeBytes: named.sizeBytes,
      signal: this.#options.signal,
    })
    await this.#onPack(named)
  }
}

async function* piecesOf(pieces: readonly Uint8Array[]): AsyncGenerator<Uint8Array, void, void> {
  yield* pieces
}
