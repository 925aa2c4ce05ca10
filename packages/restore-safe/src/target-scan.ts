import { comparePaths, decodePath, type Entry, type EntryPath, printablePath } from '@arc/core'
import { type FileSystem, isSparseFile, localPath, startSha256 } from '@arc/core/node'
import type { AttributeRules } from './attribute-rules.ts'
import { attemptRead } from './attempt.ts'
import { localContent } from './local-content.ts'
import { findMount } from './mounts.ts'
import { withXattrs } from './scan-attributes.ts'
import { mountedInside } from './target.ts'

/** The tree that is at the target. */
export interface TargetScan {
  /** In byte order of path. */
  readonly entries: readonly Entry[]
  /** Sockets, pipes and devices. */
  readonly specials: readonly EntryPath[]
  /** Changes whenever a path, kind, mode, size, modification time or inode does. */
  readonly fingerprint: string
}

interface Found {
  readonly path: EntryPath
  readonly line: string
  readonly entry: Entry | undefined
}

/** List everything below `root`; opens no file, follows no link. Refuses a tree with something mounted in it. */
export function scanTarget(root: string, fs: FileSystem, rules: AttributeRules = {}): TargetScan {
  const mount = findMount([root], fs)
  if (mount !== undefined) throw mountedInside(root, mount)
  const device = attemptRead('look at', root, () => fs.lstatSync(root, { bigint: true })).dev
  const paths: Found[] = []
  const folders: EntryPath[] = ['' as EntryPath]
  for (let next = folders.pop(); next !== undefined; next = folders.pop()) {
    for (const path of childPaths(root, next, fs)) {
      const one = look(root, path, device, fs, rules)
      paths.push(one)
      if (one.entry?.type === 'directory') folders.push(path)
    }
  }
  paths.sort((a, b) => comparePaths(a.path, b.path))
  const found = withXattrs(root, paths, rules)
  const hash = startSha256()
  for (const { path, line } of found) hash.update(Buffer.from(`${JSON.stringify(path)} ${line}\n`))
  return {
    entries: found.flatMap(({ entry }) => entry ?? []),
    specials: found.flatMap(({ path, entry }) => (entry === undefined ? path : [])),
    fingerprint: hash.digestHex(),
  }
}

function childPaths(root: string, folder: EntryPath, fs: FileSystem): EntryPath[] {
  const at = folder === '' ? root : localPath(root, folder)
  const names = attemptRead('list', printablePath(folder), () => fs.readdirSync(at, { encoding: 'buffer' }))
  return names.map((name) => (folder === '' ? decodePath(name) : (`${folder}/${decodePath(name)}` as EntryPath)))
}

function look(root: string, path: EntryPath, device: bigint, fs: FileSystem, { owners }: AttributeRules): Found {
  const at = localPath(root, path)
  const stat = attemptRead('look at', path, () => fs.lstatSync(at, { bigint: true }))
  // Files of an overlay have the device of the layer that they come from.
  if (stat.isDirectory() && stat.dev !== device) throw mountedInside(root, `${root}/${path}`)
  const owner = owners === true ? { uid: Number(stat.uid), gid: Number(stat.gid) } : undefined
  const whose = owner === undefined ? '' : ` ${owner.uid}:${owner.gid}`
  const line = `${stat.mode} ${stat.size} ${stat.mtimeNs} ${stat.ino}${whose}`
  const mode = Number(stat.mode) & 0o7777
  const facts = { path, mode, mtimeNs: stat.mtimeNs, ...(owner && { attributes: { owner } }) }
  if (stat.isDirectory()) return { path, line, entry: { ...facts, type: 'directory', sizeBytes: 0 } }
  if (stat.isSymbolicLink()) {
    const target = decodePath(attemptRead('read', path, () => fs.readlinkSync(at, { encoding: 'buffer' })))
    return {
      path,
      line: `${line} ${JSON.stringify(target)}`,
      entry: { ...facts, type: 'symlink', sizeBytes: Number(stat.size), target },
    }
  }
  if (!stat.isFile()) return { path, line, entry: undefined }
  const hardLink = stat.nlink > 1n ? `target ${stat.ino}` : undefined
  const content = localContent(root, path, fs)
  const entry = { ...facts, type: 'file' as const, sizeBytes: Number(stat.size), content, hardLink }
  if (!isSparseFile(stat)) return { path, line, entry }
  return { path, line, entry: { ...entry, attributes: { ...facts.attributes, isSparse: true } } }
}
