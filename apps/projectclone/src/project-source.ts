import { existsSync, realpathSync } from 'node:fs'
import { hostname } from 'node:os'
import { basename, dirname, isAbsolute, join, relative, resolve } from 'node:path'
import { type CollectedSource, openDirectory } from '@arc/collect'
import { ArcError, derivedSource, type EntrySource, type GitState, isArcError, systemCallError } from '@arc/core'
import { openRepository } from '@arc/git'
import { flagOption, type Host, sizeOption, textOption, type Values } from '@arc/kit'
import { homePath, type VaultPlace } from '@arc/kit/vault'

const GROUP = 'What is left out'
const ATTRIBUTES = 'What is kept besides'
const COMPARED = 'What is compared besides, where the snapshot has it'
const IGNORE_FILE = '.projectcloneignore'

/** What of a project is left out. Without any of these, and without an ignore file, a snapshot holds everything there is. */
export const sourceOptions = {
  exclude: textOption('leave out what matches, and what lies below it', {
    placeholder: 'GLOB',
    repeatable: true,
    group: GROUP,
  }),
  gitignore: flagOption('leave out what git ignores', { group: GROUP }),
  ignoreFile: flagOption(`do not obey ${IGNORE_FILE} files`, { default: true, group: GROUP }),
  oneFileSystem: flagOption('do not enter other file systems, such as mounted disks', { group: GROUP }),
  excludeLargerThan: sizeOption('leave out larger files', { group: GROUP }),
  excludeIfPresent: textOption('of folders that hold a file of this name, keep only that file', {
    placeholder: 'NAME',
    complete: 'none',
    repeatable: true,
    group: GROUP,
  }),
  excludeCaches: flagOption('the same for folders with a CACHEDIR.TAG', { group: GROUP }),
  owners: flagOption('record whom everything belongs to', { group: ATTRIBUTES }),
  xattrs: flagOption('record extended attributes and access lists, on Linux', { group: ATTRIBUTES }),
}

/** The same for a comparison with what a snapshot has. */
export const comparisonOptions = {
  ...sourceOptions,
  owners: flagOption('whom everything belongs to', { group: COMPARED }),
  xattrs: flagOption('extended attributes and access lists, on Linux', { group: COMPARED }),
}

/** A project on this disk. */
export interface Project extends AsyncDisposable {
  readonly source: EntrySource
  /** Absolute, with links resolved: what snapshots of it are known by. */
  readonly path: string
  /** Of this machine. */
  readonly host: string
}

/** Open a folder as a project; the vault, if it lies inside, and our own cache are not part of it. */
export async function openProject(
  root: string,
  values: Values<typeof sourceOptions>,
  host: Host,
  place: VaultPlace,
): Promise<Project> {
  const path = realFolder(resolve(host.cwd, root), root)
  assertOutside(path, place, root)
  const collected = await openDirectory(path, {
    ignoreRules: values.gitignore,
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
    env: host.env,
    now: () => host.now(),
    signal: host.signal,
  })
  return {
    source: withGit(collected, await gitState(path, host)),
    path,
    host: hostname(),
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
