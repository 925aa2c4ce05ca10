import { comparePaths, type EntryPath } from '@arc/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { diffTrees, type TreeItem } from '../src/index.ts'

const file = (path: string, sha256: string | undefined, more: Partial<TreeItem> = {}): TreeItem => ({
  path: path as EntryPath,
  type: 'file',
  mode: 0o644,
  sizeBytes: 10,
  sha256,
  ...more,
})

const paths = (items: readonly TreeItem[]): string[] => items.map(({ path }) => path)

test('added, removed, changed with reasons, renamed', () => {
  const before = [
    file('same', 'a'),
    file('edited', 'b'),
    file('run.sh', 'c'),
    file('old/name.ts', 'd'),
    file('gone', 'e'),
    file('was-file', 'f'),
    { ...file('link', undefined), type: 'symlink', target: 'x' as EntryPath },
  ] as const
  const after = [
    file('was-file', undefined, { type: 'directory', sizeBytes: 0 }),
    file('same', 'a', { mtimeNs: 5n }),
    file('edited', 'B'),
    file('run.sh', 'C', { mode: 0o755 }),
    file('new/name.ts', 'd', { mode: 0o600 }),
    file('fresh', 'g'),
    { ...file('link', undefined), type: 'symlink', target: 'y' as EntryPath, mode: 0o777 },
  ] as const
  const diff = diffTrees<TreeItem>(before, after)
  expect(paths(diff.added)).toEqual(['fresh'])
  expect(paths(diff.removed)).toEqual(['gone'])
  expect(diff.changed.map(({ after: item, reasons }) => [item.path, ...reasons])).toEqual([
    ['edited', 'content'],
    ['link', 'target'],
    ['run.sh', 'content', 'mode'],
    ['was-file', 'type'],
  ])
  expect(diff.renamed.map((change) => [change.before.path, change.after.path, change.reasons])).toEqual([
    ['old/name.ts', 'new/name.ts', ['mode']],
  ])
  expect(diff.unchangedCount).toBe(1)
  const timed = diffTrees<TreeItem>(before, after, { compareMtime: true, detectRenames: false })
  expect(timed.changed.find(({ after: item }) => item.path === 'same')?.reasons).toEqual(['mtime'])
  expect(timed.renamed).toEqual([])
  expect(paths(timed.removed)).toEqual(['gone', 'old/name.ts'])
})

describe('without hashes', () => {
  const [before, after] = [
    [file('a', undefined), file('b', undefined)],
    [file('a', undefined), file('b', undefined, { sizeBytes: 9 })],
  ]

  test('nothing is taken for equal or changed that is not known to be', () => {
    expect(diffTrees(before, after).changed.map(({ reasons }) => reasons)).toEqual([['unknown'], ['content']])
  })

  test('whoever can compare is asked, once for files of equal size', () => {
    const asked: string[] = []
    const sameContent = (item: TreeItem): boolean => asked.push(item.path) > 0
    expect(diffTrees(before, after, { sameContent }).changed.map(({ after: item }) => item.path)).toEqual(['b'])
    expect(asked).toEqual(['a'])
  })
})

test('of many equal files each is renamed once, where it can keeping its name; empty files never', () => {
  const before = [file('x/1', 'k'), file('x/2', 'k'), file('x/e', 'z', { sizeBytes: 0 })]
  const after = [file('y/2', 'k'), file('y/3', 'k'), file('y/4', 'k'), file('y/e', 'z', { sizeBytes: 0 })]
  const diff = diffTrees(before, after)
  expect(diff.renamed.map((change) => `${change.before.path} ${change.after.path}`)).toEqual(['x/2 y/2', 'x/1 y/3'])
  expect(paths(diff.added)).toEqual(['y/4', 'y/e'])
  expect(paths(diff.removed)).toEqual(['x/e'])
})

test('a path named twice is refused', () => {
  expect(() => diffTrees([file('a', 'x'), file('a', 'y')], [])).toThrow(
    expect.objectContaining({ code: 'ARC_ENTRY_DUPLICATE', path: 'a' }),
  )
})

test('applying the difference gives the other tree', () => {
  const item = fc.record({
    path: fc.constantFrom('a', 'b', 'c/d', 'c/e', 'caf\udce9', '日本').map((path) => path as EntryPath),
    type: fc.constantFrom('file' as const, 'directory' as const),
    mode: fc.constantFrom(0o644, 0o755),
    sizeBytes: fc.constantFrom(0, 10),
    sha256: fc.constantFrom('x', 'y', 'z'),
  })
  // Bytes of a file follow from its hash, as they do in truth.
  const tree = fc.uniqueArray(item, { selector: ({ path }) => path }).map((items) => {
    for (const found of items) if (found.type === 'directory') Object.assign(found, { sha256: '', sizeBytes: 0 })
    return items
  })
  fc.assert(
    fc.property(tree, tree, (before, after) => {
      const diff = diffTrees(before, after)
      const result = new Map(before.map((found) => [found.path, found]))
      for (const { path } of diff.removed) result.delete(path)
      for (const change of diff.renamed) result.delete(change.before.path)
      for (const change of [...diff.renamed, ...diff.changed]) result.set(change.after.path, change.after)
      for (const found of diff.added) result.set(found.path, found)
      const equalised = (items: Iterable<TreeItem>): TreeItem[] =>
        Array.from(items, (found) => (found.sizeBytes === 0 ? { ...found, sha256: '' } : found)).sort((a, b) =>
          comparePaths(a.path, b.path),
        )
      expect(equalised(result.values())).toEqual(equalised(after))
      const counted = diff.added.length + diff.changed.length + diff.renamed.length + diff.unchangedCount
      expect(counted).toBe(after.length)
    }),
    { numRuns: 1000 },
  )
})
