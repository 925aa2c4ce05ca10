import { mkdirSync, readdirSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { localPath, sha256Hex } from '@arc/core/node'
import { temporaryFolder, watchedFileSystem } from '@arc/core/testing'
import { directoryBackend, memoryBackend } from '@arc/storage'
import fs from 'node:fs'
import { describe, expect, test } from 'vitest'
import { createVault, openVault } from '../src/index.ts'
import { folderSource } from './local-source.ts'
import { file, folder, noise, oddTree, rowsOf, source } from './trees.ts'

const PASSPHRASE = { passphrase: 'correct horse', cost: { name: 'scrypt', logN: 10, r: 8, p: 1 } } as const

describe.each(['plain', 'encrypted'])('a vault, %s', (kind) => {
  const locks = kind === 'plain' ? [] : [PASSPHRASE]
  const secret = { passphrase: PASSPHRASE.passphrase }

  test('gives back every entry as it was', async () => {
    const backend = memoryBackend()
    const vault = await createVault(backend, { locks })
    const { snapshot, isChanged } = await vault.take(source(...oddTree()), { note: 'first', tags: ['b', 'a'] })
    expect(isChanged).toBe(true)
    const again = await openVault(backend, { secret })
    const [listed] = await again.list()
    expect(listed).toEqual(snapshot)
    expect(listed).toMatchObject({ project: 'project', note: 'first', tags: ['a', 'b'] })
    expect(await rowsOf(await again.open(snapshot.id))).toEqual(await rowsOf(source(...oddTree())))
  })

  test('keeps hard links together', async () => {
    const vault = await createVault(memoryBackend(), { locks })
    const { snapshot } = await vault.take(source(...oddTree(), file('alone', 'x', { hardLink: 'other' })))
    const links = new Map<string, string | undefined>()
    for await (const batch of (await vault.open(snapshot.id)).entries())
      for (const { path, hardLink } of batch) links.set(path, hardLink)
    expect(links.get('hard-1')).toBe('hard-1')
    expect(links.get('hard-2')).toBe('hard-1')
    expect(links.get('alone')).toBe(undefined)
  })

  test('stores what is there already only once', async () => {
    const vault = await createVault(memoryBackend(), { locks })
    await vault.take(source(...oddTree()))
    const { snapshot, isChanged } = await vault.take(source(...oddTree()))
    expect(snapshot.statistics).toMatchObject({ newBytes: 0, storedBytes: 0 })
    expect(isChanged).toBe(false)
    const big = Buffer.concat([noise('big', 1_000_000), Buffer.from('!'), noise('big', 3_000_000).subarray(1_000_000)])
    const { snapshot: third } = await vault.take(source(...oddTree(), file('shifted', big)))
    expect(third.statistics.newBytes).toBeLessThan(1_100_000)
  })

  test('opens only part of a snapshot', async () => {
    const vault = await createVault(memoryBackend(), { locks })
    const { snapshot } = await vault.take(source(...oddTree()))
    const rows = await rowsOf(await vault.open(snapshot.id, { under: 'a/deep' }))
    expect(rows.map(({ path }) => path)).toEqual(['a/deep', 'a/deep/er', 'a/deep/er/x'])
    await expect(vault.open(snapshot.id, { under: 'nowhere' })).rejects.toMatchObject({ code: 'ARC_ENTRY_MISSING' })
    await expect(vault.open('0'.repeat(64))).rejects.toMatchObject({ code: 'ARC_SNAPSHOT_UNKNOWN' })
  })
})

test('an unencrypted vault is files that zstd and sha256sum know', async () => {
  using scratch = temporaryFolder()
  const vault = await createVault(directoryBackend(scratch.path))
  await vault.take(source(...oddTree()))
  const packs = readdirSync(join(scratch.path, 'packs'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
  expect(packs.length).toBe(2)
  for (const pack of packs) {
    expect(sha256Hex(fs.readFileSync(pack))).toBe(pack.slice(-64))
    const { status, stderr } = spawnSync('zstd', ['-t'], { input: fs.readFileSync(pack), encoding: 'utf8' })
    expect({ status, stderr }).toMatchObject({ status: 0 })
  }
})

test('an unchanged project is not opened, and neither is an index', async () => {
  using scratch = temporaryFolder()
  const root = join(scratch.path, 'project')
  mkdirSync(join(root, 'src'), { recursive: true })
  for (let i = 0; i < 50; i++) writeFileSync(join(root, 'src', `${i}.txt`), noise(String(i), 2000))
  const cacheFolder = join(scratch.path, 'cache')
  const options = { path: root, cacheFolder, host: 'here' }
  const first = await createVault(directoryBackend(join(scratch.path, 'vault')))
  await first.take(folderSource(root), options)
  const opened: string[] = []
  const watched = watchedFileSystem(({ name, args }) => {
    if (name === 'openSync') opened.push(String(args[0]))
  })
  const vault = await openVault(directoryBackend(join(scratch.path, 'vault'), { fs: watched }))
  const { snapshot, isChanged } = await vault.take(folderSource(root), options)
  expect(isChanged).toBe(false)
  expect(snapshot.statistics).toMatchObject({ files: 50, unchangedFiles: 50, newBytes: 0, storedBytes: 0 })
  expect(opened.filter((path) => path.includes('/index/') || path.includes('/packs/'))).toEqual([])

  writeFileSync(join(root, 'src', '7.txt'), 'changed')
  const third = await vault.take(folderSource(root), options)
  expect(third.snapshot.statistics).toMatchObject({ unchangedFiles: 49 })
  expect(await rowsOf(await vault.open(third.snapshot.id))).toEqual(await rowsOf(folderSource(root)))
})

test('a cache whose snapshot is forgotten is not trusted', async () => {
  using scratch = temporaryFolder()
  const root = join(scratch.path, 'project')
  mkdirSync(root)
  writeFileSync(join(root, 'file'), 'content')
  const options = { path: root, cacheFolder: join(scratch.path, 'cache') }
  const vault = await createVault(memoryBackend())
  const { snapshot } = await vault.take(folderSource(root), options)
  await vault.remove([snapshot.id])
  expect(await vault.list()).toEqual([])
  const { snapshot: second } = await vault.take(folderSource(root), options)
  expect(second.statistics.unchangedFiles).toBe(0)
})

test('paranoid reads what seems unchanged', async () => {
  using scratch = temporaryFolder()
  const root = join(scratch.path, 'project')
  mkdirSync(root)
  const path = join(root, 'file')
  writeFileSync(path, 'before')
  const options = { path: root, cacheFolder: join(scratch.path, 'cache') }
  const vault = await createVault(memoryBackend())
  await vault.take(folderSource(root), options)
  const { atime, mtime } = statSync(path)
  const ctime = statSync(path, { bigint: true }).ctimeNs
  const lying = folderSource(root)
  writeFileSync(path, 'after!')
  utimesSync(path, atime, mtime)
  expect(statSync(path, { bigint: true }).ctimeNs).not.toBe(ctime)
  const trusting = await vault.take(lying, options)
  expect(trusting.isChanged).toBe(false)
  const paranoid = await vault.take(lying, { ...options, paranoid: true })
  expect(paranoid.isChanged).toBe(true)
})

test('what cannot be read is told, and the rest is stored', async () => {
  using scratch = temporaryFolder()
  const root = join(scratch.path, 'project')
  mkdirSync(root)
  for (const name of ['a', 'b', 'c']) writeFileSync(join(root, name), name)
  const listed = folderSource(root)
  rmSync(join(root, 'b'))
  renameSync(join(root, 'c'), join(root, 'd'))
  const vault = await createVault(memoryBackend())
  const { snapshot } = await vault.take(listed)
  expect(snapshot.omissions).toEqual([
    { path: 'b', reason: 'vanished' },
    { path: 'c', reason: 'vanished' },
  ])
  expect((await rowsOf(await vault.open(snapshot.id))).map(({ path }) => path)).toEqual(['a'])
})

test('a file that grew is stored as it was found and told of', async () => {
  using scratch = temporaryFolder()
  const root = join(scratch.path, 'project')
  mkdirSync(root)
  writeFileSync(join(root, 'log'), 'line\n'.repeat(10))
  const listed = folderSource(root)
  writeFileSync(localPath(root, 'log' as never), 'line\n')
  const vault = await createVault(memoryBackend())
  const { snapshot } = await vault.take(listed)
  expect(snapshot.inconsistent).toEqual(['log'])
  const [row] = await rowsOf(await vault.open(snapshot.id))
  expect(row).toMatchObject({ path: 'log', sizeBytes: 5 })
})

test('folders that only paths tell of are made up', async () => {
  const vault = await createVault(memoryBackend())
  const { snapshot } = await vault.take(source(file('x/y/z', 'z'), file('x/y!', '!'), folder('x')))
  expect((await rowsOf(await vault.open(snapshot.id))).map(({ path, type }) => `${path} ${type}`)).toEqual([
    'x directory',
    'x/y directory',
    'x/y! file',
    'x/y/z file',
  ])
})

test('an empty project is a snapshot, too', async () => {
  const vault = await createVault(memoryBackend())
  const { snapshot } = await vault.take(source())
  expect(await rowsOf(await vault.open(snapshot.id))).toEqual([])
})

test('a vault is opened only by its keys, and made only once', async () => {
  const backend = memoryBackend()
  const vault = await createVault(backend, { locks: [PASSPHRASE] })
  await expect(createVault(backend)).rejects.toMatchObject({ code: 'ARC_VAULT_EXISTS' })
  await expect(openVault(backend)).rejects.toMatchObject({ code: 'ARC_KEY_WRONG' })
  await expect(openVault(backend, { secret: { passphrase: 'wrong' } })).rejects.toMatchObject({ code: 'ARC_KEY_WRONG' })
  const secret = { passphrase: PASSPHRASE.passphrase }
  await expect(openVault(backend, { secret, expectedKeysId: 'other' })).rejects.toMatchObject({ code: 'ARC_KEY_WRONG' })
  expect((await openVault(backend, { secret })).keysId).toBe(vault.keysId)
  await expect(openVault(memoryBackend())).rejects.toMatchObject({ code: 'ARC_VAULT_NOT_FOUND' })
})

test('what no record can hold is refused before it is written: the vault can still be listed', async () => {
  const backend = memoryBackend()
  const vault = await createVault(backend)
  const { snapshot } = await vault.take(source(file('a', 'a')))
  const refused = { code: 'ARC_LIMIT_EXCEEDED' }
  await expect(vault.take(source(file('a', 'b')), { note: 'n'.repeat(100_001) })).rejects.toMatchObject(refused)
  await expect(vault.take(source(file('a', 'c')), { host: 'h'.repeat(1001) })).rejects.toMatchObject(refused)
  const manyTags = Array.from({ length: 1000 }, (_, i) => String(i).padEnd(1000, '\u4e00'))
  await expect(vault.take(source(), { tags: manyTags, note: '\u0001'.repeat(100_000) })).resolves.toBeDefined()
  const manyOmissions = Array.from({ length: 1000 }, () => ({ path: 'p'.repeat(10_000), reason: 'vanished' as const }))
  const omitting = { ...source(), omissions: manyOmissions } as never
  await expect(vault.take(omitting)).rejects.toMatchObject(refused)
  expect((await (await openVault(backend)).list()).map(({ id }) => id)).toContain(snapshot.id)
})
