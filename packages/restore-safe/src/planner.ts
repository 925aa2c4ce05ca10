import {
  ArcError,
  comparePaths,
  type Entry,
  type EntryContent,
  type EntryPath,
  type EntrySource,
  isArcError,
  printablePath,
} from '@arc/core'
import { hashContent } from '@arc/core/node'
import { AttributeComparison } from './attribute-rules.ts'
import type { PlanOptions } from './options.ts'
import { Pace } from './pace.ts'
import type { RestoreConflict, RestoreMode, RestorePlan, RestoreReason, RestoreRow } from './plan.ts'
import { limitExceeded, linkLeadsOut, RestoreTree, type TreeRules } from './restore-tree.ts'
import type { TargetReading } from './target-reading.ts'

type Outline = Pick<RestorePlan, 'rows' | 'totals' | 'conflicts' | 'outwardLinks' | 'droppedSetId'>

/**
 * Works a plan out: the source's entries are put into the same in-memory tree that a restore puts them into, and each is
 * compared with what the target has. What that tree refuses becomes a conflict.
 */
export class Planner {
  readonly #rules: TreeRules
  readonly #attributes: AttributeComparison
  readonly #mode: RestoreMode
  readonly #options: PlanOptions
  readonly #tree: RestoreTree
  readonly #old: Map<EntryPath, Entry>
  readonly #specials: readonly EntryPath[]
  readonly #rows = new Map<EntryPath, RestoreRow>()
  readonly #conflicts: RestoreConflict[] = []
  /** Files of the source with content like that of a file of the target, both by what tells that names are of one file. */
  readonly #alike = new Set<string>()
  /** Folders of the target that a file of the source would cover. */
  readonly #coveredFolders = new Set<EntryPath>()
  readonly #totals = { added: 0, changed: 0, removed: 0, kept: 0, sourceBytes: 0, keptBytes: 0, removedBytes: 0 }

  constructor(rules: TreeRules, mode: RestoreMode, reading: TargetReading, options: PlanOptions) {
    this.#rules = rules
    this.#attributes = new AttributeComparison(rules)
    this.#mode = mode
    this.#options = options
    this.#tree = new RestoreTree(rules)
    this.#old = new Map(reading.scan?.entries.map((entry) => [entry.path, entry]))
    this.#specials = reading.scan?.specials ?? []
  }

