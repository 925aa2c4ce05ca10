import { join } from 'node:path'
import { memorySource } from '@arc/core'
import { temporaryFolder } from '@arc/core/testing'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parsePlan, planRestore, type RestorePlan } from '../src/index.ts'
import { hashedEntry } from './trees.ts'

async function somePlan(folder: string): Promise<RestorePlan> {
  const source = memorySource('s', [hashedEntry('a/b', 'x'), hashedEntry('caf\udce9', 'y'), hashedEntry('z', '')])
  return planRestore(source, join(folder, 'target'))
}

test('a plan survives JSON', async () => {
  using folder = temporaryFolder()
  const plan = await somePlan(folder.path)
  expect(parsePlan(JSON.parse(JSON.stringify(plan)))).toEqual(plan)
})

test('limits that are none survive JSON, which has no Infinity', async () => {
  using folder = temporaryFolder()
  const limits = { maxRatio: Infinity, maxTotalBytes: Infinity, maxDepth: 2.5, maxNameBytes: 0 }
  const plan = await planRestore(memorySource('s', []), join(folder.path, 'target'), { limits })
  expect(parsePlan(JSON.parse(JSON.stringify(plan)))).toEqual(plan)
})

test('whatever is done to a plan, it is refused by name or still a plan', async () => {
  using folder = temporaryFolder()
  const text = JSON.stringify(await somePlan(folder.path))
  const keys = [...text.matchAll(/"(\w+)":/g)].map(([, key]) => String(key))
  const change = fc.record({ key: fc.constantFrom(...keys), value: fc.jsonValue(), at: fc.nat(3) })
  fc.assert(
    fc.property(change, ({ key, value, at }) => {
      let seen = 0
      const changed: unknown = JSON.parse(text, (name, old: unknown) => (name === key && seen++ === at ? value : old))
      try {
        expect(parsePlan(changed).schemaVersion).toBe(1)
      } catch (error) {
        expect(error).toMatchObject({ code: 'ARC_PLAN_INVALID', hint: expect.any(String) as string })
      }
    }),
    { numRuns: 1000 },
  )
})

test.each<[string, (plan: { rows: { path: string }[]; totals: { added: number } }) => void, string]>([
  ['a path out of the target', ({ rows }) => Object.assign(rows[0] ?? {}, { path: '../x' }), 'rows: '],
  ['bytes that no path has', ({ rows }) => Object.assign(rows[0] ?? {}, { path: '\ud800' }), 'rows: '],
  ['one path twice', ({ rows }) => rows.push(structuredClone(rows[0]) as { path: string }), 'stands there twice'],
  ['other totals', ({ totals }) => totals.added++, 'totals.added: its rows say'],
])('%s is refused', async (_what, change, why) => {
  using folder = temporaryFolder()
  const plan = structuredClone(await somePlan(folder.path)) as never
  change(plan)
  expect(() => parsePlan(plan)).toThrow(
    expect.objectContaining({ code: 'ARC_PLAN_INVALID', message: expect.stringContaining(why) as string }) as Error,
  )
})
