// Stores that were written once and stay readable for ever, also for a reader written from docs/formats/versions-1.md alone.
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { temporaryFolder } from '@arc/core/testing'
import { directoryBackend, memoryBackend } from '@arc/storage'
import { expect, onTestFinished, test } from 'vitest'
import { type MountConfig, StorageManager } from '../src/index.ts'
import { openBucketCopy, saveBucket } from './bucket-copy.ts'
import { goldenRows, readLines } from './golden-store.ts'

const GOLDEN = join(import.meta.dirname, 'golden/versions-1')
const READER = join(import.meta.dirname, '../../../tools/read_versions.py')
const KINDS = ['folder', 'numbered', 'swapped'] as const
type Kind = (typeof KINDS)[number]
const NATIVE = join(import.meta.dirname, 'golden/native-1')
/** How manifests are replaced there: under conditions, or where those are ignored by the order of versions. */
const NATIVE_KINDS = { 'native-swapped': true, 'native-chained': false }

/** A golden store as a mount: a copy, since opening one writes its index. */
async function mountOf(kind: Kind): Promise<MountConfig> {
  const { path } = onTestFinishedDispose(temporaryFolder())
  const folder = join(path, kind)
  cpSync(join(GOLDEN, kind), folder, { recursive: true })
  mkdirSync(join(folder, '.arc'), { recursive: true })
  if (kind === 'folder') return { name: 'docs', protocol: 'local', basePath: folder }
  const backend = directoryBackend(folder)
  if (kind === 'numbered') return { name: 'docs', backend }
  const memory = memoryBackend()
  for await (const batch of backend.list(''))
    for (const { key } of batch) await memory.write(key, readFileSync(join(folder, key)))
  return { name: 'docs', backend: memory }
}

function onTestFinishedDispose<Resource extends Disposable>(resource: Resource): Resource {
  onTestFinished(() => resource[Symbol.dispose]())
  return resource
}

async function open(kind: Kind): Promise<StorageManager> {
  const storage = new StorageManager()
  await storage.configure([await mountOf(kind)])
  return storage
}

function read(...args: string[]): { stdout: string; stderr: string; status: number | null } {
  const { stdout, stderr, status } = spawnSync('python3', ['-B', READER, ...args], { encoding: 'utf8' })
  return { stdout, stderr, status }
}

const parsed = (lines: readonly string[]): unknown[] => lines.map((line) => JSON.parse(line) as unknown)

test.each(KINDS)('the golden store %s is what it was', async (kind) => {
  await using storage = await open(kind)
  expect(await goldenRows(storage)).toEqual(readLines(join(GOLDEN, `${kind}.txt`)))
  expect(await storage.fsck('docs')).toMatchObject({ isClean: true, keys: 6, problems: [] })
  // An event that nobody took is still there.
  const bodies: string[] = []
  const take = async (_url: unknown, init?: { body?: unknown }): Promise<Response> => {
    bodies.push(String(init?.body))
    return new Response(null, { status: 200 })
  }
  storage.addWebhook({ url: 'http://127.0.0.1/', secret: 's', fetch: take })
  expect(await storage.deliverWebhooks()).toBe(0)
  expect(bodies.map((body) => JSON.parse(body) as unknown)).toMatchObject([
    { type: 'version_created', path: 'plan.md' },
  ])
  await storage.node('docs:plan.md').writeText('and it goes on')
  expect((await storage.node('docs:plan.md').versions()).at(-1)).toMatchObject({ seq: 8, isLatest: true })
})

test.each(KINDS)('a reader in another language, written from the specification, reads the golden store %s', (kind) => {
  const { stdout, stderr, status } = read('list', join(GOLDEN, kind))
  expect({ stderr, status }).toEqual({ stderr: '', status: 0 })
  expect(parsed(stdout.trimEnd().split('\n'))).toEqual(parsed(readLines(join(GOLDEN, `${kind}.txt`))))
  expect(read('read', join(GOLDEN, kind), 'plan.md', '4')).toMatchObject({ status: 0, stdout: 'three\n' })
})

test.each(Object.entries(NATIVE_KINDS))('the golden store %s is what it was', async (kind, honoursConditions) => {
  const conditions = { createOnly: honoursConditions, compareAndSwap: honoursConditions }
  await using storage = new StorageManager()
  const backend = openBucketCopy(join(NATIVE, kind), conditions)
  await storage.configure([{ name: 'docs', backend, permissions: 'readonly' }])
  expect(await goldenRows(storage)).toEqual(readLines(join(NATIVE, `${kind}.txt`)))
  expect(await storage.fsck('docs')).toMatchObject({ isClean: true, problems: [] })
})

test.each(Object.keys(NATIVE_KINDS))('the reader in another language reads the golden store %s', (kind) => {
  const { stdout, stderr, status } = read('list', join(NATIVE, kind))
  expect({ stderr, status }).toEqual({ stderr: '', status: 0 })
  expect(parsed(stdout.trimEnd().split('\n'))).toEqual(parsed(readLines(join(NATIVE, `${kind}.txt`))))
  expect(read('read', join(NATIVE, kind), 'plan.md', '4')).toMatchObject({ status: 0, stdout: 'three\n' })
})

test('what a place with versions of its own holds today, the reader reads', async () => {
  using folder = temporaryFolder()
  const backend = memoryBackend({ versions: true })
  {
    await using storage = new StorageManager()
    await storage.configure([{ name: 'docs', backend }])
    const node = storage.node('docs:a')
    for (const text of ['one', 'two', 'three']) await node.writeText(text)
    await node.removeVersion(1)
    await node.delete()
    await backend.write('a', Buffer.from('by another'))
  }
  await saveBucket(backend, folder.path)
  const { stdout } = read('list', folder.path)
  expect(parsed(stdout.trimEnd().split('\n'))).toMatchObject([
    { seq: 1, origin: 'write', begins: 'one' },
    { seq: 3, origin: 'write', begins: 'three' },
    { id: '4-deleted', origin: 'write' },
    { seq: 5, origin: 'external', begins: 'by another' },
  ])
})

test('what a store of today writes, the reader reads, and a damaged one it refuses', async () => {
  using folder = temporaryFolder()
  {
    await using storage = new StorageManager()
    await storage.configure([{ name: 'docs', protocol: 'local', basePath: folder.path, compress: ['*.txt'] }])
    await storage.node('docs:a.txt').writeText('compressed '.repeat(5000))
    await storage.node('docs:a.txt').writeText('b')
  }
  expect(read('verify', folder.path)).toEqual({ stdout: '2\n', stderr: '', status: 0 })
  const log = join(folder.path, '.arc/log/00000001.jsonl')
  const bytes = readFileSync(log)
  bytes[60] = (bytes[60] ?? 0) ^ 1
  writeFileSync(log, bytes)
  expect(read('verify', folder.path)).toMatchObject({ status: 3, stderr: expect.stringContaining('is damaged') })
  expect(read('verify', join(folder.path, relative('/', '/nowhere')))).toMatchObject({ status: 2 })
})
