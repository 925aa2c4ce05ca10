import fs from 'node:fs'
import { join } from 'node:path'
import {
  comparePaths,
  decodePath,
  type Entry,
  type EntryAttributes,
  type EntryPath,
  type EntrySource,
  isArcError,
  memorySource,
} from '@arc/core'
import { plainAttributes, XattrTools } from '@arc/core/node'
import { temporaryFolder } from '@arc/core/testing'
import { memoryBackend } from '@arc/storage'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { AttributeDecoder, AttributeEncoder } from '../src/attribute-bytes.ts'
import {
  copySnapshots,
  createVault,
  diffSnapshots,
  openSnapshotFolder,
  planSnapshot,
  type SnapshotStore,
} from '../src/index.ts'
import { folderSource } from './local-source.ts'
import { file, folder } from './trees.ts'

type Choose = (entry: Entry) => EntryAttributes | undefined

/** A source whose entries tell what `choose` says. */
async function telling(source: EntrySource, choose: Choose): Promise<EntrySource> {
  const entries: Entry[] = []
  for await (const batch of source.entries())
    for (const entry of batch) entries.push({ ...entry, attributes: choose(entry) })
  return memorySource(source.name, entries)
}

async function told(store: SnapshotStore, id: string): Promise<unknown[]> {
  const rows: unknown[] = []
  await using source = await store.open(id)
  for await (const batch of source.entries())
    for (const { path, attributes } of batch) rows.push([path, attributes && plainAttributes(attributes)])
  return rows
}

const owned = (uid: number): EntryAttributes => ({ owner: { uid, gid: 7 } })
const noted = (text: string): EntryAttributes => ({
  xattrs: [{ name: 'user.note' as EntryPath, value: Buffer.from(text) }],
})

function makeTree(root: string): void {
  fs.mkdirSync(join(root, 'folder'))
  fs.writeFileSync(join(root, 'folder/file'), 'content')
}

test('a snapshot is unchanged only when attributes are, those of folders and those that nobody asked for before included', async () => {
  using scratch = temporaryFolder()
  const root = join(scratch.path, 'tree')
  fs.mkdirSync(root)
  makeTree(root)
  await using vault = await createVault(memoryBackend())
  const options = { cacheFolder: join(scratch.path, 'cache'), path: root }
  const take = async (choose: Choose): Promise<[boolean, number, unknown[]]> => {
    const { snapshot, isChanged } = await vault.take(await telling(folderSource(root), choose), options)
    return [isChanged, snapshot.statistics.unchangedFiles, await told(vault, snapshot.id)]
  }
  expect(await take(() => undefined)).toEqual([
    true,
    0,
    [
      ['folder', undefined],
      ['folder/file', undefined],
    ],
  ])
  const both = [
    ['folder', { owner: { uid: 1, gid: 7 } }],
    ['folder/file', { owner: { uid: 1, gid: 7 } }],
  ]
  expect(await take(() => owned(1))).toEqual([true, 1, both])
  expect(await take(() => owned(1))).toEqual([false, 1, both])
  const changed = [['folder', { owner: { uid: 2, gid: 7 } }], both[1]]
  expect(await take(({ type }) => owned(type === 'directory' ? 2 : 1))).toEqual([true, 1, changed])
  expect(await take(() => undefined)).toMatchObject([
    true,
    1,
    [
      ['folder', undefined],
      ['folder/file', undefined],
    ],
  ])
})

test('a diff and a plan tell other owners and attributes, as far as both sides tell any', async () => {
  await using vault = await createVault(memoryBackend())
  const entries = [folder('a'), file('a/b', 'x'), file('c', 'y')]
  const of = (choose: Choose): Promise<EntrySource> => telling(memorySource('p', entries), choose)
  const first = (await vault.take(await of(({ path }) => (path === 'c' ? noted('1') : owned(1))))).snapshot.id
  const other = await of(({ path }) => (path === 'c' ? noted('2') : path === 'a' ? owned(1) : owned(2)))
  const second = (await vault.take(other)).snapshot.id
  const silent = await of(() => undefined)
  const third = (await vault.take(silent)).snapshot.id
  const changes = async (after: string | EntrySource): Promise<unknown[]> => {
    const rows: unknown[] = []
    for await (const batch of diffSnapshots(vault, first, after))
      for (const { path, differs } of batch) rows.push([path, differs])
    return rows
  }
  const expected = [
    ['a/b', ['owner']],
    ['c', ['xattrs']],
  ]
  expect(await changes(second)).toEqual(expect.arrayContaining(expected))
  expect(await changes(other)).toEqual(expected)
  expect(await changes(third)).toEqual([])
  expect(await changes(silent)).toEqual([])
  const plans = await Promise.all([await of(() => owned(1)), other].map((source) => planSnapshot(vault, source)))
  expect(plans[0]?.fingerprint).not.toBe(plans[1]?.fingerprint)
  await using copy = await createVault(memoryBackend())
  await copySnapshots(vault, copy)
  const copied = await copy.list()
  expect(await told(copy, copied[1]?.id ?? '')).toEqual(await told(vault, second))
})

