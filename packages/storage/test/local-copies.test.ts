import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { sha256Hex } from '@arc/core/node'
import { temporaryFolder } from '@arc/core/testing'
import { expect, test } from 'vitest'
import { type Backend, directoryBackend, memoryBackend, readBytes, retaining, withLocalCopies } from '../src/index.ts'
import { backendCases } from '../src/testing.ts'

/** A backend that tells which keys were read from it. */
function watched(real: Backend): { backend: Backend; reads: string[] } {
  const reads: string[] = []
  const backend = new Proxy(real, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target)
      if (typeof member !== 'function') return member
      return (key: string, ...rest: unknown[]): unknown => {
        if (name === 'read') reads.push(key)
        return Reflect.apply(member, target, [key, ...rest])
      }
    },
  })
  return { backend, reads }
}

const bytes = Buffer.from('what never changes')
const key = `index/0001-${sha256Hex(bytes)}`

test('what was read or written once is not asked for again', async () => {
  using folder = temporaryFolder()
  const { backend, reads } = watched(memoryBackend())
  const options = { folder: folder.path, prefixes: ['index/'] }
  await backend.write(key, bytes)
  expect(Buffer.from(await readBytes(withLocalCopies(backend, options), key))).toEqual(bytes)
  const again = withLocalCopies(backend, options)
  expect(Buffer.from(await readBytes(again, key))).toEqual(bytes)
  expect(Buffer.from(await readBytes(again, key, { range: { start: 5, end: 10 } })).toString()).toBe('never')
  expect(reads).toEqual([key])

  const own = Buffer.from('written here')
  await again.write(`index/${sha256Hex(own)}`, own)
  await readBytes(again, `index/${sha256Hex(own)}`)
  expect(reads).toEqual([key])
})

test('a copy that is damaged is asked for anew; what has no hash for a name is always asked for', async () => {
  using folder = temporaryFolder()
  const { backend, reads } = watched(memoryBackend())
  const near = withLocalCopies(backend, { folder: folder.path, prefixes: ['index/'] })
  await near.write(key, bytes)
  writeFileSync(join(folder.path, key), 'something else')
  expect(Buffer.from(await readBytes(near, key))).toEqual(bytes)
  await near.write('index/plain', bytes)
  await readBytes(near, 'index/plain')
  await near.write(`packs/${sha256Hex(bytes)}`, bytes)
  await readBytes(near, `packs/${sha256Hex(bytes)}`)
  expect(reads).toEqual([key, 'index/plain', `packs/${sha256Hex(bytes)}`])
})

test('bytes that do not fit their name are handed on and not kept', async () => {
  using folder = temporaryFolder()
  const real = memoryBackend()
  const near = withLocalCopies(real, { folder: folder.path, prefixes: ['index/'] })
  await real.write(key, Buffer.from('damaged'))
  expect(Buffer.from(await readBytes(near, key)).toString()).toBe('damaged')
  expect(readdirSync(folder.path)).toEqual([])
})

test('what is too large for a copy is handed on as it arrives; a part is told apart from the whole', async () => {
  using folder = temporaryFolder()
  const real = memoryBackend()
  const near = withLocalCopies(real, { folder: folder.path, prefixes: ['index/'] })
  await real.write(key, bytes)
  const part = await near.read(key, { range: { start: 0, end: 4 } })
  expect(part.info).toMatchObject({ sizeBytes: bytes.length, modified: (await real.stat(key))?.modified })

  let given = 0
  const huge = new Proxy(real, {
    get: (target, name) =>
      name === 'read'
        ? async () => ({
            info: { key, sizeBytes: 2 ** 40, modified: new Date() },
            async *[Symbol.asyncIterator]() {
              for (; ; given++) yield bytes
            },
          })
        : (Reflect.get(target, name) as unknown),
  })
  for await (const _ of await withLocalCopies(huge, { folder: folder.path, prefixes: ['index/'] }).read(key)) break
  expect(given).toBe(0)
})

test('copies of objects that are gone go with the next listing', async () => {
  using folder = temporaryFolder()
  const real = memoryBackend()
  const near = withLocalCopies(real, { folder: folder.path, prefixes: ['index/'] })
  await near.write(key, bytes)
  await real.delete(key)
  expect(await Array.fromAsync(near.list('index/'))).toEqual([])
  expect(readdirSync(join(folder.path, 'index'))).toEqual([])
  await expect(readBytes(near, key)).rejects.toMatchObject({ code: 'ARC_OBJECT_NOT_FOUND' })
})

test.each(backendCases())('with local copies: $name', async ({ run }) => {
  using folder = temporaryFolder()
  const near = withLocalCopies(memoryBackend(), { folder: folder.path, prefixes: ['objects/'] })
  await expect(run(near)).resolves.toBeUndefined()
})

test('what is retained says until when; a place that locks nothing refuses', async () => {
  const written: unknown[] = []
  const backend = new Proxy(memoryBackend(), {
    get: (target, name) =>
      name === 'write'
        ? async (...args: unknown[]) => void written.push(args[2])
        : (Reflect.get(target, name) as unknown),
  })
  await retaining(backend, { durationMs: 1000, now: () => 500 }).write('a', bytes, { contentType: 'text/plain' })
  expect(written).toEqual([{ contentType: 'text/plain', retainUntil: new Date(1500) }])
  using folder = temporaryFolder()
  const refusing = retaining(directoryBackend(folder.path), { durationMs: 1000, mode: 'compliance' })
  await expect(refusing.write('a', bytes)).rejects.toMatchObject({ code: 'ARC_BACKEND_UNSUITABLE' })
})
