import type { ProgressListener } from '@arc/core'
import { expect, test } from 'vitest'
import type { StorageEvent } from '../src/index.ts'
import { type MakeMount, openPlace, steppingClock } from './places.ts'

const FUTURE_MS = 365 * 24 * 3600 * 1000

/** What is said of versions holds everywhere (AX-10): one suite for any kind of place. */
export function versionSuite(make: MakeMount, { enforcedBy }: { enforcedBy: 'arc' | 'backend' }): void {
  test('keeps what was overwritten, by place, id and date', async () => {
    const clock = steppingClock()
    await using place = await openPlace(make, clock)
    const plan = place.storage.node('docs:a/plan.md')
    const first = await plan.writeText('one')
    const between = clock()
    await plan.writeText('two')
    await plan.writeText('three')
    expect(await plan.readText()).toBe('three')
    expect(await plan.readText({ version: -2 })).toBe('two')
    expect(await plan.readText({ version: 0 })).toBe('one')
    expect(await plan.readText({ version: first.version.id })).toBe('one')
    expect(await plan.readText({ asOf: between })).toBe('one')
    const versions = await plan.versions()
    expect(versions.map(({ seq, isLatest, sizeBytes, key }) => [seq, isLatest, sizeBytes, key])).toEqual([
      [1, false, 3, 'a/plan.md'],
      [2, false, 3, 'a/plan.md'],
      [3, true, 5, 'a/plan.md'],
    ])
    await expect(plan.readText({ version: -4 })).rejects.toMatchObject({ code: 'ARC_VERSION_NOT_FOUND' })
    await expect(plan.readText({ version: '9-00000000' })).rejects.toMatchObject({ code: 'ARC_VERSION_NOT_FOUND' })
    await expect(plan.readText({ version: 0, tag: 'x' })).rejects.toMatchObject({ code: 'ARC_OPTION_INVALID' })
  })

  test('writing and reading tell how far they are', async () => {
    await using place = await openPlace(make)
    const node = place.storage.node('docs:large')
    const content = Buffer.alloc(1_500_000, 'content ')
    const told: string[] = []
    const onProgress: ProgressListener = ({ phase, doneBytes }) => void told.push(`${phase} ${doneBytes}`)
    const last = (): unknown => told.splice(0).at(-1)
    await node.writeBytes(content, { onProgress })
    expect(last()).toBe(`writing ${content.length}`)
    const pieces = [content.subarray(1), content.subarray(1)]
    await node.writeStream(
      (async function* () {
        yield* pieces
      })(),
      { onProgress },
    )
    const sizeBytes = 2 * content.length - 2
    expect(last()).toBe(`writing ${sizeBytes}`)
    await node.readBytes({ onProgress })
    expect(last()).toBe(`reading ${sizeBytes}`)
    await node.readText({ onProgress, version: -2 })
    expect(last()).toBe(`reading ${content.length}`)
    await node.readBytes({ onProgress, range: { start: 5, end: 10 } })
    expect(last()).toBe('reading 5')
  })

  test('order is that of the writes, not of the clock', async () => {
    await using place = await openPlace(make, () => new Date('2026-01-01T00:00:00Z'))
    const node = place.storage.node('docs:f')
    for (const text of ['a', 'b', 'c']) await node.writeText(text)
    expect(await node.readText({ version: -2 })).toBe('b')
  })

  test('a deleted file is deleted as of then, and comes back', async () => {
    const clock = steppingClock()
    await using place = await openPlace(make, clock)
    const node = place.storage.node('docs:f')
    await node.writeText('here')
    await node.delete()
    const gone = clock()
    expect(await node.exists()).toBe(false)
    await expect(node.readText()).rejects.toMatchObject({ code: 'ARC_OBJECT_NOT_FOUND' })
    await expect(node.readText({ asOf: gone })).rejects.toMatchObject({ code: 'ARC_VERSION_NOT_FOUND' })
    expect((await node.versions()).map(({ id, isDeleteMarker }) => [id.replace(/-.*/, ''), isDeleteMarker])).toEqual([
      ['1', false],
      ['2', true],
    ])
    expect(await node.readText({ version: -1 })).toBe('here')
    await node.rollback({ version: -1 })
    expect(await node.readText()).toBe('here')
    await node.delete()
    await node.delete()
    expect(await node.versions()).toHaveLength(4)
  })

  test('rollback writes the old content as a new version', async () => {
    await using place = await openPlace(make)
    const node = place.storage.node('docs:f')
    await node.writeText('old', { metadata: { author: 'a' } })
    await node.tagVersion(-1, 'v1')
    await node.writeText('new')
    const { version } = await node.rollback({ tag: 'v1' })
    expect(version).toMatchObject({ seq: 3, origin: 'rollback', isLatest: true, metadata: { author: 'a' } })
    expect(await node.readText()).toBe('old')
  })

  test('skipIfUnchanged makes no version of what is there', async () => {
    await using place = await openPlace(make)
    const node = place.storage.node('docs:f')
    expect((await node.writeText('a', { skipIfUnchanged: true })).isNew).toBe(true)
    expect((await node.writeText('a', { skipIfUnchanged: true })).isNew).toBe(false)
    expect((await node.writeText('a')).isNew).toBe(true)
    expect(await node.versions()).toHaveLength(2)
  })

  test('compaction removes repeats in a row, keeps returns and tags', async () => {
    await using place = await openPlace(make)
    const node = place.storage.node('docs:f')
    for (const text of ['a', 'a', 'b', 'a', 'a', 'a']) await node.writeText(text)
    await node.tagVersion(-2, 'kept')
    expect(await node.compactVersions({ dryRun: true })).toHaveLength(2)
    expect((await node.compactVersions()).map(({ seq }) => seq)).toEqual([2, 6])
    expect((await node.versions()).map(({ seq }) => seq)).toEqual([1, 3, 4, 5])
    expect(await node.readText()).toBe('a')
    expect(await node.versionTags()).toEqual(['kept'])
    await place.storage.node('docs:g').writeText('x')
    await place.storage.node('docs:g').writeText('x')
    expect(await place.storage.bulkCompactVersions('docs:')).toEqual({ keyCount: 1, versionCount: 1 })
  })

  test('tags are unique, move only when asked, and protect', async () => {
    await using place = await openPlace(make)
    const node = place.storage.node('docs:f')
    await node.writeText('a')
    await node.writeText('b')
    await node.writeText('c')
    await node.tagVersion(0, 'v1')
    await expect(node.tagVersion(1, 'v1')).rejects.toMatchObject({ code: 'ARC_TAG_TAKEN' })
    await expect(node.tagVersion(0, 'no:colon')).rejects.toMatchObject({ code: 'ARC_OPTION_INVALID' })
    await expect(node.removeVersion(0)).rejects.toMatchObject({ code: 'ARC_VERSION_KEPT' })
    await node.tagVersion(1, 'v1', { move: true })
    expect(await node.versionTags(1)).toEqual(['v1'])
    await node.removeVersion(0)
    expect(await node.untagVersion('v1')).toBe(true)
    expect(await node.untagVersion('v1')).toBe(false)
    expect((await node.versions()).map(({ seq }) => seq)).toEqual([2, 3])
    await expect(node.removeVersion(-1)).rejects.toMatchObject({ code: 'ARC_VERSION_KEPT' })
  })

  test('annotations are found', async () => {
    await using place = await openPlace(make)
    const node = place.storage.node('docs:d/f')
    await node.writeText('a', { metadata: { author: 'a', n: 1 } })
    await node.writeText('b')
    await node.annotateVersion({ version: -1, metadata: { author: 'b', list: [1, { x: 2 }] } })
    await node.annotateVersion({ version: -2, metadata: { n: null } })
    expect((await node.findVersions({ author: 'a' })).map(({ metadata }) => metadata)).toEqual([{ author: 'a' }])
    expect(await node.findVersions({ list: [1, { x: 2 }] })).toHaveLength(1)
    expect(await place.storage.node('docs:d').findVersions({ author: 'b' })).toHaveLength(1)
    expect(await place.storage.node('docs:').findVersions({ author: 'c' })).toEqual([])
    expect(await node.metadata()).toEqual({ author: 'b', list: [1, { x: 2 }] })
  })

  test('cleanup keeps the union of its rules, and what is protected', async () => {
    const clock = { now: Math.floor(Date.now() / 1000) * 1000 + FUTURE_MS } // a service retains until a time to come
    await using place = await openPlace(make, () => new Date(clock.now))
    const node = place.storage.node('docs:f')
    for (let day = 0; day < 10; day++) {
      await node.writeText(`day ${day}`)
      clock.now += 24 * 3600 * 1000
    }
    await node.tagVersion(0, 'first')
    await node.setLegalHold(true, { version: 1 })
    expect((await node.setRetention(new Date(clock.now + 60_000), { version: 2 })).enforcedBy).toBe(enforcedBy)
    await expect(node.setRetention(new Date(clock.now), { version: 2 })).rejects.toMatchObject({
      code: 'ARC_VERSION_KEPT',
    })
    const plan = await node.cleanupVersions({ keepLast: 2, keepDays: 4, dryRun: true })
    expect(plan.versions.map(({ seq, reasons }) => [seq, ...reasons])).toEqual([
      [1, 'tagged'],
      [2, 'legal-hold'],
      [3, 'retained'],
      [4],
      [5],
      [6],
      [7, 'within-days'],
      [8, 'within-days'],
      [9, 'within-last', 'within-days'],
      [10, 'latest', 'within-last', 'within-days'],
    ])
    expect(await node.versions()).toHaveLength(10)
    expect(await node.cleanupVersions({ keepLast: 2, keepDays: 4 })).toEqual(plan)
    expect((await node.versions()).map(({ seq }) => seq)).toEqual([1, 2, 3, 7, 8, 9, 10])
    for (const rules of [{}, { keepLast: 0 }, { keepDays: -1 }, { keepLast: 1.5 }])
      await expect(node.cleanupVersions(rules)).rejects.toMatchObject({ code: 'ARC_OPTION_INVALID' })
    expect((await place.storage.fsck('docs')).isClean).toBe(true)
  })

  test('a snapshot brings many files back at once', async () => {
    await using place = await openPlace(make)
    const { storage } = place
    for (const name of ['a', 'b', 'deep/c']) await storage.node(`docs:config/${name}`).writeText(`${name} 1`)
    await storage.node('docs:other').writeText('stays')
    expect(await storage.createSnapshot('docs:config/', { tag: 'pre' })).toMatchObject({
      fileCount: 3,
      prefix: 'config/',
    })
    await expect(storage.createSnapshot('docs:config/', { tag: 'pre' })).rejects.toMatchObject({
      code: 'ARC_TAG_TAKEN',
    })
    await storage.node('docs:config/a').writeText('a 2')
    await storage.node('docs:config/b').delete()
    await storage.node('docs:config/new').writeText('new')
    await storage.node('docs:config/a').cleanupVersions({ keepLast: 1 })
    const wanted = { restored: ['config/a', 'config/b'], removed: ['config/new'], unchangedCount: 1 }
    expect(await storage.restoreSnapshot('docs:config/', { tag: 'pre', dryRun: true })).toEqual(wanted)
    expect(await storage.restoreSnapshot('docs:config/', { tag: 'pre' })).toEqual(wanted)
    expect(await storage.node('docs:config/a').readText()).toBe('a 1')
    expect(await storage.node('docs:config/b').readText()).toBe('b 1')
    expect(await storage.node('docs:config/new').exists()).toBe(false)
    expect(await storage.node('docs:other').readText()).toBe('stays')
    expect(await storage.snapshots('docs:')).toHaveLength(1)
    expect(await storage.removeSnapshot('docs:config/', { tag: 'pre' })).toBe(true)
    await expect(storage.restoreSnapshot('docs:config/', { tag: 'pre' })).rejects.toMatchObject({
      code: 'ARC_VERSION_NOT_FOUND',
    })
  })

  test('a lock keeps others out, and a late holder too', async () => {
    const clock = { now: 1_000_000 }
    await using place = await openPlace(make, () => new Date(clock.now))
    const [mine, theirs] = [place.storage.node('docs:f'), place.storage.node('docs:f')]
    const lock = await mine.lock({ leaseMs: 60_000 })
    await mine.writeText('mine')
    await expect(theirs.writeText('theirs')).rejects.toMatchObject({ code: 'ARC_LOCK_HELD' })
    await expect(theirs.lock()).rejects.toMatchObject({ code: 'ARC_LOCK_HELD' })
    clock.now += 60_001 // the holder slept
    await using second = await theirs.lock()
    expect(second.token).toBeGreaterThan(lock.token)
    await expect(mine.writeText('late')).rejects.toMatchObject({ code: 'ARC_LOCK_LOST' })
    await expect(mine.delete()).rejects.toMatchObject({ code: 'ARC_LOCK_LOST' })
    await expect(lock.renew()).rejects.toMatchObject({ code: 'ARC_LOCK_LOST' })
    expect(lock.signal.aborted).toBe(true)
    await lock.release()
    await theirs.writeText('theirs')
    expect(await theirs.readText()).toBe('theirs')
  })

  test('to release a lock that was lost does not give up the next one', async () => {
    const clock = { now: 1_000_000 }
    await using place = await openPlace(make, () => new Date(clock.now))
    const node = place.storage.node('docs:f')
    const lost = await node.lock({ leaseMs: 60_000 })
    clock.now += 60_001
    await using _held = await node.lock()
    await lost.release()
    await node.writeText('with the token of the second')
    expect(await node.readText()).toBe('with the token of the second')
  })

  test('events come once per change, after it', async () => {
    await using place = await openPlace(make)
    const heard: StorageEvent[] = []
    const stop = place.storage.on('*', (event) => heard.push(event))
    const node = place.storage.node('docs:f')
    await node.writeText('a')
    await node.writeText('a', { skipIfUnchanged: true })
    await node.tagVersion(-1, 'v')
    await expect(node.tagVersion(-1, '')).rejects.toThrow('tag')
    await node.delete()
    expect(heard.map(({ type, path, tag }) => [type, path, tag])).toEqual([
      ['version_created', 'f', undefined],
      ['version_tagged', 'f', 'v'],
      ['deleted', 'f', undefined],
    ])
    stop()
    await node.writeText('b')
    expect(heard).toHaveLength(3)
  })

  test('writers at the same time lose nothing', async () => {
    await using place = await openPlace(make)
    const node = place.storage.node('docs:f')
    const texts = Array.from({ length: 12 }, (_, n) => `text ${n}`)
    await Promise.all(texts.map((text) => node.writeText(text)))
    const versions = await node.versions()
    expect(versions.map(({ seq }) => seq)).toEqual(texts.map((_, n) => n + 1))
    const read = await Promise.all(versions.map(({ id }) => node.readText({ version: id })))
    expect(read.toSorted()).toEqual(texts.toSorted())
    expect(await node.readText()).toBe(read.at(-1))
  })

  test('large contents stream, compressed or not', async () => {
    await using place = await openPlace((folder) => ({ ...make(folder), compress: ['*.txt'] }))
    const bytes = Buffer.concat(Array.from({ length: 300 }, (_, n) => Buffer.alloc(4096, n % 7)))
    const pieces = async function* (): AsyncGenerator<Uint8Array> {
      for (let at = 0; at < bytes.length; at += 100_000) yield bytes.subarray(at, at + 100_000)
    }
    for (const path of ['docs:big.bin', 'docs:big.txt']) {
      const node = place.storage.node(path)
      await node.writeStream(pieces())
      await node.writeText('short')
      expect((await node.readBytes({ version: -2 })).equals(bytes)).toBe(true)
      const range = { start: 5000, end: 5100 }
      expect((await node.readBytes({ version: -2, range })).equals(bytes.subarray(5000, 5100))).toBe(true)
      await node.rollback({ version: -2 })
      expect((await node.readBytes()).equals(bytes)).toBe(true)
      expect(await node.sha256()).toBe((await node.versions()).at(-1)?.sha256)
    }
    const report = await place.storage.fsck('docs')
    expect(report).toMatchObject({ keys: 2, versions: 6, problems: [] })
  })

  test('what is not finished leaves nothing', async () => {
    await using place = await openPlace(make)
    const node = place.storage.node('docs:f')
    const failing = async function* (): AsyncGenerator<Uint8Array> {
      yield Buffer.alloc(50_000)
      throw new Error('cut off')
    }
    await expect(node.writeStream(failing())).rejects.toThrow('cut off')
    expect(await node.exists()).toBe(false)
    expect(await node.versions()).toEqual([])
    const stopped = new AbortController()
    stopped.abort()
    await expect(node.writeText('x', { signal: stopped.signal })).rejects.toMatchObject({
      code: 'ARC_ABORTED',
    })
    expect(await node.versions()).toEqual([])
  })

  test('webhooks: what was not delivered waits', async () => {
    await using place = await openPlace(make)
    const bodies: string[] = []
    let status = 400
    const post = (async (_url: string, init: { body: string }) => {
      bodies.push(init.body)
      return new Response(null, { status })
    }) as unknown as typeof fetch
    place.storage.addWebhook({
      url: 'https://receiver.example/hook',
      secret: 's',
      fetch: post,
      events: ['version_created'],
    })
    await place.storage.node('docs:f').writeText('a')
    expect(await place.storage.deliverWebhooks()).toBe(1)
    status = 200
    expect(await place.storage.deliverWebhooks()).toBe(0)
    const before = bodies.length
    expect(await place.storage.deliverWebhooks()).toBe(0)
    expect(bodies).toHaveLength(before)
    expect(JSON.parse(bodies.at(-1) ?? '')).toMatchObject({ type: 'version_created', mount: 'docs', path: 'f' })
  })
}
