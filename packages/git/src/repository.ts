import { realpathSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { ArcError, systemCallError } from '@arc/core'
import { gitFailure, runGit } from './command.ts'
import { type Environment, gitEnvironment, type GitOptions } from './environment.ts'

/** A git repository, seen from one folder. Nothing is held open: it needs no closing. */
export interface Repository {
  /** The folder that was asked about, absolute, with symlinks resolved. Paths that git gives are relative to it. */
  readonly root: string
  /** The top folder of the work tree that holds {@link root}; `undefined` in a bare repository or inside `.git`. */
  readonly topLevel: string | undefined
  /** Short name of the branch; `undefined` on a detached HEAD. */
  readonly branch: string | undefined
  /** Full object id of HEAD; `undefined` before the first commit. */
  readonly commit: string | undefined
  /** Object id of the tree of {@link commit}. */
  readonly tree: string | undefined
  /** Where the index is, absolute or relative to {@link root}; it need not exist. */
  readonly indexFile: string | undefined
  /** What git is started with here: see `gitEnvironment`. */
  readonly environment: Environment
}

/**
 * The repository that `folder` belongs to, or `undefined` when it belongs to none.
 *
 * Throws `ARC_NOT_FOUND` and `ARC_NOT_A_DIRECTORY` about the folder, `ARC_GIT_MISSING` when git is not installed or older
 * than 2.31, `ARC_GIT_FAILED` when git refuses, for instance a repository that another user owns.
 */
export async function openRepository(folder: string, options: GitOptions = {}): Promise<Repository | undefined> {
  const root = realFolder(folder)
  const env = gitEnvironment(options.env)
  const run = { env, signal: options.signal }
  const facts = await runGit(root, FACTS, run)
  if (facts.status === 128 && /^fatal: not a git repository/m.test(facts.stderr)) return undefined
  const lines = facts.stdout.toString().split('\n').slice(0, -1)
  if (lines[0] === VERSION_PROBE) throw tooOld()
  if (facts.status !== 0 && !/^fatal: bad revision 'HEAD'/m.test(facts.stderr)) throw gitFailure(folder, FACTS, facts)
  const head = facts.status === 0 ? bornHead(lines.splice(-HEAD_LINES)) : await unbornHead(root, run)
  const [isInWorkTree, ...places] = lines
  const up = isInWorkTree === 'true' ? places.shift() : undefined
  return {
    root,
    topLevel: up === undefined ? undefined : resolve(root, up),
    ...head,
    indexFile: places.length === 1 ? places[0] : undefined, // more lines: its path has a line break in it
    environment: env,
  }
}

// git before 2.31, which would not understand our environment, repeats this option instead of obeying it. The others print
// one line each, but `--show-cdup` none outside a work tree; then come HEAD's commit, its tree, its branch's full name, and
// the dashes, which make git take HEAD for a revision even when a file has that name.
const VERSION_PROBE = '--path-format=relative'
const FACTS =
  `rev-parse ${VERSION_PROBE} --is-inside-work-tree --show-cdup --git-path index HEAD HEAD^{tree} --symbolic-full-name HEAD --`.split(
    ' ',
  )
const HEAD_LINES = 4

function realFolder(folder: string): string {
  let isFolder: boolean
  let real: string
  try {
    isFolder = statSync(folder).isDirectory()
    real = realpathSync.native(folder)
  } catch (error) {
    throw systemCallError(error, 'open', folder)
  }
  if (isFolder) return real
  throw new ArcError('ARC_NOT_A_DIRECTORY', `${folder} is not a folder`, { path: folder, hint: 'Name a folder.' })
}

type Head = Pick<Repository, 'branch' | 'commit' | 'tree'>

function bornHead([commit, tree, name]: readonly string[]): Head {
  return { commit, tree, branch: branchName(name ?? '') }
}

async function unbornHead(root: string, run: { env: Environment; signal: AbortSignal | undefined }): Promise<Head> {
  const args = ['symbolic-ref', '-q', 'HEAD']
  const { status, stdout, stderr } = await runGit(root, args, run)
  if (status > 1) throw gitFailure(root, args, { status, stderr })
  return { commit: undefined, tree: undefined, branch: branchName(stdout.toString().trimEnd()) }
}

/** The short name of a branch's full one, or `undefined` when it names no branch. */
export function branchName(reference: string): string | undefined {
  return reference.startsWith('refs/heads/') ? reference.slice('refs/heads/'.length) : undefined
}

function tooOld(): ArcError {
  return new ArcError('ARC_GIT_MISSING', 'this git is too old to read a repository safely: 2.31 or newer is needed', {
    hint: 'Install a newer git, or read the folder without it.',
  })
}
