import { ArcError } from '@arc/core'
import { memoryBackend } from '@arc/storage'
import type { Backend } from '@arc/storage'
import { beforeEach, describe, expect, test } from 'vitest'
import { applyRepair, copySnapshots, createVault, openVault, planPrune, planRepair, type Vault } from '../src/index.ts'
import { file, folder, noise, oddTree, type Row, rowsOf, source } from './trees.ts'
import { watchedBackend } from './watched-backend.ts'

const PASSPHRASE = { passphrase: 'correct horse', cost: { name: 'scrypt', logN: 10, r: 8, p: 1 } } as const

async function keysOf(backend: Backend, prefix = ''): Promise<string[]> {
  const keys: string[] = []
  for await (const batch of backend.list(prefix)) keys.push(...batch.map(({ key }) => key))
  return keys
}

async function bytesOf(backend: Backend, key: string): Promise<Buffer> {
  const pieces: Uint8Array[] = []
  for await (const piece of await backend.read(key)) pieces.push(Uint8Array.from(piece))
  return Buffer.concat(pieces)
}

/** A copy of a backend in memory, to be damaged. */
async function cloneOf(backend: Backend): Promise<Backend> {
  const clone = memoryBackend()
  for (const key of await keysOf(backend)) await clone.write(key, await bytesOf(backend, key))
  return clone
}

const secret = { passphrase: PASSPHRASE.passphrase }
const LATER = (): Parameters<typeof source> => [...oddTree(), folder('later'), file('later/new', noise('new', 100_000))]

