import { realpathSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { ArcError, systemCallError } from '@arc/core'
import { gitFailure, runGit } from './command.ts'
import { type Environment, gitEnvironment, type GitOptions, PROBE_KEY, silencingOverrides, withConfig } from './environment.ts'

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
  /** What git is started with here: see `gitEnvironment`, and every filter and hook of the repository silenced. */
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
  const run = { env: gitEnvironment(options.env), signal: options.signal }
  const listArgs = ['config', '-z', '--list']
  const [config, facts] = await Promise.all([runGit(root, listArgs, run), runGit(root, FACTS, run)])
  if (isOutside(facts.status, facts.stderr)) return undefined
  const lines = facts.stdout.toString().split('\n').slice(0, -1)
  if (facts.status !== 0 && lines.length < FLAG_COUNT) throw gitFailure(folder, FACTS, facts)
  if (config.status !== 0) throw gitFailure(folder, listArgs, config)
  const listing = config.stdout.toString('utf8')
  if (!listing.includes(`${PROBE_KEY}\n`)) throw tooOld()
  const environment = withConfig(run.env, silencingOverrides(listing))
  const head = facts.status === 0 ? bornHead(lines) : await unbornHead(root, { ...run, env: environment })
  return { root, topLevel: topLevel(root, lines, head.commit), ...head, environment }
}

// The flags print one line each; `--show-cdup` one or none; then HEAD's commit, its branch's full name, and `--`. The
// dashes make git take HEAD for a revision even when a file has that name.
const FACTS = ['rev-parse', '--is-inside-work-tree', '--is-bare-repository', '--show-cdup', 'HEAD', '--symbolic-full-name', 'HEAD', '--']
const FLAG_COUNT = 2
const HEAD_LINES = 3

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

function isOutside(status: number, message: string): boolean {
  return status === 128 && /^fatal: not a git repository/m.test(message)
}

function topLevel(root: string, lines: readonly string[], commit: string | undefined): string | undefined {
  if (lines[0] !== 'true') return undefined
  // A path that leads up holds no line break, but a work tree's own absolute path may.
  const up = lines.slice(FLAG_COUNT, commit === undefined ? undefined : -HEAD_LINES)
  return resolve(root, up.join('\n'))
}

type Head = Pick<Repository, 'branch' | 'commit'>

function bornHead(lines: readonly string[]): Head {
  const [commit, name] = lines.slice(-HEAD_LINES)
  return { commit, branch: branchName(name ?? '') }
}

async function unbornHead(root: string, run: { env: Environment; signal: AbortSignal | undefined }): Promise<Head> {
  const args = ['symbolic-ref', '-q', 'HEAD']
  const { status, stdout, stderr } = await runGit(root, args, run)
  if (status > 1) throw gitFailure(root, args, { status, stderr })
  return { commit: undefined, branch: branchName(stdout.toString().trimEnd()) }
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
