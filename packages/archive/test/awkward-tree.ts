// A small tree with everything that archives find hard, on a real disk and as a source that reads it.
import fs from 'node:fs'
import { join } from 'node:path'
import { comparePaths, decodePath, type Entry, type EntryPath, type EntrySource, memorySource } from '@arc/core'
import { localPath } from '@arc/core/node'

export interface TreeOptions {
  /** A name that is no UTF-8; some programs cannot write it. */
  rawNames?: boolean
  hardLinks?: boolean
  /** A file larger than every buffer. */
  large?: boolean
}

/** Create the tree below `root`. */
export function writeAwkwardTree(
  root: string,
  { rawNames = true, hardLinks = true, large = true }: TreeOptions = {},
): void {
  const put = (path: string, content: string | Uint8Array = path, mode = 0o644): void => {
    fs.mkdirSync(join(root, path, '..'), { recursive: true })
    fs.writeFileSync(join(root, path), content)
    fs.chmodSync(join(root, path), mode)
  }
  put('plain.txt')
  put('empty', '')
  put('executable.sh', '#!/bin/sh\n', 0o755)
  put('secret', 'x', 0o600)
  put('with space and \'quotes"')
  put('back\\slash:colon')
  put('..dots')
  put('...')
  put('ünïcödé/caf\u00e9')
  put('ünïcödé/cafe\u0301')
  put('\u{1F600}.txt')
  put('line\nbreak')
  put(`very-long/${'n'.repeat(255)}`)
  put(`${'long-directory-name/'.repeat(12)}file-with-a-name-that-does-not-fit-a-prefix.txt`)
  put('-rf')
  put('__proto__')
  put('block', new Uint8Array(512).fill(7))
  put(
    'binary',
    Uint8Array.from({ length: 70_000 }, (_, i) => (i * 7919) & 255),
  )
  if (large) put('large', Buffer.alloc(5_000_003, 'The quick brown fox. '))
  if (large) put('medium', Buffer.alloc(1_500_000, 'jumps over '))
  if (hardLinks) fs.linkSync(join(root, 'plain.txt'), join(root, 'z-hard-link'))
  if (rawNames) fs.writeFileSync(Buffer.concat([Buffer.from(`${root}/raw-`), Buffer.from([0xff, 0xfe])]), 'raw')
  fs.symlinkSync('plain.txt', join(root, 'link'))
  fs.symlinkSync('../outside/of it', join(root, 'link-out'))
  fs.symlinkSync('t'.repeat(200), join(root, 'link-long'))
  fs.symlinkSync('ünïcödé', join(root, 'link-ünïcödé'))
  fs.mkdirSync(join(root, 'empty-directory'), { mode: 0o700 })
  let second = 1_600_000_000
  for (const entry of listTree(root).reverse()) {
    const at = localPath(root, entry.path)
    // Whole seconds and a fraction in turn, so that both forms are written.
    if (entry.type === 'symlink') fs.lutimesSync(at, second, second)
    else fs.utimesSync(at, second, second + (second % 2 === 0 ? 0.25 : 0))
    second++
  }
}

/** Every entry below `root`, in byte order, with content that is read from disk. */
export function listTree(root: string): Entry[] {
  const entries: Entry[] = []
  const visit = (folder: EntryPath | ''): void => {
    for (const name of fs.readdirSync(localPath(root, folder as EntryPath), { encoding: 'buffer' })) {
      const path = (folder === '' ? decodePath(name) : `${folder}/${decodePath(name)}`) as EntryPath
      const entry = treeEntry(root, path)
      entries.push(entry)
      if (entry.type === 'directory') visit(path)
    }
  }
  visit('')
  return entries.sort((a, b) => comparePaths(a.path, b.path))
}

function treeEntry(root: string, path: EntryPath): Entry {
  const at = localPath(root, path)
  const stat = fs.lstatSync(at, { bigint: true })
  const common = { path, mode: Number(stat.mode & 0o7777n), mtimeNs: stat.mtimeNs }
  if (stat.isDirectory()) return { ...common, type: 'directory', sizeBytes: 0 }
  if (stat.isSymbolicLink()) {
    const target = fs.readlinkSync(at, { encoding: 'buffer' })
    return { ...common, type: 'symlink', sizeBytes: target.length, target: decodePath(target) }
  }
  return {
    ...common,
    type: 'file',
    sizeBytes: Number(stat.size),
    hardLink: stat.nlink > 1n ? `${stat.dev}:${stat.ino}` : undefined,
    content: { kind: 'sync', open: () => openFile(at) },
  }
}

function openFile(path: string | Buffer): { read(into: Uint8Array): number; close(): void } {
  const fd = fs.openSync(path, 'r')
  return { read: (into) => fs.readSync(fd, into, 0, into.length, null), close: () => fs.closeSync(fd) }
}

export function treeSource(root: string): EntrySource {
  return memorySource('tree', listTree(root))
}

/** A line for each path: type, mode, time, size, content hash or target; to compare trees by. */
export function describeTree(
  root: string,
  options: { times?: 'ns' | 's' | 'none'; linkModes?: boolean; links?: boolean } = {},
): string[] {
  const inodes = new Map<string, string>()
  return listTree(root).map((entry) => {
    const at = localPath(root, entry.path)
    const mode = entry.type === 'symlink' ? '' : entry.mode.toString(8)
    const ns = entry.mtimeNs as bigint
    const time =
      options.times === 'none' || entry.type === 'symlink' ? '' : options.times === 's' ? ns / 1_000_000_000n : ns
    const first = entry.hardLink === undefined ? entry.path : (inodes.get(entry.hardLink) ?? entry.path)
    if (entry.hardLink !== undefined) inodes.set(entry.hardLink, first)
    const content =
      entry.type === 'file' ? fs.readFileSync(at).toString('base64').slice(0, 200_000) : (entry.target ?? '')
    return [
      JSON.stringify(entry.path),
      entry.type,
      mode,
      time,
      entry.sizeBytes,
      content,
      options.links === false ? '' : first,
    ].join(' ')
  })
}