test('a file of a link snapshot shares its inode with the one before only while its attributes are the same', async () => {
  using scratch = temporaryFolder()
  const root = join(scratch.path, 'tree')
  fs.mkdirSync(root)
  makeTree(root)
  const store = openSnapshotFolder(join(scratch.path, 'kept'), { mode: 'link' })
  const inodes: number[] = []
  for (const text of ['1', '1', '2']) {
    const { snapshot } = await store.take(await telling(folderSource(root), () => noted(text)))
    inodes.push(fs.statSync(join(store.place(store.find(snapshot.id)), 'folder/file')).ino)
    expect(await told(store, snapshot.id)).toEqual(
      ['folder', 'folder/file'].map((path) => [path, plainAttributes(noted(text))]),
    )
  }
  expect(inodes[1]).toBe(inodes[0])
  expect(inodes[2]).not.toBe(inodes[1])
})

test('a copy has the holes of its source, and its manifest what the disk could not take', async () => {
  using scratch = temporaryFolder()
  const store = openSnapshotFolder(join(scratch.path, 'kept'), { mode: 'copy' })
  const content = Buffer.concat([Buffer.alloc(2 ** 20), Buffer.from('end')])
  const attributes: EntryAttributes = {
    isSparse: true,
    xattrs: [
      { name: 'nowhere.a' as EntryPath, value: Buffer.from('x') },
      { name: 'user.note' as EntryPath, value: Buffer.from('x') },
    ],
  }
  const entry = { ...file('sparse', content, { mode: 0o4444 }), attributes }
  const { snapshot } = await store.take(memorySource('p', [entry]))
  const path = join(store.place(store.find(snapshot.id)), 'sparse')
  expect(fs.statSync(path).blocks * 512).toBeLessThan(64 * 1024)
  expect(fs.readFileSync(path).equals(content)).toBe(true)
  expect(fs.statSync(path).mode & 0o7777).toBe(0o4444)
  expect(await told(store, snapshot.id)).toEqual([['sparse', plainAttributes(attributes)]])
  expect(
    XattrTools.find()
      .read(join(path, '..'), ['sparse' as EntryPath])
      .xattrs.get('sparse' as EntryPath),
  ).toHaveLength(1)
})

test('attributes of a listing are what they were, and any other bytes are refused, never read half', async () => {
  const encoder = new AttributeEncoder()
  const path = 'a' as EntryPath
  const bytes = fc.uint8Array({ maxLength: 40 })
  const name = fc.uint8Array({ min: 1, minLength: 1, maxLength: 40 }).map((raw) => decodePath(raw))
  const attributes = fc.record(
    {
      owner: fc.record({
        uid: fc.nat(),
        gid: fc.integer({ min: 0, max: 2 ** 32 - 2 }),
        userName: fc.constantFrom('ä', 'b'),
      }),
      xattrs: fc
        .uniqueArray(fc.record({ name, value: bytes }), { maxLength: 4, selector: (each) => each.name })
        .map((list) => list.toSorted((a, b) => comparePaths(a.name, b.name))),
      isSparse: fc.constant(true as const),
    },
    { requiredKeys: [] },
  )
  fc.assert(
    fc.property(attributes, fc.nat(), fc.nat(255), (given, at, byte) => {
      const encoded = encoder.encode({ path, attributes: given })
      if (encoded === undefined) {
        expect({ ...given }).toEqual({})
        return
      }
      expect(plainAttributes(new AttributeDecoder().decode(encoded))).toEqual(plainAttributes(given))
      const damaged = Buffer.from(encoded)
      damaged[at % damaged.length] = byte
      for (const wrong of [damaged, encoded.subarray(0, at % encoded.length)]) {
        try {
          new AttributeDecoder().decode(wrong)
        } catch (error) {
          if (!isArcError(error) || error.code !== 'ARC_VAULT_DAMAGED') throw error
        }
      }
    }),
    { numRuns: 300 },
  )
  const huge = { xattrs: [{ name: 'user.a' as EntryPath, value: Buffer.alloc(2 ** 20) }] }
  expect(() => encoder.encode({ path, attributes: huge })).toThrow(
    expect.objectContaining({ code: 'ARC_LIMIT_EXCEEDED' }),
  )
})

test('attributes that no listing could be read with are refused before anything is written', () => {
  const encode = (attributes: EntryAttributes) => () =>
    new AttributeEncoder().encode({ path: 'a' as EntryPath, attributes })
  const named = (...names: string[]): EntryAttributes => ({
    xattrs: names.map((name) => ({ name: name as EntryPath, value: new Uint8Array(0) })),
  })
  const refusal = (code: string) => expect.objectContaining({ code })
  for (const names of [[''], ['user.\0'], ['n'.repeat(256)], ['user.a', 'user.a'], ['user.b', 'user.a']])
    expect(encode(named(...names))).toThrow(refusal('ARC_PATH_UNSAFE'))
  const owner = { uid: 1, gid: 1 }
  expect(encode({ owner: { ...owner, userName: 'ä'.repeat(513) } })).toThrow(refusal('ARC_LIMIT_EXCEEDED'))
  expect(encode({ owner: { ...owner, groupName: 'g'.repeat(1025) } })).toThrow(refusal('ARC_LIMIT_EXCEEDED'))
})