  async readSource(source: EntrySource): Promise<void> {
    const { only, signal } = this.#options
    const pace = new Pace(this.#mode === 'new' ? 'listing' : 'comparing', this.#options)
    for await (const batch of source.entries({ signal })) {
      for (const entry of batch) {
        if (only !== undefined && !only(entry.path)) {
          this.#tree.hint(entry)
          continue
        }
        if (this.#mode === 'new') this.#add(entry, undefined)
        else await this.#compare(entry)
        if (pace.count(entry.sizeBytes)) await pace.pause()
      }
    }
    pace.tell()
  }

  finish(): Outline {
    this.#planOldPaths()
    this.#planImpliedFolders()
    const outwardLinks = this.#tree.outwardLinks()
    if (this.#rules.links === 'inside') for (const link of outwardLinks) this.#refuse(linkLeadsOut(link))
    const { maxTotalBytes } = this.#rules.limits
    if (this.#totals.sourceBytes > maxTotalBytes)
      this.#refuse(limitExceeded('' as EntryPath, 'maxTotalBytes', maxTotalBytes))
    return {
      rows: [...this.#rows.values()].sort((a, b) => comparePaths(a.path, b.path)),
      totals: this.#totals,
      conflicts: this.#conflicts,
      outwardLinks,
      droppedSetId: this.#tree.droppedSetId,
    }
  }

  async #compare(entry: Entry): Promise<void> {
    const old = this.#old.get(entry.path)
    const reason = old === undefined ? undefined : await this.#difference(entry, old)
    this.#add(entry, old === undefined ? undefined : { reason })
  }

  /** Take an entry of the source; `old` tells that the target has the path, and in what it differs. */
  #add(entry: Entry, old: { reason: RestoreReason | undefined } | undefined): void {
    const { maxFileBytes } = this.#rules.limits
    try {
      const mode = this.#tree.add(entry)
      if (entry.sizeBytes > maxFileBytes) throw limitExceeded(entry.path, 'maxFileBytes', maxFileBytes)
      const action = old === undefined ? 'add' : old.reason === undefined ? 'keep' : 'change'
      const { path, type, sizeBytes, sha256 } = entry
      this.#put({
        path,
        action,
        type,
        sizeBytes,
        mode,
        ...(old?.reason && { reason: old.reason }),
        ...(sha256 !== undefined && { sha256 }),
      })
      this.#totals.sourceBytes += this.#newBytes(entry)
    } catch (error) {
      this.#refuse(error)
    }
  }

  async #difference(entry: Entry, old: Entry): Promise<RestoreReason | undefined> {
    if (entry.type !== old.type) return 'type'
    if (entry.type === 'symlink') return entry.target === old.target ? this.#otherDifference(entry, old) : 'link-target'
    if (entry.type === 'file') {
      if (entry.sizeBytes !== old.sizeBytes) return 'size'
      if (!(await this.#sameContent(entry, old))) return 'content'
    }
    const mask = this.#rules.setId ? 0o7777 : 0o1777
    if ((entry.mode & mask) !== old.mode) return 'mode'
    return this.#otherDifference(entry, old)
  }

  /** A further name of a file may come without content; then it is the same when its first name was, for the same file. */
  async #sameContent(entry: Entry, old: Entry): Promise<boolean> {
    const pair = `${entry.hardLink} ${old.hardLink}`
    if (entry.content === undefined) return old.hardLink !== undefined && this.#alike.has(pair)
    const same = await sameContent(entry.content, entry.sha256, old, this.#options)
    if (same && entry.hardLink !== undefined && old.hardLink !== undefined) this.#alike.add(pair)
    return same
  }

  #otherDifference(entry: Entry, old: Entry): RestoreReason | undefined {
    const difference = this.#attributes.difference(entry.attributes, old.attributes)
    if (difference !== undefined) return difference
    if (entry.mtimeNs === undefined || old.mtimeNs === undefined) return undefined
    const apart = entry.mtimeNs - old.mtimeNs
    return apart > TIME_TOLERANCE_NS || apart < -TIME_TOLERANCE_NS ? 'mtime' : undefined
  }

  /** What becomes of the target's paths that the source does not have. */
  #planOldPaths(): void {
    const chosen = [...this.#old.values()].filter(({ path }) => !this.#rows.has(path))
    const stays = this.#stayingPaths(chosen)
    for (const entry of chosen) {
      const now = this.#tree.find(entry.path)
      if (now?.kind === 'directory' && entry.type !== 'directory') continue // a folder takes its place: told below
      const carried = now?.kind === 'directory' || stays.has(entry.path)
      if (carried) this.#carryOver(entry)
      else this.#remove(entry)
    }
    for (const path of this.#specials) this.#planSpecial(path)
  }

  /** Of the paths that the source lacks, those that stay, with the folders that hold them. */
  #stayingPaths(entries: readonly Entry[]): Set<EntryPath> {
    const { only } = this.#options
    const staying = new Set<EntryPath>()
    if (this.#mode === 'replace' && only === undefined) return staying
    for (const { path } of entries) {
      if (this.#mode === 'replace' && only?.(path) !== false) continue
      for (let at = path; at !== '' && !staying.has(at); at = parentOf(at)) {
        staying.add(at)
      }
    }
    return staying
  }

  #carryOver(entry: Entry): void {
    const { path, type, sizeBytes, mode } = entry
    const inTheWay = this.#leafAbove(path)
    if (inTheWay !== undefined) {
      this.#refuseOnce(inTheWay)
      return
    }
    try {
      this.#tree.keep(entry)
      this.#put({ path, action: 'keep', type, sizeBytes, mode, reason: 'not-in-source' })
      this.#totals.keptBytes += this.#newBytes(entry)
    } catch (error) {
      this.#refuse(error)
    }
  }

  /** What the source has as a file or symlink where the target has a folder, with `path` in it, which is to stay. */
  #leafAbove(path: EntryPath): EntryPath | undefined {
    for (let at = parentOf(path); at !== ''; at = parentOf(at)) {
      const node = this.#tree.find(at)
      if (node !== undefined) return node.kind === 'directory' ? undefined : at
    }
    return undefined
  }

  /** Refuse to lay a file over a folder, once for all that is in it. */
  #refuseOnce(path: EntryPath): void {
    if (this.#coveredFolders.has(path)) return
    this.#coveredFolders.add(path)
    const shown = printablePath(path)
    const type = this.#rows.get(path)?.type ?? 'file'
    this.#refuse(
      new ArcError(
        'ARC_TARGET_UNSUITABLE',
        `${shown} is a ${type} in the source, and a folder in the target, with things in it that would stay`,
        {
          path: shown,
          hint: 'Nothing was changed. Move that folder away, choose other paths only, or use the mode replace, which removes what is in it.',
        },
      ),
    )
  }

