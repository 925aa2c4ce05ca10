import { cpSync, linkSync, mkdirSync, readdirSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Entry, EntryPath, EntrySource } from '@arc/core'
import { readTree, temporaryFolder, type TreeRow } from '@arc/core/testing'
import { directoryBackend, memoryBackend } from '@arc/storage'
import { describe, expect, test } from 'vitest'
import { createVault, resolveSnapshot, transferSnapshots } from '../src/index.ts'
import { folderSource } from './local-source.ts'
import { newRepository, repositoryAt, restic, resticIn } from './restic.ts'
import { file, folder, noise, oddTree, type Row, rowsOf as allOf, source, symlink } from './trees.ts'

interface ResticListing {
  id: string
  time: string
  hostname: string
  tags?: string[]
  paths: string[]
}

/** A project on disk with about everything. */
function makeProject(root: string): void {
  mkdirSync(join(root, 'src', 'deep'), { recursive: true })
  mkdirSync(join(root, 'empty'), { mode: 0o700 })
  for (let i = 0; i < 10; i++) writeFileSync(join(root, 'src', `${i}.txt`), noise(String(i), 5000))
  writeFileSync(join(root, 'src', 'deep', 'run'), '#!/bin/sh\n', { mode: 0o4755 })
  writeFileSync(Buffer.concat([Buffer.from(join(root, 'src/')), Buffer.of(0xff, 0x0a, 0x22)]), 'a name that is no text')
  writeFileSync(join(root, 'a-b'), 'between a and what is in a')
  mkdirSync(join(root, 'a'))
  writeFileSync(join(root, 'a', 'x'), '')
  writeFileSync(join(root, 'big'), Buffer.concat([noise('big', 5_000_000), Buffer.alloc(4_000_000)]))
  linkSync(join(root, 'big'), join(root, 'hard'))
  symlinkSync('src/0.txt', join(root, 'link'))
  symlinkSync('../\u00e9 out "there"', join(root, 'dangling'))
  utimesSync(join(root, 'a', 'x'), 1, 1.5)
}

/** What a source gives but for the owners, which restic always knows. */
async function rowsOf(from: EntrySource): Promise<Partial<Row>[]> {
  return (await allOf(from)).map((row) => Object.assign(row, { attributes: undefined }))
}

/** What tells two trees apart, but for the numbers of inodes. */
function comparable(rows: readonly TreeRow[]): unknown[] {
  return rows.map((row) => JSON.stringify(row, (_, value) => (typeof value === 'bigint' ? `${value}` : value)))
}

describe('what restic makes of an export', () => {
  test('is checked, listed and restored as its own', async () => {
    using scratch = temporaryFolder()
    const [root, at, out] = ['project', 'repository', 'out'].map((name) => join(scratch.path, name)) as [
      string,
      string,
      string,
    ]
    makeProject(root)
    const vault = await createVault(memoryBackend())
    await vault.take(folderSource(root), {
      host: 'workstation',
      path: '/home/me/project',
      tags: ['b', 'a'],
      time: new Date('2025-03-04T05:06:07.890Z'),
    })
    await using repository = await newRepository(directoryBackend(at))
    const [exported] = await transferSnapshots(vault, repository)
    restic(at, 'check', '--read-data')
    const [listed, ...others] = JSON.parse(restic(at, 'snapshots', '--json')) as ResticListing[]
    expect(others).toEqual([])
    expect(listed).toMatchObject({
      id: exported?.id,
      time: '2025-03-04T05:06:07.89Z',
      hostname: 'workstation',
      paths: ['/home/me/project'],
      tags: ['a', 'b'],
    })
    restic(at, 'restore', 'latest', '--target', out)
    expect(comparable(readTree(out))).toEqual(comparable(readTree(root)))
    expect(readdirSync(join(at, 'locks'))).toEqual([])
  })

  test('keeps every kind of name and entry', async () => {
    using scratch = temporaryFolder()
    const at = join(scratch.path, 'repository')
    await using repository = await newRepository(directoryBackend(at))
    const odd = Array.from({ length: 256 }, (_, byte) => byte).filter((byte) => byte !== 0 && byte !== 0x2f)
    const names = odd.map((byte) => file(Buffer.of(0x78, byte, 0x79), String(byte)))
    const text = ['\u{1f600}', '\u00e9<&>', '\u2028', '\u200b', '\ud7ff', 'quote\'"\\', ' '].map((name) =>
      file(name, name),
    )
    const { snapshot } = await repository.take(source(...oddTree(), ...names, ...text, symlink('away', '/a\u2028<b>')))
    restic(at, 'check', '--read-data')
    expect(await rowsOf(await repository.open(snapshot.id))).toEqual(
      await rowsOf(source(...oddTree(), ...names, ...text, symlink('away', '/a\u2028<b>'))),
    )
    const out = join(scratch.path, 'out')
    restic(at, 'restore', snapshot.id, '--target', out)
    const restored = new Map(readTree(out).map((row) => [row.path, row]))
    for (const { path } of [...names, ...text]) expect([...restored.keys()]).toContain(path)
  })

  test('is what restic would have stored, cut where it cuts', async () => {
    using scratch = temporaryFolder()
    const [root, at] = ['project', 'repository'].map((name) => join(scratch.path, name)) as [string, string]
    makeProject(root)
    restic(at, 'init')
    restic(at, 'backup', root)
    await using repository = await repositoryAt(directoryBackend(at))
    const { snapshot } = await repository.take(folderSource(root))
    // Trees differ in times of access and change, and in numbers of inodes.
    expect(snapshot.statistics.newBytes).toBeLessThan(20_000)
    restic(at, 'check', '--read-data')
  })
})

