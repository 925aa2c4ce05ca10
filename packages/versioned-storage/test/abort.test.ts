// Every call can be stopped, also where a local disk never makes it wait.
import { expect, onTestFinished, test, vi } from 'vitest'
import type { StorageNode } from '../src/index.ts'
import { type MakeMount, openFolder, openPlace, PLACES } from './places.ts'

const aborted = { name: 'ArcError', code: 'ARC_ABORTED' }

async function drained(pieces: AsyncIterable<unknown>): Promise<void> {
  for await (const _piece of pieces) continue
}

const CALLS: Readonly<Record<string, (node: StorageNode, signal: AbortSignal) => Promise<unknown>>> = {
  stat: (node, signal) => node.stat({ signal }),
  exists: (node, signal) => node.exists({ signal }),
  size: (node, signal) => node.size({ signal }),
  children: (node, signal) => node.parent.children({ signal }),
  mkdir: (node, signal) => node.mkdir({ signal }),
  stream: (node, signal) => drained(node.stream({ signal })),
  readBytes: (node, signal) => node.readBytes({ signal }),
  readText: (node, signal) => node.readText({ signal, version: 0 }),
  writeText: (node, signal) => node.writeText('x', { signal }),
  delete: (node, signal) => node.delete({ signal }),
  copyTo: (node, signal) => node.copyTo(node.parent.child('other'), { signal }),
  moveTo: (node, signal) => node.moveTo(node.parent.child('other'), { signal }),
  sha256: (node, signal) => node.sha256({ signal }),
  md5: (node, signal) => node.md5({ signal }),
  metadata: (node, signal) => node.metadata({ signal }),
  url: (node, signal) => node.url({ signal }),
  localPath: (node, signal) => node.localPath('r', { signal }),
  lock: (node, signal) => node.lock({ signal }),
  versions: (node, signal) => node.versions({ signal }),
  rollback: (node, signal) => node.rollback({ version: 0, signal }),
  tagVersion: (node, signal) => node.tagVersion(-1, 't', { signal }),
  findVersions: (node, signal) => node.findVersions({}, { signal }),
  cleanupVersions: (node, signal) => node.cleanupVersions({ keepLast: 1, signal }),
  diffVersionsText: (node, signal) => node.diffVersionsText({ signal }),
}

test.each(['a folder', 'memory, by compare-and-swap'])('%s: a signal that fired before is heard', async (name) => {
  await using place = await openPlace(PLACES[name] as MakeMount)
  const { storage } = place
  const node = storage.node('docs:f')
  for (const text of ['one', 'two']) await node.writeText(text)
  const signal = AbortSignal.abort()
  for (const [call, run] of Object.entries(CALLS)) await expect(run(node, signal), call).rejects.toMatchObject(aborted)
  await expect(drained(storage.listVersions('docs:', { signal }))).rejects.toMatchObject(aborted)
  await expect(storage.createSnapshot('docs:', { tag: 't', signal })).rejects.toMatchObject(aborted)
  await expect(storage.findDuplicates('docs:', { signal })).rejects.toMatchObject(aborted)
  await expect(storage.fsck('docs', { signal })).rejects.toMatchObject(aborted)
  await expect(storage.call('true', [node], { signal })).rejects.toMatchObject(aborted)
  expect(await node.readText()).toBe('two')
  expect(await node.versions()).toHaveLength(2)
})

test('waiting for a lock and for a program is stopped', async () => {
  await using place = await openFolder()
  const [node, other] = [place.storage.node('docs:f'), place.storage.node('docs:f')]
  await node.writeText('x')
  await using _lock = await node.lock()
  const waiting = other.lock({ timeoutMs: Number.POSITIVE_INFINITY, signal: AbortSignal.timeout(20) })
  await expect(waiting).rejects.toMatchObject(aborted)
  const running = place.storage.call('sleep', ['60'], { signal: AbortSignal.timeout(20) })
  await expect(running).rejects.toMatchObject(aborted)
})

