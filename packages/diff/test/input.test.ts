// What is no content is refused: it might compare as equal.
import { expect, test } from 'vitest'
import {
  diffCsv,
  diffImages,
  diffJson,
  diffJsonValues,
  diffText,
  diffWords,
  formatContext,
  formatHtml,
  formatUnified,
} from '../src/index.ts'

const refused = { code: 'ARC_DIFF_INPUT_INVALID' }
const wrong: readonly unknown[] = [undefined, null, 1, {}, [1]]

test.each(wrong.map((value) => [value]))('%o is neither text nor bytes', async (value) => {
  const given = value as string & Uint8Array
  for (const compare of [diffText, diffWords, diffJson]) {
    expect(() => compare(given, 'a')).toThrow(expect.objectContaining(refused))
    expect(() => compare('{}', given)).toThrow(expect.objectContaining(refused))
  }
  await expect(diffCsv(given, 'a')).rejects.toMatchObject(refused)
  await expect(diffImages(given, given)).rejects.toMatchObject(refused)
})

test('values that JSON cannot say are refused, however deep', () => {
  class Point {
    x = 1
  }
  for (const value of [new Date(0), new Map([[1, 2]]), new Set([1]), new Point(), 5n, NaN, undefined, () => 1])
    expect(() => diffJsonValues({ a: [value] }, { a: [value] })).toThrow(expect.objectContaining(refused))
  const bare = Object.assign(Object.create(null) as object, { a: 1 })
  expect(diffJsonValues(bare, { a: 1 }).equal).toBe(true)
})

test('contextLines is a number of lines', () => {
  const diff = diffText('a\nb\n', 'a\nc\n')
  for (const format of [formatUnified, formatContext, formatHtml]) {
    for (const contextLines of [NaN, -1, '2' as unknown as number])
      expect(() => format(diff, { before: 'f', after: 'f', contextLines })).toThrow(
        expect.objectContaining({ code: 'ARC_OPTION_INVALID' }),
      )
    expect(format(diff, { before: 'f', after: 'f', contextLines: 0 })).not.toBe('')
  }
})

test('an empty side of CSV is an empty table, whatever the key', async () => {
  const rows = 'id,a\n1,2\n'
  const [grown, shrunk] = [await diffCsv('', rows, { key: 'id' }), await diffCsv(rows, '', { key: ['id'] })]
  expect(grown).toMatchObject({ equal: false, added: [{ row: 1, cells: ['1', '2'] }], removed: [] })
  expect(shrunk).toMatchObject({ equal: false, added: [], removed: [{ row: 1, cells: ['1', '2'] }] })
  expect((await diffCsv('', '', { key: 'id' })).equal).toBe(true)
  await expect(diffCsv('', rows, { key: 'none' })).rejects.toMatchObject(refused)
})

test('a byte order mark says nothing', () => {
  expect(diffJson('\ufeff{"a":1}', Buffer.from('\ufeff{"a":1}')).equal).toBe(true)
})
