import type { EntryPath } from './entry-path.ts'
import { encodePath, printablePath } from './entry-path.ts'
import { ArcError } from './error.ts'
import { DEFAULT_LIMITS, type Limits } from './limits.ts'

const DOT = 0x2e

/** Why a path must not be written below a target. */
export type PathProblem =
  | 'empty'
  | 'absolute'
  | 'parent-component'
  | 'dot-component'
  | 'empty-component'
  | 'nul-byte'
  | 'name-too-long'
  | 'path-too-long'
  | 'too-deep'
  | 'windows-separator'
  | 'windows-character'
  | 'windows-reserved-name'
  | 'windows-trailing-dot-or-space'

/** What {@link pathProblem} judges by. */
export interface PathRules {
  /** `posix` (default) takes every byte but `/` and NUL; `windows` also refuses what Windows would read differently. */
  platform?: 'posix' | 'windows'
  limits?: Pick<Limits, 'maxDepth' | 'maxNameBytes' | 'maxPathBytes'>
}

// Device names stand for devices with any extension, and with superscript digits too (Microsoft, "Naming Files").
const WINDOWS_RESERVED = /^(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9\u00b9\u00b2\u00b3])(?:[ .:]|$)/i

/**
 * The first reason why `path` may not name something below a target, or `undefined` when it may. It looks at the
 * components themselves, never at string prefixes, and touches no file system.
 */
export function pathProblem(path: EntryPath, rules: PathRules = {}): PathProblem | undefined {
  const limits = rules.limits ?? DEFAULT_LIMITS
  if (path === '') return 'empty'
  if (path.startsWith('/')) return 'absolute'
  if (path.includes('\0')) return 'nul-byte'
  // Three bytes at most per UTF-16 unit: most paths are short enough to need no exact count.
  if (path.length * 3 > limits.maxPathBytes && encodePath(path).length > limits.maxPathBytes) return 'path-too-long'
  return componentProblem(path, limits, rules.platform === 'windows')
}

/** Every path of every listing comes by here: plain components are judged without cutting the path up. */
function componentProblem(
  path: string,
  limits: Pick<Limits, 'maxDepth' | 'maxNameBytes'>,
  isForWindows: boolean,
): PathProblem | undefined {
  let problem: PathProblem | undefined
  let depth = 0
  for (let start = 0; start <= path.length; depth++) {
    const slash = path.indexOf('/', start)
    const end = slash < 0 ? path.length : slash
    const isPlain = end > start && path.charCodeAt(start) !== DOT && (end - start) * 3 <= limits.maxNameBytes
    if (problem === undefined && (!isPlain || isForWindows)) {
      const name = path.slice(start, end)
      problem = nameProblem(name, limits.maxNameBytes) ?? (isForWindows ? windowsProblem(name) : undefined)
    }
    start = end + 1
  }
  return depth > limits.maxDepth ? 'too-deep' : problem
}

function nameProblem(name: string, maxNameBytes: number): PathProblem | undefined {
  if (name === '') return 'empty-component'
  if (name === '.') return 'dot-component'
  if (name === '..') return 'parent-component'
  if (name.length * 3 > maxNameBytes && encodePath(name as EntryPath).length > maxNameBytes) return 'name-too-long'
  return undefined
}

function windowsProblem(name: string): PathProblem | undefined {
  if (name.includes('\\')) return 'windows-separator'
  if (/[\u0000-\u001f<>:"|?*]/.test(name)) return 'windows-character'
  if (WINDOWS_RESERVED.test(name)) return 'windows-reserved-name'
  if (/[ .]$/.test(name)) return 'windows-trailing-dot-or-space'
  return undefined
}

/** Throw `ARC_PATH_UNSAFE` unless {@link pathProblem} finds nothing. */
export function assertSafePath(path: EntryPath, rules: PathRules = {}): void {
  const problem = pathProblem(path, rules)
  if (problem === undefined) return
  const shown = printablePath(path)
  throw new ArcError('ARC_PATH_UNSAFE', `${shown} is not a safe path (${problem})`, {
    path: shown,
    hint: 'Nothing was written. Do not trust this input; ask whoever made it.',
    details: { problem },
  })
}
