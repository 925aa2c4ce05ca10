// Every kind of mount that is no service, run for real.
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { temporaryFolder } from '@arc/core/testing'
import { expect, onTestFinished, test } from 'vitest'
import { startServer } from '../../../tools/servers/start-server.ts'
import { makeContainer } from '../../../tools/servers/azure-container.ts'
import { type MountConfig, type StorageNode, StorageManager } from '../src/index.ts'
import { openFolder } from './places.ts'

const denied = { code: 'ARC_PERMISSION_DENIED' }

/** Files that every mount of this kind is made of. */
function sampleFolder(): string {
  const folder = temporaryFolder()
  onTestFinished(() => folder[Symbol.dispose]())
  const root = join(folder.path, 'sample')
  mkdirSync(join(root, 'deep/er'), { recursive: true })
  writeFileSync(join(root, 'a.txt'), '0123456789')
  writeFileSync(join(root, 'deep/er/b.json'), '{"b":1}')
  return root
}

async function open(...mounts: MountConfig[]): Promise<StorageManager> {
  const storage = new StorageManager()
  await storage.configure(mounts)
  onTestFinished(() => storage[Symbol.asyncDispose]())
  return storage
}

/** What holds of a mount that shows the sample and can only be read. */
async function expectSample(storage: StorageManager, name: string): Promise<void> {
  const root = storage.node(`${name}:`)
  expect((await root.children()).map(({ path }) => path)).toEqual(['a.txt', 'deep'])
  const [a, b] = [storage.node(`${name}:a.txt`), storage.node(`${name}:deep/er/b.json`)]
  expect(await a.readText()).toBe('0123456789')
  expect((await a.readBytes({ range: { start: 3, end: 6 } })).toString()).toBe('345')
  expect(await b.readJson()).toEqual({ b: 1 })
  expect(await a.size()).toBe(10)
  expect(await storage.node(`${name}:deep`).isDirectory()).toBe(true)
  expect(await storage.node(`${name}:none`).exists()).toBe(false)
  await expect(storage.node(`${name}:none`).readText()).rejects.toMatchObject({ code: 'ARC_OBJECT_NOT_FOUND' })
  expect(await a.versions()).toEqual([])
  for (const attempt of [() => a.writeText('x'), () => a.delete(), () => storage.node(`${name}:new`).writeText('x')])
    await expect(attempt(), String(attempt)).rejects.toMatchObject(denied)
  await storage.addMount({ name: 'copied', protocol: 'memory' })
  const report = await root.copyTo(storage.node('copied:all'))
  expect(report).toMatchObject({ copiedFiles: 2, omissions: [] })
  expect(await storage.node('copied:all/deep/er/b.json').readText()).toBe('{"b":1}')
}

test('tar, as tar wrote it, compressed or not', async () => {
  const root = sampleFolder()
  for (const [file, flag] of [
    ['s.tar', '-cf'],
    ['s.tar.gz', '-czf'],
  ] as const) {
    execFileSync('tar', [flag, join(root, '..', file), '-C', root, 'a.txt', 'deep'], { stdio: 'pipe' })
    const storage = await open({ name: 'in', protocol: 'tar', file: join(root, '..', file) })
    await expectSample(storage, 'in')
  }
})

test('zip, as Python wrote it', async () => {
  const root = sampleFolder()
  const file = join(root, '../s.zip')
  const script = 'import shutil, sys; shutil.make_archive(sys.argv[1], "zip", sys.argv[2])'
  expect(spawnSync('python3', ['-c', script, file.slice(0, -'.zip'.length), root]).status).toBe(0)
  await expectSample(await open({ name: 'in', protocol: 'zip', file }), 'in')
})

test('git: the revision, not the work tree', async () => {
  const root = sampleFolder()
  const git = (...args: string[]): void => void execFileSync('git', ['-C', root, ...args], { stdio: 'pipe' })
  git('init', '-q')
  git('add', '.')
  git('-c', 'user.name=t', '-c', 'user.email=t@localhost', 'commit', '-qm', 'one')
  git('tag', 'v1')
  writeFileSync(join(root, 'a.txt'), 'changed')
  git('-c', 'user.name=t', '-c', 'user.email=t@localhost', 'commit', '-qam', 'two')
  const storage = await open(
    { name: 'in', protocol: 'git', basePath: root, ref: 'v1' },
    { name: 'head', protocol: 'git', basePath: root },
  )
  await expectSample(storage, 'in')
  expect(await storage.node('head:a.txt').readText()).toBe('changed')
})

test('http: what a server gives under an address, with ranges or without', async () => {
  const root = sampleFolder()
  for (const hasRanges of [true, false]) {
    const server = createServer((request, response) => {
      const path = join(root, decodeURIComponent(new URL(request.url ?? '/', 'http://localhost').pathname))
      if (!/\.(txt|json)$/.test(path) || path.includes('none')) return void response.writeHead(404).end()
      const bytes = readFileSync(path)
      const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '') ?? []
      if (!hasRanges || from === undefined)
        return void response
          .writeHead(200, { 'content-length': bytes.length, etag: '"e"' })
          .end(request.method === 'HEAD' ? undefined : bytes)
      const end = Math.min(bytes.length, to === '' ? bytes.length : Number(to) + 1)
      const headers = {
        'content-range': `bytes ${from}-${end - 1}/${bytes.length}`,
        'content-length': end - Number(from),
        etag: '"e"',
      }
      response.writeHead(206, headers).end(bytes.subarray(Number(from), end))
    })
    onTestFinished(() => void server.close())
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const storage = await open({
      name: 'in',
      protocol: 'http',
      url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    })
    const a = storage.node('in:a.txt')
    expect(await a.readText()).toBe('0123456789')
    expect((await a.readBytes({ range: { start: 3, end: 6 } })).toString()).toBe('345')
    expect(await storage.node('in:deep/er/b.json').readJson()).toEqual({ b: 1 })
    expect(await storage.node('in:none').exists()).toBe(false)
    await expect(a.writeText('x')).rejects.toMatchObject(denied)
  }
})

