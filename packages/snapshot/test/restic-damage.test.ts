import { createHash } from 'node:crypto'
import { ArcError, isArcError } from '@arc/core'
import { type Backend, memoryBackend, readBytes } from '@arc/storage'
import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { openRestic, type ResticRepository } from '../src/restic/index.ts'
import { openKeyFile } from '../src/restic/key-file.ts'
import { RepositoryFiles } from '../src/restic/repository-files.ts'
import { BlobIndex } from '../src/restic/blob-index.ts'
import { ResticPackWriter } from '../src/restic/pack-writer.ts'
import { newRepository, PASSWORD, repositoryAt } from './restic.ts'
import { file, noise, oddTree, rowsOf, source } from './trees.ts'
import { watchedBackend } from './watched-backend.ts'

async function keysOf(backend: Backend): Promise<string[]> {
  const keys: string[] = []
  for await (const batch of backend.list('')) keys.push(...batch.map(({ key }) => key))
  return keys
}

/** A copy of a backend in memory, to be damaged. */
async function cloneOf(backend: Backend): Promise<Backend> {
  const clone = memoryBackend()
  for (const key of await keysOf(backend)) await clone.write(key, await readBytes(backend, key))
  return clone
}

let whole: Backend
let expected: string
let id: string

const shown = (rows: unknown): string =>
  JSON.stringify(rows, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value))

beforeAll(async () => {
  whole = memoryBackend()
  const repository = await newRepository(whole)
  const { snapshot } = await repository.take(source(...oddTree(), file('more', noise('more', 20_000))))
  id = snapshot.id
  expected = shown(await rowsOf(await repository.open(id)))
})

/** Everything is read and right, or an error says why not. */
async function outcome(backend: Backend): Promise<string> {
  try {
    const repository = await repositoryAt(backend)
    expect(shown(await rowsOf(await repository.open(id)))).toBe(expected)
    return 'right'
  } catch (error) {
    if (!isArcError(error)) throw error
    return error.code
  }
}

describe('a damaged repository', () => {
  test('a flipped bit anywhere is found, and never becomes content', async () => {
    const keys = await keysOf(whole)
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.nat(), fc.nat(7), async (which, where, bit) => {
        const key = keys[which % keys.length] as string
        const clone = await cloneOf(whole)
        const bytes = Buffer.from(await readBytes(clone, key))
        const at = where % bytes.length
        bytes[at] = (bytes[at] as number) ^ (1 << bit)
        await clone.write(key, bytes)
        const found = await outcome(clone)
        expect(['right', 'ARC_VAULT_DAMAGED', 'ARC_KEY_WRONG']).toContain(found)
        // Headers of packs are not needed to read; all else is.
        if (found === 'right') {
          const report = await (await repositoryAt(clone)).verify({ read: 'data' })
          expect(report.problems).toMatchObject([{ code: 'damaged', object: key }])
        }
      }),
      { numRuns: 40 },
    )
  })

  test('what is cut off or missing is found, and the files that need it are named', async () => {
    for (const key of await keysOf(whole)) {
      const bytes = await readBytes(whole, key)
      for (const left of [undefined, 0, 10, bytes.length - 1]) {
        const clone = await cloneOf(whole)
        if (left === undefined) await clone.delete(key)
        else await clone.write(key, bytes.subarray(0, left))
        const found = await outcome(clone)
        if (!key.startsWith('data/')) expect(found).not.toBe('right')
        if (/^(?:config|keys|snapshots)/.test(key)) continue
        const { problems } = await (await repositoryAt(clone)).verify({ read: 'data' })
        expect(problems.length).toBeGreaterThan(0)
        expect(problems.flatMap(({ files }) => files).length).toBeGreaterThan(0)
      }
    }
  })

  test('a part of the content is read when a part is asked for', async () => {
    const repository = await repositoryAt(whole)
    const parts = await Promise.all([0, 1].map((part) => repository.verify({ read: 0.5, part })))
    const all = await repository.verify({ read: 'data' })
    expect(parts.reduce((sum, { readBytes: bytes }) => sum + bytes, 0)).toBe(all.readBytes)
    expect(await repository.verify()).toMatchObject({ problems: [], readBytes: 0, snapshots: 1 })
  })

  test('any bytes in the place of a sealed file end in an error', async () => {
    const snapshot = (await keysOf(whole)).find((key) => key.startsWith('snapshots/')) ?? ''
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
        const clone = await cloneOf(whole)
        await clone.delete(snapshot)
        await clone.write(`snapshots/${createHash('sha256').update(bytes).digest('hex')}`, bytes)
        await expect((await repositoryAt(clone)).list()).rejects.toMatchObject({ code: 'ARC_VAULT_DAMAGED' })
      }),
      { numRuns: 20 },
    )
  })
})

