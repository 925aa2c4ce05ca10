import { generateSigningKey, openSigningKey } from '@arc/crypto'
import { type Backend, memoryBackend } from '@arc/storage'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { applyRepair, createVault, openVault, planRepair, type Vault, verifyLog } from '../src/index.ts'
import { file, source } from './trees.ts'

const RECORD = /^(?:snapshots|log)\/\d{10}-([0-9a-f]{64})$/

/** Keys of all records, by hash, in order. */
async function recordsOf(backend: Backend): Promise<Map<string, string>> {
  const found: [string, string][] = []
  for await (const batch of backend.list(''))
    for (const { key } of batch) {
      const hash = RECORD.exec(key)?.[1]
      if (hash !== undefined) found.push([hash, key])
    }
  return new Map(found.sort(([, a], [, b]) => (a.slice(-75) < b.slice(-75) ? -1 : 1)))
}

/** What the log says is wrong to somebody who comes afresh. */
async function problemsOf(backend: Backend, options: Parameters<typeof verifyLog>[1] = {}): Promise<string[]> {
  return (await verifyLog(await openVault(backend), options)).problems.map(({ message }) => message)
}

/** Snapshots of one file each; returns their ids. */
async function takeMany(vault: Vault, count: number): Promise<string[]> {
  const ids: string[] = []
  for (let i = 0; i < count; i++) ids.push((await vault.take(source(file('a', `${i}`)))).snapshot.id)
  return ids
}

test('that a snapshot was removed is seen though the one after it was forgotten', async () => {
  const files = await generateSigningKey()
  const backend = memoryBackend()
  const vault = await createVault(backend, { signingKey: await openSigningKey(files.secretKey) })
  const ids = await takeMany(vault, 5)
  const since = (await verifyLog(vault)).heads
  expect(since).toEqual([ids[4]])
  await vault.remove([ids[2] as string])
  const options = { since, publicKeys: [files.publicKey] }
  expect(await problemsOf(backend, options)).toEqual([])
  const records = await recordsOf(backend)
  await backend.delete(records.get(ids[1] as string) as string)
  expect(await problemsOf(backend, options)).toEqual([`its predecessor ${ids[1]} is gone without a tombstone`])
})

test('what was followed only by what is forgotten is no newest record', async () => {
  const vault = await createVault(memoryBackend())
  const ids = await takeMany(vault, 4)
  await vault.remove([ids[1] as string, ids[2] as string])
  expect((await verifyLog(vault)).heads).toHaveLength(1)
  // Also when everything goes, and when a record from before is forgotten that a tombstone follows.
  await vault.remove([ids[0] as string, ids[3] as string])
  expect(await verifyLog(vault)).toMatchObject({ snapshots: 0, problems: [] })
  expect((await verifyLog(vault)).heads).toHaveLength(1)
})

const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ verb: fc.constant('take' as const), writers: fc.integer({ min: 1, max: 3 }) }) },
  { weight: 1, arbitrary: fc.record({ verb: fc.constant('tag' as const), which: fc.nat() }) },
  {
    weight: 3,
    arbitrary: fc.record({
      verb: fc.constant('forget' as const),
      by: fc.array(fc.array(fc.nat(), { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 2 }),
    }),
  },
)

test('no record can be removed from any log without a trace', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 2, maxLength: 10 }), async (steps) => {
      const backend = memoryBackend()
      const vault = await createVault(backend)
      let content = 0
      // For each record what was written down when it was first not the newest any more.
      const written = new Map<string, readonly string[]>()
      for (const each of steps) {
        const ids = (await vault.list()).map(({ id }) => id)
        const at = (which: number): string => ids[which % ids.length] as string
        // Those who write at the same time know nothing of each other.
        if (each.verb === 'take')
          await Promise.all(
            Array.from({ length: each.writers }, async () =>
              (await openVault(backend)).take(source(file('a', `${content++}`))),
            ),
          )
        else if (ids.length === 0) continue
        else if (each.verb === 'tag') await vault.tag(at(each.which), { add: ['t'] })
        else
          await Promise.allSettled(
            each.by.map(async (which) => (await openVault(backend)).remove([...new Set(which.map(at))])),
          )
        const { heads } = await verifyLog(await openVault(backend))
        for (const hash of (await recordsOf(backend)).keys())
          if (!written.has(hash) && !heads.includes(hash)) written.set(hash, heads)
      }
      expect(await problemsOf(backend, { since: [...written.values()].flat() })).toEqual([])
      for (const [hash, key] of await recordsOf(backend)) {
        const since = written.get(hash)
        if (since === undefined) continue
        expect(await problemsOf(await cloneWithout(backend, key), { since }), key).not.toEqual([])
      }
    }),
    { numRuns: 12 },
  )
})

async function cloneWithout(backend: Backend, absent: string): Promise<Backend> {
  const clone = memoryBackend()
  for await (const batch of backend.list('')) {
    for (const { key } of batch) {
      if (key === absent || (key !== 'config' && !RECORD.test(key))) continue
      const pieces: Uint8Array[] = []
      for await (const piece of await backend.read(key)) pieces.push(Uint8Array.from(piece))
      await clone.write(key, Buffer.concat(pieces))
    }
  }
  return clone
}

test('after a record was given up because it was damaged the log still proves that the others are there', async () => {
  const intact = memoryBackend()
  const vault = await createVault(intact)
  const ids = await takeMany(vault, 4)
  await vault.tag(ids[1] as string, { add: ['t'] })
  await takeMany(vault, 1)
  const records = [...(await recordsOf(intact)).values()]
  expect(records).toHaveLength(6)
  for (const damaged of records) {
    const backend = await cloneWithout(intact, '')
    await backend.write(damaged, Buffer.from('not a record'))
    const opened = await openVault(backend)
    await applyRepair(await planRepair(opened), opened)
    expect(opened.damagedRecords).toEqual([])
    expect(await problemsOf(backend)).toEqual([])
    const left = [...(await recordsOf(backend)).values()]
    expect(left).toHaveLength(6)
    // All but the tombstone, which is the newest.
    for (const key of left.slice(0, -1)) {
      expect(await problemsOf(await cloneWithout(backend, key)), `${damaged}, then ${key}`).not.toEqual([])
    }
  }
})
