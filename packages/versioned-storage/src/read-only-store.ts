import { type History, NO_HISTORY } from './history.ts'
import type { CallOptions, Content, ItemStat, ReadRange, Snapshot, Staged, StoredEvent, VersionStore } from './store.ts'
import { nothingThere, readOnlyStore } from './store-error.ts'
import type { VersionInfo } from './version.ts'

/** What all stores have in common that can only be read: no past, no changes. */
export abstract class ReadOnlyStore implements VersionStore {
  abstract readonly location: string
  readonly isWritable: boolean = false

  enforcedBy(): 'arc' {
    return 'arc'
  }

  abstract stat(key: string, options?: CallOptions): Promise<ItemStat | undefined>
  abstract list(folder: string, options?: CallOptions): Promise<readonly ItemStat[]>
  abstract walk(prefix: string, options?: CallOptions): AsyncIterable<readonly ItemStat[]>
  abstract read(key: string, options?: ReadRange): Promise<Content>

  async readVersion(key: string): Promise<Content> {
    throw nothingThere(this.location, key)
  }

  async history(key: string): Promise<History> {
    return { key, ...NO_HISTORY }
  }

  async *histories(): AsyncGenerator<readonly History[], void, undefined> {}

  async *listVersions(): AsyncGenerator<readonly VersionInfo[], void, undefined> {}

  async stage(): Promise<Staged> {
    throw readOnlyStore(this.location)
  }

  async commit<T>(): Promise<T> {
    throw readOnlyStore(this.location)
  }

  async renewLock(): Promise<boolean> {
    return false
  }

  async makeFolder(): Promise<void> {
    throw readOnlyStore(this.location)
  }

  async removeFolder(): Promise<void> {
    throw readOnlyStore(this.location)
  }

  async snapshot(): Promise<Snapshot | undefined> {
    return undefined
  }

  async snapshots(): Promise<readonly Snapshot[]> {
    return []
  }

  async pendingEvents(): Promise<readonly StoredEvent[]> {
    return []
  }

  async forgetEvents(): Promise<void> {}

  async [Symbol.asyncDispose](): Promise<void> {}
}
