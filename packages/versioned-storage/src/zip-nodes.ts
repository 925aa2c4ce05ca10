import { writeArchive } from '@arc/archive/node'
import { type Entry, type EntryPath, memorySource } from '@arc/core'
import { TemporaryFile } from '@arc/core/node'
import type { StorageNode } from './node.ts'
import { extensionOf } from './storage-path.ts'
import type { CallOptions, Content } from './store.ts'
import { nothingThere } from './store-error.ts'

/** Nodes as a zip archive. It is made in a file without a name: its directory comes last, and sizes must be known. */
export async function makeZip(nodes: readonly StorageNode[], { signal }: CallOptions): Promise<Content> {
  const entries = await entriesOf(nodes, signal)
  const file = new TemporaryFile()
  try {
    const source = memorySource('nodes', entries)
    await writeArchive(source, { write: (bytes) => file.write(bytes) }, { format: 'zip', manifest: false, signal })
  } catch (error) {
    file[Symbol.dispose]()
    throw error
  }
  return { sizeBytes: file.sizeBytes, [Symbol.asyncIterator]: () => readAndForget(file) }
}

async function entriesOf(nodes: readonly StorageNode[], signal: AbortSignal | undefined): Promise<Entry[]> {
  const entries: Entry[] = []
  const names = new Set<string>()
  for (const node of nodes) {
    const top = freeName(node.name === '' ? node.mount : node.name, names)
    const stat = await node.stat({ signal })
    if (stat === undefined) throw nothingThere(node.mount, node.path)
    if (stat.type === 'file') entries.push(entryOf(node, top, stat))
    else entries.push(...(await folderEntries(node, top, signal)))
  }
  return entries
}

async function folderEntries(folder: StorageNode, top: string, signal: AbortSignal | undefined): Promise<Entry[]> {
  const entries: Entry[] = []
  const { store, key } = await folder.locate()
  const prefix = key === '' ? '' : `${key}/`
  for await (const batch of store.walk(prefix, { signal })) {
    for (const item of batch) {
      const path = item.key.slice(prefix.length)
      if (item.problem === undefined) entries.push(entryOf(folder.child(path), `${top}/${path}`, item))
    }
  }
  return entries
}

function entryOf(
  node: StorageNode,
  path: string,
  { sizeBytes, modified }: { sizeBytes: number; modified: Date },
): Entry {
  const mtimeNs = BigInt(Math.round(modified.getTime())) * 1_000_000n
  return {
    path: path as EntryPath,
    type: 'file',
    mode: 0o644,
    sizeBytes,
    mtimeNs,
    content: { kind: 'stream', stream: () => node.stream() },
  }
}

/** `a.txt`, then `a (2).txt`. */
function freeName(name: string, taken: Set<string>): string {
  const extension = extensionOf(name)
  const stem = name.slice(0, name.length - extension.length)
  let free = name
  for (let number = 2; taken.has(free); number++) free = `${stem} (${number})${extension}`
  taken.add(free)
  return free
}

async function* readAndForget(file: TemporaryFile): AsyncGenerator<Uint8Array, void, undefined> {
  const into = Buffer.alloc(256 * 1024)
  try {
    for (let at = 0; at < file.sizeBytes;) {
      const count = file.read(into, at)
      yield into.subarray(0, Math.min(count, file.sizeBytes - at))
      at += count
    }
  } finally {
    file[Symbol.dispose]()
  }
}