test('long work on a folder lets timers fire, which can stop it', async () => {
  await using place = await openFolder()
  const { storage } = place
  const node = storage.node('docs:big')
  await node.writeBytes(Buffer.alloc(48 * 1024 * 1024, 'some bytes '))
  const works: Readonly<Record<string, (signal: AbortSignal) => Promise<unknown>>> = {
    stream: (signal) => drained(node.stream({ signal })),
    readBytes: (signal) => node.readBytes({ signal }),
    md5: (signal) => node.md5({ signal }),
    sha256: (signal) => storage.concatenate(node).sha256({ signal }),
    fsck: (signal) => storage.fsck('docs', { signal }),
    copyTo: (signal) => node.copyTo(storage.node('docs:copy'), { signal }),
  }
  let nowMs = Date.now()
  const clock = vi.spyOn(Date, 'now').mockImplementation(() => (nowMs += 100)) // a turn is due at every look
  onTestFinished(() => clock.mockRestore())
  for (const [name, work] of Object.entries(works)) {
    const controller = new AbortController()
    setTimeout(() => controller.abort(), 1)
    await expect(work(controller.signal), name).rejects.toMatchObject(aborted)
  }
})

test('a signal ends the wait for content that does not come', async () => {
  for (const make of Object.values(PLACES)) {
    await using place = await openPlace(make)
    const node = place.storage.node('docs:f')
    await node.writeText('before')
    const stop = new AbortController()
    let isClosed = false
    async function* stuck(): AsyncGenerator<Uint8Array> {
      try {
        yield Buffer.from('first')
        stop.abort()
        await new Promise(() => {})
      } finally {
        isClosed = true
      }
    }
    await expect(node.writeStream(stuck(), { signal: stop.signal })).rejects.toMatchObject(aborted)
    expect(isClosed).toBe(false) // it is still waiting, for ever
    expect(await node.readText()).toBe('before')
    expect(await place.storage.fsck('docs')).toMatchObject({ isClean: true, versions: 1 })
  }
})

test('content that is not taken to its end is closed, and a signal that never fires changes nothing', async () => {
  await using place = await openFolder()
  const node = place.storage.node('docs:f')
  const { signal } = new AbortController()
  let closed = 0
  async function* pieces(last: unknown): AsyncGenerator<Uint8Array> {
    try {
      yield Buffer.from('one ')
      yield last as Uint8Array
    } finally {
      closed++
    }
  }
  await node.writeStream(pieces(Buffer.from('two')), { signal })
  expect(await node.readText()).toBe('one two')
  await expect(node.writeStream(pieces('text'), { signal })).rejects.toMatchObject({ code: 'ARC_OPTION_INVALID' })
  expect(closed).toBe(2)
})

test('what a content failed with is told, whatever becomes of its end', async () => {
  await using place = await openFolder()
  const node = place.storage.node('docs:f')
  const { signal } = new AbortController()
  const failing = (next: () => unknown): AsyncIterable<Uint8Array> =>
    ({
      [Symbol.asyncIterator]: () => ({
        next,
        return: () => {
          throw new Error('of the end')
        },
      }),
    }) as AsyncIterable<Uint8Array>
  const broken = failing(() => {
    throw new Error('of the content')
  })
  await expect(node.writeStream(broken, { signal })).rejects.toThrow('of the content')
  const stop = new AbortController()
  const stuck = failing(() => {
    stop.abort()
    return new Promise(() => {})
  })
  await expect(node.writeStream(stuck, { signal: stop.signal })).rejects.toMatchObject(aborted)
  // As a loop would take it, which awaits what it is given.
  const pieces = [Buffer.from('x')]
  const plain = failing(() => ({ done: pieces.length === 0, value: pieces.pop() }))
  await node.writeStream(plain, { signal })
  expect(await node.readText()).toBe('x')
})

test('webhooks are not delivered for who has given up', async () => {
  await using place = await openFolder()
  await expect(place.storage.deliverWebhooks({ signal: AbortSignal.abort() })).rejects.toMatchObject(aborted)
  const stop = new AbortController()
  const post = (async () => {
    stop.abort()
    throw new Error('nobody there')
  }) as unknown as typeof fetch
  place.storage.addWebhook({ url: 'https://receiver.example/', secret: 's', fetch: post })
  await place.storage.node('docs:f').writeText('x')
  await expect(place.storage.deliverWebhooks({ signal: stop.signal })).rejects.toMatchObject(aborted)
})
