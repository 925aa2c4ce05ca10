import { memoryBackend, readBytes } from '@arc/storage'
import { expect, test } from 'vitest'
import { newResticKey } from '../src/restic/key.ts'
import { ResticLock } from '../src/restic/lock.ts'
import { RepositoryFiles } from '../src/restic/repository-files.ts'

const WRITER = { hostname: 'here', username: 'me', pid: 42, uid: 1, gid: 2 }
const MINUTE_MS = 60_000

function makeFiles(): RepositoryFiles {
  return new RepositoryFiles(memoryBackend(), newResticKey(), 2)
}

async function locksIn(files: RepositoryFiles): Promise<string[]> {
  const ids: string[] = []
  for await (const { id } of files.list('locks')) ids.push(id)
  return ids
}

async function contentOf(files: RepositoryFiles, id: string): Promise<unknown> {
  return JSON.parse(String(await files.read('locks', id)))
}

test('a lock says who has it, and goes when it is let go', async () => {
  const files = makeFiles()
  {
    await using _ = await ResticLock.take(files, { writer: WRITER, now: () => Date.UTC(2026, 0, 2) })
    const [id = ''] = await locksIn(files)
    expect(await contentOf(files, id)).toEqual({ ...WRITER, time: '2026-01-02T00:00:00Z', exclusive: false })
  }
  expect(await locksIn(files)).toEqual([])
})

test('others may write at the same time, but not while somebody has the repository to himself', async () => {
  const files = makeFiles()
  const options = { writer: WRITER, now: Date.now }
  await using _first = await ResticLock.take(files, options)
  await using _second = await ResticLock.take(files, options)
  expect(await locksIn(files)).toHaveLength(2)
  const lock = { time: '2026-01-02T03:04:05Z', exclusive: true, hostname: 'there', pid: 7 }
  const id = await files.write('locks', JSON.stringify(lock))
  await expect(ResticLock.take(files, options)).rejects.toMatchObject({
    code: 'ARC_LOCK_HELD',
    message: expect.stringContaining('process 7 on there') as string,
  })
  expect(await locksIn(files)).toHaveLength(3)
  await files.backend.delete(`locks/${id}`)
  await files.backend.write(`locks/${'0'.repeat(64)}`, Buffer.from('no lock'))
  await expect(ResticLock.take(files, options)).rejects.toMatchObject({ code: 'ARC_LOCK_HELD' })
})

test('a lock that comes at the same moment is noticed', async () => {
  const files = makeFiles()
  const { backend } = files
  const exclusive = JSON.stringify({ time: '2026-01-02T03:04:05Z', exclusive: true })
  const racing = new Proxy(backend, {
    get(target, name) {
      if (name !== 'write') return Reflect.get(target, name).bind?.(target) ?? Reflect.get(target, name)
      return async (...args: Parameters<typeof backend.write>) => {
        const written = await target.write(...args)
        await files.write('locks', exclusive)
        return written
      }
    },
  })
  const taken = ResticLock.take(new RepositoryFiles(racing, files.key, 2), { writer: WRITER, now: Date.now })
  await expect(taken).rejects.toMatchObject({ code: 'ARC_LOCK_HELD' })
  expect(await locksIn(files)).toHaveLength(1)
})

test('a lock is renewed every five minutes, and given up when it was not for half an hour', async () => {
  const files = makeFiles()
  let now = 0
  await using lock = await ResticLock.take(files, { writer: WRITER, now: () => now })
  const first = await locksIn(files)
  now = 4 * MINUTE_MS
  await lock.keep()
  expect(await locksIn(files)).toEqual(first)
  now = 6 * MINUTE_MS
  await lock.keep()
  const [second = '', ...others] = await locksIn(files)
  expect(others).toEqual([])
  expect(first).not.toContain(second)
  expect(await contentOf(files, second)).toMatchObject({ time: '1970-01-01T00:06:00Z' })
  expect((await readBytes(files.backend, `locks/${second}`)).length).toBeGreaterThan(0)
  now = 40 * MINUTE_MS
  await expect(lock.keep()).rejects.toMatchObject({ code: 'ARC_LOCK_LOST' })
})
