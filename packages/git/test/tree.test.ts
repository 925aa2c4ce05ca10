import { execFileSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { BlobReader, listTree, openRepository, type Repository } from '../src/index.ts'
import { isolatedEnv as env, type Scratch, scratch } from './scratch.ts'

async function open(path: string): Promise<Repository> {
  const repository = await openRepository(path, { env })
  if (repository === undefined) throw new TypeError('no repository')
  return repository
}

describe('listTree', () => {
  test('names modes, objects and sizes, in byte order', async () => {
    using repository = scratch()
    repository.write('a/b', 'xyz')
    repository.write('a-b', '', 0o755)
    repository.write('a.b\n"', 'x')
    const commit = repository.commit()
    const { items, ...facts } = await listTree(await open(repository.path), 'main')
    expect(facts).toEqual({ commit, branch: 'main' })
    expect(items.map(({ path, mode, sizeBytes }) => [path, mode, sizeBytes])).toEqual([
      ['a-b', '100755', 0],
      ['a.b\n"', '100644', 1],
      ['a/b', '100644', 3],
    ])
    expect(items[2]?.objectId).toBe(repository.git('rev-parse', 'HEAD:a/b'))
  })

  test('takes names for revisions only', async () => {
    using repository = scratch()
    repository.write('a', '')
    repository.commit()
    const opened = await open(repository.path)
    for (const revision of [
      '--output=x',
      '--all',
      '--',
      '-h',
      'HEAD^{blob}',
      'HEAD:a',
      'HEAD..',
      '^HEAD',
      '',
      '\n',
      'x'.repeat(5000),
    ]) {
      await expect(listTree(opened, revision)).rejects.toMatchObject({ code: 'ARC_GIT_REVISION_UNKNOWN' })
    }
  })

  test('refuses trees whose names lead out, and trees that name a path twice', async () => {
    using repository = scratch()
    repository.write('a', '')
    repository.commit()
    const blob = repository.git('rev-parse', 'HEAD:a')
    const opened = await open(repository.path)
    for (const [names, code] of [
      [['..'], 'ARC_PATH_UNSAFE'],
      [['.'], 'ARC_PATH_UNSAFE'],
      [['a', 'a'], 'ARC_ENTRY_DUPLICATE'],
    ] as const) {
      const commit = commitOf(
        repository,
        names.map((name) => ({ name, blob })),
      )
      await expect(listTree(opened, commit)).rejects.toMatchObject({ code })
    }
  })
})

/** A commit of a tree that git would not make: the object is written as it is. */
function commitOf(repository: Scratch, entries: readonly { name: string; blob: string }[]): string {
  const tree = Buffer.concat(
    entries.flatMap(({ name, blob }) => [Buffer.from(`100644 ${name}\0`), Buffer.from(blob, 'hex')]),
  )
  const args = ['-C', repository.path, 'hash-object', '-t', 'tree', '-w', '--literally', '--stdin']
  const id = execFileSync('git', args, { input: tree, env, encoding: 'utf8', stdio: 'pipe' }).trim()
  return repository.git('commit-tree', '-m', 'x', id)
}

describe('BlobReader', () => {
  test('reads in any order, small and large, each as often as asked', async () => {
    using repository = scratch()
    const contents = Array.from({ length: 400 }, (_, index) =>
      Buffer.alloc(index === 7 ? 3_000_000 : index % 50, index),
    )
    for (const [index, content] of contents.entries()) repository.write(`f${String(index).padStart(3, '0')}`, content)
    repository.commit()
    const opened = await open(repository.path)
    const { items } = await listTree(opened, 'HEAD')
    const blobs = items.map(({ objectId, sizeBytes = 0 }) => ({ objectId, sizeBytes }))
    await using reader = new BlobReader(opened, blobs)
    const read = async (index: number): Promise<Buffer> =>
      Buffer.concat(await Array.fromAsync(reader.read(index), (piece) => Buffer.from(piece)))
    for (const index of contents.keys()) expect((await read(index)).equals(contents[index] as Buffer)).toBe(true)
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(contents.length - 1), { maxLength: 30 }), async (order) => {
        for (const index of order) expect((await read(index)).equals(contents[index] as Buffer)).toBe(true)
      }),
      { numRuns: 20 },
    )
    const together = await Promise.all([3, 399, 7, 3, 200, 0].map(read))
    expect(together.map((bytes) => bytes.length)).toEqual(
      [3, 399, 7, 3, 200, 0].map((index) => contents[index]?.length),
    )
  })

  test('may be left at any moment', async () => {
    using repository = scratch()
    repository.write('large', Buffer.alloc(5_000_000))
    repository.write('small', 'x')
    repository.commit()
    const opened = await open(repository.path)
    const { items } = await listTree(opened, 'HEAD')
    const reader = new BlobReader(
      opened,
      items.map(({ objectId, sizeBytes = 0 }) => ({ objectId, sizeBytes })),
    )
    for await (const piece of reader.read(0)) {
      expect(piece.length).toBeGreaterThan(0)
      break
    }
    const abandoned = reader.read(1)
    void abandoned.next().catch(() => {})
    await reader[Symbol.asyncDispose]()
    await new BlobReader(opened, [])[Symbol.asyncDispose]()
  })

  test('tells a missing and a damaged object', async () => {
    using repository = scratch()
    repository.write('a', 'content')
    repository.commit()
    const opened = await open(repository.path)
    const objectId = repository.git('rev-parse', 'HEAD:a')
    rmSync(join(repository.path, '.git/objects', objectId.slice(0, 2), objectId.slice(2)))
    const { items } = await listTree(opened, 'HEAD')
    expect(items[0]?.sizeBytes).toBeUndefined()
    for (const sizeBytes of [7, 1 << 30]) {
      await using reader = new BlobReader(opened, [{ objectId, sizeBytes }])
      await expect(reader.read(0).next()).rejects.toMatchObject({ code: 'ARC_GIT_FAILED' })
    }
  })

  test('stops when told to', async () => {
    using repository = scratch()
    repository.write('a', 'content')
    repository.commit()
    const opened = await open(repository.path)
    const controller = new AbortController()
    const reason = new Error('enough')
    const { items } = await listTree(opened, 'HEAD')
    await using reader = new BlobReader(opened, [{ objectId: items[0]?.objectId ?? '', sizeBytes: 7 }], {
      signal: controller.signal,
    })
    await reader.read(0).next()
    controller.abort(reason)
    await expect(reader.read(0).next()).rejects.toBe(reason)
  })
})
