import { temporaryFolder } from '@arc/core/testing'
import { memoryBackend } from '@arc/storage'
import { expect, test } from 'vitest'
import { createVault, openSnapshotFolder, type SnapshotStore, transferSnapshots } from '../src/index.ts'
import { newRepository } from './restic.ts'
import { file, source } from './trees.ts'

const refused = { code: 'ARC_OPTION_INVALID' }
const project = (): ReturnType<typeof source> => source(file('a', '1'))

async function expectRefusals(store: SnapshotStore): Promise<void> {
  for (const tag of ['', ' ', 'latest', 'latest~2'])
    await expect(store.take(project(), { tags: ['good', tag] })).rejects.toMatchObject(refused)
  expect(await store.list()).toEqual([])
}

test('a new tag names something, and nothing else than a tag does', async () => {
  using scratch = temporaryFolder()
  await using vault = await createVault(memoryBackend())
  const folder = openSnapshotFolder(scratch.path, { mode: 'copy' })
  await using repository = await newRepository(memoryBackend())
  for (const store of [vault, folder, repository]) await expectRefusals(store)
  for (const store of [vault, folder]) {
    const { snapshot } = await store.take(project(), { tags: ['latest-good'] })
    await expect(store.tag(snapshot.id, { add: ['latest'] })).rejects.toMatchObject(refused)
    // What is there already, however it came there, can go.
    expect(await store.tag(snapshot.id, { remove: ['latest'], add: ['x'] })).toMatchObject({
      tags: ['latest-good', 'x'],
    })
  }
})

test('a snapshot from elsewhere keeps the tags it has', async () => {
  await using vault = await createVault(memoryBackend())
  const origin = { vault: 'other', snapshot: 'a'.repeat(64) }
  const { snapshot } = await vault.take(project(), { tags: ['latest'], origin })
  expect(snapshot.tags).toEqual(['latest'])
  await using other = await createVault(memoryBackend())
  expect(await transferSnapshots(vault, other)).toMatchObject([{ tags: ['latest'] }])
})

test('a folder of snapshots has one of its modes, and archives a format that there is', async () => {
  using scratch = temporaryFolder()
  expect(() => openSnapshotFolder(scratch.path, { mode: 'foo' as 'copy' })).toThrow('foo is no mode')
  const rar = openSnapshotFolder(scratch.path, { mode: 'archive', format: 'rar' as 'zip' })
  await expect(rar.take(project())).rejects.toMatchObject(refused)
})