  #remove({ path, type, sizeBytes, mode }: Entry): void {
    this.#put({ path, action: 'remove', type, sizeBytes, mode, reason: 'not-in-source' })
    if (type === 'file') this.#totals.removedBytes += sizeBytes
  }

  #planSpecial(path: EntryPath): void {
    if (this.#rows.has(path)) return
    const stays = this.#mode === 'merge' || this.#options.only?.(path) === false
    if (!stays) this.#put({ path, action: 'remove', type: 'special', sizeBytes: 0, mode: 0, reason: 'not-in-source' })
    else if (this.#tree.find(path) === undefined) {
      const shown = printablePath(path)
      this.#refuse(
        new ArcError('ARC_TARGET_UNSUITABLE', `${shown} is a socket, pipe or device, which cannot be carried over`, {
          path: shown,
        }),
      )
    }
  }

  #planImpliedFolders(): void {
    for (const { path, implied, mode } of this.#tree.folders) {
      if (!implied || this.#rows.has(path)) continue
      const replaces = this.#old.has(path) || this.#specials.includes(path)
      const facts = { path, type: 'directory', sizeBytes: 0, mode, reason: 'implied' } as const
      this.#put({ ...facts, action: replaces ? 'change' : 'add' })
    }
  }

  #put(row: RestoreRow): void {
    this.#rows.set(row.path, row)
    this.#totals[COUNTER_OF[row.action]]++
  }

  #refuse(error: unknown): void {
    if (!isArcError(error)) throw error
    this.#conflicts.push({
      code: error.code,
      message: error.message,
      ...(error.path !== undefined && { path: error.path }),
      ...(error.hint !== undefined && { hint: error.hint }),
    })
  }

  /** Bytes that an entry adds to the staging folder: none for a further name of a file that is counted. */
  #newBytes(entry: Entry): number {
    return entry.type !== 'file' || this.#tree.firstName(entry) !== undefined ? 0 : entry.sizeBytes
  }
}

/** The path of the folder that holds `path`; empty for the root. */
function parentOf(path: EntryPath): EntryPath {
  return path.slice(0, Math.max(0, path.lastIndexOf('/'))) as EntryPath
}

/** Node sets times as double-precision seconds: a restored file is this close to the time it was given. */
const TIME_TOLERANCE_NS = 2000n

const COUNTER_OF = { add: 'added', change: 'changed', remove: 'removed', keep: 'kept' } as const

async function sameContent(
  content: EntryContent,
  sha256: string | undefined,
  old: Entry,
  options: Pick<PlanOptions, 'signal'>,
): Promise<boolean> {
  if (old.content === undefined) return false
  const expected = sha256 ?? (await hashContent(content, options)).sha256
  return expected === (await hashContent(old.content, options)).sha256
}
