import { constants } from 'node:fs'
import type { EntryPath, Omission } from '@arc/core'
import { errnoOf } from '@arc/core'
import { type FileSystem, readFully } from '@arc/core/node'
import { DEPENDS, IGNORED, IgnoreRules, UNDECIDED, type Verdict } from './ignore-rules.ts'

/** Names of ignore files inside a tree, weakest first. */
export const IGNORE_FILES: readonly string[] = ['.gitignore', '.arcignore']

// git's own bound; a file this large is no list of rules.
const MAX_IGNORE_FILE_BYTES = 100 * 1024 * 1024

/** The rules that hold in one folder: its own, then those of the folders above, each a link of a chain. */
export interface RuleChain {
  readonly rules: IgnoreRules
  /** Length of the byte string, slash included, of the folder the rules are relative to. */
  readonly baseLength: number
  readonly outer: RuleChain | undefined
}

/** Whether the chain ignores a path of the tree; both strings are byte strings. `isFolder` is asked only when it matters. */
export function isIgnored(chain: RuleChain, path: string, name: string, isFolder: () => boolean): boolean {
  for (let link: RuleChain | undefined = chain; link !== undefined; link = link.outer) {
    const relative = link.baseLength === 0 ? path : path.slice(link.baseLength)
    let verdict: Verdict = link.rules.test(relative, name, undefined)
    if (verdict === DEPENDS) verdict = link.rules.test(relative, name, isFolder())
    if (verdict !== UNDECIDED) return verdict === IGNORED
  }
  return false
}

/** How ignore files are read. */
export interface IgnoreReader {
  readonly fs: FileSystem
  readonly root: string
  /** Told of ignore files that exist and cannot be read: what they would leave out is then in. */
  readonly onOmission: (omission: Omission) => void
}

/** Put the rules of `file` in front of a chain. A missing file, one that is no plain file, or an empty one adds nothing. */
export function withRules(
  reader: IgnoreReader,
  file: string | Buffer,
  baseLength: number,
  outer: RuleChain | undefined,
  options: { followLink: boolean; path?: EntryPath },
): RuleChain | undefined {
  const bytes = readRules(reader, file, options)
  if (bytes === undefined || bytes.length === 0) return outer
  const rules = new IgnoreRules(bytes)
  return rules.isEmpty ? outer : { rules, baseLength, outer }
}

function readRules(
  reader: IgnoreReader,
  file: string | Buffer,
  options: { followLink: boolean; path?: EntryPath },
): Uint8Array | undefined {
  // A symlink inside the tree is no ignore file (as for git since 2.32), and a pipe must not make us wait.
  const flags =
    constants.O_RDONLY | (constants.O_NONBLOCK ?? 0) | (options.followLink ? 0 : (constants.O_NOFOLLOW ?? 0))
  let fd: number
  try {
    fd = reader.fs.openSync(file, flags)
  } catch (error) {
    const errno = errnoOf(error)
    if (options.path !== undefined && errno !== 'ENOENT' && errno !== 'ELOOP' && errno !== 'ENOTDIR') {
      reader.onOmission({ path: options.path, reason: 'unreadable', detail: `its rules are not applied: ${errno}` })
    }
    return undefined
  }
  try {
    const stat = reader.fs.fstatSync(fd)
    if (!stat.isFile() || stat.size > MAX_IGNORE_FILE_BYTES) return undefined
    const bytes = Buffer.allocUnsafe(stat.size)
    return bytes.subarray(0, readFully(reader.fs, fd, bytes, null))
  } finally {
    reader.fs.closeSync(fd)
  }
}

/** `.git/info/exclude` of the repository whose top folder is `folder`; the place a `.git` file names, when it is one. */
export function infoExcludeFile(reader: IgnoreReader, folder: string | Buffer): string | Buffer {
  const dotGit = typeof folder === 'string' ? `${folder}/.git` : Buffer.concat([folder, Buffer.from('/.git')])
  const pointer = readRules(reader, dotGit, { followLink: false })
  const target = /^gitdir: ([^\r\n]+)/.exec(Buffer.from(pointer ?? []).toString())?.[1]
  if (target === undefined) return inFolder(dotGit, 'info/exclude')
  const gitFolder = target.startsWith('/') ? target : inFolder(folder, target)
  // A linked work tree keeps its rules with the repository it belongs to.
  const common = readRules(reader, inFolder(gitFolder, 'commondir'), { followLink: false })
  const shared = common === undefined ? '' : Buffer.from(common).toString().trimEnd()
  if (shared === '') return inFolder(gitFolder, 'info/exclude')
  return inFolder(shared.startsWith('/') ? shared : inFolder(gitFolder, shared), 'info/exclude')
}

function inFolder(folder: string | Buffer, path: string): string | Buffer {
  if (typeof folder === 'string') return `${folder}/${path}`
  return Buffer.concat([folder, Buffer.from(`/${path}`)])
}
