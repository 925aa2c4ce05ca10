import { ArcError } from '@arc/core'
import type { SigningKey } from '@arc/crypto'
import { ChunkIndex } from './chunk-index.ts'
import { FrameCache } from './frame-cache.ts'
import { readPruneState } from './prune-mark.ts'
import type { CallOptions } from './store.ts'
import type { VaultConfig } from './vault-config.ts'
import { VaultLog } from './vault-log.ts'
import type { VaultObjects } from './vault-objects.ts'

/** How an open vault writes. */
export interface VaultOptions {
  /** Signs every record that is written. */
  signingKey?: SigningKey | undefined
  /** Level of zstd for what is written, 1 to 19; default 3. */
  compressionLevel?: number | undefined
  /** Milliseconds since 1970; default `Date.now`. */
  now?: (() => number) | undefined
  signal?: AbortSignal | undefined
}

const MAX_LEVEL = 19

/** The parts of an open vault. */
export class VaultInternals {
  readonly config: VaultConfig
  readonly objects: VaultObjects
  readonly log: VaultLog
  readonly frames: FrameCache
  readonly signingKey: SigningKey | undefined
  readonly compressionLevel: number
  readonly now: () => number
  #index: ChunkIndex | undefined

  constructor(config: VaultConfig, objects: VaultObjects, options: VaultOptions) {
    this.config = config
    this.objects = objects
    this.log = new VaultLog(objects)
    this.frames = new FrameCache(objects)
    this.signingKey = options.signingKey
    this.compressionLevel = options.compressionLevel ?? 3
    this.now = options.now ?? Date.now
    const level = this.compressionLevel
    if (!(Number.isInteger(level) && level >= 1 && level <= MAX_LEVEL)) {
      throw new ArcError('ARC_OPTION_INVALID', `${level} is no compression level`, { hint: `Use 1 to ${MAX_LEVEL}.` })
    }
  }

  /** Where chunks are, loaded when first asked for. */
  async index(options: CallOptions = {}): Promise<ChunkIndex> {
    this.#index ??= await ChunkIndex.load(this.objects, await this.#deletedPacks(options), options)
    return this.#index
  }

  /** The index, when something has asked for it. */
  get loadedIndex(): ChunkIndex | undefined {
    return this.#index
  }

  /** Read with this index from now on. */
  useIndex(index: ChunkIndex): void {
    this.#index = index
  }

  /** The same as it is now: what others wrote or pruned since is taken into account, and what is not there is left out. */
  async freshIndex(options: CallOptions = {}): Promise<ChunkIndex> {
    this.#index = await ChunkIndex.loadPresent(this.objects, await this.#deletedPacks(options), options)
    this.frames.forget()
    return this.#index
  }

  /** What is only announced to go may still be needed, and is still there. */
  async #deletedPacks(options: CallOptions): Promise<ReadonlySet<string>> {
    const { done } = await readPruneState(this.objects, options)
    return new Set(done?.packs)
  }
}
