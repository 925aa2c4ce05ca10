import {
  ArcError,
  assertWithin,
  decodePath,
  DEFAULT_LIMITS,
  type Entry,
  type EntryPath,
  type EntrySource,
  type EntrySourceOptions,
  type Omission,
  printablePath,
  type StreamContent,
} from '@arc/core'
import { damaged } from '../problems.ts'
import type { CallOptions, OpenSnapshotOptions } from '../store.ts'
import type { BlobReader } from './blob-reader.ts'
import { leadingFolders, type ResticSnapshot } from './snapshot-file.ts'
import { TreeWalk, type WalkedNode } from './tree-walk.ts'

const BATCH_SIZE = 1000
const ROOT = '' as EntryPath

/** A snapshot of restic as a source: random access, entries in byte order. */
export async function openResticSnapshot(
  name: string,
  snapshot: ResticSnapshot,
  reader: BlobReader,
  options: OpenSnapshotOptions = {},
): Promise<EntrySource> {
  const walk = new TreeWalk(reader)
  const root = await projectTree(walk, snapshot, options)
  const start = options.under ? await find(walk, root, options.under, options) : undefined
  return new ResticSource(name, { walk, reader, root, start, omissions: snapshot.arc?.omissions ?? [] })
}

/**
 * The tree of what restic was told to keep. In `/home/me`, `restic backup /home/me/app` keeps it below `home`, `me` and `app`,
 * `restic backup app` below `app`, and `cd app; restic backup .` below nothing, while the path that is recorded is the same. Folders of which
 * each is all that there is in the one before only lead to it, as far as their names are the last of that path.
 */
async function projectTree(walk: TreeWalk, snapshot: ResticSnapshot, options: CallOptions): Promise<string> {
  const names = leadingFolders(snapshot)
  const passed: string[] = []
  let [tree, found] = [snapshot.tree, snapshot.tree]
  while (passed.length < names.length) {
    const [only, ...others] = await walk.list(tree, ROOT, options)
    if (only?.subtree === undefined || others.length > 0) break
    passed.push(only.path)
    tree = only.subtree
    if (passed.every((name, i) => name === names[names.length - passed.length + i])) found = tree
  }
  return found
}

interface Place {
  readonly walk: TreeWalk
  readonly reader: BlobReader
  readonly root: string
  /** When only a part is wanted: the entry it begins with. */
  readonly start: WalkedNode | undefined
  /** What was left out when the snapshot was taken. */
  readonly omissions: readonly Omission[]
}

class ResticSource implements EntrySource {
  readonly access = 'random'
  readonly name: string
  #omissions: Omission[]
  readonly #at: Place

  constructor(name: string, at: Place) {
    this.name = name
    this.#omissions = [...at.omissions]
    this.#at = at
  }

  get omissions(): readonly Omission[] {
    return this.#omissions
  }

  async *entries(options: EntrySourceOptions = {}): AsyncGenerator<readonly Entry[], void, void> {
    this.#omissions = [...this.#at.omissions]
    let batch: Entry[] = []
    let doneEntries = 0
    for await (const nodes of this.#groups(options)) {
      for (const node of nodes) {
        const entry = entryOf(node, this.#at.reader)
        if ('reason' in entry) this.#omissions.push(entry)
        else batch.push(entry)
      }
      if (batch.length < BATCH_SIZE) continue
      doneEntries += batch.length
      assertWithin('entries', doneEntries, DEFAULT_LIMITS.maxEntries)
      options.onProgress?.({ phase: 'listing', doneEntries, doneBytes: 0 })
      options.signal?.throwIfAborted()
      yield batch
      batch = []
    }
    if (batch.length > 0) yield batch
  }

  async *#groups({ signal }: EntrySourceOptions): AsyncGenerator<readonly WalkedNode[], void, void> {
    const { walk, root, start } = this.#at
    if (start === undefined) return yield* walk.below(root, ROOT, { signal })
    yield [start]
    if (start.subtree !== undefined) yield* walk.below(start.subtree, start.path, { signal })
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

/** The node of a path. Throws `ARC_ENTRY_MISSING`. */
async function find(walk: TreeWalk, root: string, path: string, options: CallOptions): Promise<WalkedNode> {
  let tree: string | undefined = root
  let folder = ROOT
  let found: WalkedNode | undefined
  for (const name of path.split('/')) {
    const wanted = (folder === '' ? name : `${folder}/${name}`) as EntryPath
    const nodes: WalkedNode[] = tree === undefined ? [] : await walk.list(tree, folder, options)
    found = nodes.find((node) => node.path === wanted)
    if (found === undefined) throw entryMissing(path)
    tree = found.subtree
    folder = wanted
  }
  if (found === undefined) throw entryMissing(path)
  return found
}

function entryOf(node: WalkedNode, reader: BlobReader): Entry | Omission {
  const { path, mode, mtimeNs, error, owner, xattrs } = node
  const attributes = { owner, xattrs }
  switch (node.type) {
    case 'dir':
      return { path, type: 'directory', mode, sizeBytes: 0, mtimeNs, attributes }
    case 'symlink': {
      const { target = new Uint8Array() } = node
      return {
        path,
        type: 'symlink',
        mode: 0o777,
        sizeBytes: target.length,
        mtimeNs,
        target: decodePath(target),
        attributes,
      }
    }
    case 'file': {
      if (error !== undefined && node.content === undefined) return { path, reason: 'unreadable', detail: error }
      const { inode: hardLink, sizeBytes } = node
      const content = new FileContent(node, reader)
      return { path, type: 'file', mode, sizeBytes, mtimeNs, hardLink, attributes, content }
    }
    case 'dev':
    case 'chardev':
    case 'fifo':
    case 'socket':
      return { path, reason: 'special-file', detail: node.type }
    default:
      return {
        path,
        reason: 'unreadable',
        detail: error ?? `it is ${printablePath(node.type)}, which is not known here`,
      }
  }
}

/** The bytes of a file: its blobs, one behind the other. */
class FileContent implements StreamContent {
  readonly kind = 'stream'
  readonly #node: WalkedNode
  readonly #reader: BlobReader

  constructor(node: WalkedNode, reader: BlobReader) {
    this.#node = node
    this.#reader = reader
  }

  async *stream(): AsyncGenerator<Uint8Array, void, void> {
    const { content = [], sizeBytes, path } = this.#node
    let doneBytes = 0
    for (const id of content) {
      const piece = await this.#reader.read('data', id)
      doneBytes += piece.length
      if (doneBytes > sizeBytes) break
      yield piece
    }
    if (doneBytes !== sizeBytes) throw damaged(printablePath(path), 'its blobs are not as long as it is said to be')
  }
}

function entryMissing(path: string): ArcError {
  const shown = printablePath(path)
  return new ArcError('ARC_ENTRY_MISSING', `the snapshot has no entry ${shown}`, {
    path: shown,
    hint: 'List the entries, then check the spelling.',
  })
}
