import { ArcError, decodePath, DEFAULT_LIMITS, encodePath, type Entry, type EntryPath, type Omission } from '@arc/core'
import { nodeFileSystem } from '@arc/core/node'
import { type Blob, BlobReader, listTree, openRepository, type Repository, type TreeItem } from '@arc/git'
import type { CollectedSource, RevisionOptions } from './options.ts'
import { OwnOutput } from './own-output.ts'
import { rootName } from './root.ts'
import { filtered, Selection } from './selection.ts'
import { createSource } from './source.ts'

/**
 * The tree of a commit, at and below `root`, without checking it out: files, executables, symlinks and submodules as git
 * stores them. Folders are not listed, for git has none.
 *
 * Throws `ARC_GLOB_INVALID` and `ARC_OPTION_INVALID` before it reads anything, `ARC_NOT_A_REPOSITORY` outside git,
 * `ARC_GIT_REVISION_UNKNOWN` when `revision` names no commit.
 */
export async function openRevision(
  root: string,
  revision: string,
  options: RevisionOptions = {},
): Promise<CollectedSource> {
  const selection = new Selection(options)
  const git = { env: options.env, signal: options.signal }
  const repository = await openRepository(root, git)
  if (repository === undefined) {
    throw new ArcError('ARC_NOT_A_REPOSITORY', `${root} is in no git repository, so it has no revision ${revision}`, {
      path: root,
      hint: 'Name a folder inside a repository, or leave the revision out.',
    })
  }
  const { commit, branch, items } = await listTree(repository, revision, git)
  const ownOutput = new OwnOutput(nodeFileSystem, repository.root, options.omitPaths)
  const blobs = items.map(({ objectId, sizeBytes }) => ({ objectId, sizeBytes: sizeBytes ?? 0 }))
  const reader = new RevisionReader(repository, blobs, options.signal)
  return createSource({
    kind: 'revision',
    name: rootName(repository.root),
    git: { branch, commit, dirty: false },
    selection,
    signal: options.signal,
    async *list() {
      for (const [index, item] of items.entries()) {
        const found = await treeEntry(item, index, { selection, ownOutput, reader })
        if ('reason' in found && found.reason === 'submodule')
          yield { path: item.path, type: 'directory', mode: 0o755, sizeBytes: 0 }
        yield found
      }
    },
    close: () => reader.close(),
  })
}

/** Symlinks are read while files are: one git process for each, so that neither disturbs what the other has ahead. */
class RevisionReader {
  readonly files: BlobReader
  readonly links: BlobReader

  constructor(repository: Repository, blobs: readonly Blob[], signal: AbortSignal | undefined) {
    this.files = new BlobReader(repository, blobs, { signal })
    this.links = new BlobReader(repository, blobs, { signal, ahead: false })
  }

  async close(): Promise<void> {
    await Promise.all([this.files[Symbol.asyncDispose](), this.links[Symbol.asyncDispose]()])
  }
}

interface TreeContext {
  readonly selection: Selection
  readonly ownOutput: OwnOutput
  readonly reader: RevisionReader
}

async function treeEntry(
  item: TreeItem,
  index: number,
  { selection, ownOutput, reader }: TreeContext,
): Promise<Entry | Omission> {
  const { path, sizeBytes } = item
  const isSubmodule = item.mode === '160000'
  if (ownOutput.has(path)) return { path, reason: 'own-output' }
  const unwanted = selection.excludedBy(path, isSubmodule) ?? selection.unwantedPath(path, isSubmodule)
  if (unwanted !== undefined) return filtered(path, unwanted)
  if (isSubmodule) return { path, reason: 'submodule', detail: `commit ${item.objectId}` }
  if (sizeBytes === undefined)
    return { path, reason: 'unreadable', detail: `this repository lacks object ${item.objectId}` }
  if (item.mode === '120000') {
    const target = decodePath(await joined(reader.links.read(index)))
    const problem = targetProblem(target)
    if (problem !== undefined) return { path, reason: 'unreadable', detail: problem }
    return { path, type: 'symlink', mode: 0o777, sizeBytes, target }
  }
  const mode = item.mode === '100755' ? 0o755 : 0o644
  return { path, type: 'file', mode, sizeBytes, content: { kind: 'stream', stream: () => reader.files.read(index) } }
}

async function joined(pieces: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  for await (const piece of pieces) parts.push(piece)
  return Buffer.concat(parts)
}

/** git stores any bytes as a symlink's target; no file system takes these. */
function targetProblem(target: EntryPath): string | undefined {
  if (target === '') return 'a symlink without a target'
  if (target.includes('\0')) return 'a symlink whose target holds a NUL'
  const { maxTargetBytes } = DEFAULT_LIMITS
  return encodePath(target).length > maxTargetBytes
    ? `a symlink whose target is longer than ${maxTargetBytes} bytes`
    : undefined
}
