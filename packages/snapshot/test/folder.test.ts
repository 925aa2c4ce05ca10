import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { derivedSource, type EntryAttributes, type EntryPath, type EntrySource } from '@arc/core'
import { temporaryPathFor } from '@arc/core/node'
import { readTree, temporaryFolder } from '@arc/core/testing'
import { describe, expect, test, vi } from 'vitest'
import {
  applyForget,
  type Change,
  diffSnapshots,
  findEntries,
  openSnapshotFolder,
  planForget,
  resolveSnapshot,
} from '../src/index.ts'
import { folderSource } from './local-source.ts'
import { file, noise, rowsOf, source, symlink } from './trees.ts'

/** A project on disk with files, folders, links of both kinds. */
function makeProject(root: string): void {
  mkdirSync(join(root, 'src', 'deep'), { recursive: true })
  mkdirSync(join(root, 'empty'))
  for (let i = 0; i < 10; i++) writeFileSync(join(root, 'src', `${i}.txt`), noise(String(i), 5000))
  writeFileSync(join(root, 'src', 'deep', 'run'), '#!/bin/sh\n', { mode: 0o755 })
}

describe.each(['copy', 'link', 'archive'] as const)('a folder of snapshots, %s', (mode) => {
  test('files that change after they were listed are kept as far as they can be, and told of', async () => {
    using scratch = temporaryFolder()
    const root = join(scratch.path, 'project')
    mkdirSync(root)
    const long = noise('long', 3_000_000)
    for (const name of ['grew', 'shrank', 'rewritten', 'still']) writeFileSync(join(root, name), long)
    const listed = folderSource(root)
    writeFileSync(join(root, 'grew'), Buffer.concat([long, long]))
    writeFileSync(join(root, 'shrank'), long.subarray(0, 2_000_000))
    writeFileSync(join(root, 'rewritten'), noise('other', 3_000_000))
    const store = openSnapshotFolder(join(scratch.path, 'store'), { mode })
    const { snapshot } = await store.take(listed)
    expect([...snapshot.inconsistent].sort()).toEqual(['grew', 'rewritten', 'shrank'])
    expect(snapshot.omissions).toEqual([])
    const sizes = (await rowsOf(await store.open(snapshot.id))).map(({ path, sizeBytes }) => [path, sizeBytes])
    expect(Object.fromEntries(sizes)).toEqual(
      mode === 'archive'
        ? { grew: 3_000_000, shrank: 3_000_000, rewritten: 3_000_000, still: 3_000_000 }
        : { grew: 6_000_000, shrank: 2_000_000, rewritten: 3_000_000, still: 3_000_000 },
    )
    expect((await store.verify({ read: 'data' })).problems).toEqual([])
  })

  test('a record that cannot be read takes no other snapshot with it', async () => {
    using scratch = temporaryFolder()
    const root = join(scratch.path, 'project')
    makeProject(root)
    const store = openSnapshotFolder(join(scratch.path, 'store'), { mode })
    const { snapshot: first } = await store.take(folderSource(root))
    writeFileSync(join(root, 'new'), 'x')
    const { snapshot: second } = await store.take(folderSource(root))
    const record = readdirSync(store.location).find(
      (name) => name.includes(first.id.slice(0, 8)) && name.endsWith('.snapshot.json'),
    )
    writeFileSync(join(store.location, record ?? ''), 'no record')
    expect((await store.list()).map(({ id }) => id)).toEqual([second.id])
    expect(store.damagedRecords).toEqual([record])
    expect((await rowsOf(await store.open(second.id))).length).toBeGreaterThan(0)
    expect((await store.verify()).problems).toMatchObject([{ code: 'damaged', object: record }])
    await store.take(folderSource(root))
    expect(await store.list()).toHaveLength(2)
  })

  test('gives back every entry, in byte order, and tells what changed', async () => {
    using scratch = temporaryFolder()
    const root = join(scratch.path, 'project')
    makeProject(root)
    const store = openSnapshotFolder(join(scratch.path, 'store'), { mode })
    const first = await store.take(folderSource(root), { note: 'one' })
    expect(first.isChanged).toBe(true)
    expect(await rowsOf(await store.open(first.snapshot.id))).toEqual(
      expect.arrayContaining(
        (await rowsOf(folderSource(root))).map(
          (row) => expect.objectContaining({ ...row, mtimeNs: expect.anything() as unknown }) as unknown,
        ),
      ),
    )
    writeFileSync(join(root, 'src', '3.txt'), 'changed')
    const second = await store.take(folderSource(root), { tags: ['x'] })
    expect(second.isChanged).toBe(true)
    const changes: Change[] = []
    for await (const batch of diffSnapshots(store, first.snapshot.id, second.snapshot.id)) changes.push(...batch)
    expect(changes.filter(({ path }) => path.endsWith('3.txt'))).toMatchObject([
      { action: 'changed', differs: ['content', 'mtime'] },
    ])
    const found = []
    for await (const match of findEntries(store, ({ path }) => path === 'src/3.txt'))
      found.push(match.entries[0]?.sizeBytes)
    expect(found).toEqual([5000, 7])
    expect((await resolveSnapshot(store, 'x')).id).toBe(second.snapshot.id)
    expect((await resolveSnapshot(store, 'one')).id).toBe(first.snapshot.id)
    expect((await resolveSnapshot(store, 'latest~1')).id).toBe(first.snapshot.id)
    expect((await store.tag(first.snapshot.id, { add: ['y'], remove: ['z'] })).tags).toEqual(['y'])
    expect((await store.verify({ read: 'data' })).problems).toEqual([])
  })

  test('forgetting removes everything of a snapshot', async () => {
    using scratch = temporaryFolder()
    const root = join(scratch.path, 'project')
    makeProject(root)
    const store = openSnapshotFolder(join(scratch.path, 'store'), { mode })
    await store.take(folderSource(root))
    const { snapshot } = await store.take(folderSource(root))
    await applyForget(await planForget(store, { keepLast: 1 }), store)
    expect((await store.list()).map(({ id }) => id)).toEqual([snapshot.id])
    expect(readdirSync(store.location).length).toBe(mode === 'archive' ? 5 : 3)
    expect((await store.verify({ read: 'data' })).problems).toEqual([])
  })

  test('an abort is heard while it is verified', async () => {
    using scratch = temporaryFolder()
    const root = join(scratch.path, 'project')
    makeProject(root)
    const store = openSnapshotFolder(join(scratch.path, 'store'), { mode })
    await store.take(folderSource(root))
    let nowMs = Date.now()
    using _ = vi.spyOn(Date, 'now').mockImplementation(() => (nowMs += 1000)) // a slow disk
    const abort = new AbortController()
    setImmediate(() => abort.abort(new Error('enough')))
    await expect(store.verify({ read: 'data', signal: abort.signal })).rejects.toThrow('enough')
  })

  test('verifying finds every flipped bit', async () => {
    using scratch = temporaryFolder()
    const root = join(scratch.path, 'project')
    makeProject(root)
    const store = openSnapshotFolder(join(scratch.path, 'store'), { mode })
    await store.take(folderSource(root))
    const files = readdirSync(store.location, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && !entry.name.endsWith('.snapshot.json'))
      .map((entry) => join(entry.parentPath, entry.name))
    for (const path of files) {
      const bytes = readFileSync(path)
      const at = Math.floor(bytes.length / 2)
      const flipped = Buffer.from(bytes)
      flipped[at] = (flipped[at] as number) ^ 1
      writeFileSync(path, flipped)
      const { problems } = await store.verify({ read: 'data' })
      expect(problems.length, path).toBeGreaterThan(0)
      writeFileSync(path, bytes)
    }
    expect((await store.verify({ read: 'data' })).problems).toEqual([])
  })
})

