import { matchesGlob } from 'node:path'
import { ArcError, isArcError, printablePath, type ProgressListener } from '@arc/core'
import { assertNotAborted } from './abort.ts'
import { assertHas, assertOptions } from './arguments.ts'
import type { StorageNode } from './node.ts'
import type { CallOptions } from './store.ts'
import { baseName } from './storage-path.ts'

/** Which files that are at the target already need not be copied. */
export type SkipStrategy =
  | 'never'
  | 'exists'
  | 'size'
  | 'hash'
  | ((source: StorageNode, target: StorageNode) => boolean | Promise<boolean>)

export interface CopyOptions extends CallOptions {
  /** `exists`: whatever is there; `size`, `hash`: what is as long, or equal; a function decides itself. Default `never`. */
  skip?: SkipStrategy | undefined
  /** Globs of paths relative to the source, of a single file its name; without any, all. */
  include?: readonly string[] | undefined
  exclude?: readonly string[] | undefined
  filter?: ((node: StorageNode, relativePath: string) => boolean | Promise<boolean>) | undefined
  onProgress?: ProgressListener | undefined
  onFile?: ((source: StorageNode, target: StorageNode) => void) | undefined
  onSkip?: ((source: StorageNode, target: StorageNode) => void) | undefined
}

/** What a copy did. */
export interface CopyReport {
  readonly copiedFiles: number
  readonly copiedBytes: number
  readonly skippedFiles: number
  /** What could not be copied, and why: links that lead nowhere or out, special files. */
  readonly omissions: readonly { readonly path: string; readonly reason: string }[]
}

/** Copy a file, or a folder with all in it, with the facts that are noted of each. What is read is listed before anything is written. Throws `ARC_OPTION_INVALID` for a target within the source. */
export async function copyNode(
  source: StorageNode,
  target: StorageNode,
  options: CopyOptions = {},
): Promise<CopyReport> {
  assertHas(target, 'writeStream', 'node to copy to')
  assertOptions(options)
  checkOptions(options)
  const { pairs, folders, omissions } = await planCopy(source, target, options)
  const report = { copiedFiles: 0, copiedBytes: 0, skippedFiles: 0, omissions }
  for (const folder of folders) await folder.mkdir()
  for (const { from, to } of pairs) {
    assertNotAborted(options.signal)
    if (await isSkipped(from, to, options.skip ?? 'never')) {
      report.skippedFiles++
      options.onSkip?.(from, to)
      continue
    }
    const { signal } = options
    const metadata = await from.metadata({ signal })
    const { version } = await to.writeStream(from.stream(options), { signal, metadata, origin: 'copy' })
    report.copiedFiles++
    report.copiedBytes += version.sizeBytes
    options.onFile?.(from, to)
    const { copiedFiles: doneEntries, copiedBytes: doneBytes } = report
    options.onProgress?.({ phase: 'copying', doneEntries, doneBytes, totalEntries: pairs.length })
  }
  return report
}

/** Copy, compare by hash what arrived, and only then delete. Files that were skipped or left out stay. */
export async function moveNode(
  source: StorageNode,
  target: StorageNode,
  options: CopyOptions = {},
): Promise<CopyReport> {
  const { store, key } = await source.locate(options)
  store.assertPermits('delete', key)
  const moved: { from: StorageNode; to: StorageNode }[] = []
  const report = await copyNode(source, target, {
    ...options,
    onFile(from, to) {
      moved.push({ from, to })
      options.onFile?.(from, to)
    },
  })
  for (const { from, to } of moved) {
    const [before, after] = [await from.sha256(options), await to.sha256(options)]
    if (before !== after) {
      throw new ArcError(
        'ARC_HASH_MISMATCH',
        `${to.fullPath} did not become what ${from.fullPath} is; nothing was deleted`,
        {
          path: printablePath(to.fullPath),
        },
      )
    }
  }
  for (const { from } of moved) await from.delete(options)
  if (report.skippedFiles + report.omissions.length === 0 && (await source.isDirectory(options)))
    await deleteEmptyFolders(source)
  return report
}

async function deleteEmptyFolders(folder: StorageNode): Promise<void> {
  for (const child of await folder.children()) if (await child.isDirectory()) await deleteEmptyFolders(child)
  const { store, key } = await folder.locate()
  await store.removeFolder(key)
}

interface Pair {
  readonly from: StorageNode
  readonly to: StorageNode
}

