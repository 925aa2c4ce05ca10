import {
  ArcError,
  assertSafePath,
  assertWithin,
  comparePaths,
  decodePath,
  encodePath,
  type EntryPath,
  type Limits,
  printablePath,
} from '@arc/core'
import { damaged, type DumpRecord } from './dump-record.ts'

type Beginning = Pick<DumpRecord, 'path' | 'type'>

/**
 * Checks what the grammar says nothing about: that paths are safe, sorted, and below nothing but folders. It remembers the last
 * path and those that are a beginning of it. (In byte order, whatever lies between `a` and `a/b` begins with `a`, too.)
 */
export class PathOrder {
  readonly #limits: Limits
  readonly #beginnings: Beginning[] = []
  #path = '' as EntryPath
  #totalLength = 0
  /** So many characters the last two paths have in common at their beginning. */
  #common = 0

  constructor(limits: Limits) {
    this.#limits = limits
  }

  /**
   * Take the next path. Throws `ARC_DUMP_DAMAGED`, `ARC_PATH_UNSAFE`, `ARC_PATH_INVALID`, `ARC_ENTRY_DUPLICATE` or
   * `ARC_LIMIT_EXCEEDED`.
   */
  add({ path, type, target }: Pick<DumpRecord, 'path' | 'type' | 'target'>): void {
    if (!isSpelledRight(path)) throw damaged('its path escapes bytes that are valid UTF-8', 0, path)
    assertSafePath(path, { limits: this.#limits })
    this.#totalLength += path.length + (target?.length ?? 0)
    assertWithin('characters in all paths together', this.#totalLength, this.#limits.maxTotalPathLength)
    if (target !== undefined) checkTarget(target, path, this.#limits)
    this.#checkOrder(path)
    this.#checkAbove(path)
    this.#beginnings.push({ path, type })
    this.#path = path
  }

  #checkAbove(path: EntryPath): void {
    const beginnings = this.#beginnings
    for (let i = beginnings.length - 1; i >= 0 && (beginnings[i] as Beginning).path.length > this.#common; i--)
      beginnings.pop()
    for (let i = 0; i < beginnings.length; i++) {
      const above = beginnings[i] as Beginning
      if (above.type !== 'directory' && path.charCodeAt(above.path.length) === SLASH)
        throw damaged(`it lies below ${printablePath(above.path)}, which is no folder`, 0, path)
    }
  }

  /** The folders that only the last path tells of, parents first. */
  impliedFolders(): readonly EntryPath[] {
    const path = this.#path
    let slash = path.lastIndexOf('/')
    if (slash < this.#common) return NONE
    const folders: EntryPath[] = []
    for (; slash > 0 && slash >= this.#common; slash = path.lastIndexOf('/', slash - 1)) {
      const folder = path.slice(0, slash) as EntryPath
      if (!this.#beginnings.some((above) => above.path === folder)) folders.push(folder)
    }
    return folders.reverse()
  }

  #checkOrder(path: EntryPath): void {
    const previous = this.#path
    const shorter = Math.min(previous.length, path.length)
    let common = 0
    while (common < shorter && previous.charCodeAt(common) === path.charCodeAt(common)) common++
    this.#common = common
    const a = previous.charCodeAt(common)
    const b = path.charCodeAt(common)
    if (a < b && b < FIRST_SURROGATE) return
    const order = comparePaths(previous, path)
    if (order === 0) throw twice(path)
    if (order > 0) throw damaged('it is not in its place: entries must be sorted', 0, path)
  }
}

const SLASH = 0x2f
/** From here on UTF-16 units are in another order than the characters they are part of. */
const FIRST_SURROGATE = 0xd800
const NONE: readonly EntryPath[] = []

function twice(path: EntryPath): ArcError {
  const shown = printablePath(path)
  return new ArcError('ARC_ENTRY_DUPLICATE', `${shown} occurs twice in the dump`, {
    path: shown,
    hint: 'Do not trust this dump.',
  })
}

/** What `symlink` of POSIX takes: some bytes, none of them NUL. */
function checkTarget(target: EntryPath, path: EntryPath, limits: Limits): void {
  if (target === '' || target.includes('\0')) throw damaged('it is a symbolic link with an impossible target', 0, path)
  if (!isSpelledRight(target)) throw damaged('its target escapes bytes that are valid UTF-8', 0, path)
  assertWithin('bytes in the target of a symbolic link', encodePath(target).length, limits.maxTargetBytes)
}

/** Whether this is the one spelling of some bytes. Throws `ARC_PATH_INVALID` when it is the spelling of none. */
function isSpelledRight(path: EntryPath): boolean {
  return path.isWellFormed() || decodePath(encodePath(path)) === path
}
