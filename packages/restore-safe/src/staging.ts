import { type Entry, type EntryPath, errnoOf, type Limits } from '@arc/core'
import { type FileSystem, localPath } from '@arc/core/node'
import { attempt } from './attempt.ts'
import type { AttributeRules } from './attribute-rules.ts'
import { FileWriter, notCreated } from './file-writer.ts'
import { finishTree } from './finish-tree.ts'
import { localContent } from './local-content.ts'
import type { RestoreTree, TreeFolder } from './restore-tree.ts'
import type { RootFacts } from './root-facts.ts'
import { StagedAttributes } from './staged-attributes.ts'

/** Ours alone, and ours wholly. */
const PRIVATE_MODE = 0o700

export interface StagingOptions {
  readonly fs: FileSystem
  readonly limits: Readonly<Limits>
  /** The target as it is, for what stays of it. */
  readonly oldRoot: string
  readonly kept: 'copy' | 'link'
  readonly rules: AttributeRules
  readonly signal?: AbortSignal | undefined
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
  /** Present when owners or extended attributes are restored. */
  readonly attributes: StagedAttributes | undefined
  readonly #root: string
  readonly #tree: RestoreTree
  readonly #options: StagingOptions
  /** Permissions of each folder of the tree that has been made, in its order. */
  readonly #foldersMade: number[] = []
  /** Permissions that making a folder with some really gives: the umask and default access lists decide. Unknown until looked at. */
  readonly #madeModes = new Map<number, number>()

  constructor(root: string, tree: RestoreTree, options: StagingOptions) {
    this.#root = root
    this.#tree = tree
    this.#options = options
    const { fs, limits, rules, signal } = options
    this.attributes = StagedAttributes.for(root, rules, tree.droppedSetId, fs)
    this.writer = new FileWriter(fs, limits, { attributes: this.attributes, sparse: rules.sparse === true, signal })
    attempt('create', root, () => this.#makeFolder(root, PRIVATE_MODE))
  }

  /** Forget what the umask does: other code may have changed it. */
  forgetUmask(): void {
    this.#madeModes.clear()
    this.writer.forgetCreatedModes()
  }

  /** Take an entry of the source; returns a promise, to be awaited before the next one, only when its content arrives, or is large. */
  add(entry: Entry): Promise<void> | undefined {
    const mode = this.#tree.add(entry)
    this.#makeFolders()
    return entry.type === 'file' ? this.#addFile(entry, mode) : undefined
  }

  /** Carry over a path of the old target, as {@link add} takes an entry. */
  keep(entry: Entry): Promise<void> | undefined {
    this.#tree.keep(entry)
    this.#makeFolders()
    const isLinked = entry.type !== 'file' || (this.#options.kept === 'link' && this.#linkOld(entry))
    return isLinked ? undefined : this.#addFile(entry, entry.mode)
  }

  /** Complete the tree: symlinks, then modes and times of folders, the root's last. */
  finish(rootFacts: RootFacts): void {
    const { fs } = this.#options
    finishTree(this.#root, this.#tree, rootFacts, { fs, madeModes: this.#foldersMade, attributes: this.attributes })
  }

  #addFile(entry: Entry, mode: number): Promise<void> | undefined {
    this.counts.files++
    this.attributes?.flushIfDue()
    const at = localPath(this.#root, entry.path)
    const first = this.#tree.firstName(entry)
    if (first !== undefined && this.#link(localPath(this.#root, first), at, entry.path)) {
      this.counts.hardLinks++
      if (entry.sha256 !== undefined) this.writer.verifiedFiles++
      return undefined
    }
    if (first !== undefined && entry.content === undefined) {
      // A source that is read once has no more to give for a further name.
      const content = localContent(this.#root, first, this.#options.fs)
      return this.writer.write({ entry: { ...entry, content }, at, mode })
    }
    return this.writer.write({ entry, at, mode })
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
    while (this.#foldersMade.length < folders.length) {
      const { path, mode } = folders[this.#foldersMade.length] as TreeFolder
      // A folder that we may write to can have its permissions now: nobody else gets as far as to it.
      const canBeFinal = (mode & PRIVATE_MODE) === PRIVATE_MODE && mode <= 0o777
      try {
        this.#foldersMade.push(this.#makeFolder(localPath(this.#root, path), canBeFinal ? mode : PRIVATE_MODE))
      } catch (error) {
        throw notCreated(path, error)
      }
    }
  }

  /** Make a folder that we may write to; returns the permissions it has. */
  #makeFolder(at: string | Buffer, mode: number): number {
    const { fs } = this.#options
    fs.mkdirSync(at, mode)
    let made = this.#madeModes.get(mode)
    if (made === undefined) {
      made = fs.lstatSync(at).mode & 0o7777
      this.#madeModes.set(mode, made)
    }
    if ((made & PRIVATE_MODE) === PRIVATE_MODE) return made
    fs.chmodSync(at, PRIVATE_MODE)
    return PRIVATE_MODE
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
