import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryFolder } from '@arc/core/testing'
import { type Backend, directoryBackend } from '@arc/storage'
import { describe, expect, test } from 'vitest'
import { type MountConfig, StorageManager } from '../src/index.ts'
import { openPlace, PLACES } from './places.ts'

const PLACES_OF_FILES = Object.entries(PLACES).filter(([name]) => name.startsWith('a folder'))

describe.each(PLACES_OF_FILES)('in %s, where keys are paths', (_name, make) => {
  test('a write that is refused leaves no version, event or content', async () => {
    await using place = await openPlace(make)
    const { storage } = place
    const events: string[] = []
    await storage.node('docs:folder/file').writeText('below')
    await storage.node('docs:file').writeText('beside')
    storage.on('*', ({ type }) => events.push(type))
    for (const path of ['folder', 'file/below', 'file/far/below']) {
      const node = storage.node(`docs:${path}`)
      await expect(node.writeText('refused')).rejects.toThrow(/cannot hold|is a f/)
      expect([path, await node.versions(), await node.isFile()]).toEqual([path, [], false])
      await expect(node.readText()).rejects.toMatchObject({ code: 'ARC_OBJECT_NOT_FOUND' })
    }
    expect(events).toEqual([])
    await storage.node('docs:folder').delete()
    expect(await storage.node('docs:folder/file').exists()).toBe(false)
    await storage.node('docs:folder').writeText('now')
    expect(await storage.node('docs:folder').readText()).toBe('now')
    expect(await storage.fsck('docs')).toMatchObject({ isClean: true, versions: 4 })
  })

  test('a snapshot in which a folder was a file, and one in which it was none, can be brought back', async () => {
    await using place = await openPlace(make)
    const { storage } = place
    await storage.node('docs:name').writeText('file')
    await storage.createSnapshot('docs:', { tag: 'file' })
    await storage.node('docs:name').delete()
    await storage.node('docs:name/inner/a').writeText('a')
    await storage.node('docs:name/b').writeText('b')
    await storage.createSnapshot('docs:', { tag: 'folder' })
    await storage.restoreSnapshot('docs:', { tag: 'file' })
    expect(await storage.node('docs:name').readText()).toBe('file')
    await storage.restoreSnapshot('docs:', { tag: 'folder' })
    expect(await storage.node('docs:name/inner/a').readText()).toBe('a')
    expect(await storage.fsck('docs')).toMatchObject({ isClean: true })
  })
})

test('a place that is taken while many keys change does not keep the store from being opened', async () => {
  using folder = temporaryFolder()
  const root = join(folder.path, 'docs')
  mkdirSync(root)
  const backend = directoryBackend(root)
  // Somebody makes the folder between the question and the write.
  const unasked: Backend = new Proxy(backend, {
    get: (whole, name) => {
      if (name === 'assertCanHold') return undefined
      const member: unknown = Reflect.get(whole, name, whole)
      return typeof member === 'function' ? (member.bind(whole) as unknown) : member
    },
  })
  const config: MountConfig = { name: 'docs', backend: unasked }
  await using storage = new StorageManager()
  await storage.configure([config])
  await storage.node('docs:name').writeText('file')
  await storage.node('docs:other').writeText('old')
  await storage.createSnapshot('docs:', { tag: 'both' })
  await storage.node('docs:name').delete()
  await storage.node('docs:other').writeText('new')
  mkdirSync(join(root, 'name'))
  await expect(storage.restoreSnapshot('docs:', { tag: 'both' })).rejects.toMatchObject({
    code: 'ARC_BACKEND_UNSUITABLE',
  })
  await using again = new StorageManager()
  await again.configure([config])
  expect(await again.node('docs:other').readText()).toBe('old')
  expect(readFileSync(join(root, 'other'), 'utf8')).toBe('old')
  expect(await again.fsck('docs')).toMatchObject({ isClean: true })
})
