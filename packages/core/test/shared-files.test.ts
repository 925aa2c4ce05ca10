import { decodePath, type Entry, type EntryPath } from '@arc/core'
import { isSharable, LocalContent, localRoot, nodeFileSystem, SharedFileList } from '@arc/core/node'
import { fileEntry, watchedFileSystem } from '@arc/core/testing'
import { expect, test } from 'vitest'

const at = localRoot(nodeFileSystem, '/root', false)

function localFile(path: EntryPath, sizeBytes = 10, mode = 0o644): Entry & { readonly content: LocalContent } {
  return { path, type: 'file', mode, sizeBytes, content: new LocalContent(at, path, sizeBytes) }
}

test('a list that another thread sees has the same files', () => {
  const paths = [
    'a',
    'caf\u00e9',
    decodePath(Buffer.of(0x61, 0xff, 0x0a)),
    '\u{1f600}/b',
    'n'.repeat(250),
  ] as EntryPath[]
  const files = paths.map((path, i) => localFile(path, i * 2 ** 33, 0o7000 + i))
  const list = SharedFileList.of(files)
  if (list === undefined) throw new TypeError('no list')
  const seen = new SharedFileList(structuredClone(list.shared))
  expect(seen.shared.fileCount).toBe(files.length)
  for (const [i, { path, sizeBytes, mode }] of files.entries()) {
    const entry = seen.entry(i)
    expect(entry).toMatchObject({ path, type: 'file', sizeBytes, mode })
    expect(entry.content).toMatchObject({ path, at: { root: '/root', openFlags: at.openFlags } })
  }
})

test('tasks follow one another, cover all files, and are neither too many bytes nor too many files', () => {
  const sizes = [...Array.from({ length: 1000 }, () => 1), ...Array.from({ length: 20 }, () => 300_000), 9e9, 0]
  const list = SharedFileList.of(sizes.map((size, i) => localFile(`f${i}` as EntryPath, size)))
  if (list === undefined) throw new TypeError('no list')
  let next = 0
  for (let task = 0; task < list.taskCount; task++) {
    const { first, end } = list.task(task)
    expect(first).toBe(next)
    expect(end).toBeGreaterThan(first)
    expect(end - first).toBeLessThanOrEqual(256)
    next = end
  }
  expect(next).toBe(sizes.length)
  expect(list.taskCount).toBe(3 + 5 + 1 + 1)
})

test('no files are no list', () => {
  expect(SharedFileList.of([])).toBeUndefined()
})

test('only files of the real disk can be shared', () => {
  expect(isSharable(localFile('a' as EntryPath))).toBe(true)
  expect(isSharable(fileEntry('a', 'x'))).toBe(false)
  const watched = localRoot(
    watchedFileSystem(() => {}),
    '/root',
    false,
  )
  expect(isSharable({ ...localFile('a' as EntryPath), content: new LocalContent(watched, 'a' as EntryPath, 1) })).toBe(
    false,
  )
  expect(isSharable({ path: 'd' as EntryPath, type: 'directory', mode: 0o755, sizeBytes: 0 })).toBe(false)
})
