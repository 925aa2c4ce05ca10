import { temporaryFolder } from '@arc/core/testing'
import { directoryBackend, memoryBackend, readBytes } from '@arc/storage'
import { describe, expect, test } from 'vitest'
import {
  applyForget,
  applyPrune,
  copySnapshots,
  createVault,
  measureVault,
  openVault,
  planForget,
  planPrune,
  type Vault,
} from '../src/index.ts'
import { ChunkIndex } from '../src/chunk-index.ts'
import { namedPacks } from '../src/index-names.ts'
import { IndexWriter } from '../src/index-writer.ts'
import { file, noise, rowsOf, source } from './trees.ts'
import { watchedBackend } from './watched-backend.ts'

const DAY_MS = 86_400_000

/** A vault with a clock of its own. */
async function clockedVault(backend = memoryBackend()): Promise<{ vault: Vault; clock: { nowMs: number } }> {
  const clock = { nowMs: Date.UTC(2026, 0, 1) }
  return { clock, vault: await createVault(backend, { now: () => clock.nowMs }) }
}

const shared = file('shared', noise('shared', 200_000))
const tree = (day: number): ReturnType<typeof source> => source(shared, file('own', noise(`day ${day}`, 500_000)))

test('forgetting and pruning gives back the space, and what is kept stays whole', async () => {
  const { vault, clock } = await clockedVault()
  for (let day = 0; day < 5; day++) {
    await vault.take(tree(day), { tags: day === 1 ? ['keep'] : [] })
    clock.nowMs += DAY_MS
  }
  const before = await measureVault(vault)
  const plan = await planForget(vault, { keepLast: 2, keepTags: ['keep'] })
  expect(plan.groups[0]?.fates.map(({ reasons }) => reasons)).toEqual([
    ['last 1 of 2'],
    ['last 2 of 2'],
    [],
    ['tag keep'],
    [],
  ])
  expect(await applyForget(plan, vault)).toEqual(plan.forget)
  await expect(applyForget(plan, vault)).rejects.toMatchObject({ code: 'ARC_PLAN_STALE' })
  expect((await vault.list()).map(({ id }) => id)).toEqual(plan.keep)

  const marking = await planPrune(vault, { maxUnused: 0 })
  expect(marking.step).toBe('mark')
  await applyPrune(marking, vault)
  expect((await planPrune(vault)).step).toBe('wait')
  clock.nowMs += DAY_MS
  const sweeping = await planPrune(vault)
  expect(sweeping.step).toBe('sweep')
  await applyPrune(sweeping, vault)
  expect((await planPrune(vault)).step).toBe('nothing')

  const after = await measureVault(vault)
  expect(after.unusedBytes).toBe(0)
  expect(before.packBytes - after.packBytes).toBeGreaterThan(900_000)
  expect((await vault.verify({ read: 'data' })).problems).toEqual([])
  const days = [1, 3, 4]
  for (const [i, { id }] of (await vault.list()).entries())
    expect(await rowsOf(await vault.open(id))).toEqual(await rowsOf(tree(days[i] as number)))
})

/** Calls that opening a vault makes. */
const OPENING_CALLS = 2

