import type { ItemStat } from './store.ts'
import type { WorkingTree } from './working-tree.ts'

/** The folder that holds every key with that prefix. */
export function folderOf(prefix: string): string {
  return prefix.includes('/') ? prefix.slice(0, prefix.lastIndexOf('/')) : ''
}

/** Files below a folder in byte order of key: a folder's name counts as if it ended in a slash. */
export function* walkTree(tree: WorkingTree, folder: string): Generator<ItemStat, void, undefined> {
  const items = tree
    .list(folder)
    .map((item) => ({ item, sortKey: item.type === 'directory' ? `${item.key}/` : item.key }))
  items.sort((a, b) => Buffer.compare(Buffer.from(a.sortKey), Buffer.from(b.sortKey)))
  for (const { item } of items) {
    if (item.type === 'directory') yield* walkTree(tree, item.key)
    else yield item
  }
}
