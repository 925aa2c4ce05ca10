import { comparePaths, type Entry, type EntrySource } from '@arc/core'
import { idText } from './chunk-id.ts'
import { listSnapshots, type SnapshotFilter } from './resolve.ts'
import type { SnapshotInfo } from './snapshot-info.ts'
import type { CallOptions, SnapshotStore } from './store.ts'
import { folderOf, type StoredFolder, VaultSource } from './vault-source.ts'

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
  const known = new Map<string, readonly Entry[]>()
  for (const snapshot of await listSnapshots(store, options)) {
    if (wanted?.has(snapshot.id) === false) continue
    await using source = await store.open(snapshot.id, { signal })
    // Copied: what was found below a folder is shared between snapshots, and what is given away is sorted.
    const entries =
      source instanceof VaultSource
        ? [...(await findBelow(source, source.root, match, known, signal))]
        : await findAmong(source, match, signal)
    if (entries.length > 0) yield { snapshot, entries: entries.sort((a, b) => comparePaths(a.path, b.path)) }
  }
}

async function findAmong(
  source: EntrySource,
  match: (entry: Entry) => boolean,
  signal: AbortSignal | undefined,
): Promise<Entry[]> {
  const found: Entry[] = []
  for await (const batch of source.entries({ signal })) found.push(...batch.filter(match))
  return found
}

async function findBelow(
  source: VaultSource,
  folder: StoredFolder,
  match: (entry: Entry) => boolean,
  known: Map<string, readonly Entry[]>,
  signal: AbortSignal | undefined,
): Promise<readonly Entry[]> {
  if (folder.reference === undefined) return []
  const key = `${folder.reference.depth}${idText(folder.reference.id)}${folder.path}`
  const before = known.get(key)
  if (before !== undefined) return before
  const found: Entry[] = []
  for (const entry of await source.walker.list(folder, signal)) {
    if (match(entry)) found.push(entry)
    if (entry.type !== 'directory') continue
    for (const below of await findBelow(source, folderOf(entry), match, known, signal)) found.push(below)
  }
  known.set(key, found)
  return found
}