async function planCopy(
  source: StorageNode,
  target: StorageNode,
  options: CopyOptions,
): Promise<{ pairs: Pair[]; folders: StorageNode[]; omissions: { path: string; reason: string }[] }> {
  const stat = await source.stat(options)
  if (stat === undefined) {
    throw new ArcError('ARC_OBJECT_NOT_FOUND', `there is nothing at ${printablePath(source.fullPath)}`, {
      path: printablePath(source.fullPath),
      hint: 'Check the spelling of the path.',
    })
  }
  await assertApart(source, target)
  if (stat.type === 'file') {
    const isWanted = await isChosen(source, source.name, options)
    return { pairs: isWanted ? [{ from: source, to: target }] : [], folders: [], omissions: [] }
  }
  const pairs: Pair[] = []
  const omissions: { path: string; reason: string }[] = []
  const { store, key } = await source.locate()
  const prefix = key === '' ? '' : `${key}/`
  for await (const batch of store.walk(prefix, options)) {
    for (const item of batch) {
      const path = item.key.slice(prefix.length)
      if (item.problem !== undefined) omissions.push({ path, reason: item.problem })
      else if (await isChosen(source.child(path), path, options))
        pairs.push({ from: source.child(path), to: target.child(path) })
    }
  }
  const isAll = options.include === undefined && options.exclude === undefined && options.filter === undefined
  return { pairs, folders: isAll ? await emptyFolders(source, target, options) : [], omissions }
}

/** Targets of the folders in which there is nothing: no file would bring them along. Only a disk has such. */
async function emptyFolders(source: StorageNode, target: StorageNode, options: CallOptions): Promise<StorageNode[]> {
  const { store, key } = await source.locate()
  if (store.localPath(key) === undefined) return []
  assertNotAborted(options.signal)
  const items = await store.list(key, options)
  if (items.length === 0) return [target]
  const found: StorageNode[] = []
  for (const { key: child, type } of items) {
    const name = baseName(child)
    if (type === 'directory') found.push(...(await emptyFolders(source.child(name), target.child(name), options)))
  }
  return found
}

const SKIPS: ReadonlySet<unknown> = new Set(['never', 'exists', 'size', 'hash', undefined])

/** A strategy or globs that nobody understands must not decide what is copied, or replaced. */
function checkOptions({ skip, include, exclude }: CopyOptions): void {
  const isGlobs = (globs: unknown): boolean =>
    globs === undefined || (Array.isArray(globs) && globs.every((glob) => typeof glob === 'string'))
  if (typeof skip !== 'function' && !SKIPS.has(skip))
    throw new ArcError('ARC_OPTION_INVALID', `${String(skip)} is no way to skip files`, {
      hint: 'There are never, exists, size, hash, and a function.',
    })
  if (!isGlobs(include) || !isGlobs(exclude))
    throw new ArcError('ARC_OPTION_INVALID', 'include and exclude are lists of globs', { hint: "Write ['*.md']." })
}

/** Two mounts may show the same place, wholly or in part. */
async function assertApart(source: StorageNode, target: StorageNode): Promise<void> {
  const [from, to] = [await placeOf(source), await placeOf(target)]
  if (to !== from && !to.startsWith(from.endsWith('/') ? from : `${from}/`)) return
  const shown = printablePath(source.fullPath)
  throw new ArcError('ARC_OPTION_INVALID', `${shown} cannot be copied into itself, which ${target.fullPath} is`, {
    hint: 'Choose another target.',
  })
}

/** Names where a node is kept, whatever its mount is called. */
async function placeOf(node: StorageNode): Promise<string> {
  const { store, key } = await node.locate()
  return store.localPath(key) ?? `${store.location}/${key}`
}

async function isChosen(node: StorageNode, path: string, { include, exclude, filter }: CopyOptions): Promise<boolean> {
  const matches = (globs: readonly string[]): boolean => globs.some((glob) => matchesGlob(path, glob))
  if (include !== undefined && !matches(include)) return false
  if (exclude !== undefined && matches(exclude)) return false
  return filter === undefined || filter(node, path)
}

async function isSkipped(from: StorageNode, to: StorageNode, skip: SkipStrategy): Promise<boolean> {
  if (skip === 'never') return false
  if (typeof skip === 'function') return skip(from, to)
  const there = await to.stat()
  if (there?.type !== 'file') return false
  if (skip === 'exists') return true
  const here = await from.stat()
  if (here?.sizeBytes !== there.sizeBytes) return false
  return skip === 'size' || (await hashOf(from)) === (await hashOf(to))
}

async function hashOf(node: StorageNode): Promise<string | undefined> {
  try {
    return await node.sha256()
  } catch (error) {
    if (isArcError(error) && error.code === 'ARC_OBJECT_NOT_FOUND') return undefined
    throw error
  }
}