describe.each([1, 2])('a repository of version %i', (version) => {
  test('is read as restic wrote it, and takes a snapshot that it checks', async () => {
    using scratch = temporaryFolder()
    const [root, at] = ['project', 'repository'].map((name) => join(scratch.path, name)) as [string, string]
    makeProject(root)
    if (version === 1) restic(at, 'init', '--repository-version', '1')
    else await newRepository(directoryBackend(at))
    restic(at, 'backup', root, '--tag', 'first,one', '--host', 'there')
    writeFileSync(join(root, 'new'), 'new')
    restic(at, 'backup', root, '--host', 'there')
    await using repository = await repositoryAt(directoryBackend(at))
    const [first, second] = await repository.list()
    expect(first).toMatchObject({ project: 'project', host: 'there', tags: ['first', 'one'], path: root, sequence: 1 })
    const expected = await rowsOf(folderSource(root))
    expect(await rowsOf(await repository.open(second?.id ?? ''))).toEqual(expected)
    const before = await rowsOf(await repository.open(first?.id ?? ''))
    expect(before.map(({ path }) => path)).toEqual(expected.map(({ path }) => path).filter((path) => path !== 'new'))
    const part = await rowsOf(await repository.open(second?.id ?? '', { under: 'src/deep' }))
    expect(part.map(({ path }) => path)).toEqual(['src/deep', 'src/deep/run'])
    await expect(repository.open(second?.id ?? '', { under: 'a/y' })).rejects.toMatchObject({
      code: 'ARC_ENTRY_MISSING',
    })
    expect(await hardLinks(await repository.open(second?.id ?? ''))).toEqual([['big', 'hard']])
    expect(await repository.verify({ read: 'data' })).toMatchObject({ problems: [], snapshots: 2 })
    const taken = await repository.take(source(...oddTree()))
    expect(taken).toMatchObject({
      isChanged: true,
      snapshot: { statistics: { files: 13, directories: 4, symlinks: 2 } },
    })
    const again = await repository.take(source(...oddTree()))
    expect(again).toMatchObject({ isChanged: false, snapshot: { statistics: { newBytes: 0, storedBytes: 0 } } })
    restic(at, 'check', '--read-data')
  })
})

async function hardLinks(from: EntrySource): Promise<string[][]> {
  const groups = new Map<string, string[]>()
  for await (const batch of from.entries())
    for (const { path, hardLink } of batch)
      if (hardLink !== undefined) groups.set(hardLink, [...(groups.get(hardLink) ?? []), path])
  return [...groups.values()]
}

test('snapshots go from restic to a vault and back, once', async () => {
  using scratch = temporaryFolder()
  const [root, at] = ['project', 'repository'].map((name) => join(scratch.path, name)) as [string, string]
  makeProject(root)
  await using repository = await newRepository(directoryBackend(at))
  restic(at, 'backup', root, '--host', 'there', '--tag', 'kept', '--time', '2024-02-03 04:05:06')
  const vault = await createVault(memoryBackend())
  const [imported, ...more] = await transferSnapshots(repository, vault)
  expect(more).toEqual([])
  const [original] = await repository.list()
  expect(imported).toMatchObject({
    host: 'there',
    tags: ['kept'],
    project: 'project',
    path: root,
    time: original?.time,
  })
  expect(imported?.origin).toEqual({ vault: repository.id, snapshot: original?.id })
  const { id } = await resolveSnapshot(vault, 'latest')
  expect(await rowsOf(await vault.open(id))).toEqual(await rowsOf(folderSource(root)))
  expect(await transferSnapshots(repository, vault)).toEqual([])
  expect(await transferSnapshots(vault, repository)).toEqual([])
  await expect(transferSnapshots(vault, repository, { ids: ['nothing'] })).rejects.toMatchObject({
    code: 'ARC_SNAPSHOT_UNKNOWN',
  })
})

