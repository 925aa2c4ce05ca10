import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isArcError } from '@arc/core'
import type { StorageManager } from '../src/index.ts'
import { openPlace, PLACES } from './places.ts'

type Step = readonly [
  op: 'write' | 'delete' | 'rollback' | 'tag' | 'annotate' | 'cleanup' | 'compact',
  key: number,
  value: number,
]

const step = fc.tuple(
  fc.constantFrom<Step[0]>('write', 'write', 'write', 'delete', 'rollback', 'tag', 'annotate', 'cleanup', 'compact'),
  fc.nat(1),
  fc.nat(3),
)

/** What happened and what there is then, in words that do not depend on the place. */
async function play(storage: StorageManager, steps: readonly Step[]): Promise<unknown[]> {
  const told: unknown[] = []
  for (const [op, key, value] of steps) {
    const node = storage.node(`docs:f${key}`)
    try {
      if (op === 'write') told.push((await node.writeText(`text ${value}`)).version.id)
      else if (op === 'delete') await node.delete()
      else if (op === 'rollback') told.push((await node.rollback({ version: value - 2 })).version.id)
      else if (op === 'tag')
        told.push((await node.tagVersion(-1 - (value % 2), `t${value}`, { move: value === 0 })).tags)
      else if (op === 'annotate') told.push((await node.annotateVersion({ metadata: { value } })).metadata)
      else if (op === 'cleanup') told.push(await node.cleanupVersions({ keepLast: 1 + value }))
      else told.push((await node.compactVersions()).length)
    } catch (error) {
      told.push(isArcError(error) ? error.code : error)
    }
  }
  for (const node of await storage.node('docs:').children())
    told.push(node.path, await node.versions(), await node.readText())
  return told
}

test('every kind of place tells the same story', { timeout: 60_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 25 }), async (steps) => {
      const stories: unknown[][] = []
      for (const name of ['a folder', 'memory, by compare-and-swap'] as const) {
        await using place = await openPlace(
          PLACES[name] ?? (() => ({ name: 'docs', protocol: 'memory' })),
          () => new Date(1_700_000_000_000),
        )
        stories.push(await play(place.storage, steps))
        expect((await place.storage.fsck('docs')).isClean).toBe(true)
      }
      expect(stories[0]).toEqual(stories[1])
    }),
    { numRuns: 15 },
  )
})