/** A repository whose one snapshot has this tree, sealed as it should be. */
async function withTree(json: string | Uint8Array): Promise<{ repository: ResticRepository; snapshot: string }> {
  const backend = await cloneOf(whole)
  const files = await filesOf(backend)
  const packs = new ResticPackWriter(files, await BlobIndex.load(files, {}), async () => {}, {})
  const tree = await packs.put('tree', Buffer.from(json))
  await packs.finish()
  const snapshot = await files.write('snapshots', JSON.stringify({ time: '2026-01-02T03:04:05Z', tree, paths: ['/x'] }))
  return { repository: await repositoryAt(backend), snapshot }
}

async function filesOf(backend: Backend): Promise<RepositoryFiles> {
  const keyFile = (await keysOf(backend)).find((key) => key.startsWith('keys/')) ?? ''
  const key = await openKeyFile(Buffer.from(await readBytes(backend, keyFile)), PASSWORD, keyFile)
  if (key === undefined) throw new TypeError('the password of the test is another')
  return new RepositoryFiles(backend, key, 2)
}

const node = (name: string, more = ''): string =>
  `{"name":"${name}","type":"file","mode":420,"mtime":"2026-01-02T03:04:05Z","content":[]${more}}`

describe('a hostile repository', () => {
  test.each([
    ['ARC_PATH_UNSAFE', node('..')],
    ['ARC_PATH_UNSAFE', node('a/b')],
    ['ARC_PATH_UNSAFE', node('')],
    ['ARC_PATH_UNSAFE', node('a\\\\x00')],
    ['ARC_ENTRY_DUPLICATE', `${node('a')},${node('\\\\x61')}`],
    ['ARC_VAULT_DAMAGED', node('bad \\\\q escape')],
    ['ARC_VAULT_DAMAGED', node('a').replace('2026-01-02', '2026-13-02')],
    ['ARC_VAULT_DAMAGED', node('a', ',"size":-1')],
    ['ARC_VAULT_DAMAGED', node('a', ',"content":["../../x"]')],
    ['ARC_VAULT_DAMAGED', node('a', ',"inode":1e400')],
    ['ARC_VAULT_DAMAGED', '{'],
  ])('ends in %s for %s', async (code, nodes) => {
    const { repository, snapshot } = await withTree(`{"nodes":[${nodes}]}`)
    await expect(repository.open(snapshot).then(rowsOf)).rejects.toMatchObject({ code })
  })

  test('a file that is longer or shorter than it says is never given whole', async () => {
    const wanted = createHash('sha256').update('x').digest('hex')
    for (const size of [0, 2]) {
      const { repository, snapshot } = await withTree(
        `{"nodes":[${node('a', `,"size":${size}`).replace('[]', `["${wanted}"]`)}]}`,
      )
      await expect(repository.open(snapshot).then(rowsOf)).rejects.toMatchObject({ code: 'ARC_VAULT_DAMAGED' })
    }
  })

  test('any tree ends in entries or an error', async () => {
    const field = fc.constantFrom(
      'name',
      'type',
      'mode',
      'mtime',
      'inode',
      'links',
      'size',
      'content',
      'subtree',
      'linktarget',
      'linktarget_raw',
    )
    const value = fc.oneof(
      fc.constantFrom('file', 'dir', 'symlink', 'a', '..', '0'.repeat(64), '2026-01-02T03:04:05+01:00'),
      fc.jsonValue({ maxDepth: 1 }),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(fc.dictionary(field, value), { maxLength: 3 }), async (nodes) => {
        const { repository, snapshot } = await withTree(JSON.stringify({ nodes }))
        const found = await repository
          .open(snapshot)
          .then(rowsOf)
          .catch((error: unknown) => error)
        if (!Array.isArray(found)) expect(isArcError(found) ? '' : found).toBe('')
      }),
      { numRuns: 40 },
    )
  })

  test('sockets, pipes, devices and what is not known are listed as left out', async () => {
    const kinds = ['dev', 'chardev', 'fifo', 'socket', 'irregular', ''].map((type, i) =>
      node(String(i)).replace('"file"', `"${type}"`),
    )
    const { repository, snapshot } = await withTree(`{"nodes":[${kinds.join(',')},${node('here')}]}`)
    await using opened = await repository.open(snapshot)
    expect((await rowsOf(opened)).map(({ path }) => path)).toEqual(['here'])
    expect(opened.omissions.map(({ reason }) => reason)).toEqual([
      ...Array.from({ length: 4 }, () => 'special-file'),
      'unreadable',
      'unreadable',
    ])
  })

  test('inodes of 64 bits are not mixed up', async () => {
    const nodes = ['18446744073709551614', '18446744073709551615', '18446744073709551615'].map((inode, i) =>
      node(String(i), `,"links":2,"inode":${inode}`),
    )
    const { repository, snapshot } = await withTree(`{"nodes":[${nodes.join(',')}]}`)
    const links: (string | undefined)[] = []
    for await (const batch of (await repository.open(snapshot)).entries())
      links.push(...batch.map(({ hardLink }) => hardLink))
    expect(links[1]).toBe(links[2])
    expect(links[0]).not.toBe(links[1])
  })

  test('a tree that names itself over and over is no bomb', async () => {
    const backend = await cloneOf(whole)
    const files = await filesOf(backend)
    const packs = new ResticPackWriter(files, await BlobIndex.load(files, {}), async () => {}, {})
    let tree = await packs.put('tree', Buffer.from('{"nodes":[]}\n'))
    const folder = (name: number): string => node(String(name), `,"subtree":"${tree}"`).replace('"file"', '"dir"')
    for (let depth = 0; depth < 40; depth++)
      tree = await packs.put('tree', Buffer.from(`{"nodes":[${[0, 1, 2, 3].map(folder).join(',')}]}`))
    await packs.finish()
    await files.write('snapshots', JSON.stringify({ time: '2026-01-02T03:04:05Z', tree, paths: ['/x'] }))
    expect(await (await repositoryAt(backend)).verify()).toMatchObject({ problems: [], snapshots: 2 })
  })
})

