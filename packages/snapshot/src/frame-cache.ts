import { decompressFrame } from './frame.ts'
import type { FramePlace } from './pack-frames.ts'
import { damaged } from './problems.ts'
import { packKey, type VaultObjects } from './vault-objects.ts'
import type { CallOptions } from './store.ts'

/** Plaintext of frames that is kept, since the next chunk mostly comes from the same one. */
const MAX_CACHED_BYTES = 48 * 1024 * 1024

/** Reads frames: fetched, unsealed, decompressed. */
export class FrameCache {
  readonly #objects: VaultObjects
  /** The one used longest ago first. */
  readonly #frames = new Map<string, Buffer>()
  #bytes = 0

  constructor(objects: VaultObjects) {
    this.#objects = objects
  }

  /** The plaintext of a frame, when it is at hand. */
  peek(place: FramePlace): Buffer | undefined {
    return this.#frames.get(frameName(place))
  }

  /** The plaintext of a frame. Throws `ARC_VAULT_DAMAGED`, `ARC_SEAL_BROKEN`. */
  async get(place: FramePlace, options: CallOptions = {}): Promise<Buffer> {
    const name = frameName(place)
    const known = this.#frames.get(name)
    if (known !== undefined) {
      this.#frames.delete(name)
      this.#frames.set(name, known)
      return known
    }
    const plain = await readFrame(this.#objects, place, options)
    this.#frames.set(name, plain)
    this.#bytes += plain.length
    for (const [oldest, { length }] of this.#frames) {
      if (this.#bytes <= MAX_CACHED_BYTES || oldest === name) break
      this.#frames.delete(oldest)
      this.#bytes -= length
    }
    return plain
  }

  forget(): void {
    this.#frames.clear()
    this.#bytes = 0
  }
}

/** Read one frame from its pack. */
export async function readFrame(objects: VaultObjects, place: FramePlace, options: CallOptions = {}): Promise<Buffer> {
  const key = packKey(place.packId)
  const sealed = await objects.readRange(key, place.start, place.start + place.sealedBytes, options)
  if (sealed.length !== place.sealedBytes) throw damaged(key, 'it ends too early')
  return decompressFrame(objects.unseal('frame', sealed), place.plainBytes, key)
}

function frameName({ packId, start }: FramePlace): string {
  return `${packId}:${start}`
}
