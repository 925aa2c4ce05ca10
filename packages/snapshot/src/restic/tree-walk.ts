import {
  ArcError,
  assertWithin,
  compareBytes,
  decodePath,
  DEFAULT_LIMITS,
  type EntryPath,
  printablePath,
} from '@arc/core'
import type { CallOptions } from '../store.ts'
import type { BlobReader } from './blob-reader.ts'
import { parseTree, type ResticNode } from './tree-json.ts'

/** A name in a tree with its whole path. */
export interface WalkedNode extends ResticNode {
  readonly path: EntryPath
}

/** Reads the trees of snapshots. */
export class TreeWalk {
  readonly #reader: BlobReader

  constructor(reader: BlobReader) {
    this.#reader = reader
  }

  /** The names in a tree, in byte order. Throws `ARC_VAULT_DAMAGED`, `ARC_PATH_UNSAFE`, `ARC_ENTRY_DUPLICATE`. */
  async list(tree: string, folder: EntryPath, options: CallOptions = {}): Promise<WalkedNode[]> {
    const shown = `the tree of ${printablePath(folder === '' ? '.' : folder)}`
    const nodes = parseTree(await this.#reader.read('tree', tree, options), shown)
    nodes.sort((a, b) => compareBytes(a.name, b.name))
    return nodes.map((node, i) => {
      const path = decodePath(node.name)
      const before = nodes[i - 1]
      if (!isName(path)) throw unsafeName(path, shown)
      if (before !== undefined && compareBytes(before.name, node.name) === 0) throw duplicateName(path, shown)
      return Object.assign(node, { path: (folder === '' ? path : `${folder}/${path}`) as EntryPath })
    })
  }

  /** Everything below a tree in byte order of path, in groups. */
  async *below(
    tree: string,
    folder: EntryPath,
    options: CallOptions = {},
    depth = 0,
  ): AsyncGenerator<WalkedNode[], void, void> {
    assertWithin('folders within each other', depth, DEFAULT_LIMITS.maxDepth)
    options.signal?.throwIfAborted()
    let group: WalkedNode[] = []
    // `a/x` comes after `a-b`, for `-` is less than `/`: what is in a folder is in its place as if it were called `a/`.
    for (const { node, isFolder } of inOrder(await this.list(tree, folder, options))) {
      if (!isFolder) group.push(node)
      else if (node.subtree !== undefined) {
        if (group.length > 0) yield group
        group = []
        yield* this.below(node.subtree, node.path, options, depth + 1)
      }
    }
    if (group.length > 0) yield group
  }
}

function inOrder(nodes: readonly WalkedNode[]): { key: string; node: WalkedNode; isFolder: boolean }[] {
  const steps = nodes.map((node) => ({ key: Buffer.from(node.name).toString('latin1'), node, isFolder: false }))
  const folders = steps.filter(({ node }) => node.type === 'dir')
  const all = [...steps, ...folders.map(({ key, node }) => ({ key: `${key}/`, node, isFolder: true }))]
  return all.sort((a, b) => (a.key < b.key ? -1 : 1))
}

function isName(name: string): boolean {
  return name !== '' && name !== '.' && name !== '..' && !name.includes('/') && !name.includes('\0')
}

function unsafeName(name: string, shown: string): ArcError {
  return new ArcError('ARC_PATH_UNSAFE', `${shown} has an entry called ${printablePath(name)}, which is no name`, {
    hint: 'Nothing was written. Do not trust this repository; ask whoever made it.',
  })
}

function duplicateName(name: string, shown: string): ArcError {
  return new ArcError('ARC_ENTRY_DUPLICATE', `${shown} has two entries called ${printablePath(name)}`, {
    hint: 'Nothing was written. Do not trust this repository; ask whoever made it.',
  })
}
