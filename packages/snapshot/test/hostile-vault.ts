import { type Backend, memoryBackend } from '@arc/storage'
import type { EntryPath } from '@arc/core'
import { createVault, type Vault } from '../src/index.ts'
import { ByteWriter } from '../src/byte-writer.ts'
import { ChunkWriter } from '../src/chunk-writer.ts'
import { encodeListingEntry, type ListingEntry } from '../src/listing.ts'
import { readPruneState } from '../src/prune-mark.ts'
import { indexToRelyOn, publishSnapshot } from '../src/publish-snapshot.ts'
import { newSnapshotRecord } from '../src/snapshot-record.ts'
import { source } from './trees.ts'

const STATISTICS = {
  files: 1,
  directories: 0,
  symlinks: 0,
  contentBytes: 1,
  unchangedFiles: 0,
  newBytes: 0,
  storedBytes: 0,
}

/** Makes listings that no writer of ours makes. */
export class HostileVault {
  readonly vault: Vault
  readonly #writer: ChunkWriter

  private constructor(vault: Vault) {
    const { objects, compressionLevel } = vault.internal
    this.vault = vault
    this.#writer = new ChunkWriter(objects, { compressionLevel, index: () => indexToRelyOn(objects, false, {}) })
  }

  static async create(backend: Backend = memoryBackend()): Promise<HostileVault> {
    return new HostileVault(await createVault(backend, { locks: [] }))
  }

  async file(name: string, content: string | Uint8Array, more: Partial<ListingEntry> = {}): Promise<ListingEntry> {
    const bytes = Buffer.from(content)
    const reference = bytes.length === 0 ? undefined : { depth: 0, id: await this.#put('data', bytes) }
    return { ...entry(name), type: 'file', sizeBytes: bytes.length, reference, ...more }
  }

  async folder(name: string, entries: readonly ListingEntry[]): Promise<ListingEntry> {
    const { sizeBytes, id } = await this.#listing(entries)
    return { ...entry(name), type: 'directory', sizeBytes, reference: { depth: 0, id } }
  }

  /** Publish a snapshot with this root; returns its id. */
  async publish(entries: readonly ListingEntry[]): Promise<string> {
    const { internal } = this.vault
    const { sizeBytes, id } = await this.#listing(entries)
    await this.#writer.finish()
    const before = await readPruneState(internal.objects, {})
    const record = newSnapshotRecord({
      source: source(),
      draft: {},
      timeMs: 0,
      generation: before.latest,
      root: { sizeBytes, reference: { depth: 0, id } },
      statistics: STATISTICS,
      omissions: [],
      inconsistent: [],
      run: undefined,
    })
    const published = await publishSnapshot(internal, this.#writer, before, () => Promise.resolve(record), {})
    return published?.hash ?? ''
  }

  async #listing(entries: readonly ListingEntry[]): Promise<{ sizeBytes: number; id: Uint8Array }> {
    const bytes = new ByteWriter()
    for (const one of entries) encodeListingEntry(one, bytes)
    return { sizeBytes: bytes.sizeBytes, id: await this.#put('tree', Buffer.from(bytes.view())) }
  }

  async #put(kind: 'data' | 'tree', bytes: Buffer): Promise<Uint8Array> {
    const id = this.vault.internal.objects.keys.identify(bytes)
    await this.#writer.put(kind, id, bytes)
    return id
  }
}

function entry(name: string): Omit<ListingEntry, 'type' | 'sizeBytes' | 'reference'> {
  return { name: name as EntryPath, mode: 0o644, mtimeNs: 0n, target: undefined, hardLink: undefined }
}
