import { displayWidth, formatTable, truncateToWidth } from '@arc/kit'
import { expect, test } from 'vitest'

test('columns line up by what a terminal shows', () => {
  const columns = [{ header: 'Path' }, { header: 'Size', align: 'right' }, { header: 'Kind' }] as const
  const rows = [
    ['日本.md', '12 B', 'text'],
    ['e\u0301.md', '1.5 KiB', ''],
    ['\u001b[31mred\u001b[39m', '3 B', 'x'],
  ]
  expect(formatTable(columns, rows)).toBe(
    'Path        Size  Kind\n日本.md     12 B  text\ne\u0301.md     1.5 KiB\n\u001b[31mred\u001b[39m          3 B  x\n',
  )
})

test('a table without rows is its header', () => {
  expect(formatTable([{ header: 'A' }, { header: 'B' }], [])).toBe('A  B\n')
})

test.each([
  ['', 0],
  ['abc', 3],
  ['日本', 4],
  ['ｆ', 2],
  ['한', 2],
  ['é', 1],
  ['e\u0301', 1],
  ['\u200b', 0],
  ['👩‍👩‍👧', 2],
  ['🇨🇭', 2],
  ['❤\ufe0f', 2],
  ['©', 1],
  ['…', 1],
  ['\u001b[1mbold\u001b[22m', 4],
])('%j is %d wide', (text, width) => {
  expect(displayWidth(text)).toBe(width)
})

test('cutting never splits a character, nor exceeds the width', () => {
  expect(truncateToWidth('abcdef', 6)).toBe('abcdef')
  expect(truncateToWidth('abcdef', 4)).toBe('abc…')
  expect(truncateToWidth('日本語', 5)).toBe('日本…')
  expect(truncateToWidth('日本語', 4)).toBe('日…')
  expect(truncateToWidth('ae\u0301io', 3)).toBe('ae\u0301…')
  expect(truncateToWidth('abc', 0)).toBe('')
})