test('what was left out, the note and the project stay with an exported snapshot', async () => {
  const repository = await newRepository(memoryBackend())
  const omissions = [{ path: 'socket' as EntryPath, reason: 'special-file', detail: 'socket' }] as const
  const partial: EntrySource = { ...source(file('a', 'a')), omissions }
  const { snapshot } = await repository.take(partial, { note: 'a note', project: 'other' })
  const [listed] = await repository.list()
  expect(listed).toEqual(snapshot)
  expect(listed).toMatchObject({ note: 'a note', project: 'other', path: '/other', omissions, omissionCount: 1 })
  await using opened = await repository.open(snapshot.id)
  for await (const _ of opened.entries());
  expect(opened.omissions).toEqual(omissions)
})

test('a source in any order becomes the same tree', async () => {
  const repository = await newRepository(memoryBackend())
  const { snapshot } = await repository.take(source(...oddTree()))
  const entries = [...oddTree()].reverse()
  const folders = entries.filter(({ type }) => type === 'directory').sort((a, b) => a.path.length - b.path.length)
  const mixed: EntrySource = {
    ...source(),
    access: 'sequential',
    async *entries() {
      yield [...folders, ...entries.filter(({ type }) => type !== 'directory').map(asLink)]
    },
  }
  const again = await repository.take(mixed)
  expect(again).toMatchObject({ isChanged: false, snapshot: { root: snapshot.root } })
  await expect(repository.take({ ...mixed, entries: lonely })).rejects.toMatchObject({ code: 'ARC_ENTRY_MISSING' })
})

/** As an archive gives it: only the first name of an inode has the content. */
function asLink(entry: Entry): Entry {
  return entry.path === 'hard-1' ? { ...entry, content: undefined } : entry
}

async function* lonely(): AsyncGenerator<readonly Entry[]> {
  yield [file('nowhere/x', 'x')]
}

test('the folders that only lead to what was kept are not part of it, others are', async () => {
  using scratch = temporaryFolder()
  const at = join(scratch.path, 'repository')
  const [one, two] = ['one', 'two'].map((name) => join(scratch.path, 'here', name)) as [string, string]
  for (const root of [one, two]) mkdirSync(root, { recursive: true })
  writeFileSync(join(one, 'x'), 'x')
  cpSync(one, two, { recursive: true })
  await using repository = await newRepository(directoryBackend(at))
  restic(at, 'backup', one, two)
  const [both] = await repository.list()
  expect(both?.path).toBe(undefined)
  const paths = (await rowsOf(await repository.open(both?.id ?? ''))).map(({ path }) => `/${path}`)
  expect(paths).toContain(join(one, 'x'))
  expect(paths).toContain(join(two, 'x'))
})

test.each([
  ['absolute', '.', (root: string) => root],
  ['relative', '.', () => 'here/app'],
  ['relative, in the folder above', 'here', () => 'app'],
  ['with a way up', 'here/app', () => '../app'],
  ['the folder itself', 'here/app', () => '.'],
])('a folder that restic was given is what a snapshot holds, however it was called: %s', async (_, cwd, called) => {
  using scratch = temporaryFolder()
  const root = join(scratch.path, 'here', 'app')
  mkdirSync(join(root, 'src'), { recursive: true })
  writeFileSync(join(root, 'src', 'x'), 'x')
  const at = join(scratch.path, 'repository')
  await using repository = await newRepository(directoryBackend(at))
  resticIn(join(scratch.path, cwd), at, 'backup', called(root))
  const [snapshot] = await repository.list()
  expect(snapshot?.path).toBe(root)
  expect((await rowsOf(await repository.open(snapshot?.id ?? ''))).map(({ path }) => path)).toEqual(['src', 'src/x'])
})

test('a folder in a project of its name stays where it is in what is exported', async () => {
  await using repository = await newRepository(memoryBackend())
  const { snapshot } = await repository.take(source(folder('app'), file('app/x', 'x')), { path: '/home/me/app' })
  expect((await rowsOf(await repository.open(snapshot.id))).map(({ path }) => path)).toEqual(['app', 'app/x'])
})

test('attributes go both ways', async () => {
  using scratch = temporaryFolder()
  const at = join(scratch.path, 'repository')
  await using repository = await newRepository(directoryBackend(at), {
    writer: { hostname: 'h', username: 'me', pid: 1, uid: 1001, gid: 1002 },
  })
  const owner = { uid: 7, gid: 8, userName: 'seven', groupName: 'eight' }
  const xattrs = [{ name: 'user.note' as EntryPath, value: Buffer.of(0, 255) }]
  const { snapshot } = await repository.take(
    source({ ...file('own', 'x'), attributes: { owner, xattrs } }, file('other', 'y'), folder('d')),
  )
  const found = new Map<string, Entry['attributes']>()
  for await (const batch of (await repository.open(snapshot.id)).entries())
    for (const { path, attributes } of batch) found.set(path, attributes)
  expect(found.get('own')).toEqual({ owner, xattrs })
  expect(found.get('other')).toEqual({ owner: { uid: 1001, gid: 1002 } })
  expect(restic(at, 'ls', '--long', 'latest')).toMatch(/ +7 +8 .*\/own\n/)
})