test('a copy is the project, and a link shares what did not change', async () => {
  using scratch = temporaryFolder()
  const root = join(scratch.path, 'project')
  makeProject(root)
  const store = openSnapshotFolder(join(scratch.path, 'store'), { mode: 'link' })
  await store.take(folderSource(root))
  writeFileSync(join(root, 'src', '3.txt'), 'changed')
  const { snapshot } = await store.take(folderSource(root))
  expect(snapshot.statistics).toMatchObject({ files: 11, unchangedFiles: 10, newBytes: 7 })
  const [one, two] = store.records().map((record) => store.place(record)) as [string, string]
  expect(readTree(two)).toEqual(readTree(root))
  const inode = (path: string): number => statSync(path).ino
  expect(inode(join(one, 'src', '1.txt'))).toBe(inode(join(two, 'src', '1.txt')))
  expect(inode(join(one, 'src', '3.txt'))).not.toBe(inode(join(two, 'src', '3.txt')))
  expect(existsSync(join(one, 'empty'))).toBe(true)
})

test.each(['zip', 'tar.zst'] as const)('an archive of symlinks verifies and gives them back, %s', async (format) => {
  using scratch = temporaryFolder()
  const store = openSnapshotFolder(join(scratch.path, 'store'), { mode: 'archive', format })
  const tree = source(file('a', 'a file'), symlink('dangling', 'nowhere/at all'), symlink('link', 'a'))
  const { snapshot } = await store.take(tree)
  expect((await store.verify({ read: 'data' })).problems).toEqual([])
  const rows = await rowsOf(await store.open(snapshot.id))
  expect(rows.map(({ path, type, target }) => [path, type, target])).toEqual([
    ['a', 'file', undefined],
    ['dangling', 'symlink', 'nowhere/at all'],
    ['link', 'symlink', 'a'],
  ])
})

