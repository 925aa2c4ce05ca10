import { type EntryPath, isArcError, printablePath } from '@arc/core'
import { sha256Hex, takeTurn } from '@arc/core/node'
import { damaged } from '../problems.ts'
import type { VerifyOptions, VerifyProblem, VerifyReport } from '../store.ts'
import { isChosen } from '../verify-vault.ts'
import { BlobIndex, decodeIndex, type IndexedPack } from './blob-index.ts'
import { BlobReader } from './blob-reader.ts'
import { decodeHeader, type BlobKind, LENGTH_BYTES } from './pack-header.ts'
import { type ListedFile, packKey, readIfThere, type RepositoryFiles } from './repository-files.ts'
import { parseSnapshot, type ResticSnapshot } from './snapshot-file.ts'
import { TreeWalk } from './tree-walk.ts'

const MAX_FILES_NAMED = 1000
/** restic writes at most 128 MiB, and one blob more. */
const MAX_PACK_BYTES = 512 * 1024 * 1024

interface Problem extends VerifyProblem {
  readonly files: { snapshot: string; path: string }[]
}

/** Check a repository as `restic check` does: every snapshot, index and tree, that all they name is there, and on demand its bytes. */
export async function verifyRepository(files: RepositoryFiles, options: VerifyOptions): Promise<VerifyReport> {
  return new RepositoryCheck(files, options).run()
}

class RepositoryCheck {
  readonly #files: RepositoryFiles
  readonly #options: VerifyOptions
  readonly #problems: Problem[] = []
  readonly #index = new BlobIndex()
  readonly #reader: BlobReader
  /** What is wrong with packs and blobs, by name. */
  readonly #bad = new Map<string, Problem>()
  readonly #seenTrees = new Set<string>()
  #objects = 0
  #readBytes = 0

  constructor(files: RepositoryFiles, options: VerifyOptions) {
    this.#files = files
    this.#options = options
    this.#reader = new BlobReader(files, this.#index)
  }

