import type { Backend } from '@arc/storage'
import { ReadOnlyStore } from './read-only-store.ts'
import type { CallOptions, Content, ItemStat, ReadRange } from './store.ts'

/** A backend that can only be read, such as pages of the web: no listing, no past. */
export class BackendReader extends ReadOnlyStore {
  readonly location: string
  readonly #backend: Backend

  constructor(backend: Backend) {
    super()
    this.#backend = backend
    this.location = backend.location
  }

  async stat(key: string, options: CallOptions = {}): Promise<ItemStat | undefined> {
    const info = await this.#backend.stat(key, options)
    return info === undefined
      ? undefined
      : { key, type: 'file', sizeBytes: info.sizeBytes, modified: info.modified, sha256: info.sha256 }
  }

  async list(): Promise<readonly ItemStat[]> {
    return []
  }

  async *walk(): AsyncGenerator<readonly ItemStat[], void, undefined> {}

  async read(key: string, options: ReadRange = {}): Promise<Content> {
    const body = await this.#backend.read(key, options)
    const end = Math.min(options.range?.end ?? body.info.sizeBytes, body.info.sizeBytes)
    return {
      sizeBytes: Math.max(0, end - (options.range?.start ?? 0)),
      [Symbol.asyncIterator]: () => body[Symbol.asyncIterator](),
    }
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    await this.#backend[Symbol.asyncDispose]()
  }
}
