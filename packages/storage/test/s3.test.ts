import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { expectNoBucket } from './no-bucket.ts'
import { type Backend, openBackend, readBytes } from '../src/index.ts'
import { backendCases } from '../src/testing.ts'
import { type BucketKind, makeBucket } from '../../../tools/servers/rgw-bucket.ts'
import { startServer } from '../../../tools/servers/start-server.ts'

let server: Awaited<ReturnType<typeof startServer<'rgw'>>>
beforeAll(async () => {
  server = await startServer('rgw')
})
afterAll(async () => server[Symbol.asyncDispose]())

/** The client's log: a line per command it sent. */
let commands: string[] = []

async function openBucket(kind: BucketKind): Promise<Backend> {
  const { endpoint, region: _region, ...credentials } = server.facts
  await makeBucket(server.facts, kind)
  const nothing = (): void => {}
  const info = ({ commandName }: { commandName: string }): void => void commands.push(commandName)
  const logger = { debug: nothing, trace: nothing, warn: nothing, error: nothing, info }
  return openBackend(`s3://${kind}/some/prefix?endpoint=${encodeURIComponent(endpoint)}`, {
    client: { credentials, logger },
  })
}

/** What this Ceph really does: with versions it takes conditions and ignores them. */
const FOUND_OUT = {
  plain: { createOnly: true, compareAndSwap: true, compareAndDelete: false, versions: false, objectLock: false },
  versioned: { createOnly: false, compareAndSwap: false, compareAndDelete: false, versions: true, objectLock: false },
  locked: { createOnly: false, compareAndSwap: false, compareAndDelete: false, versions: true, objectLock: true },
}

describe.each(['plain', 'versioned', 'locked'] as const)('a %s bucket', (kind) => {
  let backend: Backend
  beforeAll(async () => {
    backend = await openBucket(kind)
  })
  afterAll(async () => backend[Symbol.asyncDispose]())

  test('what it does is found out once, and nothing is left of it', async () => {
    expect(await backend.capabilities()).toMatchObject(FOUND_OUT[kind])
    commands = []
    expect(await backend.capabilities()).toMatchObject(FOUND_OUT[kind])
    expect(commands).toEqual([])
    expect((await Array.fromAsync(backend.list(''))).flat()).toEqual([])
    if (kind !== 'plain') expect((await Array.fromAsync(backend.listVersions?.('') ?? [])).flat()).toEqual([])
  })

  test.each(backendCases({ isSlow: kind !== 'plain' }))('$name', async ({ run }) => {
    await expect(run(backend)).resolves.toBeUndefined()
  })

  test('a storage class is kept, and changed', async () => {
    await backend.write('classed', Buffer.from('x'), { storageClass: 'STANDARD_IA' })
    expect((await backend.stat('classed'))?.storageClass).toBe('STANDARD_IA')
    await backend.setStorageClass?.('classed', 'GLACIER')
    expect((await backend.stat('classed'))?.storageClass).toBe('GLACIER')
  })

  test('parts that arrived are not sent again', async () => {
    const bytes = Buffer.alloc(50 * 1024 * 1024, 'content')
    async function* untilCut(): AsyncGenerator<Uint8Array> {
      yield bytes.subarray(0, 40 * 1024 * 1024)
      throw new Error('cut')
    }
    commands = []
    await expect(backend.write('resumed', untilCut(), { resume: true })).rejects.toThrow('cut')
    expect(commands.filter((name) => name === 'UploadPartCommand')).toHaveLength(2)
    commands = []
    await backend.write('resumed', bytes, { resume: true })
    expect(commands.filter((name) => name === 'UploadPartCommand')).toHaveLength(2)
    expect(Buffer.compare(await readBytes(backend, 'resumed'), bytes)).toBe(0)
  })

  test('a small write is one request, and so is a small read', async () => {
    commands = []
    await backend.write('small', Buffer.from('x'))
    await readBytes(backend, 'small')
    expect(commands).toEqual(['PutObjectCommand', 'GetObjectCommand'])
  })
})

test('wrong credentials and missing buckets are told apart', async () => {
  const { endpoint, accessKeyId } = server.facts
  const query = new URLSearchParams({ endpoint })
  const wrong = { credentials: { accessKeyId, secretAccessKey: 'wrong' } }
  await using denied = await openBackend(`s3://plain?${query.toString()}`, { client: wrong })
  await expect(denied.write('x', new Uint8Array(1))).rejects.toMatchObject({ code: 'ARC_BACKEND_DENIED' })
  await expect(denied.stat('x')).rejects.toMatchObject({ code: 'ARC_BACKEND_DENIED' })
  // Who is not known is told so, and not that the place can do nothing.
  await expect(denied.capabilities()).rejects.toMatchObject({ code: 'ARC_BACKEND_DENIED' })
  const { secretAccessKey } = server.facts
  const client = { credentials: { accessKeyId, secretAccessKey } }
  await using missing = await openBackend(`s3://no-such-bucket?${query.toString()}`, { client })
  await expectNoBucket(missing, /^the bucket s3:\/\/no-such-bucket does not exist$/, /aws s3 mb s3:\/\/no-such-bucket$/)
})