  async run(): Promise<VerifyReport> {
    const snapshots = await this.#snapshots()
    const packs = await this.#indexes()
    const there = await this.#packSizes(packs)
    await this.#readPacks(packs, there)
    for (const { id, snapshot } of snapshots) await this.#tree(id, snapshot.tree, '' as EntryPath)
    return { problems: this.#problems, snapshots: snapshots.length, objects: this.#objects, readBytes: this.#readBytes }
  }

  async #snapshots(): Promise<{ id: string; snapshot: ResticSnapshot }[]> {
    const snapshots: { id: string; snapshot: ResticSnapshot }[] = []
    for await (const { id, key } of this.#files.list('snapshots', this.#options)) {
      await this.#attempt(key, async () => {
        const json = await this.#files.read('snapshots', id, this.#options)
        if (json !== undefined) snapshots.push({ id, snapshot: parseSnapshot(json, key) })
      })
    }
    return snapshots
  }

  /** The packs that the indexes list, by name. */
  async #indexes(): Promise<Map<string, IndexedPack>> {
    const packs = new Map<string, IndexedPack>()
    for await (const { id, key } of this.#files.list('index', this.#options)) {
      await this.#attempt(key, async () => {
        const json = await this.#files.read('index', id, this.#options)
        if (json === undefined) return
        for (const pack of decodeIndex(json, key)) {
          this.#index.add(pack)
          packs.set(pack.id, pack)
        }
      })
    }
    return packs
  }

  /** Every pack that is listed must be there, and as long as its blobs need; returns those that are. */
  async #packSizes(packs: ReadonlyMap<string, IndexedPack>): Promise<ListedFile[]> {
    const found: ListedFile[] = []
    const missing = new Set(packs.keys())
    for await (const file of this.#files.list('data', this.#options)) {
      this.#objects++
      const pack = packs.get(file.id)
      missing.delete(file.id)
      if (pack === undefined) continue // left behind by a backup that did not end; prune removes it
      const endBytes = pack.blobs.reduce((end, blob) => Math.max(end, blob.start + blob.sealedBytes), 0)
      if (endBytes + LENGTH_BYTES <= file.sizeBytes) found.push(file)
      else this.#add(file.id, { code: 'damaged', object: file.key, message: 'it is shorter than the blobs in it' })
    }
    for (const id of missing)
      this.#add(id, { code: 'missing', object: packKey(id), message: 'an index lists it, and it is not there' })
    return found
  }

  async #readPacks(packs: ReadonlyMap<string, IndexedPack>, there: readonly ListedFile[]): Promise<void> {
    const { read = 'metadata', part = 0, onProgress, signal } = this.#options
    if (read === 'metadata') return
    for (const file of there) {
      if (!isChosen(file.id, read, part)) continue
      await takeTurn(signal)
      const pack = packs.get(file.id)
      if (pack !== undefined) await this.#readPack(pack, file)
      onProgress?.({ phase: 'verifying', doneEntries: 0, doneBytes: this.#readBytes })
    }
  }

  async #readPack({ id, blobs }: IndexedPack, { key }: ListedFile): Promise<void> {
    try {
      const bytes = await readIfThere(this.#files.backend, key, { ...this.#options, maxBytes: MAX_PACK_BYTES })
      if (bytes === undefined) return
      this.#readBytes += bytes.length
      this.#readHeader(bytes, blobs, key)
      for (const blob of blobs) {
        const sealed = bytes.subarray(blob.start, blob.start + blob.sealedBytes)
        this.#reader.open(blob.kind, blob.id, sealed, blob.plainBytes)
      }
      if (sha256Hex(bytes) !== id) throw damaged(key, 'its SHA-256 is not its name')
    } catch (error) {
      this.#add(id, { code: 'damaged', object: key, message: messageOf(error) })
    }
  }

  #readHeader(bytes: Buffer, blobs: IndexedPack['blobs'], key: string): void {
    const end = bytes.length - LENGTH_BYTES
    const headerBytes = bytes.readUInt32LE(end)
    if (headerBytes > end) throw damaged(key, 'its header is longer than itself')
    const header = decodeHeader(this.#files.key.open(bytes.subarray(end - headerBytes, end), key), key)
    const listed = new Map(header.map((blob) => [`${blob.kind} ${blob.id} ${blob.start}`, blob.sealedBytes]))
    const isListed = blobs.every((blob) => listed.get(`${blob.kind} ${blob.id} ${blob.start}`) === blob.sealedBytes)
    if (!isListed) throw damaged(key, 'an index says something else about it than its header')
  }

  /** Everything below a tree; one that several folders share is looked at once. */
  async #tree(snapshot: string, tree: string, folder: EntryPath): Promise<void> {
    if (this.#seenTrees.has(tree)) return
    this.#seenTrees.add(tree)
    this.#options.signal?.throwIfAborted()
    this.#blob('tree', tree, snapshot, `${folder}/`)
    try {
      for (const node of await new TreeWalk(this.#reader).list(tree, folder, this.#options)) {
        for (const id of node.content ?? []) this.#blob('data', id, snapshot, node.path)
        if (node.subtree !== undefined) await this.#tree(snapshot, node.subtree, node.path)
      }
    } catch (error) {
      const known = this.#problemOf('tree', tree)
      const problem =
        known ?? this.#add(`tree ${tree}`, { code: 'damaged', object: `tree ${tree}`, message: messageOf(error) })
      name(problem, snapshot, `${folder}/`)
    }
  }

  /** If something is wrong with a blob, say so of the file that needs it. */
  #blob(kind: BlobKind, id: string, snapshot: string, path: string): void {
    const problem = this.#problemOf(kind, id)
    if (problem !== undefined) return name(problem, snapshot, path)
    if (this.#index.has(kind, id)) return
    const object = `${kind} ${id}`
    name(this.#add(object, { code: 'missing', object, message: 'no index lists this blob' }), snapshot, path)
  }

  #problemOf(kind: BlobKind, id: string): Problem | undefined {
    return this.#bad.get(`${kind} ${id}`) ?? this.#bad.get(this.#index.find(kind, id)?.pack ?? '')
  }

  #add(about: string, problem: Omit<VerifyProblem, 'files'>): Problem {
    const added: Problem = { ...problem, files: [] }
    this.#problems.push(added)
    this.#bad.set(about, added)
    return added
  }

  async #attempt(object: string, job: () => Promise<void>): Promise<void> {
    this.#objects++
    try {
      await job()
    } catch (error) {
      this.#add(object, { code: 'damaged', object, message: messageOf(error) })
    }
  }
}

function name({ files }: Problem, snapshot: string, path: string): void {
  if (files.length < MAX_FILES_NAMED) files.push({ snapshot, path: printablePath(path) })
}

/** What is wrong with an object; throws every error that says something else. */
function messageOf(error: unknown): string {
  if (isArcError(error) && /^ARC_(?:VAULT_|PATH_UNSAFE|ENTRY_DUPLICATE|LIMIT_EXCEEDED)/.test(error.code))
    return error.message
  throw error
}
