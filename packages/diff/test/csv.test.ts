import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type CsvDiff, diffCsv } from '../src/index.ts'

const INVALID = { code: 'ARC_DIFF_INPUT_INVALID' }

test('by key: rows that came, went and changed, cell by cell', async () => {
  const before = 'id,name,price\n1,apple,10\n2,pear,20\n3,plum,30\n'
  const after = 'price,id,name,unit\n10,1,apple,\n35,3,plum,kg\n5,4,fig,g\n'
  expect(await diffCsv(before, after, { key: 'id' })).toEqual(await diffCsv(before, after, { key: ['id'] }))
  expect(await diffCsv(before, after, { key: ['id'] })).toEqual({
    equal: false,
    coarse: false,
    addedColumns: ['unit'],
    removedColumns: [],
    added: [{ row: 3, cells: ['5', '4', 'fig', 'g'] }],
    removed: [{ row: 2, cells: ['2', 'pear', '20'] }],
    changed: [
      { key: ['1'], beforeRow: 1, afterRow: 1, cells: [{ column: 'unit', before: undefined, after: '' }] },
      {
        key: ['3'],
        beforeRow: 3,
        afterRow: 2,
        cells: [
          { column: 'price', before: '30', after: '35' },
          { column: 'unit', before: undefined, after: 'kg' },
        ],
      },
    ],
    unchangedCount: 0,
  })
})

test('without a key: rows in order', async () => {
  const before = 'a,b\n1,2\n3,4\n5,6\n'
  const diff = await diffCsv(before, 'a,b\n0,0\n1,2\n5,6\n')
  expect(diff.added).toEqual([{ row: 1, cells: ['0', '0'] }])
  expect(diff.removed).toEqual([{ row: 2, cells: ['3', '4'] }])
  expect(diff).toMatchObject({ equal: false, changed: [], unchangedCount: 2 })
  expect((await diffCsv(before, 'b,a\n2,1\n4,3\n6,5\n')).equal).toBe(true)
  expect((await diffCsv('1,2\n', '1,3\n', { header: false })).added).toEqual([{ row: 1, cells: ['1', '3'] }])
})

describe('spelling', () => {
  test.each([
    ['quotes', 'a,b\n"1","2"\n', 'a,b\n1,2\n'],
    ['CRLF and a byte order mark', '\ufeffa,b\r\n1,2\r\n', 'a,b\n1,2'],
    ['empty lines', 'a,b\n\n1,2\n\n', 'a,b\n1,2\n'],
  ])('%s do not count', async (_name, before, after) => {
    expect((await diffCsv(before, after)).equal).toBe(true)
  })

  test('line breaks and quotes in cells, other delimiters, short and long rows, titles twice', async () => {
    const diff = await diffCsv('a;a;\n"x\n""y""";1\n', 'a;a;\nz;1;2;3\n', { delimiter: ';', key: ['a (2)'] })
    expect(diff.addedColumns).toEqual(['4'])
    expect(diff.changed[0]?.cells).toEqual([
      { column: 'a', before: 'x\n"y"', after: 'z' },
      { column: '3', before: undefined, after: '2' },
      { column: '4', before: undefined, after: '3' },
    ])
  })
})

test('rows that share a key are paired in their order', async () => {
  const diff = await diffCsv('k,v\na,1\na,2\na,3\n', 'k,v\na,1\na,9\n', { key: ['k'] })
  expect(diff.changed.map(({ beforeRow, afterRow }) => [beforeRow, afterRow])).toEqual([[2, 2]])
  expect(diff.removed).toEqual([{ row: 3, cells: ['a', '3'] }])
})

describe('hostile tables', () => {
  test.each<[string, string | Uint8Array, string[] | undefined]>([
    ['an open quote', 'a\n"1', undefined],
    ['a quote in a cell', 'a\n1"2\n', undefined],
    ['no UTF-8', Buffer.from('a\n\xe9\n', 'latin1'), undefined],
    ['no such column', 'a\n1\n', ['b']],
    ['a key of nothing', 'a\n1\n', []],
    ['a row without end', `a\n"${'x'.repeat(5_000_000)}"\n`, undefined],
  ])('%s is a typed error', async (_name, text, key) => {
    await expect(diffCsv(text, 'a\n1\n', { key })).rejects.toMatchObject(INVALID)
    await expect(diffCsv('a\n1\n', text, { key })).rejects.toMatchObject(INVALID)
  })

  test('a table over the limit', async () => {
    await expect(diffCsv('a\n1\n', 'a\n2\n', { maxBytes: 3 })).rejects.toMatchObject({ code: 'ARC_LIMIT_EXCEEDED' })
  })

  test('empty tables, and names that objects have by birth', async () => {
    expect((await diffCsv('', '')).equal).toBe(true)
    const diff = await diffCsv('__proto__,toString\n1,2\n', '__proto__,toString\n1,3\n', { key: ['__proto__'] })
    expect(diff.changed[0]?.cells).toEqual([{ column: 'toString', before: '2', after: '3' }])
  })
})

test('following the difference gives the other table', async () => {
  const cell = fc.constantFrom('', 'x', 'y', ',', '"', '\n', '日本', ' ')
  const table = fc.array(fc.tuple(fc.constantFrom('1', '2', '3', '4'), cell, cell), { maxLength: 8 })
  const text = (rows: readonly (readonly string[])[]): string =>
    ['k,a,b', ...rows.map((row) => row.map((value) => `"${value.replaceAll('"', '""')}"`).join())].join('\n')
  const inOrder = (rows: readonly string[][], diff: CsvDiff): readonly string[][] => {
    const gone = new Set(diff.removed.map(({ row }) => row))
    const left = rows.filter((_, index) => !gone.has(index + 1))
    for (const { row, cells } of diff.added) left.splice(row - 1, 0, [...cells])
    return left
  }
  const byKey = (rows: readonly string[][], diff: CsvDiff): readonly string[][] => {
    const gone = new Set(diff.removed.map(({ row }) => row))
    const changed = new Map(diff.changed.map((change) => [change.beforeRow, change]))
    const left = rows.flatMap((row, index) => {
      if (gone.has(index + 1)) return []
      const cells = changed.get(index + 1)?.cells ?? []
      const value = (column: string, old: string): string =>
        cells.find((change) => change.column === column)?.after ?? old
      return [[row[0] ?? '', value('a', row[1] ?? ''), value('b', row[2] ?? '')]]
    })
    return [...left, ...diff.added.map(({ cells }) => [...cells])]
  }
  const sorted = (rows: readonly string[][]): string[] => rows.map((row) => JSON.stringify(row)).sort()
  await fc.assert(
    fc.asyncProperty(table, table, async (before, after) => {
      expect(inOrder(before, await diffCsv(text(before), text(after)))).toEqual(after)
      expect(sorted(byKey(before, await diffCsv(text(before), text(after), { key: ['k'] })))).toEqual(sorted(after))
    }),
    { numRuns: 300 },
  )
})
