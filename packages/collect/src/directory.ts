import { nodeFileSystem, localRoot } from '@arc/core/node'
import { userExcludesFile } from '@arc/git'
import { FolderMarkers } from './folder-markers.ts'
import { listedByGit } from './git-listing.ts'
import { IGNORE_FILES } from './ignore-files.ts'
import { LocalAttributes } from './local-attributes.ts'
import { stampLimits } from './local-entry.ts'
import type { CollectedSource, DirectoryOptions } from './options.ts'
import { OwnOutput } from './own-output.ts'
import { realRoot, rootName, shortestPath } from './root.ts'
import { Selection } from './selection.ts'
import { createSource } from './source.ts'
import { type Walk, walk } from './walk.ts'

/**
 * Everything below a folder that no ignore rule keeps out, folders included, read from disk, without git unless `listedByGit`
 * says so. Folders named `.git` are never entered unless `gitFolders` says so.
 *
 * Throws `ARC_GLOB_INVALID` and `ARC_OPTION_INVALID` about the filters and `ARC_ATTRIBUTES_UNAVAILABLE` before it reads
 * anything, then `ARC_NOT_FOUND` and `ARC_NOT_A_DIRECTORY` about the root. Trouble with a single path becomes an omission.
 */
export async function openDirectory(root: string, options: DirectoryOptions = {}): Promise<CollectedSource> {
  const selection = new Selection(options)
  const attributes = new LocalAttributes(options)
  const fs = options.fs ?? nodeFileSystem
  const real = realRoot(fs, root)
  const { env, signal } = options
  const listing = options.listedByGit === true ? await listedByGit(real, { env, signal }) : undefined
  const ignoreRules = listing === undefined && (options.ignoreRules ?? true)
  const userExcludes = ignoreRules ? await userExcludesFile(real, { env, signal }) : undefined
  const followSymlinks = options.followSymlinks ?? false
  const at = localRoot(fs, shortestPath(real, options.workingDirectory), followSymlinks)
  let last: Walk | undefined
  return createSource({
    kind: 'directory',
    name: rootName(real),
    rootMode: fs.statSync(real).mode & 0o7777,
    selection,
    signal,
    complete: attributes.hasXattrs
      ? (batch, omissions) => attributes.complete(at, followSymlinks, batch, omissions)
      : undefined,
    list() {
      last = {
        at,
        selection,
        ownOutput: new OwnOutput(fs, real, options.omitPaths),
        stampLimits: stampLimits((options.now ?? Date.now)()),
        attributes,
        followSymlinks,
        ignoreRules,
        listing,
        gitFolders: options.gitFolders ?? false,
        userExcludes,
        ignoreFiles: [...(ignoreRules ? IGNORE_FILES : []), ...(options.ignoreFiles ?? [])],
        device: options.oneFileSystem === true ? fs.statSync(real, { bigint: true }).dev : undefined,
        markers: new FolderMarkers(options),
        ignoredCount: 0,
      }
      return walk(last)
    },
    ignoredCount: () => last?.ignoredCount ?? 0,
  })
}