test('base64: the path is the content', async () => {
  const storage = await open({ name: 'b64', protocol: 'base64' })
  const bytes = Buffer.from([0xfb, 0xff, 0, 1, 2])
  for (const text of [bytes.toString('base64'), bytes.toString('base64url')]) {
    expect((await storage.node(`b64:${text}`).readBytes()).equals(bytes)).toBe(true)
    expect(await storage.node(`b64:${text}`).size()).toBe(5)
  }
  await expect(storage.node('b64:no base64!').readBytes()).rejects.toMatchObject({ code: 'ARC_OBJECT_NOT_FOUND' })
  await expect(storage.node('b64:AAAA').writeText('x')).rejects.toMatchObject(denied)
})

test('callable: a function says where, for each first segment or at all', async () => {
  const root = sampleFolder()
  let tenant = 'one'
  const storage = await open(
    { name: 'by', protocol: 'local', basePath: (first: string) => join(root, 'tenants', first) },
    { name: 'now', protocol: 'local', basePath: () => join(root, 'tenants', tenant) },
  )
  await storage.node('by:one/f').writeText('of one')
  await storage.node('by:two/f').writeText('of two')
  expect(readFileSync(join(root, 'tenants/one/f'), 'utf8')).toBe('of one')
  expect(await storage.node('now:f').readText()).toBe('of one')
  tenant = 'two'
  expect(await storage.node('now:f').readText()).toBe('of two')
  expect(await storage.node('by:two/f').versions()).toHaveLength(1)
})

test('a mount that is given anew is another place, also when it was in use', async () => {
  await using place = await openFolder()
  const { storage } = place
  await storage.node('docs:f').writeText('there')
  const other = join(place.folder, 'other')
  await storage.configure([{ name: 'docs', protocol: 'local', basePath: other }])
  await storage.node('docs:f').writeText('here')
  expect(readFileSync(join(other, 'f'), 'utf8')).toBe('here')
  expect(readFileSync(join(place.folder, 'docs/f'), 'utf8')).toBe('there')
})

test('a listener that fails, at once or later, disturbs nobody', async () => {
  await using place = await openFolder()
  const { storage } = place
  storage.on('*', () => {
    throw new Error('at once')
  })
  storage.on('*', () => Promise.reject(new Error('later')))
  await storage.node('docs:f').writeText('a')
  expect(await storage.node('docs:f').readText()).toBe('a')
})

test('relative: a part of a part of another mount, with no more than its permissions', async () => {
  await using place = await openFolder()
  const { storage } = place
  await storage.configure([
    { name: 'part', path: 'docs:a/b', permissions: 'readwrite' },
    { name: 'smaller', path: 'part:c', permissions: 'delete' },
    { name: 'loop', path: 'pool:x' },
    { name: 'pool', path: 'loop:y' },
  ])
  const heard: string[] = []
  storage.on('version_created', ({ mount, path }) => heard.push(`${mount}:${path}`))
  await storage.node('smaller:f').writeText('deep')
  expect(heard).toEqual(['smaller:f'])
  expect(readFileSync(join(place.folder, 'docs/a/b/c/f'), 'utf8')).toBe('deep')
  expect((await storage.node('smaller:').children()).map(({ fullPath }) => fullPath)).toEqual(['smaller:f'])
  const part = storage.node('smaller:f')
  const told = [
    ...(await part.versions()),
    await part.version(),
    await part.tagVersion(-1, 't'),
    await part.annotateVersion({ metadata: { by: 'me' } }),
    ...(await part.findVersions({ by: 'me' })),
    ...(await storage.node('smaller:').findVersions({ by: 'me' })),
    (await part.writeText('deeper')).version,
    (await part.rollback({ tag: 't' })).version,
    await part.setStorageClass('COLD'),
  ]
  expect(told.map(({ key }) => key)).toEqual(told.map(() => 'f'))
  expect((await part.cleanupVersions({ keepLast: 9, dryRun: true })).key).toBe('f')
  await expect(storage.node('smaller:f').delete()).rejects.toMatchObject(denied)
  await expect(storage.node('loop:f').readText()).rejects.toMatchObject({ code: 'ARC_MOUNT_INVALID' })
  const found = (await Array.fromAsync(storage.listVersions('smaller:'))).flat()
  expect(found.map(({ key }) => key)).toEqual(['f', 'f', 'f'])
})

test('a URL of Azure gives the content, and where nobody signs it is refused', async () => {
  await using server = await startServer('azurite')
  const { endpoint, accountName, accountKey } = server.facts
  await makeContainer(server.facts, 'urls')
  await using place = await openFolder()
  const { storage } = place
  await storage.configure([
    {
      name: 'azure',
      protocol: 'azure',
      container: 'urls',
      endpoint,
      accountName,
      accountKey,
    },
    { name: 'mem', protocol: 'memory' },
  ])
  const node = storage.node('azure:a/b c.txt')
  await node.writeText('content')
  expect(await (await fetch(await node.url({ expiresInSeconds: 60 }))).text()).toBe('content')
  expect((await node.versions())[0]?.backendVersion).toBeUndefined()
  const refused: StorageNode[] = [storage.node('docs:f'), storage.node('mem:f')]
  for (const other of refused) {
    await other.writeText('x')
    await expect(other.url({ expiresInSeconds: 60 })).rejects.toMatchObject({ code: 'ARC_BACKEND_UNSUITABLE' })
  }
})
