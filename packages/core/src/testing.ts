// Helpers for the tests of every package: real trees on a real disk, and a file system that counts, fails and tears.
import fs from 'node:fs'
import { join } from 'node:path'
import type { Entry } from './entry.ts'
import { comparePaths, decodePath, type EntryPath } from './entry-path.ts'
import { type FileSystem, localPath, nodeFileSystem } from './file-system.ts'
import { sha256Hex } from './hash.ts'
import { bytesContent } from './memory-source.ts'

/** One path of a tree, comparable with `toEqual`. */
export interface TreeRow {
  path: EntryPath
  type: string
  mode: number
  sha256?: string
  target?: EntryPath
}

/** Everything below `root` that a dump must keep, in byte order of path. Reads with plain Node calls, not with Arc. */
export function readTree(root: string): TreeRow[] {
  const rows: TreeRow[] = []
  const visit = (folder: string): void => {
    for (const name of fs.readdirSync(localPath(root, folder as EntryPath), { encoding: 'buffer' })) {
      const path = decodePath(
        folder === '' ? name : Buffer.concat([Buffer.from(folderBytes(folder)), Buffer.from('/'), name]),
      )
      rows.push(treeRow(root, path))
      if (rows.at(-1)?.type === 'directory') visit(path)
    }
  }
  const folderBytes = (folder: string): Uint8Array => {
    const at = localPath('', folder as EntryPath)
    return typeof at === 'string' ? Buffer.from(at.slice(1)) : at.subarray(1)
  }
  visit('')
  return rows.sort((a, b) => comparePaths(a.path, b.path))
}

function treeRow(root: string, path: EntryPath): TreeRow {
  const at = localPath(root, path)
  const stat = fs.lstatSync(at)
  const mode = stat.mode & 0o7777
  if (stat.isDirectory()) return { path, type: 'directory', mode }
  if (stat.isSymbolicLink())
    return { path, type: 'symlink', mode, target: decodePath(fs.readlinkSync(at, { encoding: 'buffer' })) }
  if (stat.isFile()) return { path, type: 'file', mode, sha256: sha256Hex(fs.readFileSync(at)) }
  return { path, type: 'special', mode }
}

/** Create `entries` below `root`, which must exist; folders that no entry names are made as needed. */
export function writeTree(root: string, entries: Iterable<Entry>): void {
  const directories: Entry[] = []
  for (const entry of entries) {
    const at = localPath(root, entry.path)
    fs.mkdirSync(localPath(root, parentOf(entry.path)), { recursive: true })
    if (entry.type === 'symlink') fs.symlinkSync(linkText(entry.target as EntryPath), at)
    else if (entry.type === 'directory') {
      fs.mkdirSync(at, { recursive: true })
      directories.push(entry)
    } else {
      fs.writeFileSync(at, contentBytes(entry))
      fs.chmodSync(at, entry.mode)
    }
  }
  for (const entry of directories.reverse()) fs.chmodSync(localPath(root, entry.path), entry.mode)
}

function parentOf(path: EntryPath): EntryPath {
  return path.slice(0, Math.max(0, path.lastIndexOf('/'))) as EntryPath
}

function linkText(target: EntryPath): string | Buffer {
  const at = localPath('', target)
  return typeof at === 'string' ? at.slice(1) : at.subarray(1)
}

/** The whole content of an in-memory or local entry. */
export function contentBytes(entry: Entry): Buffer {
  if (entry.content?.kind !== 'sync') throw new TypeError(`${entry.path} has no content at hand`)
  const reader = entry.content.open()
  const bytes = Buffer.alloc(entry.sizeBytes)
  try {
    reader.read(bytes)
  } finally {
    reader.close()
  }
  return bytes
}

/** An in-memory file entry. */
export function fileEntry(path: string | Uint8Array, content: string | Uint8Array, mode = 0o644): Entry {
  const bytes = typeof content === 'string' ? Buffer.from(content) : content
  const entryPath = typeof path === 'string' ? (path as EntryPath) : decodePath(path)
  return { path: entryPath, type: 'file', mode, sizeBytes: bytes.length, content: bytesContent(bytes) }
}

/** One call that went through {@link watchedFileSystem}. */
export interface FileSystemCall {
  name: keyof FileSystem
  /** Counts from 1 over all calls. */
  number: number
  args: readonly unknown[]
}

/** A file system that shows each call to `before`, which may throw (`failure('ENOSPC')`) or end the process. */
export function watchedFileSystem(
  before: (call: FileSystemCall) => void,
  real: FileSystem = nodeFileSystem,
): FileSystem {
  let number = 0
  return new Proxy(real, {
    get(target, name: keyof FileSystem) {
      const call = target[name] as (...args: unknown[]) => unknown
      // What spreads the file system meets Node's constants as well.
      if (typeof call !== 'function') return call
      return (...args: unknown[]) => {
        before({ name, number: ++number, args })
        return Reflect.apply(call, target, args)
      }
    },
  })
}

/** The error Node throws for a failed system call. */
export function failure(code: string, syscall = 'injected'): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}: injected failure, ${syscall}`), { code, syscall, errno: -1 })
}

/** A fresh folder, removed when disposed. */
export function temporaryFolder(): Disposable & { path: string } {
  const path = fs.mkdtempSync(join(process.env['ARC_TEST_TMP'] ?? '/tmp', 'arc-test-'))
  return {
    path,
    [Symbol.dispose]: () => {
      makeRemovable(path)
      fs.rmSync(path, { recursive: true, force: true })
    },
  }
}

function makeRemovable(root: string): void {
  for (const row of readTree(root)) if (row.type === 'directory') fs.chmodSync(localPath(root, row.path), 0o700)
}