describe.each(['plain', 'encrypted'])('a damaged vault, %s', (kind) => {
  let whole: Backend
  let expected: Map<string, Row[]>

  beforeEach(async () => {
    whole = memoryBackend()
    const vault = await createVault(whole, { locks: kind === 'plain' ? [] : [PASSPHRASE] })
    const first = await vault.take(source(...oddTree()))
    const second = await vault.take(source(...LATER()), { tags: ['t'] })
    await vault.tag(first.snapshot.id, { add: ['old'] })
    expected = new Map([
      [first.snapshot.id, await rowsOf(source(...oddTree()))],
      [second.snapshot.id, await rowsOf(source(...LATER()))],
    ])
  })

  /** Whatever can still be read must be right; what cannot must end in an error. Returns whether everything could be read. */
  async function readAll(backend: Backend): Promise<boolean> {
    let isWhole = true
    try {
      const vault = await openVault(backend, { secret })
      const snapshots = await vault.list()
      if (snapshots.length < expected.size) isWhole = false
      for (const { id } of snapshots) {
        const rows = new Map((expected.get(id) ?? []).map((row) => [row.path, row]))
        try {
          const read = await rowsOf(await vault.open(id))
          for (const row of read) expect(row).toEqual(rows.get(row.path))
          expect(read.length).toBe(rows.size)
        } catch (error) {
          expect(error).toMatchObject({ name: 'ArcError' })
          isWhole = false
        }
      }
    } catch (error) {
      expect(error).toMatchObject({ name: 'ArcError' })
      return false
    }
    return isWhole
  }

  async function problemsOf(backend: Backend): Promise<number> {
    try {
      const vault = await openVault(backend, { secret })
      return (await vault.verify({ read: 'data' })).problems.length
    } catch (error) {
      expect(error).toMatchObject({ name: 'ArcError' })
      return 1
    }
  }

  test('no flipped bit, truncation or exchange goes unnoticed, and none gives a wrong byte', async () => {
    expect(await problemsOf(whole)).toBe(0)
    const keys = await keysOf(whole)
    const damages: { name: string; change: (backend: Backend) => Promise<unknown> }[] = []
    for (const key of keys) {
      const bytes = await bytesOf(whole, key)
      for (const part of [0, 0.3, 0.6, 0.999]) {
        const flipped = Buffer.from(bytes)
        const at = Math.floor(bytes.length * part)
        flipped[at] = (flipped[at] as number) ^ (1 << (at % 8))
        damages.push({ name: `${key} flipped at ${at}`, change: (backend) => backend.write(key, flipped) })
      }
      damages.push({
        name: `${key} cut`,
        change: (backend) => backend.write(key, bytes.subarray(0, Math.floor(bytes.length / 2))),
      })
      const twin = keys.find((other) => other !== key && other.slice(0, 5) === key.slice(0, 5))
      if (twin === undefined) continue
      const other = await bytesOf(whole, twin)
      damages.push({ name: `${key} replaced by ${twin}`, change: (backend) => backend.write(key, other) })
    }
    for (const { name, change } of damages) {
      const backend = await cloneOf(whole)
      await change(backend)
      const isWhole = await readAll(backend)
      // White space and the time in the configuration of a vault without keys mean nothing, and have no check.
      if (!(name.startsWith('config') && isWhole)) expect(await problemsOf(backend), name).toBeGreaterThan(0)
    }
  }, 60_000)

  test('verifying names the files that are lost, and repairing brings back all others', async () => {
    const backend = await cloneOf(whole)
    const packs = await keysOf(backend, 'packs/')
    const sizes = await Promise.all(packs.map(async (key) => (await bytesOf(backend, key)).length))
    const largest = packs[sizes.indexOf(Math.max(...sizes))] as string
    const bytes = await bytesOf(backend, largest)
    const at = Math.floor(bytes.length / 2)
    bytes[at] = (bytes[at] as number) ^ 1
    await backend.write(largest, bytes)
    const vault = await openVault(backend, { secret })
    const plan = await planRepair(vault)
    const lost = new Set(plan.report.problems.flatMap(({ files }) => files.map(({ path }) => path)))
    expect([...lost]).toEqual(['big'])
    expect(plan.replaced.length).toBe(1)
    const { report } = await applyRepair(plan, vault)
    expect(new Set(report.problems.flatMap(({ files }) => files.map(({ path }) => path)))).toEqual(lost)
    await expectAllBut(vault, lost)
    // The next snapshot stores again what was lost, though nothing has changed on disk.
    const { snapshot } = await vault.take(source(...LATER()))
    expect(await rowsOf(await vault.open(snapshot.id))).toEqual(await rowsOf(source(...LATER())))
    expect((await vault.verify({ read: 'data' })).problems).toEqual([])
  })

  async function expectAllBut(vault: Vault, lost: ReadonlySet<string>): Promise<void> {
    for (const { id } of await vault.list()) {
      for (const row of expected.get(id) ?? []) {
        const rows = rowsOf(await vault.open(id, { under: row.path }))
        if (lost.has(row.path)) await expect(rows).rejects.toMatchObject({ code: 'ARC_VAULT_DAMAGED' })
        else expect((await rows)[0]).toEqual(row)
      }
    }
  }

  test('a lost index is built from the packs, and a lost pack fetched from a copy', async () => {
    const backend = await cloneOf(whole)
    for (const key of await keysOf(backend, 'index/')) await backend.write(key, Buffer.from('not an index'))
    const [pack] = await keysOf(backend, 'packs/')
    await backend.delete(pack as string)
    const vault = await openVault(backend, { secret })
    const from = await openVault(whole, { secret })
    // First the index, to know what is missing; then what is missing.
    await applyRepair(await planRepair(vault), vault)
    const { report, fetchedChunks } = await applyRepair(await planRepair(vault, { from }), vault, { from })
    expect(fetchedChunks).toBeGreaterThan(0)
    expect(report.problems).toEqual([])
    await expectAllBut(vault, new Set())
  })

  test('indexes that are gone are built from the packs, whether all are or one', async () => {
    const keys = await keysOf(whole, 'index/')
    expect(keys.length).toBe(2)
    for (const gone of [keys, keys.slice(1)]) {
      const backend = await cloneOf(whole)
      for (const key of gone) await backend.delete(key)
      const vault = await openVault(backend, { secret })
      const plan = await planRepair(vault)
      expect(plan.reindexed.length).toBeGreaterThan(0)
      expect((await applyRepair(plan, vault)).report.problems).toEqual([])
      await expectAllBut(vault, new Set())
    }
  })

  test('every snapshot that lacks something is named, also where it shares a folder or all of them', async () => {
    const backend = memoryBackend()
    const vault = await createVault(backend, { locks: kind === 'plain' ? [] : [PASSPHRASE] })
    const shared = [folder('deep'), folder('deep/er'), file('deep/er/lost', noise('lost', 300_000))]
    const states = [shared, shared, [...shared, file('other', noise('other', 1000))]]
    for (const rows of states) await vault.take(source(...rows))
    const packs = await keysOf(backend, 'packs/')
    const sizes = await Promise.all(packs.map(async (key) => (await bytesOf(backend, key)).length))
    await backend.delete(packs[sizes.indexOf(Math.max(...sizes))] as string)
    const again = await openVault(backend, { secret })
    const plan = await planRepair(again)
    const ids = (await again.list()).map(({ id }) => id)
    expect([...plan.incomplete].sort()).toEqual(ids.sort())
    const [problem] = plan.report.problems
    expect(problem?.files.map(({ path, snapshot }) => `${path} ${snapshot}`).sort()).toEqual(
      ids.map((id) => `deep/er/lost ${id}`),
    )
    await applyRepair(plan, again)
    const { snapshot } = await again.take(source(...shared))
    expect(await rowsOf(await again.open(snapshot.id))).toEqual(await rowsOf(source(...shared)))
    expect((await again.verify({ read: 'data' })).problems).toEqual([])
  })

  test('a record that cannot be read takes no other snapshot with it', async () => {
    for (const prefix of ['snapshots/', 'log/']) {
      const backend = await cloneOf(whole)
      const [key = ''] = await keysOf(backend, prefix)
      await backend.write(key, Buffer.from('not a record'))
      const vault = await openVault(backend, { secret })
      const ids = [...expected.keys()].filter((id) => !key.includes(id))
      expect((await vault.list()).map(({ id }) => id)).toEqual(ids)
      expect(vault.damagedRecords).toEqual([key])
      for (const id of ids) expect(await rowsOf(await vault.open(id))).toEqual(expected.get(id))
      const { snapshot } = await vault.take(source(...oddTree()))
      expect(await rowsOf(await vault.open(snapshot.id))).toEqual(await rowsOf(source(...oddTree())))
      // Nobody can say what the lost record needs.
      await expect(planPrune(vault)).rejects.toMatchObject({ code: expect.stringMatching(/DAMAGED|BROKEN/) })
      const plan = await planRepair(vault)
      expect(plan.records).toMatchObject([{ key, id: key.slice(-64), remedy: 'give-up' }])
      const withCopy = await cloneOf(backend)
      expect(await applyRepair(plan, vault)).toMatchObject({ report: { problems: [] }, copied: [], lost: plan.records })
      const repaired = await openVault(backend, { secret })
      expect((await repaired.list()).map(({ id }) => id)).toEqual([...ids, snapshot.id])
      await planPrune(repaired)
      // A copy of the vault has the record still.
      const other = await openVault(withCopy, { secret })
      const from = await openVault(whole, { secret })
      expect((await applyRepair(await planRepair(other, { from }), other, { from })).report.problems).toEqual([])
      expect((await other.list()).map(({ id }) => id)).toEqual([...expected.keys(), snapshot.id])
    }
  })

  test('a snapshot whose record cannot be read is copied back from a vault that it was copied to', async () => {
    const backend = await cloneOf(whole)
    const vault = await openVault(backend, { secret })
    const from = await createVault(memoryBackend(), { locks: [] })
    await copySnapshots(vault, from)
    const [first = '', second = ''] = expected.keys()
    const key = (await keysOf(backend, 'snapshots/')).find((one) => one.includes(second)) ?? ''
    await backend.write(key, Buffer.from(''))
    const opened = await openVault(backend, { secret })
    const plan = await planRepair(opened, { from })
    expect(plan.records).toMatchObject([{ key, kind: 'snapshot', sequence: 2, id: second, remedy: 'copy' }])
    const { report, copied, lost } = await applyRepair(plan, opened, { from })
    expect([report.problems, lost]).toEqual([[], []])
    expect(copied).toMatchObject([{ tags: ['t'], origin: { vault: opened.id, snapshot: second } }])
    const again = await openVault(backend, { secret })
    expect((await again.list()).map(({ id }) => id)).toEqual([first, copied[0]?.id])
    expect(await rowsOf(await again.open(copied[0]?.id ?? ''))).toEqual(expected.get(second))
    // It is known for what it is a copy of.
    expect(await copySnapshots(again, from)).toEqual([])
  })

  test('a service that does not answer says nothing of what it keeps', async () => {
    for (const prefix of ['index/', 'packs/', 'snapshots/']) {
      const silent = watchedBackend(await cloneOf(whole), ({ name, key }) => {
        if (name === 'read' && key.startsWith(prefix))
          throw new ArcError('ARC_BACKEND_FAILED', 'no answer', { retryable: true })
      })
      const vault = await openVault(silent, { secret })
      await expect(vault.verify({ read: 'data' })).rejects.toMatchObject({ code: 'ARC_BACKEND_FAILED' })
      await expect(planRepair(vault)).rejects.toMatchObject({ code: 'ARC_BACKEND_FAILED' })
    }
  })

  test('snapshots are copied into a vault with other keys, once', async () => {
    const from = await openVault(whole, { secret })
    const to = await createVault(memoryBackend(), { locks: kind === 'plain' ? [PASSPHRASE] : [] })
    const copied = await copySnapshots(from, to)
    expect(copied.length).toBe(2)
    expect(await copySnapshots(from, to)).toEqual([])
    const ids = [...expected.keys()]
    for (const { id, origin, tags } of await to.list()) {
      expect(ids).toContain(origin?.snapshot)
      expect(tags).toEqual(origin?.snapshot === ids[0] ? ['old'] : ['t'])
      expect(await rowsOf(await to.open(id))).toEqual(expected.get(origin?.snapshot ?? ''))
    }
    expect((await to.verify({ read: 'data' })).problems).toEqual([])
  })
})
