import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { isArcError } from '@arc/core'
import { failure, temporaryFolder, watchedFileSystem } from '@arc/core/testing'
import { expect, test } from 'vitest'
import { type Backend, directoryBackend, readBytes } from '../src/index.ts'

const bytes = (content: string): Uint8Array => new TextEncoder().encode(content)

async function text(backend: Backend, key: string): Promise<string> {
  return Buffer.from(await readBytes(backend, key)).toString()
}

async function keys(backend: Backend, prefix = ''): Promise<string[]> {
  return (await Array.fromAsync(backend.list(prefix))).flat().map(({ key }) => key)
}

test('objects are plain files, and files are objects', async () => {
  using folder = temporaryFolder()
  const backend = directoryBackend(folder.path)
  await backend.write('a/b', bytes('from here'))
  expect(readFileSync(`${folder.path}/a/b`, 'utf8')).toBe('from here')
  writeFileSync(`${folder.path}/a/c`, 'from there')
  expect(await text(backend, 'a/c')).toBe('from there')
  await backend[Symbol.asyncDispose]()
  expect(readdirSync(folder.path)).toEqual(['a'])
})

test('symlinks are no objects and lead nowhere', async () => {
  using folder = temporaryFolder()
  using outside = temporaryFolder()
  writeFileSync(`${outside.path}/secret`, 'secret')
  symlinkSync(outside.path, `${folder.path}/way`)
  symlinkSync(`${outside.path}/secret`, `${folder.path}/link`)
  const backend = directoryBackend(folder.path)
  for (const key of ['link', 'way/secret']) {
    expect(await backend.stat(key)).toBeUndefined()
    await expect(backend.read(key)).rejects.toMatchObject({ code: 'ARC_OBJECT_NOT_FOUND' })
    await backend.delete(key)
  }
  await expect(backend.write('way/new', bytes('x'))).rejects.toMatchObject({ code: 'ARC_BACKEND_UNSUITABLE' })
  await expect(backend.write('link', bytes('x'), { ifAbsent: true })).rejects.toMatchObject({
    code: 'ARC_OBJECT_CONFLICT',
  })
  await backend.write('link', bytes('x'))
  expect(await keys(backend)).toEqual(['link'])
  expect(await keys(backend, 'way/')).toEqual([])
  expect(readFileSync(`${outside.path}/secret`, 'utf8')).toBe('secret')
  expect(readdirSync(outside.path)).toEqual(['secret'])
})

test('a key cannot be an object and a folder at once', async () => {
  using folder = temporaryFolder()
  const backend = directoryBackend(folder.path)
  await backend.write('a/b', bytes('x'))
  await expect(backend.write('a', bytes('y'))).rejects.toMatchObject({ code: 'ARC_BACKEND_UNSUITABLE', path: 'a' })
  await expect(backend.write('a/b/c', bytes('y'))).rejects.toMatchObject({ code: 'ARC_BACKEND_UNSUITABLE' })
  await expect(backend.write('.arc-tmp/x', bytes('y'))).rejects.toMatchObject({ code: 'ARC_OBJECT_KEY_INVALID' })
  await expect(backend.write('n'.repeat(256), bytes('y'))).rejects.toMatchObject({ code: 'ARC_OBJECT_KEY_INVALID' })
  expect(await keys(backend)).toEqual(['a/b'])
})

test('what a dead writer left is swept by the next one, and what a living one writes is not', async () => {
  using folder = temporaryFolder()
  const staging = `${folder.path}/.arc-tmp`
  mkdirSync(staging)
  const foreign = (hour: string): string => `${staging}/.object.deadbeef-1-${hour}.arc-tmp`
  writeFileSync(foreign('000000000001'), 'old')
  writeFileSync(foreign('000000000002'), 'new')
  utimesSync(foreign('000000000001'), 1000, 1000)
  const backend = directoryBackend(folder.path)
  await backend.write('key', bytes('x'))
  expect(readdirSync(staging)).toEqual(['.object.deadbeef-1-000000000002.arc-tmp'])
})

test('a folder that does not exist is empty, and made by the first write', async () => {
  using folder = temporaryFolder()
  const backend = directoryBackend(`${folder.path}/not/there`)
  expect(await keys(backend)).toEqual([])
  expect(await backend.stat('x')).toBeUndefined()
  expect(existsSync(`${folder.path}/not`)).toBe(false)
  await backend.write('x', bytes('y'))
  expect(await keys(backend)).toEqual(['x'])
})

/** Write, create and delete, with the call `number` going wrong. */
async function runWith(root: string, number: number): Promise<{ calls: number; errors: unknown[] }> {
  let calls = 0
  const fs = watchedFileSystem((call) => {
    calls = call.number
    if (call.number === number) throw failure('EIO', call.name)
  })
  const backend = directoryBackend(root, { fs })
  const errors: unknown[] = []
  for (const step of [
    async () => backend.write('deep/old', bytes('new content')),
    async () => backend.write('deep/created', bytes('created'), { ifAbsent: true }),
    async () => backend.delete('gone/one'),
  ]) {
    await step().catch((error: unknown) => errors.push(error))
  }
  return { calls, errors }
}

test('whatever call fails, an object is the old one or the new one, and the error says so', async () => {
  for (let number = 1, calls = 1; number <= calls; number++) {
    using folder = temporaryFolder()
    const healthy = directoryBackend(folder.path)
    await healthy.write('deep/old', bytes('old content'))
    await healthy.write('gone/one', bytes('gone'))
    const { calls: counted, errors } = await runWith(folder.path, number)
    calls = Math.max(calls, counted)
    expect(errors.filter((error) => !isArcError(error))).toEqual([])
    expect(['old content', 'new content']).toContain(await text(healthy, 'deep/old'))
    const created = await healthy.stat('deep/created')
    expect([undefined, 7]).toContain(created?.sizeBytes)
    const expected = new Set(['deep/created', 'deep/old', 'gone/one'])
    expect((await keys(healthy)).filter((key) => !expected.has(key))).toEqual([])
  }
})

test('who reads one object after the other still lets the process hear a signal', async () => {
  using folder = temporaryFolder()
  const backend = directoryBackend(folder.path)
  await backend.write('a', Buffer.from('x'))
  const controller = new AbortController()
  setTimeout(() => controller.abort(new Error('heard')), 1)
  const readOn = async (): Promise<void> => {
    for (let i = 0; i < 100_000; i++) await readBytes(backend, 'a', { signal: controller.signal })
  }
  await expect(readOn()).rejects.toThrow('heard')
})
