import type { EntrySource, EntryType } from '@arc/core'
import type { FileSystem } from '@arc/core/node'
import type { Environment } from '@arc/git'

/** Which entries of a root are wanted. All filters must agree; what they leave out becomes an omission with its reason. */
export interface SelectionOptions {
  /** Globs (see `parseGlob`); when there are any, an entry must match one of them or lie below a folder that does. */
  include?: readonly string[] | undefined
  /** Globs; what matches one, and everything below it, is left out. Wins over `include`. */
  exclude?: readonly string[] | undefined
  /** The entry's path must match. */
  match?: RegExp | undefined
  /** A file's text must hold a line that matches, as for ripgrep; what is binary or no file is left out. */
  contentMatch?: RegExp | undefined
  /** No line of a file's text may match; what is binary or no file is left out. */
  contentNotMatch?: RegExp | undefined
  /** Leave out files with more bytes. */
  maxSizeBytes?: number | undefined
  /** Files and symlinks modified after this moment (nanoseconds since 1970 when a bigint); folders are left out. */
  newerThan?: Date | bigint | undefined
  /** Files and symlinks modified before this moment (nanoseconds since 1970 when a bigint); folders are left out. */
  olderThan?: Date | bigint | undefined
  /** The types wanted; default all. */
  types?: readonly EntryType[] | undefined
  /** Absolute paths of what the caller itself writes: never part of what it reads. */
  omitPaths?: readonly string[] | undefined
  /** Stops the work; the error thrown is its `reason`. */
  signal?: AbortSignal | undefined
}

/** What every source that reads a disk takes. */
export interface LocalOptions extends SelectionOptions {
  /** Give what a symlink leads to instead of the symlink; default false. A dangling one stays a symlink. */
  followSymlinks?: boolean | undefined
  /** Tell whom each entry belongs to; default false. `ARC_ATTRIBUTES_UNAVAILABLE` where files have no owners. */
  owners?: boolean | undefined
  /**
   * Give the extended attributes of each entry, access lists included; default false. They are read by the program getfattr,
   * on Linux: `ARC_ATTRIBUTES_UNAVAILABLE` without it.
   */
  xattrs?: boolean | undefined
  /**
   * The folder this process is in and stays in until everything was read: what lies below it is opened by relative paths, which
   * cost the system less to follow. Default none, for who calls `process.chdir` as he likes.
   */
  workingDirectory?: string | undefined
  /** System calls; default the real ones. */
  fs?: FileSystem | undefined
  /** Milliseconds since 1970, to tell which timestamps are too young to trust; default `Date.now`. */
  now?: (() => number) | undefined
  /** Environment for git, and for finding the user's ignore file; default this process's. */
  env?: Environment | undefined
}

export interface DirectoryOptions extends LocalOptions {
  /** Obey `.gitignore`, `.arcignore`, `.git/info/exclude` and the user's own git ignore file; default true. */
  ignoreRules?: boolean | undefined
  /**
   * In a git work tree give what git lists, `git ls-files -co --exclude-standard`, and the folders on the way: tracked files that a
   * rule names are in, empty folders are not. {@link ignoreRules} then say nothing; outside a work tree, without git, and in a
   * folder that git ignores whole, only they do. Repositories in it are asked for themselves. Default false.
   */
  listedByGit?: boolean | undefined
  /** Read folders named `.git` like any other; default false. With `ignoreRules: false` this is everything there is. */
  gitFolders?: boolean | undefined
  /** Names of further files of ignore rules to obey, the strongest last, also without `ignoreRules`; default none. */
  ignoreFiles?: readonly string[] | undefined
  /** Do not enter folders that lie on another file system than the root, such as mounted disks; default false. */
  oneFileSystem?: boolean | undefined
  /** Of a folder that holds a file of one of these names give only the folder and that file; default none. */
  excludeIfPresent?: readonly string[] | undefined
  /** The same for folders marked by a `CACHEDIR.TAG` with the signature of bford.info/cachedir; default false. */
  excludeCaches?: boolean | undefined
}

export interface WorkTreeOptions extends LocalOptions {
  /** Only what git tracks; default false: untracked files that no rule ignores are in, too. */
  tracked?: boolean | undefined
}

export interface RevisionOptions extends SelectionOptions {
  /** Environment for git; default this process's. */
  env?: Environment | undefined
}

export interface ProjectOptions extends DirectoryOptions, WorkTreeOptions {
  /** Read this commit instead of the files on disk. */
  revision?: string | undefined
  /** Let git say what belongs to the project when it knows the root; default true. */
  git?: boolean | undefined
}

/** A source that this package opened. */
export interface CollectedSource extends EntrySource {
  readonly kind: 'directory' | 'work-tree' | 'revision'
  readonly access: 'random'
  /** Paths that ignore rules kept out so far, a folder counting once; only a `directory` source knows. */
  readonly ignoredCount?: number | undefined
}
