import {
  ArcError,
  type Entry,
  encodePath,
  type EntryPath,
  errnoOf,
  type Limits,
  printablePath,
  systemCallError,
} from '@arc/core'
import { type FileSystem, localPath } from '@arc/core/node'
import { FileWriter, notCreated, setTimes } from './file-writer.ts'
import type { RestoreTree, TreeFolder, TreeLink } from './restore-tree.ts'
import { attempt } from './target.ts'

export interface StagingOptions {
  readonly fs: FileSystem
  readonly limits: Readonly<Limits>
  /** The target as it is, for what stays of it. */
  readonly oldRoot: string
  readonly kept: 'copy' | 'link'
}

interface FirstName {
  readonly entry: Entry
  readonly at: string | Buffer
}

/** How much has been put into a staging folder. */
export interface StagingCounts {
  files: number
  hardLinks: number
}

/**
 * Builds a tree in a fresh private folder. Safe by construction, not by looking: the folder is new and nobody else may
 * enter it, each path is created once and exclusively, symlinks come after all files, so there is nothing to follow; hard
 * links lead only to files that this restore wrote; modes and times of folders come last, the deepest first.
 */
export class Staging {
  readonly counts: StagingCounts = { files: 0, hardLinks: 0 }
  readonly writer: FileWriter
  readonly #root: string
  readonly #tree: RestoreTree
  readonly #options: StagingOptions
  readonly #firstNames = new Map<string, FirstName>()
  #foldersMade = 0

  constructor(root: string, tree: RestoreTree, options: StagingOptions) {
    this.#root = root
    this.#tree = tree
    this.#options = options
    this.writer = new FileWriter(options.fs, options.limits)
    attempt('create', root, () => options.fs.mkdirSync(root, 0o700))
  }

  /** Take an entry of the source; returns a promise only when its content arrives. */
  add(entry: Entry): Promise<void> | undefined {
    const mode = this.#tree.add(entry)
    this.#makeFolders()
    return entry.type === 'file' ? this.#addFile(entry, mode) : undefined
  }

  /** Carry over a path of the old target. */
  keep(entry: Entry): void {
    this.#tree.keep(entry)
    this.#makeFolders()
    if (entry.type === 'file' && !(this.#options.kept === 'link' && this.#linkOld(entry)))
      void this.#addFile(entry, entry.mode)
  }

  /** Complete the tree: symlinks, then modes and times of folders, the root's last. */
  finish(rootMode: number): void {
    for (const link of this.#tree.links) this.#makeLink(link)
    for (const folder of this.#tree.folders.toReversed()) this.#finishFolder(folder)
    attempt('set the mode of', this.#root, () => this.#options.fs.chmodSync(this.#root, rootMode))
  }

  #addFile(entry: Entry, mode: number): Promise<void> | undefined {
    this.counts.files++
    const at = localPath(this.#root, entry.path)
    if (entry.hardLink !== undefined && this.#linkToFirst(entry, entry.hardLink, at)) return undefined
    if (entry.content?.kind === 'stream') return this.writer.writeStream({ entry, at, mode })
    this.writer.writeSync({ entry, at, mode })
    return undefined
  }

  /** Make `entry` a further name of the file that came first with its identity; false when it is itself the first. */
  #linkToFirst(entry: Entry, identity: string, at: string | Buffer): boolean {
    const first = this.#firstNames.get(identity)
    if (first === undefined) {
      this.#firstNames.set(identity, { entry, at })
      return false
    }
    if (first.entry.sizeBytes !== entry.sizeBytes || first.entry.sha256 !== entry.sha256)
      throw notOneFile(first.entry.path, entry.path)
    if (!this.#link(first.at, at, entry.path)) return false
    this.counts.hardLinks++
    if (entry.sha256 !== undefined) this.writer.verifiedFiles++
    return true
  }

  #linkOld(entry: Entry): boolean {
    const linked = this.#link(
      localPath(this.#options.oldRoot, entry.path),
      localPath(this.#root, entry.path),
      entry.path,
    )
    if (linked) this.counts.files++
    return linked
  }

  /** False where the file system does not make this link: then the content is written once more. */
  #link(from: string | Buffer, to: string | Buffer, path: EntryPath): boolean {
    try {
      this.#options.fs.linkSync(from, to)
      return true
    } catch (error) {
      if (LINK_IMPOSSIBLE.has(errnoOf(error))) return false
      throw notCreated(path, error)
    }
  }

  #makeFolders(): void {
    const { folders } = this.#tree
    for (; this.#foldersMade < folders.length; this.#foldersMade++) {
      const { path } = folders[this.#foldersMade] as TreeFolder
      try {
        this.#options.fs.mkdirSync(localPath(this.#root, path), 0o700)
      } catch (error) {
        throw notCreated(path, error)
      }
    }
  }

  #makeLink(link: TreeLink): void {
    const { fs } = this.#options
    const at = localPath(this.#root, link.path)
    try {
      fs.symlinkSync(link.target.isWellFormed() ? link.target : Buffer.from(encodePath(link.target)), at)
    } catch (error) {
      throw notCreated(link.path, error)
    }
    const { mtimeNs } = link
    if (mtimeNs !== undefined)
      attempt('set the time of', link.path, () => setTimes(mtimeNs, (seconds) => fs.lutimesSync(at, seconds, seconds)))
  }

  #finishFolder({ path, mode, mtimeNs }: TreeFolder): void {
    const { fs } = this.#options
    const at = localPath(this.#root, path)
    try {
      fs.chmodSync(at, mode)
      if (mtimeNs !== undefined) setTimes(mtimeNs, (seconds) => fs.utimesSync(at, seconds, seconds))
    } catch (error) {
      throw systemCallError(error, 'set mode and time of', printablePath(path))
    }
  }
}

const LINK_IMPOSSIBLE: ReadonlySet<string | undefined> = new Set([
  'EPERM',
  'EMLINK',
  'EXDEV',
  'ENOTSUP',
  'EOPNOTSUPP',
  'ENOSYS',
])

function notOneFile(first: EntryPath, second: EntryPath): ArcError {
  const message = `${printablePath(second)} is said to be another name of ${printablePath(first)}, but their contents differ`
  return new ArcError('ARC_ENTRY_CHANGED', message, { path: printablePath(second), hint: 'Read the source again.' })
}
