import { basename, dirname, join, resolve, sep } from 'node:path'
import { ArcError, errnoOf, type Owner, printablePath, systemCallError } from '@arc/core'
import { type FileSystem, isInRestoreFolder, sha256Hex, RESTORE_FOLDER_SUFFIX } from '@arc/core/node'
import { attempt, attemptRead } from './attempt.ts'
import { findMount } from './mounts.ts'

/** Where a restore happens. */
export interface Target {
  /** Absolute, symlinks resolved; it need not exist. */
  readonly path: string
  readonly parent: string
  /** Everything this package keeps outside the tree: staging, journal, lock, restore points. */
  readonly controlFolder: string
  /** True when the path that was asked for is a symlink to {@link Target.path}. */
  readonly viaLink: boolean
}

/** What is at the target now. */
export interface TargetState {
  readonly kind: 'missing' | 'empty' | 'occupied'
  /** Permission bits of the folder; `undefined` when it is missing. */
  readonly mode?: number | undefined
  /** Its owner, like {@link TargetState.mode}. */
  readonly owner?: Pick<Owner, 'uid' | 'gid'> | undefined
}

const MAX_LINKS = 40
const MAX_NAME_BYTES = 255

/**
 * Find the folder that `path` means. The path is the operator's own, so symlinks in it are followed, one that dangles
 * included: after an interrupted swap it is the target itself that is missing.
 */
export function locateTarget(path: string, fs: FileSystem): Target {
  if (typeof path !== 'string' || path === '' || path.includes('\0'))
    throw new ArcError('ARC_OPTION_INVALID', 'the target must be the path of a folder', {
      hint: 'Name it; . is the current one.',
    })
  let at = resolve(path)
  for (let links = 0; links <= MAX_LINKS; links++) {
    const parent = realParent(at, path, fs)
    const real = join(parent, basename(at))
    if (basename(at) === '')
      throw unsuitable(path, 'it is the root of the file system', 'Name a folder that can be replaced as a whole.')
    if (isInRestoreFolder(real))
      throw unsuitable(
        path,
        'it lies where restores keep what is theirs, and remove what is not',
        `Name a folder outside of any that ends with ${RESTORE_FOLDER_SUFFIX}.`,
      )
    const stat = attempt('look at', real, () => fs.lstatSync(real, { throwIfNoEntry: false }))
    if (stat?.isSymbolicLink() !== true)
      return { path: real, parent, controlFolder: join(parent, controlName(basename(at))), viaLink: links > 0 }
    at = resolve(
      parent,
      attempt('read', real, () => fs.readlinkSync(real)),
    )
  }
  throw unsuitable(path, 'its symlinks lead in a circle', 'Name the folder itself.')
}

function realParent(at: string, asked: string, fs: FileSystem): string {
  try {
    const parent = fs.realpathSync(dirname(at))
    if (fs.statSync(parent).isDirectory()) return parent
    throw notFolder(parent)
  } catch (error) {
    if (errnoOf(error) === 'ENOTDIR') throw notFolder(dirname(at), error)
    if (errnoOf(error) !== 'ENOENT') throw systemCallError(error, 'look at', dirname(at))
    throw new ArcError(
      'ARC_NOT_FOUND',
      `the folder that would hold ${printablePath(asked)} does not exist: ${printablePath(dirname(at))}`,
      {
        path: printablePath(asked),
        hint: 'Create it first.',
      },
    )
  }
}

function notFolder(path: string, cause?: unknown): ArcError {
  const shown = printablePath(path)
  return new ArcError('ARC_NOT_A_DIRECTORY', `${shown} is not a folder`, {
    path: shown,
    hint: 'Name a folder, or a path that does not exist yet.',
    cause,
  })
}

function controlName(name: string): string {
  const plain = `.${name}${RESTORE_FOLDER_SUFFIX}`
  return Buffer.byteLength(plain) <= MAX_NAME_BYTES
    ? plain
    : `.${sha256Hex(Buffer.from(name)).slice(0, 32)}${RESTORE_FOLDER_SUFFIX}`
}

/**
 * Look at the target, and refuse with `ARC_TARGET_UNSUITABLE` what could not be swapped, or would take with it what is
 * mounted there. Reads no content.
 */
export function inspectTarget(target: Target, fs: FileSystem): TargetState {
  assertNothingMounted(target, fs)
  const stat = attempt('look at', target.path, () => fs.statSync(target.path, { throwIfNoEntry: false }))
  if (stat === undefined) {
    if (target.viaLink)
      throw unsuitable(
        target.path,
        'a symlink leads to it, but it does not exist',
        'Create the folder, or name it directly.',
      )
    return { kind: 'missing' }
  }
  if (!stat.isDirectory()) throw notFolder(target.path)
  if (stat.dev !== attempt('look at', target.parent, () => fs.statSync(target.parent)).dev)
    throw mountPoint(target.path)
  const empty = attemptRead('list', target.path, () => fs.readdirSync(target.path)).length === 0
  return { kind: empty ? 'empty' : 'occupied', mode: stat.mode & 0o7777, owner: { uid: stat.uid, gid: stat.gid } }
}

/** Refuse a target at which, or in which, something is mounted: in its restore points, too, which are removed one day. */
function assertNothingMounted(target: Target, fs: FileSystem): void {
  const mount = findMount([target.path, target.controlFolder], fs)
  if (mount === undefined) return
  throw mount === target.path ? mountPoint(target.path) : mountedInside(target.path, mount)
}

/**
 * Refuse with `ARC_TARGET_UNSUITABLE` to swap away the folder that this process stands in: it would go on in the tree from
 * before. Planning may be done from there.
 */
export function assertNotCurrent(target: Target): void {
  if (!holdsCurrentFolder(target.path)) return
  throw unsuitable(
    target.path,
    'it is, or holds, the current folder, which would be swapped away',
    'Change to a folder outside it, then try again.',
  )
}

function holdsCurrentFolder(path: string): boolean {
  try {
    const current = process.cwd()
    return current === path || current.startsWith(path + sep)
  } catch {
    return false // the current folder has been removed: it is nowhere
  }
}

/** Refusal of a target that can be named, but not swapped. */
export function unsuitable(path: string, why: string, hint: string, cause?: unknown): ArcError {
  const shown = printablePath(path)
  return new ArcError('ARC_TARGET_UNSUITABLE', `cannot restore to ${shown}: ${why}`, { path: shown, hint, cause })
}

/** Refusal of a target on another file system than the folder around it. */
export function mountPoint(path: string, cause?: unknown): ArcError {
  return unsuitable(
    path,
    'it is a mount point, which cannot be swapped',
    'Restore to a new folder inside it, then move the files.',
    cause,
  )
}

/** Refusal of a tree in which something is mounted, at the absolute path `mount`: it lies elsewhere, and stays there. */
export function mountedInside(path: string, mount: string): ArcError {
  return unsuitable(
    path,
    `something is mounted at ${printablePath(mount)}`,
    'Unmount it first, or restore to a new folder.',
  )
}

/** Refusal when the folder around the target takes no new names. */
export function unwritableParent(target: Target, cause: unknown): ArcError {
  const why = `the folder that holds it cannot be written to (${String(errnoOf(cause))})`
  return unsuitable(target.path, why, 'Choose another place, or run as a user that may write there.', cause)
}
