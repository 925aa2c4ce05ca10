// A file where a folder was, and the reverse: a snapshot brings either back, in one step or not at all.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openFolder } from './places.ts'

test('a file comes back where a folder is', async () => {
  await using place = await openFolder()
  const { storage, folder } = place
  await storage.node('docs:f').writeText('file')
  await storage.node('docs:other').writeText('same')
  await storage.createSnapshot('docs:', { tag: 't' })
  await storage.node('docs:f').delete()
  await storage.node('docs:f/g').writeText('in it')
  await storage.node('docs:f/deep/er/h').writeText('deeper')
  mkdirSync(join(folder, 'docs/f/empty'))
  expect(await storage.restoreSnapshot('docs:', { tag: 't' })).toEqual({
    restored: ['f'],
    removed: ['f/deep/er/h', 'f/g'],
    unchangedCount: 1,
  })
  expect(readFileSync(join(folder, 'docs/f'), 'utf8')).toBe('file')
  expect((await storage.fsck('docs')).isClean).toBe(true)
})

test('a folder comes back where a file is', async () => {
  await using place = await openFolder()
  const { storage, folder } = place
  await storage.node('docs:f/g').writeText('in it')
  await storage.node('docs:f/deep/er/h').writeText('deeper')
  await storage.createSnapshot('docs:', { tag: 't' })
  await storage.node('docs:f').delete()
  await storage.node('docs:f').writeText('file')
  await storage.restoreSnapshot('docs:', { tag: 't' })
  expect(readFileSync(join(folder, 'docs/f/deep/er/h'), 'utf8')).toBe('deeper')
  expect(await storage.node('docs:f/g').readText()).toBe('in it')
  expect((await storage.fsck('docs')).isClean).toBe(true)
})

test('a file that cannot leave keeps all as it is', async () => {
  await using place = await openFolder()
  const { storage, folder } = place
  for (const name of ['a', 'f']) await storage.node(`docs:${name}`).writeText('file')
  await storage.createSnapshot('docs:', { tag: 't' })
  for (const name of ['a', 'f']) await storage.node(`docs:${name}`).delete()
  await storage.node('docs:f/g').writeText('in it')
  mkdirSync(join(folder, 'docs/f/sub'))
  symlinkSync('nowhere', join(folder, 'docs/f/sub/link'))
  await expect(storage.restoreSnapshot('docs:', { tag: 't' })).rejects.toMatchObject({ code: 'ARC_TARGET_UNSUITABLE' })
  expect(readFileSync(join(folder, 'docs/f/g'), 'utf8')).toBe('in it')
  expect(existsSync(join(folder, 'docs/a'))).toBe(false)
  expect(await storage.node('docs:a').versions()).toHaveLength(2)
})

test.each([
  ['f', 'f/g'],
  ['f/g', 'f'],
])('who comes after a crash before %s is back ends what was begun', async (then, since) => {
  await using place = await openFolder()
  const { storage, folder } = place
  const docs = join(folder, 'docs')
  await storage.node(`docs:${then}`).writeText('then')
  await storage.createSnapshot('docs:', { tag: 't' })
  await storage.node(`docs:${then}`).delete()
  rmSync(join(docs, 'f'), { recursive: true, force: true })
  await storage.node(`docs:${since}`).writeText('since')
  const writer = join(import.meta.dirname, 'swap-writer.ts')
  expect(spawnSync(process.execPath, [writer, docs], { stdio: 'pipe' }).signal).toBe('SIGKILL')
  expect(existsSync(join(docs, since))).toBe(false)
  expect(await storage.node(`docs:${then}`).readText({ version: -1 })).toBe('then')
  expect(readFileSync(join(docs, then), 'utf8')).toBe('then')
  expect(await storage.fsck('docs')).toMatchObject({ isClean: true })
})
