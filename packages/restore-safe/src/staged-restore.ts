import { join } from 'node:path'
import type { Entry } from '@arc/core'
import type { FileSystem } from '@arc/core/node'
import { attempt } from './attempt.ts'
import { STAGE_NAME } from './control-folder.ts'
import { syncTree } from './durability.ts'
import type { JobOptions, SwapOptions } from './options.ts'
import { Pace } from './pace.ts'
import type { OutwardLink, RestoreResult, RestoreTotals } from './plan.ts'
import { linkLeadsOut, RestoreTree, type TreeRules } from './restore-tree.ts'
import { rootFacts } from './root-facts.ts'
import { Staging } from './staging.ts'
import type { Target, TargetState } from './target.ts'

export interface StagedRestoreOptions
  extends Pick<JobOptions, 'signal' | 'onProgress'>, Pick<SwapOptions, 'durable' | 'kept'> {
  readonly target: Target
  readonly rules: TreeRules
  readonly fs: FileSystem
  /** The target as it is: the restored folder itself gets its permissions, and its owner where owners are restored. */
  readonly old: TargetState
  readonly totals?: RestoreTotals | undefined
}

/** A restore up to its swap: entries go in, a complete and verified tree in the staging folder comes out. */
export class StagedRestore {
  readonly #options: StagedRestoreOptions
  readonly #root: string
  readonly #tree: RestoreTree
  readonly #staging: Staging
  readonly #pace: Pace
  #outwardLinks: OutwardLink[] = []

  constructor(options: StagedRestoreOptions) {
    const { target, rules, fs, totals, signal } = options
    this.#options = options
    this.#root = join(target.controlFolder, STAGE_NAME)
    this.#tree = new RestoreTree(rules)
    this.#staging = new Staging(this.#root, this.#tree, {
      fs,
      limits: rules.limits,
      oldRoot: target.path,
      kept: options.kept ?? 'copy',
      rules,
      signal,
    })
    this.#pace = new Pace('writing', options, totals && { totalBytes: totals.sourceBytes + totals.keptBytes })
  }

  /** To be called before each batch of a source: between batches, other code may have run. */
  beginBatch(): void {
    this.#options.signal?.throwIfAborted()
    this.#staging.forgetUmask()
  }

  /** Write an entry of the source; returns a promise, to be awaited before the next one, only when there is something to wait for. */
  add(entry: Entry): Promise<void> | undefined {
    return this.#counted(entry, this.#staging.add(entry))
  }

  /** Carry over a path of the target as it is. */
  keep(entry: Entry): Promise<void> | undefined {
    return this.#counted(entry, this.#staging.keep(entry))
  }

  /** Tell what a folder that was not selected looks like, in case something below it was. */
  hint(entry: Entry): void {
    this.#tree.hint(entry)
  }

  /** Complete the tree, in a folder of `rootMode` where there was none, and make it durable. Throws `ARC_PATH_UNSAFE` when links lead out that may not. */
  finish(rootMode: number | undefined): void {
    this.#outwardLinks = this.#tree.outwardLinks()
    const first = this.#outwardLinks[0]
    if (first !== undefined && this.#options.rules.links === 'inside') throw linkLeadsOut(first)
    this.#pace.tell()
    const { old, rules } = this.#options
    this.#staging.finish(rootFacts(old, rootMode, rules))
    this.#options.signal?.throwIfAborted()
    if (this.#options.durable !== false)
      attempt('make durable', this.#root, () => syncTree(this.#root, this.#pace.doneEntries, this.#options.fs))
  }

  report(): Pick<
    RestoreResult,
    | 'schemaVersion'
    | 'files'
    | 'directories'
    | 'symlinks'
    | 'hardLinks'
    | 'writtenBytes'
    | 'verifiedFiles'
    | 'outwardLinks'
    | 'droppedSetId'
    | 'attributes'
  > {
    const { counts, writer, attributes } = this.#staging
    return {
      schemaVersion: 1,
      files: counts.files,
      directories: this.#tree.folders.length,
      symlinks: this.#tree.links.length,
      hardLinks: counts.hardLinks,
      writtenBytes: writer.writtenBytes,
      verifiedFiles: writer.verifiedFiles,
      outwardLinks: this.#outwardLinks,
      droppedSetId: this.#tree.droppedSetId,
      ...(attributes && { attributes: attributes.report }),
    }
  }

  /** What an entry that was taken adds, counted as the totals of a plan are. */
  #newBytes(entry: Entry): number {
    return entry.type !== 'file' || this.#tree.firstName(entry) !== undefined ? 0 : entry.sizeBytes
  }

  #counted(entry: Entry, writing: Promise<void> | undefined): Promise<void> | undefined {
    return this.#pace.count(this.#newBytes(entry)) ? this.#pause(writing) : writing
  }

  async #pause(writing: Promise<void> | undefined): Promise<void> {
    await writing
    await this.#pace.pause()
    this.#staging.forgetUmask()
  }
}
