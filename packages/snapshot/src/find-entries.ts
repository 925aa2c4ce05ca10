import { comparePaths, type Entry } from '@arc/core'
import { idText } from './chunk-id.ts'
import { listSnapshots, type SnapshotFilter } from './resolve.ts'
import type { SnapshotInfo } from './snapshot-info.ts'
import type { CallOptions, SnapshotStore } from './store.ts'
import { TreeMeter } from './tree-meter.ts'
import { Vault } from './vault.ts'
import { folderOf, rootOf, type StoredFolder, TreeWalker } from './vault-source.ts'

export interface FindOptions extends SnapshotFilter, CallOptions {
  /** Only these snapshots. */
  ids?: readonly string[] | undefined
}

/** What was found in one snapshot. */
export interface FoundEntries {
  readonly snapshot: SnapshotInfo
  /** In byte order of path. */
  readonly entries: readonly Entry[]
}

/**
 * The entries that `match` takes, snapshot by snapshot, oldest first; snapshots without any are passed by. A folder that is
 * the same in many snapshots of a vault is looked through once.
 */
export async function* findEntries(
  store: SnapshotStore,
  match: (entry: Entry) => boolean,
  options: FindOptions = {},
): AsyncGenerator<FoundEntries, void, void> {
  const { ids, signal } = options
  const wanted = ids && new Set(ids)
  const snapshots = (await listSnapshots(store, options)).filter(({ id }) => wanted?.has(id) !== false)
  const search = store instanceof Vault ? await VaultSearch.begin(store, match, options) : undefined
  for (const snapshot of snapshots) {
    signal?.throwIfAborted()
    const found = search === undefined ? await findAmong(store, snapshot, match, signal) : await search.in(snapshot)
    if (found.length > 0) yield { snapshot, entries: found.toSorted((a, b) => comparePaths(a.path, b.path)) }
  }
}

async function findAmong(
  store: SnapshotStore,
  { id }: SnapshotInfo,
  match: (entry: Entry) => boolean,
  signal: AbortSignal | undefined,
): Promise<readonly Entry[]> {
  const found: Entry[] = []
  await using source = await store.open(id, { signal })
  for await (const batch of source.entries({ signal })) for (const entry of batch) if (match(entry)) found.push(entry)
  return found
}

/** Looks through the snapshots of a vault as they were when it began. */
class VaultSearch {
  readonly #roots: ReadonlyMap<string, StoredFolder>
  readonly #walker: TreeWalker
  readonly #match: (entry: Entry) => boolean
  readonly #signal: AbortSignal | undefined
  /** What was found below a folder: by what stands for its listing, and its path. */
  readonly #known = new Map<string, readonly Entry[]>()

  constructor(
    roots: ReadonlyMap<string, StoredFolder>,
    walker: TreeWalker,
    match: (entry: Entry) => boolean,
    signal: AbortSignal | undefined,
  ) {
    this.#roots = roots
    this.#walker = walker
    this.#match = match
    this.#signal = signal
  }

  static async begin(
    { internal }: Vault,
    match: (entry: Entry) => boolean,
    { signal }: CallOptions,
  ): Promise<VaultSearch> {
    // The log is looked at once: to open a snapshot is to read all of it.
    const live = await internal.log.live(await internal.log.view({ signal }), { signal })
    const roots = new Map(live.map(({ hash, record }) => [hash, rootOf(record)]))
    return new VaultSearch(roots, new TreeWalker(internal), match, signal)
  }

  /** None where the snapshot was forgotten since it was listed. */
  async in({ id }: SnapshotInfo): Promise<readonly Entry[]> {
    const root = this.#roots.get(id)
    return root === undefined ? [] : this.#below(root, 0, new TreeMeter())
  }

  async #below(folder: StoredFolder, depth: number, meter: TreeMeter): Promise<readonly Entry[]> {
    const { reference, path } = folder
    if (reference === undefined) return []
    const key = `${reference.depth}${idText(reference.id)} ${path}`
    const before = this.#known.get(key)
    if (before !== undefined) return before
    meter.enter(folder, depth)
    const entries = await this.#walker.list(folder, this.#signal)
    meter.add(folder, entries)
    const found: Entry[] = []
    for (const entry of entries) {
      if (this.#match(entry)) found.push(entry)
      if (entry.type !== 'directory') continue
      for (const below of await this.#below(folderOf(entry), depth + 1, meter)) found.push(below)
    }
    if (this.#known.size < MAX_KNOWN) this.#known.set(key, found)
    return found
  }
}

/** Folders that are remembered: more than any project has, few enough that a hostile vault fills no memory. */
const MAX_KNOWN = 500_000
