import { expect, test } from 'vitest'
import { ArcError } from '@arc/core'
import { sha256Hex } from '@arc/core/node'
import { type Backend, memoryBackend } from '@arc/storage'
import { StorageManager } from '../src/index.ts'

const LONG_AGO = new Date('2026-01-01T00:00:00Z')
const YEAR_MS = 365 * 24 * 3600 * 1000

/** What a writer leaves that was stopped between its version and the manifest. */
async function writeAndDie(backend: Backend, key: string, text: string, token = 0): Promise<void> {
  const facts = { at: LONG_AGO.getTime(), token, origin: 'copy', meta: { author: 'ä' } }
  const metadata = { 'arc-put': encodeURIComponent(JSON.stringify(facts)) }
  await backend.write(key, Buffer.from(text), { metadata })
}

async function open(backend: Backend): Promise<StorageManager> {
  const storage = new StorageManager()
  await storage.addMount({ name: 'docs', backend })
  return storage
}

test('what a dead writer left is taken up with what it said, once it cannot come back', async () => {
  const clock = { nowMs: Date.now() }
  const backend = memoryBackend({ versions: true, now: () => new Date(clock.nowMs) })
  await using storage = await open(backend)
  const node = storage.node('docs:f')
  await node.writeText('before')
  await writeAndDie(backend, 'f', 'left')
  expect(await node.versions()).toHaveLength(1) // it may be on its way
  await node.writeText('after')
  expect((await node.versions()).map(({ seq }) => seq)).toEqual([1, 2])
  clock.nowMs -= YEAR_MS
  await writeAndDie(backend, 'g', 'left')
  expect(await storage.node('docs:g').versions()).toMatchObject([
    { seq: 1, origin: 'copy', metadata: { author: 'ä' }, modified: LONG_AGO, sha256: sha256Hex(Buffer.from('left')) },
  ])
})

test('what a dead writer left whose lock somebody else has taken is removed', async () => {
  const backend = memoryBackend({ versions: true, now: () => LONG_AGO })
  await using storage = await open(backend)
  const node = storage.node('docs:f')
  await node.writeText('mine')
  const lock = await node.lock()
  await writeAndDie(backend, 'f', 'of a holder before', lock.token - 1)
  await node.writeText('mine again')
  expect(await node.versions()).toHaveLength(2)
  expect((await Array.fromAsync(backend.listVersions?.('f') ?? [])).flat()).toHaveLength(2)
  await lock.release()
})

test('a write that may not be is taken back', async () => {
  const clock = { nowMs: 1_000_000 }
  const backend = memoryBackend({ versions: true })
  const storage = new StorageManager({ now: () => new Date(clock.nowMs) })
  await storage.addMount({ name: 'docs', backend })
  const [mine, theirs] = [storage.node('docs:f'), storage.node('docs:f')]
  await mine.writeText('first')
  const lock = await mine.lock({ leaseMs: 60_000 })
  clock.nowMs += 60_001
  // Between the decision of the late holder and its version, another one takes the lock.
  const write = backend.write.bind(backend)
  let taken: Promise<unknown> | undefined
  backend.write = async (key, ...rest) => {
    if (key === 'f' && taken === undefined) await (taken = theirs.lock())
    return write(key, ...rest)
  }
  await expect(mine.writeText('late')).rejects.toMatchObject({ code: 'ARC_LOCK_LOST' })
  expect(await theirs.readText()).toBe('first')
  expect((await Array.fromAsync(backend.listVersions?.('f') ?? [])).flat()).toHaveLength(1)
  await lock.release()
  await storage[Symbol.asyncDispose]()
})

test('a service without delete markers has them all the same', async () => {
  const backend = memoryBackend({ versions: true })
  const list = backend.listVersions?.bind(backend)
  backend.listVersions = async function* (prefix, options) {
    for await (const batch of list?.(prefix, options) ?? []) yield batch.filter(({ isDeleteMarker }) => !isDeleteMarker)
  }
  await using storage = await open(backend)
  const node = storage.node('docs:f')
  await node.writeText('one')
  await node.delete()
  await node.writeText('two')
  await backend.delete('f')
  const versions = await node.versions()
  expect(versions.map(({ seq, isDeleteMarker, origin }) => [seq, isDeleteMarker, origin])).toEqual([
    [1, false, 'write'],
    [2, true, 'write'],
    [3, false, 'write'],
    [4, true, 'external'],
  ])
  expect(await node.readText({ version: -1 })).toBe('two')
})

test('nothing but the present manifest is left of manifests, journals and the outbox', async () => {
  const backend = memoryBackend({ versions: true })
  await using storage = await open(backend)
  storage.addWebhook({
    url: 'https://receiver.example/hook',
    secret: 's',
    fetch: async () => new Response(null, { status: 200 }),
  })
  for (const text of ['one', 'two']) await storage.node('docs:f').writeText(text)
  await storage.createSnapshot('docs:', { tag: 's' })
  await storage.restoreSnapshot('docs:', { tag: 's' })
  expect(await storage.deliverWebhooks()).toBe(0)
  const names = (await Array.fromAsync(backend.listVersions?.('.arc/') ?? [])).flat().map(({ key }) => key)
  expect(names).toEqual(['.arc/keys/f/%manifest.json', expect.stringMatching(/^\.arc\/snapshots\//)])
})

test('a damaged version is found, though another one with the same content is whole', async () => {
  const whole = memoryBackend({ versions: true })
  let isDamaged = false
  const backend = new Proxy(whole, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target)
      if (name !== 'read') return typeof member === 'function' ? (member.bind(target) as unknown) : member
      return async (...args: Parameters<Backend['read']>) => {
        const body = await target.read(...args)
        if (!isDamaged || args[0] !== 'b') return body
        return { info: body.info, [Symbol.asyncIterator]: () => inPieces(Buffer.alloc(body.info.sizeBytes)) }
      }
    },
  })
  await using storage = await open(backend)
  for (const key of ['a', 'b']) await storage.node(`docs:${key}`).writeText('the same')
  expect(await storage.fsck('docs', {})).toMatchObject({ isClean: true })
  isDamaged = true
  expect((await storage.fsck('docs', {})).problems).toMatchObject([
    { kind: 'content-damaged', key: 'b', detail: expect.stringMatching(/^b \(version .+\): /) as string },
  ])
})

async function* inPieces(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  yield bytes
}

test('a rollback that a delete overtakes while it copies is tried again', async () => {
  const whole = memoryBackend({ versions: true })
  let overtaken = 0
  const backend = new Proxy(whole, {
    get(target, name) {
      if (name !== 'copy') {
        const member: unknown = Reflect.get(target, name, target)
        return typeof member === 'function'
          ? (...args: unknown[]) => Reflect.apply(member, target, args) as unknown
          : member
      }
      return async (...args: Parameters<NonNullable<Backend['copy']>>) => {
        if (overtaken++ === 0) throw new ArcError('ARC_OBJECT_NOT_FOUND', 'it was deleted before it was looked at')
        return target.copy?.(...args)
      }
    },
  })
  await using storage = await open(backend)
  const node = storage.node('docs:f')
  for (const text of ['one', 'two']) await node.writeText(text)
  await node.rollback({ version: 0 })
  expect(overtaken).toBe(2)
  expect(await node.readText()).toBe('one')
})
