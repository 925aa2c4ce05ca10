// The fifteen defects of the predecessor, each as a test that it cannot be here.
import { existsSync, lstatSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { sha256Hex } from '@arc/core/node'
import { memoryBackend } from '@arc/storage'
import { expect, test } from 'vitest'
import { StorageManager } from '../src/index.ts'
import { openFolder, openPlace, PLACES } from './places.ts'

const denied = { code: 'ARC_PERMISSION_DENIED' }

test('1: nothing gets through a read-only mount', async () => {
  await using place = await openFolder()
  const { storage } = place
  await storage.addMount({ name: 'ro', path: 'docs:', permissions: 'readonly' })
  await storage.addMount({ name: 'rw', path: 'docs:', permissions: 'readwrite' })
  await storage.addMount({ name: 'sub', path: 'ro:', permissions: 'delete' })
  await storage.node('docs:f').writeText('a')
  await storage.node('docs:f').writeText('b')
  const pieces = async function* (): AsyncGenerator<Uint8Array> {
    yield Buffer.from('x')
  }
  const attempts = (name: string): readonly (() => Promise<unknown>)[] => {
    const node = storage.node(`${name}:f`)
    return [
      () => node.writeText('x'),
      () => node.writeBytes(Buffer.from('x')),
      () => node.writeJson(1),
      () => node.writeStream(pieces()),
      () => storage.node(`${name}:new`).writeText('x'),
      () => node.rollback({ version: 0 }),
      () => node.tagVersion(-1, 't'),
      () => node.annotateVersion({ metadata: { a: 1 } }),
      () => node.setLegalHold(true),
      () => node.lock(),
      () => node.localPath('w'),
      () => node.localPath('rw'),
      () => storage.node('docs:f').copyTo(storage.node(`${name}:g`)),
      () => storage.node(`${name}:folder`).mkdir(),
      () => node.fillFromUrl('data:,x'),
      () => storage.createSnapshot(`${name}:`, { tag: 't' }),
      () => storage.concatenate(node).copyTo(storage.node(`${name}:g`)),
    ]
  }
  const deletions = (name: string): readonly (() => Promise<unknown>)[] => {
    const node = storage.node(`${name}:f`)
    return [
      () => node.delete(),
      () => node.removeVersion(0),
      () => node.cleanupVersions({ keepLast: 1 }),
      () => node.moveTo(storage.node('docs:moved')),
      () => storage.fsck(name, { repair: true }),
    ]
  }
  for (const name of ['ro', 'sub']) {
    for (const attempt of [...attempts(name), ...deletions(name)])
      await expect(attempt(), String(attempt)).rejects.toMatchObject(denied)
  }
  for (const attempt of deletions('rw')) await expect(attempt(), String(attempt)).rejects.toMatchObject(denied)
  expect(await storage.node('docs:f').readText()).toBe('b')
  expect((await storage.node('docs:').children()).map(({ name }) => name)).toEqual(['f'])
  await storage.node('rw:f').writeText('c')
  expect(await storage.node('ro:f').readText()).toBe('c')
})

test('2: a mount that can only be read says so, and names where it is', async () => {
  await using place = await openFolder()
  await place.storage.node('docs:f').writeText('a')
  await place.storage.addMount({ name: 'ro', path: 'docs:', permissions: 'readonly' })
  const { store } = await place.storage.node('ro:f').locate()
  expect(store.isWritable).toBe(false)
  expect(store.localPath('f')).toBe(join(place.folder, 'docs/f'))
})

test('3: deleting a link deletes the link', async () => {
  await using place = await openFolder()
  await place.storage.node('docs:target').writeText('kept')
  symlinkSync('target', join(place.folder, 'docs/link'))
  expect(await place.storage.node('docs:link').readText()).toBe('kept')
  await place.storage.node('docs:link').delete()
  expect(lstatSync(join(place.folder, 'docs/link'), { throwIfNoEntry: false })).toBeUndefined()
  expect(await place.storage.node('docs:target').readText()).toBe('kept')
})

test('4: memory mounts share nothing', async () => {
  await using storage = new StorageManager()
  await storage.configure([
    { name: 'one', protocol: 'memory' },
    { name: 'two', protocol: 'memory' },
  ])
  await storage.node('one:f').writeText('a')
  expect(await storage.node('two:f').exists()).toBe(false)
})

test('5: a file in memory keeps its time and validator', async () => {
  await using storage = new StorageManager()
  await storage.configure([{ name: 'mem', protocol: 'memory' }])
  const node = storage.node('mem:f.txt')
  await node.writeText('a')
  expect(await node.stat()).toEqual(await node.stat())
  const first = await node.serve(new Request('http://localhost/f'))
  const headers = { 'if-none-match': first.headers.get('etag') ?? '' }
  expect((await node.serve(new Request('http://localhost/f', { headers }))).status).toBe(304)
})

test('6: a name cannot write headers, and what is served is streamed', async () => {
  await using place = await openFolder()
  const node = place.storage.node('docs:f')
  await node.writeBytes(Buffer.alloc(3_000_000, 'x'))
  const name = 'a"\r\nset-cookie: x=1\r\n\r\nб.txt'
  const response = await node.serve(new Request('http://localhost/f'), { download: name })
  expect(response.headers.get('set-cookie')).toBeNull()
  expect(response.headers.get('content-disposition')).toBe(
    `attachment; filename="a___set-cookie: x=1_____.txt"; filename*=UTF-8''a%22%0D%0Aset-cookie%3A%20x%3D1%0D%0A%0D%0A%D0%B1.txt`,
  )
  let pieces = 0
  for await (const _piece of response.body as ReadableStream<Uint8Array>) pieces++
  expect(pieces).toBeGreaterThan(5)
})

test('7: a folder with broken links and loops is copied, and what is left out is told', async () => {
  await using place = await openFolder()
  const { storage, folder } = place
  for (const path of ['a.txt', 'b.md', 'deep/c.txt']) await storage.node(`docs:src/${path}`).writeText(path)
  symlinkSync('nowhere', join(folder, 'docs/src/broken'))
  symlinkSync('..', join(folder, 'docs/src/loop'))
  symlinkSync('/etc/passwd', join(folder, 'docs/src/out'))
  const report = await storage.node('docs:src').copyTo(storage.node('docs:copy'), { exclude: ['*.md'] })
  expect(report).toMatchObject({ copiedFiles: 2, omissions: [{ path: 'broken' }, { path: 'loop' }, { path: 'out' }] })
  await expect(storage.node('docs:src').copyTo(storage.node('docs:src/in'))).rejects.toMatchObject({
    code: 'ARC_OPTION_INVALID',
  })
  const single = await storage.node('docs:src/b.md').copyTo(storage.node('docs:b.md'), { exclude: ['*.md'] })
  expect(single.copiedFiles).toBe(0)
  expect(await storage.node('docs:b.md').exists()).toBe(false)
})

test('8: equal names do not collide in a zip archive', async () => {
  await using place = await openFolder()
  const { storage, folder } = place
  const nodes = ['docs:one/f.txt', 'docs:two/f.txt'].map((path) => storage.node(path))
  for (const node of nodes) await node.writeText(node.path)
  await storage.zip(...nodes).copyTo(storage.node('docs:both.zip'))
  await storage.addMount({ name: 'zip', protocol: 'zip', file: join(folder, 'docs/both.zip') })
  const inside = await storage.node('zip:').children()
  expect(inside.map(({ path }) => path)).toEqual(['f (2).txt', 'f.txt'])
  expect(await Promise.all(inside.map((node) => node.readText()))).toEqual(['two/f.txt', 'one/f.txt'])
})

test('9: text is written and read as it is', async () => {
  await using place = await openFolder()
  const text = '\uFEFFone\r\ntwo\rthree\n'
  await place.storage.node('docs:f').writeText(text)
  expect(await place.storage.node('docs:f').readText()).toBe(text)
  expect(readFileSync(join(place.folder, 'docs/f')).equals(Buffer.from(text))).toBe(true)
})

test('10: versions exist on every kind of place, and hashes are SHA-256 of the content', async () => {
  for (const make of Object.values(PLACES)) {
    await using place = await openPlace(make)
    const node = place.storage.node('docs:f')
    await node.writeText('a')
    await node.writeText('b')
    expect((await node.versions()).map(({ sha256 }) => sha256)).toEqual([
      sha256Hex(Buffer.from('a')),
      sha256Hex(Buffer.from('b')),
    ])
    expect(await node.md5()).toBe('92eb5ffee6ae2fec3ad71c777531578f')
  }
})

test('11: a write that breaks off leaves the old content, a move is verified', async () => {
  await using place = await openFolder()
  const node = place.storage.node('docs:f')
  await node.writeText('old')
  const broken = async function* (): AsyncGenerator<Uint8Array> {
    yield Buffer.alloc(100_000)
    throw new Error('gone')
  }
  await expect(node.writeStream(broken())).rejects.toThrow('gone')
  expect(readFileSync(join(place.folder, 'docs/f'), 'utf8')).toBe('old')
  await node.moveTo(place.storage.node('docs:g'))
  expect(await node.exists()).toBe(false)
  expect(await place.storage.node('docs:g').readText()).toBe('old')
  expect(await node.readText({ version: -1 })).toBe('old')
})

test('12: a node can be a key of a map, and nodes can be joined', async () => {
  await using storage = new StorageManager()
  await storage.configure([{ name: 'mem', protocol: 'memory' }])
  const [a, b] = [storage.node('mem:a'), storage.node('mem:b')]
  await a.writeText('1')
  await b.writeText('2')
  expect(new Map([[a.fullPath, 1]]).get(storage.node('mem:a').fullPath)).toBe(1)
  const both = storage.concatenate(a, b)
  expect(await both.readText()).toBe('12')
  expect((await both.stat()).sizeBytes).toBe(2)
})

test('13: a path of Windows is no mount', async () => {
  await using storage = new StorageManager()
  expect(() => storage.node('C:\\data')).toThrow('drive of Windows')
  await expect(storage.configure([{ name: 'data', path: 'C:\\data' }])).rejects.toMatchObject({
    code: 'ARC_MOUNT_INVALID',
  })
  await expect(storage.configure([{ name: 'C', protocol: 'memory' }])).rejects.toMatchObject({
    code: 'ARC_MOUNT_INVALID',
  })
})

test('14: a program reads its inputs and they are not written back', async () => {
  await using place = await openFolder()
  const { storage } = place
  await storage.addMount({ name: 'mem', backend: memoryBackend() })
  for (const name of ['docs', 'mem']) {
    const [input, output, changed] = [
      storage.node(`${name}:in`),
      storage.node(`${name}:out`),
      storage.node(`${name}:log`),
    ]
    await input.writeText('hello')
    await changed.writeText('line 1\n')
    await storage.call('sh', [
      '-c',
      'tr a-z A-Z < "$0" > "$1"; echo line 2 >> "$2"',
      input,
      { output },
      { change: changed },
    ])
    expect(await output.readText()).toBe('HELLO')
    expect(await changed.readText()).toBe('line 1\nline 2\n')
    expect(await input.versions()).toHaveLength(1)
    await expect(storage.call('sh', ['-c', 'echo x > "$0"; exit 3', { output }])).rejects.toMatchObject({
      code: 'ARC_SYSTEM_CALL_FAILED',
    })
    expect(await output.readText()).toBe('HELLO')
  }
})

test('15: no path leads out of its mount', async () => {
  await using place = await openFolder()
  const { storage, folder } = place
  await storage.addMount({ name: 'mem', protocol: 'memory' })
  for (const name of ['docs', 'mem']) {
    expect(() => storage.node(`${name}:../b`)).toThrow('parent-component')
    expect(() => storage.node(`${name}:a`, '..', '..', 'b')).toThrow('parent-component')
    expect(() => storage.node(`${name}:a`).child('../b')).toThrow('parent-component')
    expect(storage.node(`${name}://a//./b/`).path).toBe('a/b')
    await expect(storage.node(`${name}:.arc/log/x`).readText()).rejects.toMatchObject({ code: 'ARC_OBJECT_NOT_FOUND' })
    await expect(storage.node(`${name}:.arc/x`).writeText('x')).rejects.toMatchObject({ code: 'ARC_PATH_UNSAFE' })
  }
  mkdirSync(join(folder, 'outside'))
  writeFileSync(join(folder, 'outside/secret'), 's')
  await storage.node('docs:f').writeText('a')
  symlinkSync('../outside', join(folder, 'docs/way'))
  await expect(storage.node('docs:way/secret').readText()).rejects.toMatchObject({ code: 'ARC_PATH_UNSAFE' })
  await expect(storage.node('docs:way/new').writeText('x')).rejects.toMatchObject({ code: 'ARC_PATH_UNSAFE' })
  await expect(storage.node('docs:way/secret').delete()).rejects.toMatchObject({ code: 'ARC_PATH_UNSAFE' })
  expect(existsSync(join(folder, 'outside/new'))).toBe(false)
})
