import fc from 'fast-check'
import { isArcError } from '@arc/core'
import { applyPatch } from 'rfc6902'
import { describe, expect, test } from 'vitest'
import { diffJson, diffJsonValues, type JsonChange } from '../src/index.ts'

const json = (value: unknown): string => JSON.stringify(value)

/** Follow a patch with somebody else's reader of RFC 6902. */
function patched(before: unknown, after: unknown, identifyingKeys?: readonly string[]): unknown {
  const document = { root: structuredClone(before) }
  const { patch } = diffJsonValues(before, after, { identifyingKeys })
  const faults = applyPatch(
    document,
    patch.map((operation) => Object.assign(structuredClone(operation), { path: `/root${operation.path}` })),
  )
  expect(faults.every((fault) => fault === null)).toBe(true)
  return document.root
}

/** Keys that a pointer must escape, and few different values, so that much is found again. */
const key = fc.constantFrom('a', 'b', 'id', 'name', '', '/', '~', '~1', '0', '-', 'toString')
const { value: document } = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 5 },
    fc.constantFrom(null, true, false, 0, 1, -1.5, '', 'a', 'b'),
    fc.array(tie('value'), { maxLength: 6 }),
    fc.dictionary(key, tie('value'), { maxKeys: 5 }),
    tie('rows'),
  ),
  rows: fc.uniqueArray(fc.record({ id: fc.nat({ max: 9 }), a: tie('value') }), {
    selector: ({ id }) => id,
    maxLength: 6,
  }),
}))

test('the patch makes the one document the other', () => {
  fc.assert(
    fc.property(document, document, fc.constantFrom(undefined, [], ['a']), (before, after, keys) => {
      expect(patched(before, after, keys)).toEqual(after)
      expect(diffJsonValues(before, after).equal).toBe(diffJsonValues(after, before).equal)
      expect(diffJsonValues(before, structuredClone(before))).toEqual({ equal: true, changes: [], patch: [] })
    }),
    { numRuns: 1000 },
  )
})

test('what jsondiff calls added, removed and changed', () => {
  const { changes } = diffJson(
    '{"a": 1, "b": [1, 2], "c": {"d": true}}',
    '{"a": 2, "b": [1, 2, 3], "c": {}, "e": null}',
  )
  expect(changes).toEqual([
    { kind: 'changed', pointer: '/a', before: 1, after: 2 },
    { kind: 'added', pointer: '/b/2', after: 3 },
    { kind: 'removed', pointer: '/c/d', before: true },
    { kind: 'added', pointer: '/e', after: null },
  ])
})

test('spelling does not count', () => {
  expect(diffJson('{"a":1.0,"b":"\\u00e9"}', ' { "b" : "é", "a" : 1 } ')).toMatchObject({ equal: true, patch: [] })
})

describe('arrays', () => {
  const ids = (...list: unknown[]): string => json(list)
  const changesOf = (before: string, after: string): readonly JsonChange[] => diffJson(before, after).changes

  test('of objects with an id are compared by it', () => {
    const [a, b, c] = [1, 2, 3].map((id) => ({ id, text: `t${id}` }))
    expect(changesOf(ids(a, b, c), ids(a, c))).toEqual([{ kind: 'removed', pointer: '/1', before: b }])
    expect(changesOf(ids(a, b), ids({ id: 9, text: 'new' }, a, { ...b, text: 'T' }))).toEqual([
      { kind: 'added', pointer: '/0', after: { id: 9, text: 'new' } },
      { kind: 'changed', pointer: '/2/text', before: 't2', after: 'T' },
    ])
  })

  test('an element that moved is no new one, and what changed in it is told', () => {
    const [a, b, c] = [1, 2, 3].map((id) => ({ id, text: `t${id}` }))
    expect(changesOf(ids(a, b, c), ids(b, c, { ...a, text: 'T' }))).toEqual([
      { kind: 'moved', from: '/0', pointer: '/2', value: { id: 1, text: 'T' } },
      { kind: 'changed', pointer: '/2/text', before: 't1', after: 'T' },
    ])
  })

  test('an id that is not everybody’s own is none', () => {
    const [before, after] = [ids({ id: 1, x: 1 }, { id: 1, x: 2 }), ids({ id: 1, x: 2 })]
    expect(changesOf(before, after)).toEqual([{ kind: 'removed', pointer: '/0', before: { id: 1, x: 1 } }])
  })

  test('one insertion is one change', () => {
    const list = Array.from({ length: 1000 }, (_, at) => at)
    expect(changesOf(json(list), json([-1, ...list]))).toEqual([{ kind: 'added', pointer: '/0', after: -1 }])
  })
})

