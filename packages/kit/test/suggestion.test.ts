import { expect, test } from 'vitest'
import { nearest } from '../src/suggestion.ts'

test.each([
  ['restroe', ['dump', 'restore', 'verify'], 'restore'],
  ['verfy', ['dump', 'restore', 'verify'], 'verify'],
  ['--tpc', ['--toc', '--to', '--json'], '--toc'],
  ['LIST', ['list', 'tree'], 'list'],
  ['comp', ['copy', 'completion'], 'completion'],
  ['src', ['dump', 'restore', 'cat'], undefined],
  ['x', ['ls'], undefined],
  ['', ['a'], undefined],
])('%s among %j', (word, candidates, expected) => {
  expect(nearest(word, candidates)).toBe(expected)
})
