import { existsSync, realpathSync } from 'node:fs'
import { hostname } from 'node:os'
import { basename, dirname, isAbsolute, join, relative, resolve } from 'node:path'
import { type CollectedSource, openDirectory } from '@arc/collect'
import { ArcError, derivedSource, type EntrySource, type GitState, isArcError, systemCallError } from '@arc/core'
import { openRepository } from '@arc/git'
import type { Host, Values } from '@arc/kit'
import { homePath, type VaultPlace } from '@arc/kit/vault'
import { IGNORE_FILE, type sourceOptions } from './source-options.ts'

/** Where a project is. */
export interface ProjectPlace {
  /** Absolute, with links resolved: what snapshots of it are known by. */
  readonly path: string
  /** Of this machine. */
  readonly host: string
}

/** A project on this disk. */
export interface Project extends ProjectPlace, AsyncDisposable {
  readonly source: EntrySource
}

/** Find the folder of a project, which the vault must not hold. */
export function locateProject(root: string, host: Host, place: VaultPlace): ProjectPlace {
  const path = realFolder(resolve(host.cwd, root), root)
  assertOutside(path, place, root)
  return { path, host: hostname() }
}

/** Open a folder as a project; the vault, if it lies inside, and our own cache are not part of it. */
export async function openProject(
  { path, host: machine }: ProjectPlace,
  values: Values<typeof sourceOptions>,
  host: Host,
  place: VaultPlace,
): Promise<Project> {
  const collected = await openDirectory(path, {
    ignoreRules: values.gitignore,
    listedByGit: values.gitignore,
    gitFolders: true,
    ignoreFiles: values.ignoreFile ? [IGNORE_FILE] : [],
    exclude: values.exclude,
    maxSizeBytes: values.excludeLargerThan,
    oneFileSystem: values.oneFileSystem,
    excludeIfPresent: values.excludeIfPresent,
    excludeCaches: values.excludeCaches,
    owners: values.owners,
    xattrs: values.xattrs,
    omitPaths: [cacheFolder(host), ...(place.folder === undefined ? [] : [place.folder])],
    // A command never leaves the folder it was started in; a host that is no process has one of its own.
    workingDirectory: host.cwd === process.cwd() ? host.cwd : undefined,
    env: host.env,
    now: () => host.now(),
    signal: host.signal,
  })
  return {
    source: withGit(collected, await gitState(path, host)),
    path,
    host: machine,
    [Symbol.asyncDispose]: () => collected[Symbol.asyncDispose](),
  }
}

/** Where it is remembered what files looked like; disposable. */
export function cacheFolder(host: Host): string {
  const { XDG_CACHE_HOME: configured } = host.env
  const folder = configured !== undefined && isAbsolute(configured) ? configured : homePath(host, '.cache')
  return join(folder, 'arc', 'projectclone')
}

function realFolder(path: string, shown: string): string {
  if (dirname(path) === path)
    throw new ArcError('ARC_ARGUMENT_INVALID', `${path} is the root of the file system and no project`, {
      hint: 'Name the folder of a project. What the system makes up in /proc and /sys cannot be kept.',
    })
  try {
    return realpathSync(path)
  } catch (error) {
    throw systemCallError(error, 'read', shown)
  }
}

function assertOutside(path: string, { folder }: VaultPlace, shown: string): void {
  if (folder === undefined) return
  let vault = folder
  try {
    vault = realpathSync(folder)
  } catch {
    // Not there yet.
  }
  const inside = relative(vault, path)
  if (inside !== '' && (inside.startsWith('..') || isAbsolute(inside))) return
  throw new ArcError('ARC_ARGUMENT_INVALID', `${shown} lies in the vault ${folder} itself`, {
    hint: 'Name the folder of a project, or another vault.',
  })
}

/** The branch and commit, when the project is a git repository that can be asked. */
async function gitState(path: string, { env, signal }: Host): Promise<GitState | undefined> {
  let above = path
  while (!existsSync(join(above, '.git'))) {
    if (above === dirname(above)) return undefined
    above = dirname(above)
  }
  try {
    const repository = await openRepository(path, { env, signal })
    return repository && { branch: repository.branch, commit: repository.commit }
  } catch (error) {
    if (isArcError(error) && error.code.startsWith('ARC_GIT_')) return undefined // a snapshot needs no git
    throw error
  }
}

function withGit(source: CollectedSource, git: GitState | undefined): EntrySource {
  return derivedSource(source, {
    name: basename(source.name),
    git,
    ...(source.table && { table: (options) => source.table?.(options) ?? Promise.reject(new TypeError('no table')) }),
  })
}
