import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryFolder } from '@arc/core/testing'
import { expect, test } from 'vitest'
import { rebuildIndex, StorageManager } from '../src/index.ts'
import { openFolder } from './places.ts'

test('present contents are plain files; the past is in .arc', async () => {
  await using place = await openFolder()
  await place.storage.node('docs:config/a.json').writeJson({ a: 1 })
  expect(readFileSync(join(place.folder, 'docs/config/a.json'), 'utf8')).toBe('{\n  "a": 1\n}\n')
  expect((await place.storage.node('docs:').children()).map(({ name }) => name)).toEqual(['config'])
  expect(readdirSync(join(place.folder, 'docs/.arc/staging'))).toEqual([])
})

test('what other programs write, replace and delete becomes versions', async () => {
  await using place = await openFolder()
  const docs = join(place.folder, 'docs')
  mkdirSync(docs)
  writeFileSync(join(docs, 'f'), 'before Arc')
  const node = place.storage.node('docs:f')
  expect(await node.readText({ version: -1 })).toBe('before Arc')
  await node.writeText('Arc')
  writeFileSync(join(docs, 'f'), 'editor')
  expect(await node.readText()).toBe('editor')
  await node.writeText('Arc again')
  rmSync(join(docs, 'f'))
  expect((await node.versions()).map(({ origin, isDeleteMarker }) => [origin, isDeleteMarker])).toEqual([
    ['external', false],
    ['write', false],
    ['external', false],
    ['write', false],
    ['external', true],
  ])
  expect((await place.storage.fsck('docs')).isClean).toBe(true)
})

test('the index is built anew from the log', async () => {
  await using place = await openFolder()
  const { storage, folder } = place
  const node = storage.node('docs:f')
  for (let n = 0; n < 20; n++) await node.writeText(`version ${n}`, { metadata: { n } })
  await storage.node('docs:big').writeBytes(Buffer.alloc(100_000, 1))
  await node.tagVersion(3, 'three')
  await node.cleanupVersions({ keepLast: 5 })
  await storage.createSnapshot('docs:', { tag: 's' })
  await node.lock({ leaseMs: 60_000 }).then((lock) => lock.release())
  const before = await node.versions()
  await storage.removeMount('docs')
  writeFileSync(join(folder, 'docs/.arc/index.db'), 'not a database')
  await storage.configure([{ name: 'docs', protocol: 'local', basePath: join(folder, 'docs') }])
  await expect(storage.node('docs:f').versions()).rejects.toMatchObject({ code: 'ARC_STORE_DAMAGED' })
  expect(await rebuildIndex(join(folder, 'docs'))).toMatchObject({ isClean: true, keys: 2, problems: [] })
  expect(await storage.node('docs:f').versions()).toEqual(before)
  expect(await storage.snapshots('docs:')).toHaveLength(1)
  await using lock = await storage.node('docs:f').lock()
  expect(lock.token).toBe(2)
})

test('a torn line at the end of the log was never acknowledged, damage before it is told', async () => {
  await using place = await openFolder()
  const { storage, folder } = place
  const log = join(folder, 'docs/.arc/log/00000001.jsonl')
  await storage.node('docs:f').writeText('one')
  await storage.node('docs:f').writeText('two')
  await storage.removeMount('docs')
  const bytes = readFileSync(log)
  const end = bytes.lastIndexOf(0x0a) + 1
  const config = { name: 'docs', protocol: 'local', basePath: join(folder, 'docs') } as const
  bytes.write('["0123456789abcdef",{"n":3,"edits":[', end)
  writeFileSync(log, bytes)
  await storage.addMount(config)
  await storage.node('docs:f').writeText('three')
  expect(await storage.node('docs:f').versions()).toHaveLength(3)
  expect((await storage.fsck('docs')).isClean).toBe(true)
  await storage.removeMount('docs')
  const damaged = readFileSync(log)
  damaged[40] = 0x58
  writeFileSync(log, damaged)
  await storage.addMount(config)
  expect((await storage.fsck('docs')).problems).toMatchObject([{ kind: 'log-damaged' }])
  await storage.removeMount('docs')
  await expect(rebuildIndex(join(folder, 'docs'))).rejects.toMatchObject({ code: 'ARC_STORE_DAMAGED' })
})

test('fsck finds contents that are damaged or gone, and litter', async () => {
  await using place = await openFolder()
  const { storage, folder } = place
  const { version } = await storage.node('docs:big').writeBytes(Buffer.alloc(100_000, 1))
  await storage.node('docs:other').writeBytes(Buffer.alloc(100_000, 2))
  const sha = version.sha256 ?? ''
  const objects = join(folder, 'docs/.arc/objects')
  mkdirSync(join(objects, 'ff'), { recursive: true })
  writeFileSync(join(objects, 'ff', 'f'.repeat(64)), 'litter')
  expect((await storage.fsck('docs', { repair: true })).problems).toMatchObject([{ kind: 'litter', isRepaired: true }])
  expect((await storage.fsck('docs')).problems).toEqual([])
  rmSync(join(objects, sha.slice(0, 2), sha))
  expect((await storage.fsck('docs')).problems).toMatchObject([{ kind: 'content-missing' }])
})

