// What JavaScript lets through is told at once, and alike by every kind of mount.
import { memoryBackend } from '@arc/storage'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { StorageNode } from '../src/index.ts'
import { openFolder } from './places.ts'

const invalid = { code: 'ARC_OPTION_INVALID' }

/** What a program without types may pass. */
const any = (value: unknown): never => value as never

test('wrong arguments', async () => {
  await using place = await openFolder()
  const { storage } = place
  const node = storage.node('docs:f')
  await node.writeText('content')
  const loop: Record<string, unknown> = {}
  loop['self'] = loop
  const wrong: readonly (() => unknown)[] = [
    () => node.cleanupVersions(),
    () => node.annotateVersion(any(undefined)),
    () => node.findVersions(any(undefined)),
    () => storage.deduplicate('docs:', any(undefined)),
    () => node.copyTo(any('docs:x')),
    () => node.writeJson(loop),
    () => node.writeJson(1n),
    () => node.serve(any(undefined)),
    () => storage.call('echo', [any(5)]),
    () => storage.call('echo', [any(null)]),
    () => node.lock({ timeoutMs: any('5') }),
    () => node.lock({ leaseMs: any('5000') }),
    () => node.lock({ owner: any(7) }),
    () => node.url({ expiresIn: 0 }),
    () => node.url({ expiresIn: 1.5 }),
    () => node.url({ expiresIn: 604_801 }),
    () => node.url({ expiresIn: 60, expiresInSeconds: 61 }),
  ]
  for (const attempt of wrong) await expect((async () => attempt())(), String(attempt)).rejects.toMatchObject(invalid)
  expect(() => storage.concatenate(any('x'))).toThrow(expect.objectContaining(invalid))
})

test('ranges are checked alike', async () => {
  await using place = await openFolder()
  const { storage } = place
  await storage.configure([
    { name: 'memory', backend: memoryBackend() },
    { name: 'b64', protocol: 'base64' },
  ])
  const nodes: StorageNode[] = ['docs:f', 'memory:f'].map((path) => storage.node(path))
  for (const node of nodes) await node.writeText('content')
  nodes.push(storage.node('b64:Y29udGVudA=='))
  for (const node of nodes) {
    for (const range of [
      { start: -1 },
      { start: 3, end: 2 },
      { start: 1.5 },
      { start: any('1') },
      { start: 0, end: -1 },
    ])
      await expect(node.readText({ range }), `${node.fullPath} ${JSON.stringify(range)}`).rejects.toMatchObject(invalid)
    expect(await node.readText({ range: { start: 4, end: 100 } })).toBe('ent')
    expect(await node.readText({ range: { start: 100 } })).toBe('')
  }
})

test('a folder is told from nothing, and a file from a folder', async () => {
  await using place = await openFolder()
  const { storage } = place
  mkdirSync(join(place.folder, 'docs/dd'), { recursive: true })
  for (const read of [() => storage.node('docs:dd').readText(), () => storage.node('docs:dd').size()])
    await expect(read()).rejects.toMatchObject({
      code: 'ARC_OBJECT_NOT_FOUND',
      message: 'docs:dd is a folder, which has no content',
    })
  await storage.node('docs:f').writeText('x')
  for (const path of ['docs:f/g', 'docs:f/g/h'])
    await expect(storage.node(path).writeText('y')).rejects.toMatchObject({
      code: 'ARC_TARGET_UNSUITABLE',
      message: 'f is a file, so nothing can be written below it',
    })
})

test('a copy says that it is one, and has the facts of what it was made of', async () => {
  await using place = await openFolder()
  const { storage } = place
  await storage.addMount({ name: 'memory', protocol: 'memory' })
  const node = storage.node('docs:f')
  await node.writeText('x', { metadata: { author: 'ada' } })
  for (const target of ['docs:g', 'memory:g']) {
    await node.copyTo(storage.node(target))
    expect(await storage.node(target).versions()).toMatchObject([{ origin: 'copy', metadata: { author: 'ada' } }])
  }
})
