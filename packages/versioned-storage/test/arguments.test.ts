// What JavaScript lets through is told at once, and alike by every kind of mount.
import { memoryBackend } from '@arc/storage'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { Metadata, StorageNode } from '../src/index.ts'
import { openFolder, openPlace, PLACES } from './places.ts'

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
    () => node.lock({ leaseMs: 1e300 }),
    () => node.lock({ leaseMs: Number.NaN }),
    () => node.lock({ leaseMs: 2 ** 31 }),
    () => node.lock({ timeoutMs: Number.NaN }),
    () => node.removeVersion(any(undefined)),
    () => node.tagVersion(any(undefined), 'x'),
    () => node.setStorageClass(''),
    () => node.setStorageClass(any(undefined)),
    () => node.setLegalHold(any(undefined)),
    () => node.writeText('x', { metadata: JSON.parse('{"__proto__":{"x":1}}') as Metadata }),
    () => node.annotateVersion({ metadata: { a: JSON.parse('{"__proto__":1}') as Metadata } }),
    () => node.writeStream(storage.node('docs:f').stream(), { origin: any('write') }),
    () => node.writeText('x', any({ origin: 'rollback' })),
    () => node.localPath(any('x')),
    () => node.localPath('r', any('x')),
    () => node.fillFromUrl('file:///etc/hostname'),
    () => node.cleanupVersions(any({ keepLast: 1, dryRun: 'no' })),
    () => node.compactVersions(any({ dryRun: 'no' })),
    () => node.writeText('x', any({ skipIfUnchanged: 'no' })),
    () => node.tagVersion(-1, 'x', any({ move: 'no' })),
    () => node.readText(any({ signal: 'stop' })),
    () => node.readText(any({ onProgress: 5 })),
    () => storage.bulkCompactVersions('docs:', any({ dryRun: 'no' })),
    () => storage.createSnapshot('docs:', any({ tag: 'x', move: 'no' })),
    () => storage.restoreSnapshot('docs:', any({ tag: 'x', dryRun: 'no' })),
    () => storage.restoreSnapshot('docs:', any({})),
    () => storage.restoreSnapshot('docs:', any({ tag: 'x', locks: [node] })),
    () => storage.deduplicate('docs:', any({ strategy: 'reference', dryRun: 'no' })),
    () => storage.fsck('docs', any({ repair: 'no' })),
    () => storage.fsck('docs:f'),
    () => node.url({ expiresIn: 0 }),
    () => node.url({ expiresIn: 1.5 }),
    () => node.url({ expiresIn: 604_801 }),
    () => node.url({ expiresIn: 60, expiresInSeconds: 61 }),
  ]
  for (const attempt of wrong) await expect((async () => attempt())(), String(attempt)).rejects.toMatchObject(invalid)
  for (const make of [
    () => storage.concatenate(any('x')),
    () => storage.zip(any('x')),
    () => storage.diff(node, any('x')),
    () => storage.on('version_created', any(5)),
    () => storage.on(any(5), () => {}),
  ])
    expect(make, String(make)).toThrow(expect.objectContaining(invalid))
  expect(await node.versions()).toHaveLength(1)
})

test('options that are null, or a text, are refused by every call', async () => {
  await using place = await openFolder()
  const { storage } = place
  const [node, other] = [storage.node('docs:f'), storage.node('docs:g')]
  await node.writeText('content')
  for (const options of [any(null), any('x')]) {
    const calls: readonly (() => unknown)[] = [
      () => node.stat(options),
      () => node.exists(options),
      () => node.size(options),
      () => node.children(options),
      () => node.mkdir(options),
      () => node.stream(options).next(),
      () => node.readBytes(options),
      () => node.readText(options),
      () => node.readJson(options),
      () => node.writeText('x', options),
      () => node.delete(options),
      () => node.copyTo(other, options),
      () => node.moveTo(other, options),
      () => node.sha256(options),
      () => node.md5(options),
      () => node.metadata(options),
      () => node.toDataUri(options),
      () => node.fillFromUrl('http://127.0.0.1/', options),
      () => node.url(options),
      () => node.serve(new Request('http://127.0.0.1/'), options),
      () => node.lock(options),
      () => node.versions(options),
      () => node.version(options),
      () => node.rollback(options),
      () => node.removeVersion(0, options),
      () => node.compactVersions(options),
      () => node.cleanupVersions(options),
      () => node.tagVersion(-1, 'x', options),
      () => node.versionTags(-1, options),
      () => node.untagVersion('x', options),
      () => node.findVersions({}, options),
      () => node.setLegalHold(true, options),
      () => node.diffVersions(options),
      () => node.diffVersionsText(options),
      () => storage.listVersions('docs:', options).next(),
      () => storage.bulkCompactVersions('docs:', options),
      () => storage.createSnapshot('docs:', options),
      () => storage.restoreSnapshot('docs:', options),
      () => storage.removeSnapshot('docs:', options),
      () => storage.findDuplicates('docs:', options),
      () => storage.fsck('docs', options),
      () => storage.deliverWebhooks(options),
      () => storage.call('true', [], options),
      () => storage.concatenate(node).readText(options),
      () => storage.concatenate(node).stat(options),
    ]
    for (const call of calls) await expect((async () => call())(), String(call)).rejects.toMatchObject(invalid)
  }
})

test('the root of a mount has neither content, past nor lock, on every kind of place', async () => {
  for (const make of Object.values(PLACES)) {
    await using place = await openPlace(make)
    const root = place.storage.node('docs:')
    const calls: readonly (() => Promise<unknown>)[] = [
      () => root.lock(),
      () => root.writeText('x'),
      () => root.tagVersion(-1, 'x'),
      () => root.annotateVersion({ metadata: { a: 1 } }),
      () => root.setLegalHold(true),
      () => root.rollback({ version: 0 }),
      () => root.removeVersion(0),
    ]
    for (const call of calls) await expect(call(), String(call)).rejects.toMatchObject(invalid)
    expect(await root.versions()).toEqual([])
    await expect(root.readText()).rejects.toMatchObject({ code: 'ARC_OBJECT_NOT_FOUND' })
    await place.storage.node('docs:f').writeText('x')
    expect(await place.storage.fsck('docs')).toMatchObject({ isClean: true, versions: 1 })
  }
})

test('a version is removed only when it is named, also behind a delete marker', async () => {
  for (const make of Object.values(PLACES)) {
    await using place = await openPlace(make)
    const node = place.storage.node('docs:f')
    await node.writeText('1')
    await node.delete()
    await expect(node.removeVersion(any(undefined))).rejects.toMatchObject(invalid)
    expect(await node.versions()).toHaveLength(2)
  }
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
