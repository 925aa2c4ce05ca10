import { ArcError, comparePaths, type EntryPath, type EntryType, printablePath } from '@arc/core'

/** What is compared of one path; every `Entry` has it. */
export interface TreeItem {
  readonly path: EntryPath
  readonly type: EntryType
  readonly mode: number
  readonly sizeBytes: number
  readonly mtimeNs?: bigint | undefined
  /** Where a symlink points. */
  readonly target?: EntryPath | undefined
  /** What stands for the content of a file: equal contents, equal hashes. */
  readonly sha256?: string | undefined
}

/** In what a path differs. `unknown`: of equal size, and nothing was given that tells whether the contents are equal. */
export type TreeChangeReason = 'type' | 'content' | 'target' | 'mode' | 'mtime' | 'unknown'

export interface TreeChange<T extends TreeItem = TreeItem> {
  readonly before: T
  readonly after: T
  /** At least one, except on a file that was only renamed. */
  readonly reasons: readonly TreeChangeReason[]
}

/** How two trees differ; each list in byte order of path, of `after` where there is one. */
export interface TreeDiff<T extends TreeItem = TreeItem> {
  readonly added: readonly T[]
  readonly removed: readonly T[]
  readonly changed: readonly TreeChange<T>[]
  /** Files whose content is at another path now, and nowhere else. */
  readonly renamed: readonly TreeChange<T>[]
  readonly unchangedCount: number
}

export interface DiffTreesOptions<T extends TreeItem = TreeItem> {
  /** Whether another time of last modification is a change. Not by default. */
  compareMtime?: boolean | undefined
  /** Whether two files of equal size have equal contents; asked when one of them has no hash. */
  sameContent?: ((before: T, after: T) => boolean) | undefined
  /** Whether files that went and came with equal content are one renamed file. By default. */
  detectRenames?: boolean | undefined
}

/** Compare two trees, each path once. Memory grows with the number of paths, not with contents. */
export function diffTrees<T extends TreeItem>(
  before: Iterable<T>,
  after: Iterable<T>,
  options: DiffTreesOptions<T> = {},
): TreeDiff<T> {
  const left = new Map<EntryPath, T>()
  for (const item of before) addOnce(left, item)
  const right = new Map<EntryPath, T>()
  const [added, changed]: [T[], TreeChange<T>[]] = [[], []]
  for (const item of after) {
    addOnce(right, item)
    const previous = left.get(item.path)
    if (previous === undefined) added.push(item)
    else {
      const reasons = reasonsOf(previous, item, options)
      if (reasons.length > 0) changed.push({ before: previous, after: item, reasons })
    }
  }
  const removed = [...left.values()].filter(({ path }) => !right.has(path))
  const renamed = options.detectRenames === false ? [] : renames(removed, added, options)
  const gone = new Set(renamed.flatMap((change) => [change.before, change.after]))
  return {
    added: added.filter((item) => !gone.has(item)).sort(byPath),
    removed: removed.filter((item) => !gone.has(item)).sort(byPath),
    changed: changed.sort((a, b) => byPath(a.after, b.after)),
    renamed: renamed.sort((a, b) => byPath(a.after, b.after)),
    unchangedCount: right.size - added.length - changed.length,
  }
}

function byPath(a: TreeItem, b: TreeItem): number {
  return comparePaths(a.path, b.path)
}

function addOnce<T extends TreeItem>(items: Map<EntryPath, T>, item: T): void {
  if (items.has(item.path)) {
    const path = printablePath(item.path)
    throw new ArcError('ARC_ENTRY_DUPLICATE', `a tree to be compared names ${path} twice`, { path })
  }
  items.set(item.path, item)
}

function reasonsOf<T extends TreeItem>(before: T, after: T, options: DiffTreesOptions<T>): TreeChangeReason[] {
  if (before.type !== after.type) return ['type']
  const reasons: TreeChangeReason[] = []
  if (after.type === 'file') reasons.push(...contentReasons(before, after, options))
  if (after.type === 'symlink' && before.target !== after.target) reasons.push('target')
  // The mode of a symlink says nothing: no system heeds it.
  if (after.type !== 'symlink' && before.mode !== after.mode) reasons.push('mode')
  if (options.compareMtime === true && before.mtimeNs !== after.mtimeNs) reasons.push('mtime')
  return reasons
}

function contentReasons<T extends TreeItem>(
  before: T,
  after: T,
  { sameContent }: DiffTreesOptions<T>,
): TreeChangeReason[] {
  if (before.sizeBytes !== after.sizeBytes) return ['content']
  if (before.sizeBytes === 0) return []
  if (before.sha256 !== undefined && after.sha256 !== undefined)
    return before.sha256 === after.sha256 ? [] : ['content']
  if (sameContent === undefined) return ['unknown']
  return sameContent(before, after) ? [] : ['content']
}

/** Pair what went with what came by content; among several candidates one with the same name, then in order of path. */
function renames<T extends TreeItem>(
  removed: readonly T[],
  added: readonly T[],
  options: DiffTreesOptions<T>,
): TreeChange<T>[] {
  const gone = new Map<string, T[]>()
  for (const item of removed.toSorted(byPath)) {
    const key = contentKey(item)
    if (key === undefined) continue
    const others = gone.get(key)
    if (others === undefined) gone.set(key, [item])
    else others.push(item)
  }
  const found: TreeChange<T>[] = []
  const pair = (after: T, matches: (before: T) => boolean): boolean => {
    const candidates = gone.get(contentKey(after) ?? '') ?? []
    const index = candidates.findIndex(matches)
    const [before] = index === -1 ? [] : candidates.splice(index, 1)
    if (before === undefined) return false
    found.push({ before, after, reasons: reasonsOf(before, after, options) })
    return true
  }
  const left = added.toSorted(byPath).filter((after) => !pair(after, (before) => baseName(before) === baseName(after)))
  for (const after of left) pair(after, () => true)
  return found
}

/** Empty files are alike everywhere: no trace of where one came from. */
function contentKey({ type, sizeBytes, sha256 }: TreeItem): string | undefined {
  return type === 'file' && sizeBytes > 0 ? sha256 : undefined
}

function baseName({ path }: TreeItem): string {
  return path.slice(path.lastIndexOf('/') + 1)
}
