import { ArcError, type EntryPath, pathProblem, printablePath } from '@arc/core'

/** A path in a mount. */
export interface StoragePath {
  readonly mount: string
  /** Segments joined by `/`; `''` is the root of the mount. */
  readonly path: string
}

const MOUNT_NAME = /^[\p{L}_][\p{L}\p{N}_.-]+$/u

/** Why a text cannot name a mount; one letter would be a drive of Windows. */
export function mountNameProblem(name: string): string | undefined {
  if (MOUNT_NAME.test(name)) return undefined
  return /^[A-Za-z]$/.test(name)
    ? 'a single letter is a drive of Windows'
    : 'it must be letters, digits, _ . -, two or more'
}

/** Take `mount:path` apart. Throws `ARC_MOUNT_UNKNOWN` when there is no name of a mount in front. */
export function parseStoragePath(text: string): StoragePath {
  if (typeof text !== 'string')
    throw new ArcError('ARC_OPTION_INVALID', `a path is a text, not ${typeof text}`, {
      hint: 'Write mount:path, such as docs:plan.md.',
    })
  const colon = text.indexOf(':')
  const mount = colon === -1 ? text : text.slice(0, colon)
  const problem = mountNameProblem(mount)
  if (problem === undefined) return { mount, path: colon === -1 ? '' : text.slice(colon + 1) }
  const shown = printablePath(text)
  throw new ArcError('ARC_MOUNT_UNKNOWN', `${shown} begins with no name of a mount (${problem})`, {
    path: shown,
    hint: 'Write mount:path, such as docs:plan.md.',
  })
}

/**
 * Join and tidy segments: repeated slashes and `.` go. Throws `ARC_PATH_UNSAFE` for `..`, NUL, too long names, and unpaired
 * surrogates: a path never leads out of where it begins.
 */
export function joinPath(...parts: readonly string[]): string {
  const joined = parts.join('/')
  const segments = joined.split('/').filter((segment) => segment !== '' && segment !== '.')
  const path = segments.join('/')
  if (path === '') return path
  const problem = path.isWellFormed() ? pathProblem(path as EntryPath) : 'lone-surrogate'
  if (problem === undefined) return path
  const shown = printablePath(joined)
  throw new ArcError('ARC_PATH_UNSAFE', `${shown} is not a path within a mount (${problem})`, {
    path: shown,
    hint: 'Use names joined by /, without .. among them.',
  })
}

/** The last segment. */
export function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

/** All but the last segment; `''` at the root. */
export function parentPath(path: string): string {
  return path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : ''
}

/** The extension with its dot, in lower case; `''` when there is none. */
export function extensionOf(path: string): string {
  return /[^/](\.[^./]+)$/.exec(path)?.[1]?.toLowerCase() ?? ''
}

/** The folder that a store keeps for itself, at the root of what it looks after. */
export const CONTROL_FOLDER = '.arc'

/** Whether a key belongs to the store itself. */
export function isReserved(key: string): boolean {
  return key === CONTROL_FOLDER || key.startsWith(`${CONTROL_FOLDER}/`)
}

/** Throw `ARC_PATH_UNSAFE` for a key that belongs to the store itself. */
export function assertNotReserved(key: string): void {
  if (!isReserved(key)) return
  const shown = printablePath(key)
  throw new ArcError('ARC_PATH_UNSAFE', `${shown} belongs to the store itself`, {
    path: shown,
    hint: `Choose a path that does not begin with ${CONTROL_FOLDER}.`,
  })
}
