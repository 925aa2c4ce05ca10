import { randomBytes } from 'node:crypto'
import { encodeIndex, type NamedPack } from './index-format.ts'
import { ID_BYTES } from './chunk-id.ts'
import { SALT_BYTES } from './pack-footer.ts'
import type { VaultObjects } from './vault-objects.ts'
import type { CallOptions } from './store.ts'

/** An index is written after this many chunks, */
const MAX_CHUNKS = 512 * 1024
/** or this many bytes of packs, or a quarter of all that came before: what a killed writer has to send again at most. */
const CHECKPOINT_BYTES = 64 * 1024 ** 2
const CHECKPOINT_SHARE = 0.25

/** Gathers finished packs and publishes them as index objects, a pack never before it is safe. */
export class IndexWriter {
  /** Keys of the objects written so far. */
  readonly keys: string[] = []
  readonly #objects: VaultObjects
  readonly #options: CallOptions
  #packs: NamedPack[] = []
  #chunks = 0
  #packBytes = 0
  #indexedBytes = 0
  writtenBytes = 0

  constructor(objects: VaultObjects, options: CallOptions = {}) {
    this.#objects = objects
    this.#options = options
  }

  /** Packs that were added and are in no index yet. */
  get unindexed(): string[] {
    return this.#packs.map(({ id }) => id)
  }

  /** Take a pack that is written. */
  async add(pack: NamedPack): Promise<void> {
    this.#packs.push(pack)
    this.#chunks += pack.ids.length / ID_BYTES
    this.#packBytes += pack.sizeBytes
    const enoughBytes = Math.max(CHECKPOINT_BYTES, this.#indexedBytes * CHECKPOINT_SHARE)
    if (this.#chunks >= MAX_CHUNKS || this.#packBytes >= enoughBytes) await this.flush()
  }

  /** Publish what was added since. */
  async flush(): Promise<void> {
    if (this.#packs.length === 0) return
    const packs = this.#packs
    this.#packs = []
    this.#chunks = 0
    this.#indexedBytes += this.#packBytes
    this.#packBytes = 0
    const bytes = encodeIndex(packs, randomBytes(SALT_BYTES), (plaintext) => this.#objects.seal('index', plaintext))
    this.keys.push(await this.#objects.writeHashed('index/', bytes, this.#options))
    this.writtenBytes += bytes.length
  }
}
