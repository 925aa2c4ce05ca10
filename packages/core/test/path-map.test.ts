import fc from 'fast-check'
import { expect, test } from 'vitest'
import { PathMap } from '@arc/core'

const name = fc.stringMatching(/^[ab/-]{0,4}$/)
const rows = fc.array(fc.tuple(name, fc.integer()), { maxLength: 300 })

test('is a map, in whatever order paths come', () => {
  fc.assert(
    fc.property(rows, fc.boolean(), (unordered, isSorted) => {
      const added = isSorted ? unordered.toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)) : unordered
      const expected = new Map<string, number>()
      const found = new PathMap<number>()
      for (const [path, value] of added) {
        expect(found.has(path)).toBe(expected.has(path))
        expected.set(path, value)
        found.set(path, value)
        expect(found.get(path)).toBe(value)
      }
      expect(found.size).toBe(expected.size)
      for (const [path] of unordered) expect(found.get(path)).toBe(expected.get(path))
      for (const path of ['', 'a', 'b/', 'zz', '~']) {
        expect(found.get(path)).toBe(expected.get(path))
        expect(found.has(path)).toBe(expected.has(path))
      }
    }),
  )
})

test('stays a map when many paths come out of order', () => {
  const paths = Array.from({ length: 5000 }, (_, i) => `folder/${(i * 7919) % 5000}`)
  const found = new PathMap<number>()
  for (const [at, path] of paths.entries()) found.set(path, at)
  expect(found.size).toBe(5000)
  expect(paths.every((path, at) => found.get(path) === at)).toBe(true)
  found.set(paths[17] as string, -1)
  expect(found.get(paths[17] as string)).toBe(-1)
  expect(found.size).toBe(5000)
})
