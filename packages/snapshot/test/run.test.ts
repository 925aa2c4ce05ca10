import { createHash } from 'node:crypto'
import type { EntryPath } from '@arc/core'
import type { KdfCost, KeyLock } from '@arc/crypto'
import { memoryBackend } from '@arc/storage'
import { expect, test } from 'vitest'
import { encodeListingEntry } from '../src/listing.ts'
import { ByteWriter } from '../src/byte-writer.ts'
import {
  applyForget,
  applyPrune,
  copySnapshots,
  createVault,
  listSnapshots,
  openSnapshotFolder,
  openVault,
  planForget,
  planPrune,
  type RunDraft,
} from '../src/index.ts'
import { file, folder, noise, rowsOf, source } from './trees.ts'

const log = noise('what a command printed', 900_000)

function draft(before: string, printed: Uint8Array = log): RunDraft {
  return {
    before,
    command: ['make', '', 'a word', 'ümlaut\n'],
    folder: 'src',
    started: '2026-01-01T00:00:00.000Z',
    ended: '2026-01-01T00:00:01.500Z',
    status: 3,
    environment: { digest: 'ab'.repeat(32), names: ['HOME', 'PATH'] },
    changes: { added: 1, changed: 0, removed: 0 },
    output: { printedBytes: printed.length + 1, log: printed },
  }
}

const CHEAP: KdfCost = { name: 'scrypt', logN: 10, r: 8, p: 1 }

test.each<[KeyLock[]]>([[[]], [[{ passphrase: 'geheim', cost: CHEAP }]]])(
  'a run is kept with the snapshot after it, with what it printed (locks: %j)',
  async (locks) => {
    const backend = memoryBackend()
    const vault = await createVault(backend, { locks })
    const { snapshot: before } = await vault.take(source(file('a', 'a')), { path: '/app' })
    const { snapshot: after } = await vault.take(source(file('a', 'b')), { path: '/app', run: draft(before.id) })
    const { snapshot: same } = await vault.take(source(file('a', 'b')), { run: draft(after.id, Buffer.alloc(0)) })
    const again = await openVault(backend, { secret: { passphrase: 'geheim' } })
    const { output, ...facts } = draft(before.id)
    expect((await listSnapshots(again, { runs: true })).map(({ id }) => id)).toEqual([after.id, same.id])
    expect((await again.list())[1]?.run).toMatchObject({
      ...facts,
      output: { printedBytes: 900_001, sizeBytes: 900_000 },
    })
    expect((await again.readRunLog(after.id)).equals(output.log)).toBe(true)
    expect(await again.readRunLog(same.id)).toHaveLength(0)
    expect(await again.readRunLog(before.id)).toHaveLength(0)
    expect((await again.verify({ read: 'data' })).problems).toEqual([])
  },
)

test('what a run printed is kept by prunings as long as its snapshot, is copied, and is missed when it is lost', async () => {
  const clock = { nowMs: Date.UTC(2026, 0, 1) }
  const backend = memoryBackend()
  const vault = await createVault(backend, { now: () => clock.nowMs })
  const { snapshot: before } = await vault.take(source(file('big', noise('big', 3_000_000))))
  const { snapshot: after } = await vault.take(source(file('a', 'b')), { run: draft(before.id) })
  const second = await createVault(memoryBackend())
  const [, copied] = await copySnapshots(vault, second)
  expect(copied?.run).toMatchObject({ before: before.id, status: 3 })
  expect((await second.readRunLog(copied?.id ?? '')).equals(log)).toBe(true)
  const prune = async (): Promise<void> => {
    for (let step = 0; step < 2; step++) {
      await applyPrune(await planPrune(vault, { graceMs: 0 }), vault)
      clock.nowMs += 1000
    }
  }
  await applyForget(await planForget(vault, { keepLast: 1 }), vault)
  await prune()
  const opened = await openVault(backend)
  expect((await opened.readRunLog(after.id)).equals(log)).toBe(true)
  expect((await opened.verify({ read: 'data' })).problems).toEqual([])
  for await (const batch of backend.list('packs/')) for (const { key } of batch) await backend.delete(key)
  const { problems } = await (await openVault(backend)).verify()
  expect(problems.flatMap(({ files }) => files.map(({ path }) => path))).toContain('(what the run printed)')
})

test('a run that no record can hold is refused, and so is one beside copies', async () => {
  const vault = await createVault(memoryBackend())
  const run = { ...draft('0'.repeat(64)), command: ['x'.repeat(3_000_000)] }
  await expect(vault.take(source(), { run })).rejects.toMatchObject({ code: 'ARC_LIMIT_EXCEEDED' })
  const copies = openSnapshotFolder('/nowhere', { mode: 'copy' })
  await expect(copies.take(source(), { run: draft('0'.repeat(64)) })).rejects.toMatchObject({
    code: 'ARC_OPTION_INVALID',
  })
})

test('a file whose bytes are those of the listing of a folder does not hide what is in the folder', async () => {
  const clock = { nowMs: Date.UTC(2026, 0, 1) }
  const vault = await createVault(memoryBackend(), { now: () => clock.nowMs })
  const inner = file('z/inner', noise('inner', 10_000))
  const listing = new ByteWriter()
  const id = createHash('sha256').update(noise('inner', 10_000)).digest()
  const { mode, mtimeNs, sizeBytes } = inner
  const reference = { depth: 0, id }
  const row = { name: 'inner' as EntryPath, type: 'file', mode, mtimeNs, sizeBytes, reference } as const
  encodeListingEntry({ ...row, target: undefined, hardLink: undefined }, listing)
  const tree = source(file('a', Buffer.from(listing.view())), folder('z'), inner)
  const { snapshot: first } = await vault.take(source(file('other', noise('other', 3_000_000)), inner, folder('z')))
  await vault.take(tree)
  await vault.remove([first.id])
  for (let step = 0; step < 2; step++) {
    await applyPrune(await planPrune(vault, { graceMs: 0 }), vault)
    clock.nowMs += 1000
  }
  const [{ id: left } = { id: '' }] = await vault.list()
  expect(await rowsOf(await vault.open(left))).toEqual(await rowsOf(tree))
})
