import { ArcError, comparePaths, type EntryPath, printablePath } from '@arc/core'
import type { ResticPackWriter } from './pack-writer.ts'
import { encodeNode, encodeTree, type NewNode } from './tree-json.ts'

/** A folder of which not all is known yet. */
interface OpenFolder {
  readonly path: EntryPath
  readonly nodes: NewNode[]
}

/**
 * Makes trees of entries, parents before children, and stores each as soon as all of it was seen: in byte order of paths that
 * is when another folder begins, and only the folders above the current one are in memory.
 */
export class TreeBuilder {
  readonly #writer: ResticPackWriter
  readonly #isSorted: boolean
  readonly #linksOf: (inode: bigint) => number
  readonly #open = new Map<string, OpenFolder>([['', { path: '' as EntryPath, nodes: [] }]])
  /** The folders that are open, outermost first. */
  readonly #stack: EntryPath[] = ['' as EntryPath]
  /** Trees of folders that were stored, until their own node is. */
  readonly #trees = new Map<string, string>()

  /** `isSorted`: entries come in byte order of their paths. `linksOf`: how many names an inode has, asked when a tree is stored. */
  constructor(writer: ResticPackWriter, isSorted: boolean, linksOf: (inode: bigint) => number) {
    this.#writer = writer
    this.#isSorted = isSorted
    this.#linksOf = linksOf
  }

  /** Add an entry. Throws `ARC_ENTRY_MISSING` when its folder was not added before. */
  async add(path: EntryPath, node: Omit<NewNode, 'name' | 'subtree'>): Promise<void> {
    const slash = path.lastIndexOf('/')
    const parent = path.slice(0, Math.max(slash, 0)) as EntryPath
    if (this.#isSorted) {
      for (let last = this.#stack.at(-1); last !== undefined && isDone(last, path); last = this.#stack.at(-1))
        await this.#close(last)
    }
    const name = path.slice(slash + 1) as EntryPath
    const folder = this.#open.get(parent)
    if (folder === undefined) throw noFolder(path)
    folder.nodes.push({ ...node, name, subtree: undefined })
    if (node.type === 'dir' && !this.#open.has(path)) this.#begin(path)
  }

  /** Store all that is left; returns the tree of the root. */
  async finish(): Promise<string> {
    for (let last = this.#stack.at(-1); last !== undefined; last = this.#stack.at(-1)) await this.#close(last)
    return this.#trees.get('') as string
  }

  #begin(path: EntryPath): void {
    this.#open.set(path, { path, nodes: [] })
    this.#stack.push(path)
  }

  async #close(path: EntryPath): Promise<void> {
    this.#stack.pop()
    const { nodes } = this.#open.get(path) as OpenFolder
    this.#open.delete(path)
    nodes.sort((a, b) => comparePaths(a.name, b.name))
    const prefix = path === '' ? '' : `${path}/`
    const lines = nodes.map((node) => {
      const own = `${prefix}${node.name}`
      const subtree = this.#trees.get(own)
      this.#trees.delete(own)
      return encodeNode({ ...node, subtree }, node.inode === undefined ? 1 : this.#linksOf(node.inode))
    })
    this.#trees.set(path, await this.#writer.put('tree', encodeTree(lines)))
  }
}

/** Whether nothing of a folder can come at or behind a path. `a/x` comes behind `a-b`, for `-` is less than `/`. */
function isDone(folder: EntryPath, path: EntryPath): boolean {
  if (folder === '' || path.startsWith(`${folder}/`)) return false
  return comparePaths(path, `${folder}/` as EntryPath) > 0
}

function noFolder(path: EntryPath): ArcError {
  const shown = printablePath(path)
  return new ArcError('ARC_ENTRY_MISSING', `the source gave ${shown} without the folder that it is in`, { path: shown })
}
