import { randomBytes } from 'node:crypto'
import { startSha256 } from '@arc/core/node'
import { MAX_FRAME_BYTES } from './frame.ts'
import type { NamedPack } from './index-format.ts'
import { encodeFooter, footerFrame, type FrameFacts, type PackKind, SALT_BYTES } from './pack-footer.ts'
import { release } from './release.ts'
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

interface BuiltPack {
  readonly named: NamedPack
  /** All frames, at the beginning of memory that is used again. */
  readonly frames: Buffer
  readonly footer: Uint8Array
}

/** Room for the frames of a pack: a frame more than makes it full, and what zstd and sealing may add to one. */
const ROOM_BYTES = PACK_BYTES + MAX_FRAME_BYTES + 64 * 1024

/** Puts frames one behind another until they are a pack. */
class PackBuilder {
  readonly #kind: PackKind
  #room: Buffer | undefined
  #facts: FrameFacts[] = []
  #ids: Uint8Array[] = []
  #sizeBytes = 0

  constructor(kind: PackKind) {
    this.#kind = kind
  }

  get isEmpty(): boolean {
    return this.#sizeBytes === 0
  }

  get isFull(): boolean {
    return this.#sizeBytes >= PACK_BYTES
  }

  /** Copy a frame and give its own memory back: kept until they are a pack, frames would leave holes all over the heap. */
  add({ sealed, facts, ids }: SealedFrame, newRoom: () => Buffer): void {
    this.#room ??= newRoom()
    this.#room.set(sealed, this.#sizeBytes)
    release(sealed)
    this.#sizeBytes += facts.sealedBytes
    this.#facts.push(facts)
    this.#ids.push(ids)
  }

  /** The pack of all frames since the last one. */
  build(seal: (footer: Uint8Array) => Uint8Array): BuiltPack {
    const plainFooter = encodeFooter(this.#kind, randomBytes(SALT_BYTES), this.#facts)
    const footer = footerFrame(seal(plainFooter))
    const frames = (this.#room as Buffer).subarray(0, this.#sizeBytes)
    const sha256 = startSha256()
    sha256.update(frames)
    sha256.update(footer)
    const sizeBytes = frames.length + footer.length
    const ids = Buffer.concat(this.#ids)
    this.#room = undefined
    this.#facts = []
    this.#ids = []
    this.#sizeBytes = 0
    return { named: { id: sha256.digestHex(), sizeBytes, footer: plainFooter, ids }, frames, footer }
  }
}

/** Gathers frames into packs, writes them, and tells of each pack once it is safe. */
export class PackWriter {
  readonly #objects: VaultObjects
  readonly #onPack: (pack: NamedPack) => void | Promise<void>
  readonly #options: CallOptions
  readonly #builders: Readonly<Record<PackKind, PackBuilder>> = {
    data: new PackBuilder('data'),
    tree: new PackBuilder('tree'),
  }
  readonly #writing = new Set<Promise<void>>()
  /** Memory of packs that are written. */
  readonly #rooms: Buffer[] = []
  #failure: unknown
  #hasFailed = false

  constructor(objects: VaultObjects, onPack: (pack: NamedPack) => void | Promise<void>, options: CallOptions = {}) {
    this.#objects = objects
    this.#onPack = onPack
    this.#options = options
  }

  /** Take a frame; its memory is given back. When enough packs are on their way, a promise to wait for. */
  add(kind: PackKind, frame: SealedFrame): Promise<void> | undefined {
    const builder = this.#builders[kind]
    builder.add(frame, () => this.#rooms.pop() ?? Buffer.allocUnsafeSlow(ROOM_BYTES))
    if (!builder.isFull) return undefined
    this.#start(builder)
    return this.#writing.size > MAX_WRITING ? this.#untilFewer(MAX_WRITING) : undefined
  }

  /** Write what is not full yet, too, and wait until everything is written. Throws what a write threw. */
  async finish(): Promise<void> {
    for (const builder of Object.values(this.#builders)) if (!builder.isEmpty) this.#start(builder)
    await this.written()
  }

  /** Wait until every full pack is written. Throws what a write threw. */
  async written(): Promise<void> {
    await this.#untilFewer(0)
  }

  #start(builder: PackBuilder): void {
    const pack = builder.build((footer) => this.#objects.seal('footer', footer))
    const job = this.#write(pack).catch((error: unknown) => {
      if (!this.#hasFailed) this.#failure = error
      this.#hasFailed = true
    })
    const tracked: Promise<void> = job.finally(() => this.#writing.delete(tracked))
    this.#writing.add(tracked)
  }

  async #untilFewer(count: number): Promise<void> {
    while (this.#writing.size > count) await Promise.race(this.#writing)
    if (this.#hasFailed) throw this.#failure
  }

  async #write({ named, frames, footer }: BuiltPack): Promise<void> {
    // The name was made from these very pieces: to have them hashed again would cost as much as a tenth of compressing them.
    await this.#objects.backend.write(packKey(named.id), piecesOf([frames, footer]), {
      sizeBytes: named.sizeBytes,
      signal: this.#options.signal,
    })
    this.#rooms.push(Buffer.from(frames.buffer))
    await this.#onPack(named)
  }
}

async function* piecesOf(pieces: readonly Uint8Array[]): AsyncGenerator<Uint8Array, void, void> {
  yield* pieces
}
