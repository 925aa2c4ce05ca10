// Versions of a real bucket (Ceph), which takes conditions on a bucket with versions and ignores them.
import { randomUUID } from 'node:crypto'
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { sha256Hex } from '@arc/core/node'
import { temporaryFolder } from '@arc/core/testing'
import { type Backend, openBackend, prefixed } from '@arc/storage'
import { type BucketKind, makeBucket, setVersioning } from '../../../tools/servers/rgw-bucket.ts'
import { startServer } from '../../../tools/servers/start-server.ts'
import { startFakeGcs } from '../../../tools/servers/fake-gcs.ts'
import { type MountConfig, StorageManager } from '../src/index.ts'
import { openPlace, type Place } from './places.ts'
import { versionSuite } from './version-suite.ts'

const KINDS = ['plain', 'versioned', 'locked'] as const
const CLIENTS = 8

let server: Awaited<ReturnType<typeof startServer<'rgw'>>>
const buckets = new Map<BucketKind, Backend>()

beforeAll(async () => {
  server = await startServer('rgw')
  for (const kind of KINDS) {
    await makeBucket(server.facts, kind)
    buckets.set(kind, await openBucket(kind))
  }
})
afterAll(async () => {
  for (const backend of buckets.values()) await backend[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
})

function openBucket(kind: BucketKind): Promise<Backend> {
  const { endpoint, region: _region, ...credentials } = server.facts
  return openBackend(`s3://${kind}?endpoint=${encodeURIComponent(endpoint)}`, { client: { credentials } })
}

function bucket(kind: BucketKind): Backend {
  const backend = buckets.get(kind)
  if (backend === undefined) throw new Error(`${kind} is not there`)
  return backend
}

/** What a bucket can do is found out once for all mounts in it. */
const freshMount = (kind: BucketKind): MountConfig => ({
  name: 'docs',
  backend: prefixed(bucket(kind), randomUUID()),
})

describe('a plain bucket, versions beside the objects', () => {
  versionSuite(() => freshMount('plain'), { enforcedBy: 'arc' })
})

describe('a bucket with object lock', () => {
  versionSuite(() => freshMount('locked'), { enforcedBy: 'backend' })
})

/** A mount in a fresh place, and that place as other programs see it. */
async function openBeside(kind: BucketKind): Promise<Place & { backend: Backend }> {
  const mount = freshMount(kind)
  return { ...(await openPlace(() => mount)), backend: (mount as unknown as { backend: Backend }).backend }
}

const bytesOf = (text: string): Uint8Array => Buffer.from(text)

test('what other programs write, delete and remove is in the past, in the order of the service', async () => {
  await using place = await openBeside('versioned')
  const { storage, backend } = place
  const node = storage.node('docs:a/f')
  for (const text of ['one', 'two', 'three']) await backend.write('a/f', bytesOf(text))
  await backend.delete('a/f')
  const written = await node.writeText('four', { metadata: { by: 'arc' } })
  await backend.write('a/f', bytesOf('five'))
  const versions = await node.versions()
  expect(versions.map(({ seq, origin, isDeleteMarker, sha256 }) => [seq, origin, isDeleteMarker, sha256])).toEqual([
    [1, 'external', false, sha256Hex(bytesOf('one'))],
    [2, 'external', false, sha256Hex(bytesOf('two'))],
    [3, 'external', false, sha256Hex(bytesOf('three'))],
    [4, 'external', true, undefined],
    [5, 'write', false, sha256Hex(bytesOf('four'))],
    [6, 'external', false, sha256Hex(bytesOf('five'))],
  ])
  expect(await node.readText({ version: written.version.id })).toBe('four')
  expect(await node.readText({ version: 1 })).toBe('two')
  const id = versions[1]?.backendVersion ?? ''
  expect(await node.readText({ version: id })).toBe('two')
  await node.tagVersion(1, 'kept')
  await backend.delete('a/f', { version: id })
  expect((await node.versions()).map(({ seq }) => seq)).toEqual([1, 3, 4, 5, 6])
  expect(await node.versionTags()).toEqual([])
  await node.removeVersion(0)
  const left = (await Array.fromAsync(backend.listVersions?.('a/f') ?? [])).flat()
  expect(left).toHaveLength(4)
  expect(left.filter(({ isDeleteMarker }) => isDeleteMarker)).toHaveLength(1)
  expect((await storage.fsck('docs')).isClean).toBe(true)
})

test('a bucket whose versions were turned off meanwhile is found out by the first write, which refuses', async () => {
  await makeBucket(server.facts, 'versioned', 'paused')
  const { endpoint, region: _region, ...credentials } = server.facts
  await using backend = await openBackend(`s3://paused?endpoint=${encodeURIComponent(endpoint)}`, {
    client: { credentials },
  })
  await using storage = new StorageManager()
  await storage.configure([{ name: 'docs', backend }])
  const node = storage.node('docs:f')
  await node.writeText('one')
  expect((await backend.capabilities()).versions).toBe(true)
  await setVersioning(server.facts, 'paused', 'Suspended')
  const refusal = { code: 'ARC_BACKEND_UNSUITABLE', message: expect.stringContaining('keeps no versions any more') }
  await expect(node.writeText('two')).rejects.toMatchObject(refusal)
  expect((await backend.capabilities()).versions).toBe(false)
  await setVersioning(server.facts, 'paused', 'Enabled')
  await backend.write('g', bytesOf('x'))
  expect((await backend.capabilities()).versions).toBe(true)
  await node.writeText('three')
  expect(await node.readText({ version: 0 })).toBe('one')
})

test('a legal hold and a retention are the service\u2019s own, and those of others are respected', async () => {
  await using place = await openBeside('locked')
  const { storage, backend } = place
  const node = storage.node('docs:f')
  for (const text of ['one', 'two', 'three', 'four']) await node.writeText(text)
  const versions = await node.versions()
  const [one = '', two = '', three = ''] = versions.map(({ backendVersion }) => backendVersion)
  expect((await node.setLegalHold(true, { version: 0 })).enforcedBy).toBe('backend')
  expect(await backend.readLock?.('f', { version: one })).toMatchObject({ isHeld: true })
  await expect(backend.delete('f', { version: one })).rejects.toMatchObject({ code: 'ARC_OBJECT_LOCKED' })
  const until = new Date(Math.ceil(Date.now() / 1000) * 1000 + 3_600_000)
  expect((await node.setRetention(until, { version: 1 })).enforcedBy).toBe('backend')
  expect(await backend.readLock?.('f', { version: two })).toMatchObject({ retention: { until, mode: 'governance' } })
  await backend.setLegalHold?.('f', true, { version: three }) // by somebody else
  const plan = await node.cleanupVersions({ keepLast: 1 })
  expect(plan.versions.map(({ seq, reasons }) => [seq, reasons.join(' ')])).toEqual([
    [1, 'legal-hold'],
    [2, 'retained'],
    [3, 'legal-hold'],
    [4, 'latest within-last'],
  ])
  await expect(node.removeVersion(0)).rejects.toMatchObject({ code: 'ARC_VERSION_KEPT' })
  await node.setLegalHold(false, { version: 0 })
  await node.removeVersion(0)
  expect(await backend.stat('f', { version: one })).toBeUndefined()
})

test('a storage class moves the present version, which stays what it is', async () => {
  await using place = await openBeside('locked')
  const { storage, backend } = place
  const node = storage.node('docs:f')
  await node.writeText('one')
  await node.writeText('two', { metadata: { author: 'a' } })
  await node.tagVersion(-1, 'v2')
  const [, before] = await node.versions()
  expect((await node.setStorageClass('STANDARD_IA')).enforcedBy).toBe('backend')
  const info = await backend.stat('f')
  expect(info?.storageClass).toBe('STANDARD_IA')
  const [, after] = await node.versions()
  expect(after).toEqual({ ...before, storageClass: 'STANDARD_IA', backendVersion: info?.version })
  expect((await Array.fromAsync(backend.listVersions?.('f') ?? [])).flat()).toHaveLength(2)
  await expect(node.setStorageClass('GLACIER', { version: 0 })).rejects.toMatchObject({
    code: 'ARC_BACKEND_UNSUITABLE',
  })
  await node.setLegalHold(true)
  await expect(node.setStorageClass('GLACIER')).rejects.toMatchObject({ code: 'ARC_VERSION_KEPT' })
  await node.setLegalHold(false)
})

test('a place is kept the way it was begun', async () => {
  const mount = freshMount('versioned')
  await using storage = new StorageManager()
  await storage.configure([mount, { ...mount, name: 'other', versions: 'sidecar' }])
  await storage.node('docs:f').writeText('native')
  await expect(storage.node('other:f').writeText('sidecar')).rejects.toMatchObject({ code: 'ARC_BACKEND_UNSUITABLE' })
  const plain = freshMount('plain')
  await storage.configure([{ ...plain, name: 'none', versions: 'native' }])
  await expect(storage.node('none:f').versions()).rejects.toMatchObject({ code: 'ARC_BACKEND_UNSUITABLE' })
})

test.each(KINDS)('eight clients at one key of a %s bucket lose nothing', { timeout: 120_000 }, async (kind) => {
  const prefix = randomUUID()
  await using clients = new AsyncDisposableStack()
  const managers: StorageManager[] = []
  for (let n = 0; n < CLIENTS; n++) {
    const backend = clients.use(await openBucket(kind))
    const storage = clients.use(new StorageManager())
    await storage.configure([{ name: 'docs', backend: prefixed(backend, prefix) }])
    managers.push(storage)
  }
  await Promise.all(
    managers.map(async (storage, n) => {
      await storage.node('docs:f').writeText(`first of ${n}`)
      await storage.node('docs:f').annotateVersion({ metadata: { [`by${n}`]: true } })
      await storage.node('docs:f').writeText(`second of ${n}`)
    }),
  )
  await using storage = new StorageManager()
  await storage.configure([{ name: 'docs', backend: prefixed(bucket(kind), prefix) }])
  const node = storage.node('docs:f')
  const versions = await node.versions()
  expect(versions.map(({ seq }) => seq)).toEqual(Array.from({ length: 2 * CLIENTS }, (_, n) => n + 1))
  const texts = await Promise.all(versions.map(({ id }) => node.readText({ version: id })))
  expect(new Set(texts).size).toBe(2 * CLIENTS)
  expect(await node.readText()).toBe(texts.at(-1))
  const marks = versions.flatMap(({ metadata }) => Object.keys(metadata))
  expect(marks.toSorted()).toEqual(managers.map((_, n) => `by${n}`))
})

test.each(['plain', 'versioned'] as const)(
  'a URL gives the content and its type to whoever has it, for a while: %s',
  async (kind) => {
    await using place = await openBeside(kind)
    const node = place.storage.node('docs:a/name with spaces & more.txt')
    await node.writeText('content')
    const url = await node.url({ expiresInSeconds: 60 })
    const answer = await fetch(url)
    expect(answer.headers.get('content-type')).toBe('text/plain; charset=utf-8')
    expect(await answer.text()).toBe('content')
    expect((await fetch(url.replace(/Signature=.{4}/, 'Signature=0000'))).status).toBe(403)
  },
)

/** The server as one sees it who may only read; what was asked of it beyond that. */
async function readingProxy(): Promise<{ endpoint: string; refused: string[] }> {
  const refused: string[] = []
  const { hostname, port } = new URL(server.facts.endpoint)
  const proxy = createServer((asked, answer) => {
    const { method = '', url = '', headers } = asked
    if (method !== 'GET' && method !== 'HEAD') {
      refused.push(`${method} ${url}`)
      asked.resume().once('end', () => {
        answer.writeHead(403, { 'content-type': 'application/xml' })
        answer.end('<?xml version="1.0"?><Error><Code>AccessDenied</Code><Message>no</Message></Error>')
      })
      return
    }
    const passedOn = request({ hostname, port, method, path: url, headers }, (given) => {
      answer.writeHead(given.statusCode ?? 500, given.headers)
      given.pipe(answer)
    })
    asked.pipe(passedOn)
  })
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => proxy.close().closeAllConnections())
  return { endpoint: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`, refused }
}

test.each(['plain', 'versioned'] as const)('a %s bucket is read by who may only read', async (kind) => {
  const prefix = randomUUID()
  await using writer = new StorageManager()
  await writer.addMount({ name: 'docs', backend: prefixed(bucket(kind), prefix) })
  for (const text of ['one', 'two']) await writer.node('docs:deep/f').writeText(text)
  const { endpoint, refused } = await readingProxy()
  const { endpoint: _own, region, ...credentials } = server.facts
  const settings = { bucket: kind, prefix, endpoint, region, credentials, forcePathStyle: true } as const
  await using storage = new StorageManager()
  await storage.configure([{ name: 'docs', protocol: 's3', permissions: 'readonly', ...settings }])
  const node = storage.node('docs:deep/f')
  expect(await node.readText()).toBe('two')
  expect(await node.stat()).toMatchObject({ sizeBytes: 3 })
  expect((await storage.node('docs:').children()).map(({ name }) => name)).toEqual(['deep'])
  expect(await storage.node('docs:none').exists()).toBe(false)
  if (kind === 'plain') {
    expect(await node.versions()).toEqual(await writer.node('docs:deep/f').versions())
    expect(await node.readText({ version: 0 })).toBe('one')
  }
  expect(refused).toEqual([])
})

test('the surface, by example', async () => {
  using folder = temporaryFolder()
  const { endpoint, region, ...credentials } = server.facts
  await using storage = new StorageManager()
  const basePath = join(folder.path, 'docs')
  const cold = { name: 'cold', protocol: 's3', bucket: 'locked', prefix: 'p/', endpoint, region, credentials } as const
  await storage.configure([
    { name: 'docs', protocol: 'local', basePath, compress: ['*.json'] },
    { ...cold, forcePathStyle: true },
    { name: 'ro', path: 'docs:', permissions: 'readonly' },
  ])
  expect(storage.mountNames()).toEqual(['docs', 'cold', 'ro'])
  const created: string[] = []
  const stop = storage.on('version_created', ({ mount, path, version }) => created.push(`${mount}:${path} ${version}`))
  for (const mount of ['docs', 'cold']) {
    const plan = storage.node(`${mount}:plan.md`)
    await plan.writeText('one\n', { skipIfUnchanged: true })
    await plan.writeText('one\n', { skipIfUnchanged: true })
    const between = new Date()
    await setTimeout(2)
    await plan.writeText('two\n')
    expect(await plan.readText({ version: -2 })).toBe('one\n')
    expect(await plan.readText({ asOf: between })).toBe('one\n')
    await plan.tagVersion(-1, 'v1')
    await plan.writeText('three\n')
    await plan.rollback({ tag: 'v1' })
    expect(await plan.diffVersionsText({ from: -2, to: -1, format: 'unified' })).toContain('-three\n+two\n')
    expect(await plan.diffVersionsText({ from: -2, to: -1, format: 'context' })).toContain('! three\n')
    expect(await plan.diffVersionsText({ from: -2, to: -1, format: 'html' })).toContain('three')
    await plan.annotateVersion({ version: -1, metadata: { author: 'a@b' } })
    expect(await plan.findVersions({ author: 'a@b' })).toHaveLength(1)
    const { versions } = await plan.cleanupVersions({ keepLast: 5, keepDays: 7, dryRun: true })
    expect(versions.every(({ action }) => action === 'keep')).toBe(true)
    {
      await using lock = await plan.lock({ timeoutMs: 30_000 })
      expect(lock.token).toBe(1)
      await plan.writeText('locked\n')
    }
    await storage.node(`${mount}:config/a.json`).writeJson({ a: 1 })
    await storage.node(`${mount}:config/a.json`).writeJson({ a: 2 })
    expect(await storage.node(`${mount}:config/a.json`).diffVersionsJson()).toMatchObject({
      changes: [{ pointer: '/a' }],
    })
    await storage.createSnapshot(`${mount}:config/`, { tag: 'pre-deploy' })
    await storage.node(`${mount}:config/a.json`).delete()
    await storage.restoreSnapshot(`${mount}:config/`, { tag: 'pre-deploy' })
    expect(await storage.node(`${mount}:config/a.json`).readJson()).toEqual({ a: 2 })
    for (const name of ['a', 'b']) await storage.node(`${mount}:uploads/${name}`).writeText('the same')
    expect(await storage.findDuplicates(`${mount}:uploads/`)).toMatchObject([{ paths: ['uploads/a', 'uploads/b'] }])
  }
  stop()
  expect(created.filter((line) => line.includes(':plan.md')).map((line) => line.split(' ')[0])).toEqual([
    ...Array.from({ length: 5 }, () => 'docs:plan.md'),
    ...Array.from({ length: 5 }, () => 'cold:plan.md'),
  ])
  await expect(storage.node('ro:plan.md').writeText('x')).rejects.toMatchObject({ code: 'ARC_PERMISSION_DENIED' })
  // A content passes from one place to the other and keeps its identity.
  const big = Buffer.alloc(20_000_000, 'stream ')
  const progress: number[] = []
  await storage.node('docs:big').writeBytes(big)
  await storage.node('docs:big').copyTo(storage.node('cold:big'))
  for await (const _piece of storage
    .node('cold:big')
    .stream({ onProgress: ({ doneBytes }) => progress.push(doneBytes) }))
    continue
  expect(progress.at(-1)).toBe(big.length)
  expect(await storage.node('cold:big').sha256()).toBe(sha256Hex(big))
})

describe('Google Cloud Storage with generations, as far as a fake tells', () => {
  let fake: Awaited<ReturnType<typeof startFakeGcs>>
  let objects: Backend
  beforeAll(async () => {
    fake = await startFakeGcs({ versions: true })
    const query = new URLSearchParams({ endpoint: fake.endpoint, project: 'test' })
    objects = await openBackend(`gs://objects?${query.toString()}`, { client: { retryOptions: { autoRetry: false } } })
  })
  afterAll(async () => fake[Symbol.asyncDispose]())
  versionSuite(() => ({ name: 'docs', backend: prefixed(objects, randomUUID()) }), { enforcedBy: 'arc' }) // retention is Arc's there
})