describe('a pruning while somebody writes', () => {
  test('what a writer began to share before is not removed', async () => {
    const backend = memoryBackend()
    const { vault, clock } = await clockedVault(backend)
    const { snapshot } = await vault.take(tree(0))
    await vault.take(tree(1))
    await vault.remove([snapshot.id])
    await applyPrune(await planPrune(vault, { maxUnused: 0 }), vault)
    // Marked, and not yet removed: a writer stores what it needs anew.
    const again = await vault.take(tree(0))
    expect(again.snapshot.statistics.newBytes).toBeGreaterThan(490_000)
    clock.nowMs += DAY_MS
    await applyPrune(await planPrune(vault), vault)
    expect((await vault.verify({ read: 'data' })).problems).toEqual([])
    expect(await rowsOf(await vault.open(again.snapshot.id))).toEqual(await rowsOf(tree(0)))
  })

  test.each([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 14, 16, 18, 20])(
    'a writer that is stopped at its call %i, and goes on afterwards, leaves a whole snapshot',
    async (stopAt) => {
      const backend = memoryBackend()
      const { vault: pruner } = await clockedVault(backend)
      const { snapshot } = await pruner.take(tree(0))
      await pruner.take(tree(1))
      let isStopped = false
      let first = Infinity
      const stopping = watchedBackend(backend, async ({ number }) => {
        if (isStopped || number < first + stopAt) return
        isStopped = true
        await pruneAll(pruner, snapshot.id)
      })
      const writer = await openVault(stopping)
      first = OPENING_CALLS
      const result = await writer.take(tree(0))
      const fresh = await openVault(backend)
      expect((await fresh.list()).map(({ id }) => id)).toContain(result.snapshot.id)
      expect((await fresh.verify({ read: 'data' })).problems).toEqual([])
      expect(await rowsOf(await fresh.open(result.snapshot.id))).toEqual(await rowsOf(tree(0)))
    },
  )
})

test.each([0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20])(
  'a writer that is stopped at its call %i, and sleeps through two prunings, leaves a whole snapshot',
  async (stopAt) => {
    const backend = memoryBackend()
    const { vault: pruner } = await clockedVault(backend)
    const { snapshot } = await pruner.take(tree(0))
    await pruner.take(tree(1))
    const stopping = watchedBackend(backend, async ({ number }) => {
      if (number !== OPENING_CALLS + stopAt) return
      await pruneAll(pruner, snapshot.id)
      // The marks say only what the last one removed.
      await pruneAll(pruner, (await pruner.take(tree(2))).snapshot.id)
    })
    const { snapshot: taken } = await (await openVault(stopping)).take(tree(0))
    const fresh = await openVault(backend)
    expect((await fresh.verify({ read: 'data' })).problems).toEqual([])
    expect(await rowsOf(await fresh.open(taken.id))).toEqual(await rowsOf(tree(0)))
  },
)

test.each([0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20])(
  'a copy that is stopped at its call %i while its target is pruned leaves a whole snapshot',
  async (stopAt) => {
    const backend = memoryBackend()
    const { vault: pruner } = await clockedVault(backend)
    const { snapshot } = await pruner.take(tree(0))
    await pruner.take(tree(1))
    const other = await createVault(memoryBackend())
    await other.take(tree(0))
    const target = await openVault(
      watchedBackend(backend, async ({ number }) => {
        if (number === OPENING_CALLS + stopAt) await pruneAll(pruner, snapshot.id)
      }),
    )
    const [copy] = await copySnapshots(other, target)
    const fresh = await openVault(backend)
    expect((await fresh.verify({ read: 'data' })).problems).toEqual([])
    expect(await rowsOf(await fresh.open(copy?.id as string))).toEqual(await rowsOf(tree(0)))
  },
)

test('an index that a slow hand publishes after its packs are gone misleads nobody, and goes with the next pruning', async () => {
  const backend = memoryBackend()
  const { vault } = await clockedVault(backend)
  const { snapshot } = await vault.take(tree(0))
  const stale = (await Array.fromAsync(backend.list('index/'))).flat().map(({ key }) => key)
  const bytes = await Promise.all(stale.map((key) => readBytes(backend, key)))
  await vault.take(tree(1))
  await pruneAll(vault, snapshot.id)
  await pruneAll(vault, (await vault.take(tree(2))).snapshot.id)
  for (const [i, key] of stale.entries()) await backend.write(key, bytes[i] as Buffer)

  const fresh = await openVault(backend)
  expect((await fresh.verify({ read: 'data' })).problems).toEqual([])
  const { snapshot: again } = await fresh.take(tree(0))
  expect((await fresh.verify({ read: 'data' })).problems).toEqual([])
  expect(await rowsOf(await fresh.open(again.id))).toEqual(await rowsOf(tree(0)))
  await pruneAll(fresh, again.id)
  for (const key of stale) expect(await backend.stat(key)).toBeUndefined()
})

