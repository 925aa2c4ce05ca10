import { createHash } from 'node:crypto'
import { ArcError, type Entry, entryChanged, type EntryPath, type EntrySource, printablePath } from '@arc/core'
import type { TakeOptions } from '../store.ts'
import type { BlobIndex } from './blob-index.ts'
import { ContentCutter } from './content-cutter.ts'
import { goTime } from './go-time.ts'
import type { ResticLock, ResticWriter } from './lock.ts'
import { ResticPackWriter, type WrittenTotals } from './pack-writer.ts'
import type { RabinChunker } from './rabin-chunker.ts'
import type { RepositoryFiles } from './repository-files.ts'
import { encodeSnapshot, parseSnapshot, type ResticSnapshot } from './snapshot-file.ts'
import { TreeBuilder } from './tree-builder.ts'
import type { NewNode } from './tree-json.ts'

/** What taking a snapshot needs of a repository. */
export interface ResticTarget {
  readonly files: RepositoryFiles
  readonly index: BlobIndex
  readonly chunker: RabinChunker
  readonly lock: ResticLock
  readonly writer: ResticWriter
  readonly programVersion: string
  readonly now: () => number
}

/** What is in a source. */
interface Counts {
  files: number
  directories: number
  symlinks: number
  contentBytes: number
}

/** Store a source as a snapshot of a repository: packs, then indexes, then the snapshot. */
export async function takeResticSnapshot(
  target: ResticTarget,
  source: EntrySource,
  options: TakeOptions,
): Promise<{ id: string; snapshot: ResticSnapshot }> {
  const run = new ResticRun(target, source, options)
  return run.run()
}

class ResticRun {
  readonly #target: ResticTarget
  readonly #source: EntrySource
  readonly #options: TakeOptions
  readonly #packs: ResticPackWriter
  readonly #trees: TreeBuilder
  readonly #cutter: ContentCutter
  readonly #counts: Counts = { files: 0, directories: 0, symlinks: 0, contentBytes: 0 }
  /** How many names each inode has, of those that have several. */
  readonly #links = new Map<bigint, number>()
  /** What was stored for the first name of an inode. */
  readonly #stored = new Map<string, Stored>()

  constructor(target: ResticTarget, source: EntrySource, options: TakeOptions) {
    const { files, index, chunker, lock } = target
    this.#target = target
    this.#source = source
    this.#options = options
    this.#packs = new ResticPackWriter(files, index, () => lock.keep(), options)
    this.#trees = new TreeBuilder(this.#packs, source.access === 'random', (inode) => this.#links.get(inode) ?? 1)
    this.#cutter = new ContentCutter(chunker)
  }

  async run(): Promise<{ id: string; snapshot: ResticSnapshot }> {
    const begun = this.#nowText()
    const { signal, onProgress } = this.#options
    const total = await this.#countLinks()
    let doneEntries = 0
    for await (const batch of this.#source.entries({ signal })) {
      for (const entry of batch) await this.#add(entry)
      doneEntries += batch.length
      signal?.throwIfAborted()
      await this.#target.lock.keep()
      onProgress?.({ phase: 'storing', doneEntries, totalEntries: total, doneBytes: this.#counts.contentBytes })
    }
    const tree = await this.#trees.finish()
    await this.#packs.finish()
    signal?.throwIfAborted()
    return this.#publish(tree, begun)
  }

  /** Trees are stored as they come, and each says how many names an inode has: so those are counted first, where that can be. */
  async #countLinks(): Promise<number | undefined> {
    if (this.#source.access === 'sequential') return undefined
    let entries = 0
    for await (const batch of this.#source.entries({ signal: this.#options.signal })) {
      entries += batch.length
      for (const { type, hardLink } of batch) if (type === 'file' && hardLink !== undefined) this.#countLink(hardLink)
    }
    return entries
  }

  #countLink(hardLink: string): void {
    const inode = inodeOf(hardLink)
    this.#links.set(inode, (this.#links.get(inode) ?? 0) + 1)
  }

  async #add(entry: Entry): Promise<void> {
    const { path, mode, mtimeNs = 0n, target, attributes } = entry
    const { owner = this.#target.writer, xattrs = [] } = attributes ?? {}
    const common = { mode, mtimeNs, owner, xattrs }
    const none = { sizeBytes: 0, inode: undefined, target: undefined, content: undefined }
    switch (entry.type) {
      case 'directory':
        this.#counts.directories++
        return this.#trees.add(path, { ...common, ...none, type: 'dir' })
      case 'symlink':
        this.#counts.symlinks++
        return this.#trees.add(path, { ...common, ...none, type: 'symlink', target })
      case 'file': {
        if (this.#source.access === 'sequential' && entry.hardLink !== undefined) this.#countLink(entry.hardLink)
        const { content, sizeBytes } = await this.#store(entry)
        this.#counts.files++
        this.#counts.contentBytes += sizeBytes
        const inode = entry.hardLink === undefined ? undefined : inodeOf(entry.hardLink)
        return this.#trees.add(path, { ...common, type: 'file', sizeBytes, inode, target: undefined, content })
      }
    }
  }

  async #store(entry: Entry): Promise<Stored> {
    const { content, hardLink, sizeBytes } = entry
    const known = hardLink === undefined ? undefined : this.#stored.get(hardLink)
    if (known !== undefined) return known
    if (content === undefined) throw withoutContent(entry.path)
    const ids: string[] = []
    let storedBytes = 0
    for await (const chunk of this.#cutter.chunks(content)) {
      ids.push(await this.#packs.put('data', chunk))
      storedBytes += chunk.length
    }
    if (storedBytes !== sizeBytes) throw entryChanged(entry, storedBytes)
    const stored = { content: ids, sizeBytes }
    if (hardLink !== undefined) this.#stored.set(hardLink, stored)
    return stored
  }

  async #publish(tree: string, begun: string): Promise<{ id: string; snapshot: ResticSnapshot }> {
    const { files, lock, writer, programVersion } = this.#target
    const { time, host, project } = this.#options
    const { newBytes, storedBytes, data, tree: trees }: WrittenTotals = this.#packs.totals
    const json = encodeSnapshot({
      ...writer,
      hostname: host ?? writer.hostname,
      time: time === undefined ? begun : goTime(BigInt(time.getTime()) * 1_000_000n),
      begun,
      ended: this.#nowText(),
      tree,
      programVersion,
      project: project ?? this.#source.name,
      draft: this.#options,
      statistics: { ...this.#counts, unchangedFiles: 0, newBytes, storedBytes },
      blobs: { data, tree: trees },
      omissions: this.#source.omissions,
    })
    await lock.keep()
    const id = await files.write('snapshots', json, this.#options)
    return { id, snapshot: parseSnapshot(Buffer.from(json), `snapshots/${id}`) }
  }

  #nowText(): string {
    return goTime(BigInt(Math.trunc(this.#target.now())) * 1_000_000n)
  }
}

interface Stored {
  readonly content: NewNode['content']
  readonly sizeBytes: number
}

/** A number that stands for an inode: the same in every snapshot, so that equal trees are equal bytes. */
function inodeOf(hardLink: string): bigint {
  return createHash('sha256').update(hardLink).digest().readBigUInt64BE() >> 11n
}

function withoutContent(path: EntryPath): ArcError {
  const shown = printablePath(path)
  return new ArcError('ARC_ENTRY_UNREADABLE', `the source has no content for ${shown}`, { path: shown })
}
