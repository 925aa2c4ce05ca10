// Copies and moves between mounts that may show the same place.
import { mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryFolder } from '@arc/core/testing'
import { expect, onTestFinished, test } from 'vitest'
import { StorageManager } from '../src/index.ts'

async function twoViews(): Promise<{ storage: StorageManager; folder: string }> {
  const folder = temporaryFolder()
  const storage = new StorageManager()
  onTestFinished(async () => {
    await storage[Symbol.asyncDispose]()
    folder[Symbol.dispose]()
  })
  mkdirSync(join(folder.path, 'inner'))
  await storage.configure([
    { name: 'docs', protocol: 'local', basePath: folder.path },
    { name: 'same', protocol: 'local', basePath: folder.path },
    { name: 'inner', protocol: 'local', basePath: join(folder.path, 'inner') },
    { name: 'part', path: 'docs:inner' },
  ])
  return { storage, folder: folder.path }
}

test('nothing is copied or moved onto itself, whatever its mount is called', async () => {
  const { storage, folder } = await twoViews()
  const file = storage.node('docs:inner/f')
  await file.writeText('precious')
  for (const alias of ['docs:inner/f', 'same:inner/f', 'inner:f', 'part:f']) {
    const target = storage.node(alias)
    await expect(file.moveTo(target), alias).rejects.toMatchObject({ code: 'ARC_OPTION_INVALID' })
    await expect(target.copyTo(file), alias).rejects.toMatchObject({ code: 'ARC_OPTION_INVALID' })
  }
  for (const alias of ['docs:inner', 'docs:inner/deeper', 'part:deeper', 'inner:'])
    await expect(storage.node('docs:inner').moveTo(storage.node(alias)), alias).rejects.toMatchObject({
      code: 'ARC_OPTION_INVALID',
    })
  expect(readFileSync(join(folder, 'inner/f'), 'utf8')).toBe('precious')
  expect(await file.versions()).toHaveLength(1)
})

test('folders in which there is nothing come along', async () => {
  const { storage, folder } = await twoViews()
  await storage.node('docs:from/full/f').writeText('x')
  await storage.node('docs:from/empty/deeper').mkdir()
  await storage.node('docs:from').copyTo(storage.node('docs:copy'))
  expect(statSync(join(folder, 'copy/empty/deeper')).isDirectory()).toBe(true)
  const { copiedFiles } = await storage.node('docs:from').moveTo(storage.node('docs:moved'))
  expect(copiedFiles).toBe(1)
  expect(readdirSync(join(folder, 'moved')).sort()).toEqual(['empty', 'full'])
  expect(readdirSync(folder)).not.toContain('from')
})

test('strategies and globs that nobody understands are refused', async () => {
  const { storage } = await twoViews()
  const file = storage.node('docs:f')
  await file.writeText('x')
  for (const options of [{ skip: 'hsah' }, { include: '*.md' }, { exclude: [5] }])
    await expect(file.copyTo(storage.node('docs:g'), options as never)).rejects.toMatchObject({
      code: 'ARC_OPTION_INVALID',
    })
  expect(await storage.node('docs:g').exists()).toBe(false)
})