const ATTRIBUTES = {
  owner: { uid: 1001, gid: 1002, userName: 'me', groupName: 'us' },
  xattrs: [{ name: 'user.note' as EntryPath, value: Buffer.from('one') }],
}

/** A folder whose entries have attributes. */
function ownedSource(root: string, attributes: EntryAttributes): EntrySource {
  const plain = folderSource(root)
  return derivedSource(plain, {
    rootMode: statSync(root).mode & 0o7777,
    async *entries(options) {
      for await (const batch of plain.entries(options)) yield batch.map((entry) => Object.assign(entry, { attributes }))
    },
  })
}

test.each(['tar', 'tar.gz', 'tar.zst', 'tar.lz4', 'zip'] as const)(
  'an archive gives back what the disk knew: times, modes, owners, names of one file, %s',
  async (format) => {
    using scratch = temporaryFolder()
    const root = join(scratch.path, 'project')
    makeProject(root)
    for (const name of ['z', 'odd \\ name\n']) linkSync(join(root, 'src', '3.txt'), join(root, name))
    symlinkSync('src', join(root, 'link'))
    chmodSync(join(root, 'src', '4.txt'), 0o4600)
    chmodSync(root, 0o750)
    const store = openSnapshotFolder(join(scratch.path, 'store'), { mode: 'archive', format })
    // Extended attributes are refused, for whoever unpacks it would not get them.
    const attributes = format === 'zip' ? { owner: ATTRIBUTES.owner } : ATTRIBUTES
    const owned = (): EntrySource => ownedSource(root, attributes)
    const { snapshot } = await store.take(owned())
    for (const compare of ['times', 'bytes'] as const) {
      const changes: Change[] = []
      for await (const batch of diffSnapshots(store, snapshot.id, owned(), { compare })) changes.push(...batch)
      expect(changes).toEqual([])
    }
    const given = await store.open(snapshot.id)
    const names = new Map<string, string[]>()
    for await (const batch of given.entries())
      for (const { path, type, hardLink = path, sha256, attributes: found } of batch) {
        names.set(hardLink, [...(names.get(hardLink) ?? []), path])
        expect(sha256?.length, path).toBe(type === 'file' ? 64 : undefined)
        expect(found, path).toEqual(attributes)
      }
    expect([...names.values()].filter(({ length }) => length > 1)).toEqual([['odd \\ name\n', 'src/3.txt', 'z']])
    expect(given.rootMode).toBe(0o750)
    // What changed in the file of many names has changed in all of them.
    writeFileSync(join(root, 'z'), noise('other', 5000))
    const after: string[] = []
    for await (const batch of diffSnapshots(store, snapshot.id, owned(), { compare: 'bytes' }))
      after.push(...batch.map(({ path, differs }) => `${path} ${differs.join(' ')}`))
    expect(after).toEqual(['odd \\ name\n', 'src/3.txt', 'z'].map((path) => `${path} content mtime`))
  },
)

