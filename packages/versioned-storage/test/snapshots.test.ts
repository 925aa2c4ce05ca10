import { expect, test } from 'vitest'
import type { NodeLock } from '../src/index.ts'
import { openPlace, PLACES } from './places.ts'

const ARBITRATED = Object.entries(PLACES).filter(([name]) => !name.includes('ignores conditions'))

test.each(ARBITRATED)('%s: of snapshots with one name that are made at once, one succeeds', async (_name, make) => {
  await using place = await openPlace(make)
  const { storage } = place
  for (const name of ['a', 'b']) await storage.node(`docs:${name}`).writeText(name)
  const tries = await Promise.allSettled([1, 2, 3].map(() => storage.createSnapshot('docs:', { tag: 'race' })))
  const codes = tries.map((result) =>
    result.status === 'rejected' ? (result.reason as { code: string }).code : 'made',
  )
  expect(codes.sort()).toEqual(['ARC_TAG_TAKEN', 'ARC_TAG_TAKEN', 'made'])
  expect(await storage.snapshots('docs:')).toMatchObject([{ tag: 'race', fileCount: 2 }])
  await storage.createSnapshot('docs:', { tag: 'race', move: true })
  expect((await storage.fsck('docs')).isClean).toBe(true)
})

test.each(Object.entries(PLACES))(
  '%s: a snapshot does not come back over what somebody has locked',
  async (_name, make) => {
    await using place = await openPlace(make)
    const { storage } = place
    const [held, free] = [storage.node('docs:held'), storage.node('docs:free')]
    for (const node of [held, free]) await node.writeText('then')
    await storage.createSnapshot('docs:', { tag: 's' })
    for (const node of [held, free]) await node.writeText('now')
    {
      await using _lock = await held.lock()
      await expect(storage.restoreSnapshot('docs:', { tag: 's' })).rejects.toMatchObject({ code: 'ARC_LOCK_HELD' })
      expect([await held.readText(), await free.readText()]).toEqual(['now', 'now'])
      expect(await storage.restoreSnapshot('docs:', { tag: 's', dryRun: true })).toMatchObject({
        restored: ['free', 'held'],
      })
      // What stays as it is may be locked.
      await held.writeText('then')
      await storage.restoreSnapshot('docs:', { tag: 's' })
    }
    expect([await held.readText(), await free.readText()]).toEqual(['then', 'then'])
  },
)

test.each(Object.entries(PLACES))('%s: who has the locks brings a snapshot back under them', async (_name, make) => {
  await using place = await openPlace(make)
  const { storage } = place
  const [one, other] = [storage.node('docs:one'), storage.node('docs:other')]
  for (const node of [one, other]) await node.writeText('then')
  await storage.createSnapshot('docs:', { tag: 's' })
  for (const node of [one, other]) await node.writeText('now')
  const restore = (...locks: NodeLock[]): Promise<unknown> => storage.restoreSnapshot('docs:', { tag: 's', locks })
  await using ours = await one.lock()
  {
    await using theirs = await other.lock()
    await expect(restore(ours)).rejects.toMatchObject({ code: 'ARC_LOCK_HELD' })
    await theirs.release()
    await expect(restore(ours, theirs)).rejects.toMatchObject({ code: 'ARC_LOCK_LOST' })
  }
  expect([await one.readText(), await other.readText()]).toEqual(['now', 'now'])
  await restore(ours)
  expect([await one.readText(), await other.readText()]).toEqual(['then', 'then'])
  await one.writeText('still ours')
})