test('removed versions free their objects, shared contents stay', async () => {
  await using place = await openFolder()
  const { storage, folder } = place
  const [a, b] = [storage.node('docs:a'), storage.node('docs:b')]
  for (const node of [a, b]) for (const byte of [1, 2]) await node.writeBytes(Buffer.alloc(50_000, byte))
  const objects = (): number =>
    readdirSync(join(folder, 'docs/.arc/objects'), { recursive: true }).filter((name) => String(name).length > 60)
      .length
  expect(objects()).toBe(2)
  await a.cleanupVersions({ keepLast: 1 })
  expect(objects()).toBe(2)
  await b.cleanupVersions({ keepLast: 1 })
  expect(objects()).toBe(1)
  expect(await storage.findDuplicates('docs:')).toMatchObject([{ paths: ['a', 'b'], sizeBytes: 50_000 }])
  const { savedBytes } = await storage.deduplicate('docs:', { strategy: 'reference' })
  expect(savedBytes).toBe(50_000)
  expect((await b.readBytes()).equals(Buffer.alloc(50_000, 2))).toBe(true)
  expect(await b.versions()).toHaveLength(1)
})

test('compression concerns the past only, and only what it makes smaller', async () => {
  await using place = await openFolder()
  const { storage, folder } = place
  await storage.addMount({ name: 'docs', protocol: 'local', basePath: join(folder, 'docs'), compress: ['*.txt'] })
  const text = 'again and again '.repeat(5000)
  const { version } = await storage.node('docs:d/f.txt').writeText(text)
  expect(statSync(join(folder, 'docs/d/f.txt')).size).toBe(text.length)
  const sha = version.sha256 ?? ''
  expect(statSync(join(folder, 'docs/.arc/objects', sha.slice(0, 2), `${sha}.zst`)).size).toBeLessThan(1000)
  expect(await storage.node('docs:d/f.txt').readText({ version: -1 })).toBe(text)
})

test('a function says which folder a mount is', async () => {
  await using place = await openFolder()
  const { storage, folder } = place
  let current = 'one'
  await storage.addMount({ name: 'here', protocol: 'local', basePath: () => join(folder, current) })
  await storage.addMount({
    name: 'tenant',
    protocol: 'local',
    basePath: (first: string) => join(folder, 'tenants', first),
  })
  await storage.node('here:f').writeText('1')
  current = 'two'
  expect(await storage.node('here:f').exists()).toBe(false)
  await storage.node('tenant:acme/f').writeText('t')
  expect(readFileSync(join(folder, 'tenants/acme/f'), 'utf8')).toBe('t')
  expect(await storage.node('tenant:acme/f').readText({ version: -1 })).toBe('t')
  expect(await storage.fsck('here')).toMatchObject({ versions: 0 })
  expect(await storage.fsck('tenant:acme')).toMatchObject({ versions: 1, isClean: true })
  await expect(storage.fsck('tenant')).rejects.toMatchObject({ code: 'ARC_OPTION_INVALID' })
})

test('who comes later delivers the events that were left, without a look at what they are of', async () => {
  using folder = temporaryFolder()
  const told: unknown[] = []
  for (const status of [400, 200]) {
    await using storage = new StorageManager()
    await storage.configure([{ name: 'docs', protocol: 'local', basePath: folder.path }])
    const post = (async (_url: string, { body }: { body: string }) => {
      told.push([status, (JSON.parse(body) as { type: string }).type])
      return new Response(null, { status })
    }) as unknown as typeof fetch
    storage.addWebhook({ url: 'https://receiver.example/', secret: 's', fetch: post })
    if (status === 400) await storage.node('docs:f').writeText('x')
    expect(await storage.deliverWebhooks()).toBe(status === 400 ? 1 : 0)
  }
  expect(told.at(-1)).toEqual([200, 'version_created'])
})

test('who reads only the beginning of a large compressed version leaves no file open', async () => {
  using folder = temporaryFolder()
  await using storage = new StorageManager()
  await storage.configure([{ name: 'docs', protocol: 'local', basePath: folder.path, compress: ['*'] }])
  const node = storage.node('docs:f')
  await node.writeBytes(Buffer.from(Array.from({ length: 300_000 }, (_, at) => `${at * 7919} `).join('')))
  await node.writeText('short')
  const openFiles = (): number => readdirSync('/dev/fd').length
  const read = async (): Promise<void> => {
    expect(await node.readText({ version: 0, range: { start: 0, end: 2 } })).toBe('0 ')
  }
  await read() // the index opens files of its own
  const before = openFiles()
  for (let round = 0; round < 5; round++) await read()
  await expect.poll(openFiles).toBe(before)
})
