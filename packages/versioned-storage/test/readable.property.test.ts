// Whatever is asked for, in whatever words: what is written is what its own reader takes.
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryFolder } from '@arc/core/testing'
import { memoryBackend } from '@arc/storage'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseEdit } from '../src/edit-schema.ts'
import type { Edit } from '../src/edit.ts'
import { isArcError } from '@arc/core'
import { type MountConfig, openLocalStore, rebuildIndex, StorageManager, type StorageNode } from '../src/index.ts'
import { isReadablePut } from '../src/readable-edits.ts'

const wild = fc.oneof(
  fc.anything({ withDate: true, withBigInt: true, withMap: true, withSparseArray: true, withTypedArray: true }),
  fc.constantFrom<unknown>(
    new Date(Number.NaN),
    new Date(8.64e15),
    Number.POSITIVE_INFINITY,
    1e300,
    'write',
    'copy',
    JSON.parse('{"__proto__":{"x":1}}'),
    { a: Number.NaN },
    { a: undefined },
  ),
)

/** Values of the kind that belongs there, and others. */
const some = (...values: unknown[]): fc.Arbitrary<unknown> => fc.oneof(fc.constantFrom(...values), wild)
const record = (names: Record<string, fc.Arbitrary<unknown>>): fc.Arbitrary<unknown> =>
  fc.oneof({ weight: 5, arbitrary: fc.record(names, { requiredKeys: [] }) }, wild)

const selector = record({ version: some(-1, 0), tag: some('t'), asOf: some(new Date()) })
const written = record({
  origin: some('copy', 'external'),
  metadata: record({ by: wild }),
  skipIfUnchanged: some(true),
  signal: some(AbortSignal.abort(), new AbortController().signal),
  onProgress: some(() => {}),
})
const CALLS: Readonly<Record<string, fc.Arbitrary<unknown[]>>> = {
  writeText: fc.tuple(some('x'), written),
  writeBytes: fc.tuple(some(Buffer.from('bytes')), written),
  writeJson: fc.tuple(wild, written),
  writeStream: fc.tuple(some(new Blob(['x']).stream()), written),
  delete: fc.tuple(wild),
  rollback: fc.tuple(selector),
  removeVersion: fc.tuple(some(0, undefined)),
  tagVersion: fc.tuple(some(-1, 0), some('t', 'u'), record({ move: some(true) })),
  untagVersion: fc.tuple(some('t')),
  annotateVersion: fc.tuple(record({ version: some(-1), metadata: record({ by: wild, at: wild }) })),
  setLegalHold: fc.tuple(some(true, false), selector),
  setRetention: fc.tuple(some(new Date(), new Date(0)), selector),
  setStorageClass: fc.tuple(some('COLD', ''), selector),
  cleanupVersions: fc.tuple(record({ keepLast: some(1), keepDays: some(1), dryRun: some(false) })),
  compactVersions: fc.tuple(record({ dryRun: some(false) })),
  lock: fc.tuple(record({ owner: some('me'), leaseMs: some(50, 60_000), timeoutMs: some(0) })),
}
const call = fc.oneof(
  ...Object.entries(CALLS).map(([method, args]) =>
    fc.record({ method: fc.constant(method), args, path: fc.constantFrom('f', 'f', 'g', '', 'd/f') }),
  ),
)

/** Do what is asked; what is refused is refused in our own words, or in those of what the caller came with. */
async function ask(storage: StorageManager, { method, args, path }: { method: string; args: unknown[]; path: string }) {
  const node = storage.node(`docs:${path}`) as StorageNode & Record<string, (...args: unknown[]) => Promise<unknown>>
  try {
    const result = await node[method]?.(...args)
    if (method === 'lock') await (result as AsyncDisposable)[Symbol.asyncDispose]()
  } catch (error) {
    if (!isArcError(error)) throw error
  }
}

describe('a place can be read again', () => {
  test('a folder', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(call, { minLength: 5, maxLength: 30 }), async (calls) => {
        using folder = temporaryFolder()
        {
          await using storage = new StorageManager()
          await storage.configure([{ name: 'docs', protocol: 'local', basePath: folder.path }])
          await storage.node('docs:f').writeText('first')
          for (const each of calls) await ask(storage, each)
          expect(await storage.fsck('docs')).toMatchObject({ isClean: true })
        }
        for (const suffix of ['', '-wal', '-shm']) rmSync(join(folder.path, `.arc/index.db${suffix}`), { force: true })
        expect(await rebuildIndex(folder.path)).toMatchObject({ isClean: true })
      }),
      { numRuns: 15 },
    )
  })

  test.each([false, true])('a backend, with versions of its own: %s', async (versions) => {
    await fc.assert(
      fc.asyncProperty(fc.array(call, { minLength: 5, maxLength: 30 }), async (calls) => {
        const mount: MountConfig = { name: 'docs', backend: memoryBackend({ versions }) }
        await using storage = new StorageManager()
        await storage.configure([mount])
        await storage.node('docs:f').writeText('first')
        for (const each of calls) await ask(storage, each)
        expect(await storage.fsck('docs')).toMatchObject({ isClean: true })
      }),
      { numRuns: 15 },
    )
  })
})

test('puts are checked by hand as the reader’s schema checks them', () => {
  const put = fc.record({
    op: some('put'),
    key: some('f', ''),
    seq: some(1, 0, 1.5),
    at: some(0, -1.5, Number.NaN),
    sha: some('0'.repeat(64), 'F'.repeat(64)),
    size: some(0, -1),
    origin: some(undefined, 'copy'),
    meta: some(undefined, { a: [1, null] }),
  })
  fc.assert(
    fc.property(put, (edit) => {
      const isTaken = parseEdit(JSON.parse(JSON.stringify(edit, jsonOrText))) !== undefined
      if (isReadablePut(edit as unknown as Edit)) expect(isTaken).toBe(true)
    }),
    { numRuns: 1000 },
  )
  const good = { op: 'put', key: 'f', seq: 1, at: 0, sha: '0'.repeat(64), size: 0 }
  expect(isReadablePut(good as Edit)).toBe(true)
})

const jsonOrText = (_name: string, value: unknown): unknown => (typeof value === 'bigint' ? String(value) : value)

test('edits that no reader would take are refused by the store itself, and nothing of them is written', async () => {
  using folder = temporaryFolder()
  const wrong: readonly unknown[] = [
    { op: 'lock', key: '', token: 1, owner: 'me', until: 0 },
    { op: 'delete', key: 'f', seq: 1, at: Number.NaN },
    { op: 'put', key: 'f', seq: 1, at: 0, sha: 'x', size: 0 },
    { op: 'snapshot', prefix: '', tag: 't', at: 0, items: [['', 1]] },
    { op: 'nothing', key: 'f' },
  ]
  {
    await using store = await openLocalStore(folder.path)
    const commit = (edits: unknown, events: unknown = []): Promise<unknown> =>
      store.commit(['f'], () => ({ edits, events, result: 1 }) as never)
    for (const edit of wrong)
      await expect(commit([edit]), JSON.stringify(edit)).rejects.toMatchObject({ code: 'ARC_OPTION_INVALID' })
    await expect(commit([], [{ id: 5, body: '{}' }])).rejects.toMatchObject({ code: 'ARC_OPTION_INVALID' })
    await expect(store.forgetEvents([5 as never])).rejects.toMatchObject({ code: 'ARC_OPTION_INVALID' })
  }
  expect(await rebuildIndex(folder.path)).toMatchObject({ isClean: true, versions: 0, keys: 0 })
})
