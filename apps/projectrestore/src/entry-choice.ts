import { type Glob, parseGlob } from '@arc/collect'
import {
  ArcError,
  derivedSource,
  type Entry,
  type EntryPath,
  type EntrySource,
  type Omission,
  printablePath,
} from '@arc/core'
import { integerOption, textOption } from '@arc/kit'
import { actsUnasked } from '@arc/restore-safe'
import { isFolderAt } from './folder-at.ts'

/** Which entries of a source are wanted, and under which path. */
export const choiceOptions = {
  only: textOption('only what matches, and what lies below it', { placeholder: 'GLOB', repeatable: true }),
  strip: integerOption({ min: 0, max: 1024 }, 'leave out the first N folders of every path', { default: 0 }),
}

/**
 * The part of a source that is restored: paths without their first `strip` components, of those what matches one of the
 * patterns. Throws `ARC_GLOB_INVALID`.
 */
export class EntryChoice {
  readonly patterns: readonly string[]
  readonly strip: number
  readonly #globs: readonly Glob[]
  readonly #paths: ReadonlySet<string> | undefined
  readonly #folders = new Set<EntryPath>()
  readonly #matched = new Set<Glob>()
  /** Paths that programs obey or run without being asked, of those that were given out and chosen. */
  readonly unasked: EntryPath[] = []

  readonly #replaced: string | undefined

  constructor(patterns: readonly string[], strip: number, { paths, replaced }: ChoiceBounds = {}) {
    this.patterns = patterns
    this.strip = strip
    this.#replaced = replaced
    this.#globs = patterns.map((pattern) => parseGlob(pattern))
    this.#paths = paths === undefined ? undefined : new Set(paths)
  }

  /** The same choice, of paths that are only in the folder at `replaced`, too: what the source does not have is removed there. */
  replacing(replaced: string): EntryChoice {
    return new EntryChoice(this.patterns, this.strip, { replaced })
  }

  /** The same choice: of what matches only these paths, and what lies below them. */
  among(paths: readonly string[]): EntryChoice {
    return new EntryChoice(this.patterns, this.strip, { paths, replaced: this.#replaced })
  }

  /** Whether a path is chosen; `undefined` when all are. */
  get only(): ((path: EntryPath) => boolean) | undefined {
    if (this.#globs.length === 0 && this.#paths === undefined) return undefined
    return (path) => this.#isAmongPaths(path) && this.#matches(path)
  }

  /** Throw `ARC_ENTRY_MISSING` when a pattern has matched nothing so far. */
  assertAllMatched(): void {
    const idle = this.#globs.find((glob) => !this.#matched.has(glob))
    if (idle === undefined) return
    const where = this.#replaced === undefined ? 'the source' : 'the source or the folder'
    throw new ArcError('ARC_ENTRY_MISSING', `nothing in ${where} matches --only ${idle.pattern}`, {
      hint: 'Look at what there is with `projectrestore list`.',
    })
  }

  /**
   * The source under the paths that this choice gives it. Its entries must all be read for its omissions to be complete; they
   * end in `ARC_ENTRY_MISSING` when a pattern matched nothing, unless a folder is replaced, which may have what it matches.
   */
  applyTo(source: EntrySource): EntrySource {
    const lost: Omission[] = []
    const give = (entry: Entry): Entry | undefined => this.#give(entry, lost)
    // What the folder has is known only to who plans.
    const isAllKnown = this.#replaced === undefined
    const assertAllMatched = (): void => void (isAllKnown && this.assertAllMatched())
    const assertSomeLeft = (given: number): void => {
      if (given === 0 && lost.length > 0) throw this.#nothingLeft()
    }
    const { strip } = this
    return derivedSource(source, {
      // Without their first folders, paths may come in another order.
      access: strip === 0 ? source.access : 'sequential',
      // Without its first folders it is another folder that everything is in.
      get rootMode() {
        return strip === 0 ? source.rootMode : undefined
      },
      get omissions() {
        return [...source.omissions, ...lost]
      },
      async *entries(options) {
        lost.length = 0
        let given = 0
        for await (const batch of source.entries(options)) {
          const kept = batch.flatMap((entry) => give(entry) ?? [])
          given += kept.length
          yield kept
        }
        assertSomeLeft(given)
        assertAllMatched()
      },
    })
  }

  #nothingLeft(): ArcError {
    return new ArcError('ARC_ENTRY_MISSING', `--strip ${this.strip} leaves nothing of any path in the source`, {
      hint: 'Look at the paths with `projectrestore list`, and strip less.',
    })
  }

  #give(entry: Entry, lost: Omission[]): Entry | undefined {
    const path = this.#stripped(entry.path)
    if (path === undefined) {
      const detail = `--strip ${this.strip} leaves nothing of its path`
      if (entry.type !== 'directory') lost.push({ path: entry.path, reason: 'filtered', detail })
      return undefined
    }
    if (entry.type === 'directory') this.#folders.add(path)
    if (this.only?.(path) !== false) {
      this.#assertFirstName(entry, path)
      if (entry.type !== 'directory' && actsUnasked(path)) this.unasked.push(path)
    }
    return path === entry.path ? entry : renamed(entry, path)
  }

  /** An archive has the content of a file once, under its first name: without that one, the others cannot be had. */
  #assertFirstName({ type, content, hardLink }: Entry, path: EntryPath): void {
    if (type !== 'file' || content !== undefined || hardLink === undefined) return
    const first = this.#stripped(hardLink as EntryPath)
    if (first !== undefined && this.only?.(first) !== false) return
    const shown = printablePath(hardLink)
    throw new ArcError(
      'ARC_ENTRY_OMITTED',
      `${printablePath(path)} is a hard link to ${shown}, which has its content and is not chosen`,
      { path: printablePath(path), hint: `Choose ${shown} too.` },
    )
  }

  #stripped(path: EntryPath): EntryPath | undefined {
    let at = 0
    for (let count = 0; count < this.strip; count++) {
      at = path.indexOf('/', at) + 1
      if (at === 0) return undefined
    }
    return path.slice(at) as EntryPath
  }

  #isAmongPaths(path: EntryPath): boolean {
    if (this.#paths === undefined) return true
    for (let end = path.length; end > 0; end = path.lastIndexOf('/', end - 1)) {
      if (this.#paths.has(path.slice(0, end))) return true
    }
    return false
  }

  #matches(path: EntryPath): boolean {
    if (this.#globs.length === 0) return true
    const isFolder = this.#folders.has(path) || this.#isReplacedFolder(path)
    const found = this.#globs.filter((glob) => glob.matches(path, isFolder))
    for (const glob of found) this.#matched.add(glob)
    return found.length > 0
  }

  #isReplacedFolder(path: EntryPath): boolean {
    if (this.#replaced === undefined || !this.patterns.some((pattern) => pattern.endsWith('/'))) return false
    return isFolderAt(this.#replaced, path)
  }
}

interface ChoiceBounds {
  readonly paths?: readonly string[] | undefined
  readonly replaced?: string | undefined
}

/** The same entry under another path, field by field: a source may compute its entries' fields when they are asked for. */
function renamed(entry: Entry, path: EntryPath): Entry {
  const { type, mode, sizeBytes, mtimeNs, target, hardLink, stamp, sha256, attributes, content } = entry
  return { path, type, mode, sizeBytes, mtimeNs, target, hardLink, stamp, sha256, attributes, content }
}
