import { createCipheriv, createHash } from 'node:crypto'
import type { Entry, EntryPath, EntrySource } from '@arc/core'
import { bytesContent, decodePath, memorySource, readContent } from '@arc/core'

/** Bytes that look random and are the same for the same seed. */
export function noise(seed: string, sizeBytes: number): Buffer {
  const key = createHash('sha256').update(seed).digest()
  return createCipheriv('aes-256-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(sizeBytes))
}

export interface FileOptions {
  mode?: number
  mtimeNs?: bigint
  hardLink?: string
  sha256?: string
}

const MTIME_NS = 1_700_000_000_123_456_789n

/** A file. */
export function file(path: string | Uint8Array, content: string | Uint8Array, options: FileOptions = {}): Entry {
  const bytes = typeof content === 'string' ? Buffer.from(content) : content
  return {
    path: pathOf(path),
    type: 'file',
    mode: options.mode ?? 0o644,
    sizeBytes: bytes.length,
    mtimeNs: options.mtimeNs ?? MTIME_NS,
    hardLink: options.hardLink,
    sha256: options.sha256,
    content: bytesContent(bytes),
  }
}

export function folder(path: string | Uint8Array, mode = 0o755): Entry {
  return { path: pathOf(path), type: 'directory', mode, sizeBytes: 0, mtimeNs: MTIME_NS }
}

export function symlink(path: string, target: string | Uint8Array): Entry {
  const own = pathOf(target)
  const sizeBytes = typeof target === 'string' ? Buffer.byteLength(target) : target.length
  return { path: pathOf(path), type: 'symlink', mode: 0o777, sizeBytes, mtimeNs: MTIME_NS, target: own }
}

function pathOf(path: string | Uint8Array): EntryPath {
  return typeof path === 'string' ? (path as EntryPath) : decodePath(path)
}

export function source(...entries: Entry[]): EntrySource {
  return memorySource('project', entries)
}

/** One entry, comparable with `toEqual`. */
export interface Row {
  path: string
  type: string
  mode: number
  mtimeNs: bigint | undefined
  target: string | undefined
  sha256: string | undefined
  sizeBytes: number
  attributes: Entry['attributes']
}

/** Everything a source gives, content read and hashed. */
export async function rowsOf(from: EntrySource): Promise<Row[]> {
  const rows: Row[] = []
  for await (const batch of from.entries()) {
    for (const { path, type, mode, mtimeNs, target, content, sizeBytes, attributes } of batch) {
      let sha256: string | undefined
      if (content !== undefined) {
        const hash = createHash('sha256')
        for await (const piece of readContent(content)) hash.update(piece)
        sha256 = hash.digest('hex')
      }
      rows.push({ path, type, mode, mtimeNs, target, sha256, sizeBytes, attributes })
    }
  }
  return rows
}

/** A tree of about everything that an entry can be. */
export function oddTree(): Entry[] {
  return [
    folder('a'),
    file('a-b', 'between a and its contents'),
    file('a/one', noise('one', 1000), { mode: 0o600 }),
    file('a/two', noise('two', 300_000), { mtimeNs: -1n }),
    folder('a/deep'),
    folder('a/deep/er'),
    file('a/deep/er/x', 'x'),
    file('a/deep-er', 'y'),
    folder('empty', 0o700),
    file('zero', ''),
    file('run', '#!/bin/sh\n', { mode: 0o4755 }),
    file(Buffer.from([0x66, 0xff, 0xfe]), 'a name that is no text'),
    file('new\nline "quoted" \u202e', 'odd'),
    file('n'.repeat(255), 'long name'),
    symlink('link', 'a/one'),
    symlink('dangling', Buffer.from([0x2f, 0xff])),
    file('big', Buffer.concat([noise('big', 3_000_000), Buffer.alloc(3_000_000)])),
    file('hard-1', 'same inode', { hardLink: 'i' }),
    file('hard-2', 'same inode', { hardLink: 'i' }),
  ]
}
