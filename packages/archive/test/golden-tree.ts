// What the golden archives hold, and what a reader is to say of it.
import { type Entry, type EntryPath, encodePath, memorySource } from '@arc/core'
import { sha256Hex } from '@arc/core/node'
import { fileEntry } from '@arc/core/testing'

export const GOLDEN_FORMATS = ['tar.zst', 'zip'] as const

const DAY_NS = 86_400n * 1_000_000_000n
const text = (path: string, content: string | Uint8Array, mode = 0o644): Entry => ({
  ...fileEntry(path, content),
  mode,
  mtimeNs: 20_000n * DAY_NS,
})
const other = (path: string, rest: Pick<Entry, 'type' | 'sizeBytes'> & Partial<Entry>): Entry => ({
  path: path as EntryPath,
  mode: 0o755,
  mtimeNs: 20_000n * DAY_NS,
  ...rest,
})

/** Entries in byte order: all types, times before 1970 and between seconds, names of any bytes, more than one frame. */
export const GOLDEN_ENTRIES: readonly Entry[] = [
  text('empty', ''),
  other('folder', { type: 'directory', sizeBytes: 0, mode: 0o2750 }),
  text('folder/a.txt', 'a\n'),
  text('folder/aè', 'see below', 0o600),
  text('folder/aé', 'one byte of its last letter differs from the one before'),
  other('folder/deep', { type: 'directory', sizeBytes: 0 }),
  text(`folder/deep/${'n'.repeat(200)}`, 'long'),
  { ...text('large', Buffer.alloc(9_000_000, 'The quick brown fox. ')), mode: 0o444 },
  other('link', { type: 'symlink', sizeBytes: 12, target: 'folder/a.txt' as EntryPath, mode: 0o777 }),
  { ...text('not-utf8-\udcff', 'raw'), mtimeNs: 20_000n * DAY_NS + 123_456_789n },
  { ...text('old', 'before 1970'), mtimeNs: -1_500_000_000n },
  { ...text('run', '#!/bin/sh\n', 0o755), hardLink: 'one inode' },
  { ...text('second name of run', '#!/bin/sh\n', 0o755), hardLink: 'one inode' },
]

export const goldenSource = (): ReturnType<typeof memorySource> => memorySource('golden', GOLDEN_ENTRIES)

/** One line of JSON for an entry, as tools/read_archive.py prints it. */
export function goldenRow(entry: Entry, content: Uint8Array | undefined): string {
  const hex = (path: string): string => Buffer.from(encodePath(path as EntryPath)).toString('hex')
  return JSON.stringify({
    path: hex(entry.path),
    type: entry.type,
    mode: entry.mode,
    mtimeNs: String(entry.mtimeNs),
    size: entry.sizeBytes,
    ...(entry.target === undefined ? {} : { target: hex(entry.target) }),
    ...(content === undefined ? {} : { sha256: sha256Hex(content) }),
  })
}
