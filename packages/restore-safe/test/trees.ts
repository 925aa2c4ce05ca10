// Random and awkward trees, and what a restore must make of them.
import { comparePaths, decodePath, type Entry, type EntryPath } from '@arc/core'
import { sha256Hex } from '@arc/core/node'
import { contentBytes, fileEntry, type TreeRow } from '@arc/core/testing'
import fc from 'fast-check'

export function folderEntry(path: string, mode = 0o755): Entry {
  return { path: path as EntryPath, type: 'directory', mode, sizeBytes: 0 }
}

export function linkEntry(path: string, target: string): Entry {
  return {
    path: path as EntryPath,
    type: 'symlink',
    mode: 0o777,
    sizeBytes: Buffer.byteLength(target),
    target: target as EntryPath,
  }
}

/** A file that declares its hash, as dumps and archives do. */
export function hashedEntry(path: string, content: string | Uint8Array, mode = 0o644): Entry {
  const entry = fileEntry(path, content, mode)
  return { ...entry, sha256: sha256Hex(contentBytes(entry)) }
}

/** The tree these entries stand for, folders that only names tell of included. */
export function expectedTree(entries: Iterable<Entry>): TreeRow[] {
  const rows = new Map<EntryPath, TreeRow>()
  for (const entry of entries) {
    rows.set(entry.path, rowOf(entry))
    for (let at = parentOf(entry.path); at !== ''; at = parentOf(at)) {
      if (!rows.has(at)) rows.set(at, { path: at, type: 'directory', mode: 0o755 })
    }
  }
  return [...rows.values()].sort((a, b) => comparePaths(a.path, b.path))
}

function rowOf(entry: Entry): TreeRow {
  const { path, type, mode } = entry
  if (type === 'symlink') return { path, type, mode: 0o777, target: entry.target as EntryPath }
  return type === 'file'
    ? { path, type, mode: mode & 0o1777, sha256: sha256Hex(contentBytes(entry)) }
    : { path, type, mode: mode & 0o1777 }
}

function parentOf(path: EntryPath): EntryPath {
  return path.slice(0, Math.max(0, path.lastIndexOf('/'))) as EntryPath
}

const oddNames = [
  ' ',
  ' a ',
  '..foo',
  '...',
  'a\nb',
  'a\tb',
  '"',
  "'",
  '`',
  '\\',
  'a\\b',
  'a:b',
  '__proto__',
  'constructor',
  'con',
  'é',
  'e\u0301',
  'A',
  'a',
  '-rf',
  '*',
]
const name: fc.Arbitrary<string> = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom('a', 'b', 'c', 'd') },
  { weight: 2, arbitrary: fc.constantFrom(...oddNames) },
  {
    weight: 1,
    arbitrary: fc
      .uint8Array({ minLength: 1, maxLength: 12 })
      .map((bytes) => decodePath(bytes.map((byte) => (byte === 0 || byte === 47 ? 65 : byte)))),
  },
  { weight: 1, arbitrary: fc.constant('x'.repeat(250)) },
)
const safeName = name.filter((text) => text !== '.' && text !== '..')
const path = fc.array(safeName, { minLength: 1, maxLength: 5 }).map((names) => names.join('/') as EntryPath)
const content = fc.oneof(fc.uint8Array({ maxLength: 40 }), fc.constant(new Uint8Array(300_000).fill(7)))
// Only root can look at what it may not read.
const READABLE = process.getuid?.() === 0 ? 0 : 0o700
const mode = fc
  .oneof(
    { weight: 3, arbitrary: fc.constantFrom(0o644, 0o755, 0o600) },
    { weight: 1, arbitrary: fc.integer({ min: 0, max: 0o777 }) },
  )
  .map((bits) => bits | READABLE)
const linkTarget = fc.oneof(
  path as fc.Arbitrary<string>,
  fc.constantFrom('.', '..', '/', '/etc/passwd', '../../../../outside', 'a/../../b', './/a', 'nowhere', 'a/', 'x\ny'),
)

const entry: fc.Arbitrary<Entry> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc
      .tuple(path, content, mode)
      .map(([at, bytes, bits]) => Object.assign(fileEntry('x', bytes, bits), { path: at, sha256: sha256Hex(bytes) })),
  },
  { weight: 2, arbitrary: fc.tuple(path, mode).map(([at, bits]) => folderEntry(at, bits)) },
  { weight: 2, arbitrary: fc.tuple(path, linkTarget).map(([at, target]) => linkEntry(at, target)) },
)

/** Trees of which every entry can stand beside the others: no path twice, nothing below a file or a symlink. */
export const treeEntries: fc.Arbitrary<Entry[]> = fc.array(entry, { maxLength: 25 }).map(compatible)

function compatible(entries: readonly Entry[]): Entry[] {
  const leaves = new Set<string>()
  const folders = new Set<string>() // named by an entry or by a path below
  const declared = new Set<string>()
  return entries.filter(({ path: at, type }) => {
    const above: string[] = []
    for (let up = parentOf(at); up !== ''; up = parentOf(up)) above.push(up)
    const taken = declared.has(at) || (type !== 'directory' && folders.has(at))
    if (taken || above.some((up) => leaves.has(up))) return false
    for (const up of above) folders.add(up)
    if (type === 'directory') folders.add(at)
    else leaves.add(at)
    declared.add(at)
    return true
  })
}