describe('opening', () => {
  test('says what is wrong', async () => {
    await expect(openRestic(memoryBackend(), { password: 'x' })).rejects.toMatchObject({ code: 'ARC_VAULT_NOT_FOUND' })
    await expect(openRestic(whole, { password: 'x' })).rejects.toMatchObject({ code: 'ARC_KEY_WRONG' })
    await expect(newRepository(whole)).rejects.toMatchObject({ code: 'ARC_VAULT_EXISTS' })
    const repository = await repositoryAt(whole)
    await expect(repository.open('0'.repeat(64))).rejects.toMatchObject({ code: 'ARC_SNAPSHOT_UNKNOWN' })
    for (const change of [repository.tag(), repository.remove()])
      await expect(change).rejects.toMatchObject({ code: 'ARC_VAULT_UNSUPPORTED' })
  })

  test.each([{ version: 3 }, { chunker_polynomial: 'xyz' }, { id: 1 }])('refuses the config %o', async (change) => {
    const backend = await cloneOf(whole)
    const { key } = await filesOf(backend)
    const config = { version: 2, id: '0'.repeat(64), chunker_polynomial: '25b468838dcb75', ...change }
    await backend.write('config', key.seal(Buffer.from(JSON.stringify(config))))
    const code = change.version === 3 ? 'ARC_VAULT_UNSUPPORTED' : 'ARC_VAULT_DAMAGED'
    await expect(repositoryAt(backend)).rejects.toMatchObject({ code })
  })

  test('refuses keys that would exhaust the machine', async () => {
    const costs = [
      { N: 2 ** 26, r: 8, p: 1 },
      { N: 2, r: 2 ** 18, p: 64 }, // it is the room for p that is large
    ]
    for (const cost of costs) {
      const expensive = { kdf: 'scrypt', ...cost, salt: Buffer.alloc(64).toString('base64'), data: '' }
      const opened = openKeyFile(Buffer.from(JSON.stringify(expensive)), PASSWORD, 'keys/x')
      await expect(opened).rejects.toMatchObject({ code: 'ARC_LIMIT_EXCEEDED' })
    }
  })

  test('Ctrl-C is heard while everything is at hand', async () => {
    const reason = new ArcError('ARC_ABORTED', 'stopped')
    const stopSoon = (): AbortSignal => {
      const controller = new AbortController()
      setImmediate(() => controller.abort(reason))
      return controller.signal
    }
    const backend = await cloneOf(whole)
    // As a disk that takes long and never waits.
    const slow = watchedBackend(backend, () => {
      for (const endMs = performance.now() + 60; performance.now() < endMs;);
    })
    const repository = await repositoryAt(slow)
    const files = Array.from({ length: 30 }, (_, i) => file(`f${i}`, noise(String(i), 100_000)))
    await expect(repository.take(source(...files), { signal: stopSoon() })).rejects.toBe(reason)
    await expect(repository.verify({ read: 'data', signal: stopSoon() })).rejects.toBe(reason)
    expect((await keysOf(backend)).filter((key) => key.startsWith('locks/'))).toEqual([])
  })

  test('a writer that is stopped leaves a repository as it was, and no lock', async () => {
    const backend = await cloneOf(whole)
    const controller = new AbortController()
    const reason = new ArcError('ARC_ABORTED', 'stopped')
    const stopping = {
      ...source(file('stop', 'x')),
      async *entries() {
        yield [file('before', noise('before', 100))]
        controller.abort(reason)
        yield [file('stop', 'x')]
      },
    }
    const repository = await repositoryAt(backend)
    await expect(repository.take(stopping, { signal: controller.signal })).rejects.toBe(reason)
    expect((await keysOf(backend)).filter((key) => key.startsWith('locks/'))).toEqual([])
    expect(await outcome(backend)).toBe('right')
    expect(await (await repositoryAt(backend)).list()).toHaveLength(1)
  })
})
