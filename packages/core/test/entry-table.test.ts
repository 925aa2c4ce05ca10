import { bytesContent, type Entry, type EntryPath, type Stamp } from '@arc/core'
import { EntryTable, LocalContent, localRoot, nodeFileSystem } from '@arc/core/node'
import { expect, test } from 'vitest'

const AT = localRoot(nodeFileSystem, '/project', false)
const STAMP: Stamp = { device: 1n, inode: 2n, mtimeNs: 3n, ctimeNs: 4n }

function local(path: string, change: Partial<Entry> = {}): Entry {
  return {
    path: path as EntryPath,
    type: 'file',
    mode: 0o644,
    sizeBytes: 5,
    mtimeNs: STAMP.mtimeNs,
    target: undefined,
    hardLink: undefined,
    stamp: STAMP,
    sha256: undefined,
    content: new LocalContent(AT, path as EntryPath, 5),
    ...change,
  }
}

const FOLDER: Entry = { path: 'd' as EntryPath, type: 'directory', mode: 0o755, sizeBytes: 0, mtimeNs: 9n }
const LINK: Entry = {
  path: 'l\udcff' as EntryPath,
  type: 'symlink',
  mode: 0o777,
  sizeBytes: 1,
  target: 'a' as EntryPath,
}
const ENTRIES: readonly Entry[] = [
  local('a'),
  local('b', { mode: 0o7755, mtimeNs: -1n, stamp: { ...STAMP, mtimeNs: -1n, inode: 2n ** 63n - 1n } }),
  FOLDER,
  local('hard', { hardLink: '1:2' }),
  LINK,
]

function tableOf(entries: Iterable<Entry>): EntryTable {
  const table = new EntryTable()
  for (const entry of entries) table.add(entry)
  return table
}

test('entries come back as they were added, more of them than fit at first', () => {
  const memory: Entry = {
    path: 'm' as EntryPath,
    type: 'file',
    mode: 0o600,
    sizeBytes: 1,
    content: bytesContent(Buffer.of(1)),
  }
  const list = [...ENTRIES, memory, local('unstamped', { stamp: undefined })]
  list.push(
    ...Array.from({ length: 3000 }, (_, i) =>
      local(`x${i}`, { sizeBytes: i, content: new LocalContent(AT, `x${i}` as EntryPath, i) }),
    ),
  )
  const table = tableOf(list)
  expect(table.rowCount).toBe(list.length)
  expect([...table.batches(1000)].flat()).toEqual(list)
  const columns = list.map((_, row) => [table.path(row), table.type(row), table.mode(row), table.sizeBytes(row)])
  expect(columns).toEqual(list.map(({ path, type, mode, sizeBytes }) => [path, type, mode, sizeBytes]))
})

test('the digest is that of everything known, but for the times of folders', () => {
  const digest = (row: number, change: Partial<Entry>, times = false): string | undefined =>
    tableOf(ENTRIES.map((entry, i) => (i === row ? { ...entry, ...change } : entry))).digestHex({ times })
  const same = digest(-1, {})
  expect(same).toMatch(/^[0-9a-f]{64}$/)
  const touched = { ...STAMP, ctimeNs: 5n }
  const digests = [
    same,
    digest(0, { path: 'A' as EntryPath }),
    digest(0, { mode: 0o600 }),
    digest(0, { sizeBytes: 6 }),
    digest(0, { mtimeNs: 4n }),
    digest(0, { stamp: touched }),
    digest(0, { hardLink: '1:2' }),
    digest(2, { mode: 0o700 }),
    digest(3, { hardLink: '1:3' }),
    digest(3, { stamp: touched }),
    digest(4, { target: 'b' as EntryPath }),
    digest(4, { path: 'l\udcfe' as EntryPath }),
    digest(2, {}, true),
    digest(2, { mtimeNs: 10n }, true),
    tableOf(ENTRIES.slice(1)).digestHex(),
    tableOf([...ENTRIES.slice(0, 2), ...ENTRIES.slice(3)]).digestHex(),
  ]
  expect(new Set(digests).size).toBe(digests.length)
  expect(digest(2, { mtimeNs: 10n })).toBe(same)
})

test('a file that may change unseen has no digest', () => {
  expect(tableOf([local('a', { stamp: undefined })]).digestHex()).toBeUndefined()
  expect(tableOf([local('a', { stamp: undefined, hardLink: '1:2' })]).digestHex()).toBeUndefined()
  expect(tableOf([]).digestHex()).toBeDefined()
})