test('5,000 rows with a removal, an insertion and two edits give four changes, quickly', () => {
  const rows = Array.from({ length: 5000 }, (_, id) => ({
    id,
    name: `name ${id}`,
    tags: ['a', 'b'],
    at: { x: id, y: 1 },
  }))
  const after = structuredClone(rows)
  after.splice(100, 1)
  after.splice(2000, 0, { id: 9999, name: 'new', tags: [], at: { x: 0, y: 0 } })
  Object.assign(after[3000]?.at ?? {}, { x: -1 })
  Object.assign(after[4000] ?? {}, { name: 'changed' })
  const [first, second] = [json(rows), json(after)]
  const start = process.cpuUsage()
  const { changes } = diffJson(first, second)
  expect(process.cpuUsage(start).user / 1000).toBeLessThan(500)
  expect(changes.map(({ kind, pointer }) => `${kind} ${pointer}`)).toEqual([
    'removed /100',
    'added /2000',
    'changed /3000/at/x',
    'changed /4000/name',
  ])
})

describe('hostile documents', () => {
  test('what is no JSON is a typed error', () => {
    for (const text of ['', '{', 'nul', '[1,]', '{"a":1', "{'a':1}", '\u0000', 'NaN', Buffer.of(0x22, 0xff, 0x22)]) {
      expect(() => diffJson(text, '1')).toThrow(expect.objectContaining({ code: 'ARC_DIFF_INPUT_INVALID' }))
    }
    for (const value of [Number.NaN, 1n, undefined, (): number => 1]) {
      expect(() => diffJsonValues({ value }, 1)).toThrow(expect.objectContaining({ code: 'ARC_DIFF_INPUT_INVALID' }))
    }
  })

  test('deep and large ones end at a limit', () => {
    const cyclic: unknown[] = []
    cyclic.push(cyclic)
    const limit: unknown = expect.objectContaining({ code: 'ARC_LIMIT_EXCEEDED' })
    const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`
    expect(() => diffJson(deep, deep)).toThrow(limit)
    expect(() => diffJson('1', `${'{"a":'.repeat(600)}1${'}'.repeat(600)}`)).toThrow(limit)
    expect(() => diffJson(`[${'0,'.repeat(2_000_001)}0]`, '1')).toThrow(limit)
    expect(() => diffJsonValues(cyclic, 1)).toThrow(limit)
  })

  test('arrays in arrays cost no more than their size', () => {
    const nested = (last: number): string =>
      `${'['.repeat(400)}${json(Array.from({ length: 20_000 }, (_, at) => at))},${last}${']'.repeat(400)}`
    const start = process.cpuUsage()
    expect(diffJson(nested(1), nested(2)).changes).toHaveLength(1)
    expect(process.cpuUsage(start).user / 1000).toBeLessThan(2000)
  })

  test('names that objects have by birth', () => {
    const [before, after] = ['{"__proto__":{"a":1},"constructor":1}', '{"__proto__":{"a":2},"hasOwnProperty":1}']
    expect(diffJson(before, after).changes).toEqual([
      { kind: 'changed', pointer: '/__proto__/a', before: 1, after: 2 },
      { kind: 'removed', pointer: '/constructor', before: 1 },
      { kind: 'added', pointer: '/hasOwnProperty', after: 1 },
    ])
    expect(({} as Record<string, unknown>)['a']).toBeUndefined()
  })

  test('any text ends in a difference or a typed error', () => {
    fc.assert(
      fc.property(fc.oneof(fc.json(), fc.string()), fc.json(), (before, after) => {
        try {
          diffJson(before, after)
        } catch (error) {
          if (!isArcError(error)) throw error
        }
      }),
    )
  })
})
