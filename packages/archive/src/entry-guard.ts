import {
  ArcError,
  assertSafePath,
  DEFAULT_LIMITS,
  type EntryPath,
  type EntryType,
  type Limits,
  PathMap,
  pathProblem,
  type PathRules,
  printablePath,
} from '@arc/core'
import { limitExceeded, unsafe } from './problems.ts'

/** What the names of a target's file system mean; the default is Linux: every byte counts. */
export interface NameRules {
  /** `windows` also refuses what Windows would read differently: `\`, `:`, devices, trailing dots and spaces. */
  platform?: 'posix' | 'windows' | undefined
  /** Names that differ only in case are one file there. */
  ignoresCase?: boolean | undefined
  /** Names that differ only in Unicode normalisation are one file there. */
  ignoresNormalisation?: boolean | undefined
}

type Kind = EntryType | 'implied'

/**
 * What every list of entries from outside must pass, one entry after another: paths that stay below their root, each
 * once, nothing below what is not a folder, no two names that the target would take for one, and not too many.
 */
export class EntryGuard {
  readonly #kinds = new PathMap<Kind>()
  readonly #folded: Map<string, string> | undefined
  readonly #limits: Readonly<Limits>
  readonly #names: NameRules
  readonly #rules: PathRules
  /** The folder that the last entry lay in; most lie in the same one. */
  #lastFolder = ''
  #count = 0
  #totalLength = 0

  constructor(options: { limits?: Readonly<Limits> | undefined; names?: NameRules | undefined } = {}) {
    this.#limits = options.limits ?? DEFAULT_LIMITS
    this.#names = options.names ?? {}
    this.#rules = { platform: this.#names.platform ?? 'posix', limits: this.#limits }
    this.#folded = this.#names.ignoresCase === true || this.#names.ignoresNormalisation === true ? new Map() : undefined
  }

  /**
   * Throws `ARC_PATH_UNSAFE`, `ARC_ENTRY_DUPLICATE`, `ARC_ARCHIVE_UNSAFE` or `ARC_LIMIT_EXCEEDED` unless `path` may come next;
   * `targetLength` is that of a symlink's target.
   */
  admit(path: EntryPath, type: EntryType, targetLength: number = 0): void {
    const slash = path.lastIndexOf('/')
    const rules = this.#rules
    // Parents are judged once, when first met; only a long path needs to be judged as a whole.
    const long = path.length * 3 > this.#limits.maxPathBytes || path.length > this.#limits.maxDepth
    if (long || slash === 0 || pathProblem(path.slice(slash + 1) as EntryPath, rules) !== undefined)
      assertSafePath(path, rules)
    const isSibling = slash === this.#lastFolder.length && path.startsWith(this.#lastFolder)
    if (slash > 0 && !isSibling) this.#admitFolders(path, slash)
    const known = this.#kinds.get(path)
    if (known !== undefined && !(known === 'implied' && type === 'directory')) throw duplicate(path, known, type)
    if (known === undefined) this.#assertNew(path)
    if (targetLength > 0) this.#hold(targetLength, path)
    this.#kinds.set(path, type)
  }

  /** What was admitted under `path`; `implied` is a folder that only its contents tell of. */
  kindOf(path: EntryPath): EntryType | 'implied' | undefined {
    return this.#kinds.get(path)
  }

  #admitFolders(path: EntryPath, lastSlash: number): void {
    const parent = path.slice(0, lastSlash)
    const known = this.#kinds.get(parent)
    if (known === undefined) assertSafePath(path, this.#rules)
    if (known !== 'directory' && known !== 'implied') this.#implyFolders(path, lastSlash)
    this.#lastFolder = parent
  }

  #implyFolders(path: EntryPath, lastSlash: number): void {
    for (let at = path.indexOf('/'); at > 0 && at <= lastSlash; at = path.indexOf('/', at + 1)) {
      const folder = path.slice(0, at)
      const kind = this.#kinds.get(folder)
      if (kind === 'file' || kind === 'symlink')
        throw unsafe(`it lies below ${printablePath(folder)}, which is a ${kind}`, path)
      if (kind !== undefined) continue
      this.#assertNew(folder)
      this.#kinds.set(folder, 'implied')
    }
  }

  /** Folders that are only implied count too: a thousand of them fit into one path. */
  #assertNew(path: string): void {
    const { maxEntries } = this.#limits
    if (++this.#count > maxEntries) throw limitExceeded('maxEntries', maxEntries, 'the number of paths', path)
    this.#hold(path.length, path)
    if (this.#folded === undefined) return
    const key = foldName(path, this.#names)
    const other = this.#folded.get(key)
    if (other !== undefined) throw unsafe(`the target would take it and ${printablePath(other)} for one file`, path)
    this.#folded.set(key, path)
  }

  #hold(length: number, path: string): void {
    const { maxTotalPathLength } = this.#limits
    this.#totalLength += length
    if (this.#totalLength > maxTotalPathLength)
      throw limitExceeded('maxTotalPathLength', maxTotalPathLength, 'the length of all paths together', path)
  }
}

function duplicate(path: EntryPath, first: Kind, second: EntryType): ArcError {
  const shown = printablePath(path)
  const what =
    first === second ? `is there twice` : `is there as ${first === 'implied' ? 'a folder' : first} and as ${second}`
  return new ArcError('ARC_ENTRY_DUPLICATE', `${shown} ${what}`, {
    path: shown,
    hint: 'Readers differ in which one they keep: write the archive anew with one entry a path.',
  })
}

/** The key under which a file system that ignores case or normalisation finds `path`. */
export function foldName(path: string, rules: NameRules): string {
  // NFKC-like ligatures stay apart, as on APFS; upper then lower is the full case fold for all but a few letters.
  const normal = rules.ignoresNormalisation === true ? path.normalize('NFC') : path
  return rules.ignoresCase === true ? normal.toUpperCase().toLowerCase().normalize('NFC') : normal
}