test("a pruning that is stopped before it deletes an index, and sleeps through others, deletes nobody else's", async () => {
  const backend = memoryBackend()
  const { vault } = await clockedVault(backend)
  const { snapshot: kept } = await vault.take(tree(0))
  const [[first] = []] = await Array.fromAsync(backend.list('index/'))
  const others: string[] = []
  for (let day = 1; day < 40; day++) {
    const { snapshot } = await vault.take(source(file('own', `day ${day}`)))
    others.push(snapshot.id)
  }
  // The first pruning puts the packs of all indexes into one; the second leaves just those of the first index.
  const options = { graceMs: 0, maxUnused: 0 }
  let isStopped = false
  const stopping = watchedBackend(backend, async ({ name, key }) => {
    if (isStopped || name !== 'delete' || key !== first?.key) return
    isStopped = true
    await applyPrune(await planPrune(vault, options), vault, options) // does what this one has left
    await vault.remove(others)
    await applyPrune(await planPrune(vault, options), vault, options)
  })
  const slow = await openVault(stopping)
  await applyPrune(await planPrune(slow, options), slow, options)
  expect(isStopped).toBe(true)
  const fresh = await openVault(backend)
  expect((await fresh.verify({ read: 'data' })).problems).toEqual([])
  expect(await rowsOf(await fresh.open(kept.id))).toEqual(await rowsOf(tree(0)))
})

/** Forget a snapshot and remove everything only it needed, without any grace. */
async function pruneAll(vault: Vault, forget: string): Promise<void> {
  await vault.remove([forget])
  await applyPrune(await planPrune(vault, { maxUnused: 0, graceMs: 0 }), vault, { graceMs: 0 })
}

test('packs of a writer that was killed are removed once they are old', async () => {
  using scratch = temporaryFolder()
  const backend = directoryBackend(scratch.path)
  let nowMs = Date.now()
  const vault = await createVault(backend, { now: () => nowMs })
  await vault.take(tree(0))
  await backend.write(`packs/ab/ab${'0'.repeat(62)}`, Buffer.from('half a pack'))
  expect((await planPrune(vault)).step).toBe('nothing')
  nowMs += 2 * DAY_MS
  const plan = await planPrune(vault)
  expect(plan.packs).toMatchObject([{ reason: 'unfinished', sizeBytes: 11 }])
  await applyPrune(plan, vault, { graceMs: 0 })
  expect(await backend.stat(`packs/ab/ab${'0'.repeat(62)}`)).toBe(undefined)
  expect((await vault.verify({ read: 'data' })).problems).toEqual([])
})

test('many small indexes are merged', async () => {
  const backend = memoryBackend()
  const { vault } = await clockedVault(backend)
  for (let day = 0; day < 40; day++) await vault.take(source(shared, file('own', `day ${day}`)))
  await applyPrune(await planPrune(vault), vault, { graceMs: 0 })
  const keys: string[] = []
  for await (const batch of backend.list('index/')) keys.push(...batch.map(({ key }) => key))
  expect(keys.length).toBe(1)
  expect((await vault.verify({ read: 'data' })).problems).toEqual([])
})

test('names of all indexes count when they are merged: one of them may name a chunk where it was', async () => {
  const vault = await createVault(memoryBackend())
  const { objects } = vault.internal
  await vault.take(source(file('f', 'content')))
  const [first] = (await ChunkIndex.load(objects, new Set())).parts
  if (first === undefined) throw new Error('there is no index')
  const packs = await namedPacks(objects, first)
  // As pruners leave behind that another one was quicker than: the chunks were named in a pack that is gone by now.
  for (let times = 0; times < 8; times++) {
    const writer = new IndexWriter(objects, {})
    for (const pack of packs) await writer.add({ ...pack, ids: Buffer.alloc(pack.ids.length) })
    await writer.flush()
  }
  for (let i = 0; i < 40; i++) await vault.take(source(file('f', 'content'), file('g', String(i))))
  await applyPrune(await planPrune(vault, { graceMs: 0 }), vault, { graceMs: 0 })
  const { problems } = await (await openVault(objects.backend)).verify({ read: 'data' })
  expect(problems).toEqual([])
})