const ZEROS = Buffer.alloc(65 * 1024 * 1024)

test.each(['tar.zst', 'tar.gz'] as const)(
  'what compresses without bounds is no bomb in our own archive, %s',
  async (format) => {
    using scratch = temporaryFolder()
    const store = openSnapshotFolder(join(scratch.path, 'store'), { mode: 'archive', format })
    const { snapshot } = await store.take(source(file('noise', noise('x', 1000)), file('zeros', ZEROS)))
    expect(ZEROS.length).toBeGreaterThan(snapshot.statistics.storedBytes * 200)
    expect((await store.verify({ read: 'data' })).problems).toEqual([])
    expect((await rowsOf(await store.open(snapshot.id))).map(({ path, sizeBytes }) => [path, sizeBytes])).toEqual([
      ['noise', 1000],
      ['zeros', ZEROS.length],
    ])
    await expect(store.open(snapshot.id, { limits: { maxRatio: 200 } }).then(rowsOf)).rejects.toMatchObject({
      code: 'ARC_LIMIT_EXCEEDED',
    })
    const other = openSnapshotFolder(join(scratch.path, 'other'), { mode: 'archive', format })
    const small = await other.take(source(file('noise', 'n'), file('zeros', 'not much')))
    const [bomb, victim] = [store, other].map((each) => join(each.location, each.records()[0]?.name ?? ''))
    copyFileSync(bomb as string, victim as string)
    await expect(other.open(small.snapshot.id).then(rowsOf)).rejects.toMatchObject({ code: 'ARC_LIMIT_EXCEEDED' })
    expect((await other.verify()).problems).toMatchObject([{ code: 'damaged' }])
  },
)

test('what a killed process left is removed by the next snapshot, what one at work has is not', async () => {
  using scratch = temporaryFolder()
  const store = openSnapshotFolder(join(scratch.path, 'store'), { mode: 'copy' })
  await store.take(source(file('a', 'a')))
  const script =
    "import { temporaryPathFor } from '@arc/core/node'\nprocess.stdout.write(temporaryPathFor(process.argv[1]))"
  const place = join(store.location, 'state')
  const left = execFileSync(process.execPath, ['--input-type=module', '-e', script, place], {
    cwd: import.meta.dirname,
    encoding: 'utf8',
  })
  const ours = temporaryPathFor(place)
  // On another machine, which nobody here can ask: gone after a day.
  const [old, young] = ['0', '1'].map((digit) => join(store.location, `.state.00000000-1-${digit.repeat(12)}.arc-tmp`))
  for (const path of [left, ours, old, young] as string[]) mkdirSync(join(path, 'deep'), { recursive: true })
  utimesSync(old as string, 1, 1)
  await store.take(source(file('a', 'b')))
  expect([left, ours, old, young].map((path) => existsSync(path as string))).toEqual([false, true, false, true])
})

test('nobody else can look into the folder that is made; one that was there stays as it is', async () => {
  using scratch = temporaryFolder()
  const store = openSnapshotFolder(join(scratch.path, 'new', 'store'), { mode: 'archive' })
  await store.take(source(file('a', 'a')))
  const modes = (path: string): number[] => readdirSync(path).map((name) => statSync(join(path, name)).mode & 0o777)
  expect([modes(scratch.path), modes(join(scratch.path, 'new'))]).toEqual([[0o700], [0o700]])
  expect(modes(store.location)).toEqual([0o600, 0o600, 0o600, 0o600, 0o600])
  mkdirSync(join(scratch.path, 'open'))
  chmodSync(join(scratch.path, 'open'), 0o755)
  await openSnapshotFolder(join(scratch.path, 'open'), { mode: 'copy' }).take(source(file('a', 'a')))
  expect(statSync(join(scratch.path, 'open')).mode & 0o777).toBe(0o755)
})
