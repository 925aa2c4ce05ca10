import fs, { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { sha256Hex } from '@arc/core/node'
import { temporaryFolder } from '@arc/core/testing'
import { generateAgeKey, generateSigningKey, openSigningKey } from '@arc/crypto'
import { memoryBackend } from '@arc/storage'
import { expect, test } from 'vitest'
import {
  addVaultKey,
  applySnapshot,
  assertLogIntact,
  type Change,
  copySnapshots,
  createVault,
  diffSnapshots,
  findEntries,
  listVaultKeys,
  openSnapshotFolder,
  openVault,
  planRepair,
  planSnapshot,
  removeVaultKey,
  resolveSnapshot,
  rotateVaultKeys,
  transferSnapshots,
  verifyLog,
} from '../src/index.ts'
import { CHUNKER_BUFFER_BYTES } from '../src/content-writer.ts'
import { folderSource } from './local-source.ts'
import { file, folder, oddTree, rowsOf, source, symlink } from './trees.ts'
import { watchedBackend } from './watched-backend.ts'

async function changesOf(batches: AsyncIterable<readonly Change[]>): Promise<string[]> {
  const changes: string[] = []
  for await (const batch of batches)
    for (const { action, path, differs } of batch) changes.push([action, path, ...differs].join(' '))
  return changes.sort()
}

const before = (): Parameters<typeof source> => [
  folder('d'),
  folder('d/e'),
  file('d/e/x', 'x'),
  file('same', '1'),
  file('gone', ''),
]
const after = (): Parameters<typeof source> => [
  folder('d', 0o700),
  folder('d/e'),
  file('d/e/x', 'X'),
  file('d/new', 'n'),
  file('same', '1', { mode: 0o600, mtimeNs: 5n }),
  symlink('gone', 'same'),
]

test('differences between snapshots are those between their trees', async () => {
  const vault = await createVault(memoryBackend())
  const one = await vault.take(source(...before()))
  const two = await vault.take(source(...after()))
  const expected = [
    'added d/new',
    'changed d mode',
    'changed d/e/x content',
    'changed gone type',
    'changed same mode mtime',
  ]
  expect(await changesOf(diffSnapshots(vault, one.snapshot.id, two.snapshot.id))).toEqual(expected)
  const bytes = diffSnapshots(vault, one.snapshot.id, source(...after()), { compare: 'bytes' })
  expect(await changesOf(bytes)).toEqual(expected)
  expect(await changesOf(diffSnapshots(vault, one.snapshot.id, one.snapshot.id))).toEqual([])
})

test('a plan says what would be stored, and is refused once something else is true', async () => {
  const vault = await createVault(memoryBackend())
  await vault.take(source(...before()))
  const plan = await planSnapshot(vault, source(...after()))
  expect(JSON.parse(JSON.stringify(plan))).toEqual(plan)
  expect(plan.totals).toMatchObject({ added: 1, changed: 3, removed: 0, entries: 6 })
  await expect(applySnapshot(plan, vault, source(...before()))).rejects.toMatchObject({ code: 'ARC_PLAN_STALE' })
  const { snapshot } = await applySnapshot(plan, vault, source(...after()))
  expect(await rowsOf(await vault.open(snapshot.id))).toEqual(await rowsOf(source(...after())))
  await expect(applySnapshot(plan, vault, source(...after()))).rejects.toMatchObject({ code: 'ARC_PLAN_STALE' })
})

test('a source that lists what was there has the bytes that are there: no snapshot is a mix', async () => {
  using scratch = temporaryFolder()
  const at = join(scratch.path, 'a')
  writeFileSync(at, 'one')
  const listed = folderSource(scratch.path)
  const vault = await createVault(memoryBackend())
  const plan = await planSnapshot(vault, listed)
  writeFileSync(at, 'another')
  // Only one that was opened since can tell.
  await expect(applySnapshot(plan, vault, folderSource(scratch.path))).rejects.toMatchObject({ code: 'ARC_PLAN_STALE' })
  const { snapshot } = await applySnapshot(plan, vault, listed)
  expect(await rowsOf(await vault.open(snapshot.id))).toMatchObject([
    { path: 'a', sizeBytes: 7, sha256: sha256Hex(Buffer.from('another')) },
  ])
  expect(snapshot.inconsistent).toEqual(['a'])
})

test('snapshots are found by what people remember of them', async () => {
  let nowMs = Date.UTC(2026, 0, 31, 12)
  const vault = await createVault(memoryBackend(), { now: () => (nowMs += 3_600_000) })
  const ids: string[] = []
  for (const note of ['one', 'two', 'three'])
    ids.push((await vault.take(source(...before()), { note, tags: [note === 'two' ? 'tag' : 'other'] })).snapshot.id)
  const find = async (name: string): Promise<number> => ids.indexOf((await resolveSnapshot(vault, name)).id)
  expect(await find('latest')).toBe(2)
  expect(await find('latest~2')).toBe(0)
  expect(await find((ids[1] as string).slice(0, 12))).toBe(1)
  expect(await find('tag')).toBe(1)
  expect(await find('one')).toBe(0)
  expect(await find('2026-01')).toBe(2)
  expect(await find('2026-01-31T15')).toBe(1)
  for (const name of ['latest~3', 'nothing', '0000', '2025'])
    await expect(find(name)).rejects.toMatchObject({ code: 'ARC_SNAPSHOT_UNKNOWN' })
  const found = []
  for await (const { snapshot, entries } of findEntries(vault, ({ path }) => path.endsWith('x'), { tags: ['tag'] }))
    found.push([snapshot.note, entries.map(({ path }) => path)])
  expect(found).toEqual([['two', ['d/e/x']]])
})

test('a clock that was set back does not hide the newest snapshot', async () => {
  const times = ['2026-05-01', '2099-01-01', '2026-05-02', '2026-05-03'].map((day) => Date.parse(day))
  const vault = await createVault(memoryBackend(), { now: () => times[0] as number })
  for (const note of ['first', 'clock wrong', 'right again', 'newest']) {
    await vault.take(source(file('x', note)), { note })
    times.shift()
  }
  const notes = ['latest', 'latest~1', 'latest~2', 'latest~3'].map((name) => resolveSnapshot(vault, name))
  expect((await Promise.all(notes)).map(({ note }) => note)).toEqual(['newest', 'right again', 'clock wrong', 'first'])
  expect((await resolveSnapshot(vault, '2026-05-02')).note).toBe('right again')
  // A copy belongs where its time is, though it came last.
  const other = await createVault(memoryBackend(), { now: () => Date.parse('2026-04-01') })
  await other.take(source(file('x', 'old')), { note: 'copied' })
  await copySnapshots(other, vault)
  expect((await resolveSnapshot(vault, 'latest')).note).toBe('newest')
})

test('what was forgotten can be listed', async () => {
  const vault = await createVault(memoryBackend(), { now: () => Date.UTC(2026, 0, 1) })
  const { snapshot } = await vault.take(source(...before()))
  expect(await vault.tombstones()).toEqual([])
  await vault.remove([snapshot.id], { reason: 'of no use' })
  expect(await vault.tombstones()).toEqual([
    { time: '2026-01-01T00:00:00.000Z', snapshots: [snapshot.id], reason: 'of no use' },
  ])
})

test('the log proves that nothing was removed, and who wrote it', async () => {
  const files = await generateSigningKey()
  const other = await generateSigningKey()
  const backend = memoryBackend()
  const vault = await createVault(backend, { signingKey: await openSigningKey(files.secretKey) })
  const { snapshot } = await vault.take(source(...before()))
  await vault.take(source(...after()))
  await vault.remove([snapshot.id])
  const publicKeys = [other.publicKey, files.publicKey]
  const report = await verifyLog(vault, { publicKeys })
  expect(report).toMatchObject({ records: 2, snapshots: 1, problems: [] })
  assertLogIntact(report)
  expect((await verifyLog(vault, { publicKeys: [other.publicKey] })).problems.length).toBe(2)
  const [head = ''] = report.heads
  await vault.take(source(...before()))
  expect((await verifyLog(vault, { publicKeys, since: [head] })).problems).toEqual([])

  const keys: string[] = []
  for (const prefix of ['snapshots/', 'log/'])
    for await (const batch of backend.list(prefix)) keys.push(...batch.map(({ key }) => key))
  const tombstone = keys.find((key) => key.startsWith('log/')) as string
  await backend.delete(tombstone)
  const broken = await verifyLog(await openVault(backend), { since: [head] })
  expect(broken.problems.length).toBeGreaterThan(1)
  expect(() => assertLogIntact(broken)).toThrow(expect.objectContaining({ code: 'ARC_LOG_BROKEN' }) as Error)
})

const PASSPHRASE = { passphrase: 'one', cost: { name: 'scrypt', logN: 10, r: 8, p: 1 } } as const

test('keys come and go, and a key for writing writes', async () => {
  const backend = memoryBackend()
  const vault = await createVault(backend, { locks: [PASSPHRASE] })
  const writer = generateAgeKey()
  const id = await addVaultKey(vault, { recipient: writer.recipient, access: 'write', label: 'laptop' })
  expect((await listVaultKeys(vault)).map(({ label, access }) => [label, access])).toContainEqual(['laptop', 'write'])
  const blind = await openVault(backend, { secret: { identity: writer.identity } })
  const { snapshot } = await blind.take(source(...oddTree()))
  const blindAgain = await openVault(backend, { secret: { identity: writer.identity } })
  const refused = { code: 'ARC_KEY_WRITE_ONLY' }
  await expect(blindAgain.list()).rejects.toMatchObject(refused)
  await expect(blindAgain.verify()).rejects.toMatchObject(refused)
  await expect(planRepair(blindAgain)).rejects.toMatchObject(refused)
  expect(await rowsOf(await vault.open(snapshot.id))).toEqual(await rowsOf(source(...oddTree())))
  expect((await vault.verify({ read: 'data' })).problems).toEqual([])
  await removeVaultKey(vault, id)
  await expect(openVault(backend, { secret: { identity: writer.identity } })).rejects.toMatchObject({
    code: 'ARC_KEY_WRONG',
  })
  await rotateVaultKeys(vault, [{ ...PASSPHRASE, passphrase: 'two' }])
  const rotated = await openVault(backend, { secret: { passphrase: 'two' }, expectedKeysId: vault.keysId })
  const again = await rotated.take(source(...oddTree()))
  expect(again.snapshot.statistics.newBytes).toBe(0)
  expect(await rowsOf(await rotated.open(snapshot.id))).toEqual(await rowsOf(source(...oddTree())))
})

test('a vault whose keys were rolled back is refused by who remembers', async () => {
  const backend = memoryBackend()
  const vault = await createVault(backend, { locks: [PASSPHRASE] })
  const secret = { passphrase: PASSPHRASE.passphrase }
  expect(vault.keyGeneration).toBe(1)
  await openVault(backend, { secret, minGeneration: 1 })
  await expect(openVault(backend, { secret, minGeneration: 2 })).rejects.toMatchObject({ code: 'ARC_KEY_WRONG' })
  await rotateVaultKeys(vault, [PASSPHRASE])
  expect((await openVault(backend, { secret, minGeneration: 2 })).keyGeneration).toBe(2)
  expect((await createVault(memoryBackend())).keyGeneration).toBe(0)
})

test('to look through snapshots reads the log once, and each folder that is not the same once', async () => {
  const read = async (count: number): Promise<string[]> => {
    const calls: string[] = []
    const backend = memoryBackend()
    await using made = await createVault(backend)
    for (let i = 0; i < count; i++)
      await made.take(source(folder('a'), file('a/x', 'x'), folder('b'), file('b/x', `${i % 2}`)), { note: `${i}` })
    await using vault = await openVault(watchedBackend(backend, ({ name, key }) => void calls.push(`${name} ${key}`)))
    calls.length = 0
    let found = 0
    for await (const { entries } of findEntries(vault, ({ path }) => path.endsWith('x'))) found += entries.length
    expect(found).toBe(2 * count)
    return calls
  }
  const [few, many] = [await read(4), await read(24)]
  const kinds = (calls: readonly string[], kind: RegExp): number => calls.filter((call) => kind.test(call)).length
  expect(kinds(many, /^list/)).toBe(kinds(few, /^list/))
  expect(kinds(many, /^read packs/)).toBe(kinds(few, /^read packs/))
  expect(kinds(many, /^read snapshots/)).toBe(24)
})

test('a name is one of the folder at hand, or must fit one project only', async () => {
  let nowMs = Date.UTC(2026, 0, 1)
  const vault = await createVault(memoryBackend(), { now: () => (nowMs += 60_000) })
  const take = async (project: string, path: string, tags: string[], host = 'here'): Promise<string> =>
    (await vault.take(source(...before()), { project, host, path, note: 'note', tags })).snapshot.id
  const a = await take('a', '/a', ['t'])
  const b = await take('b', '/b', ['t', 'only'])
  const elsewhere = await take('a', '/a', [], 'there')
  const find = async (name: string, options: object = {}): Promise<string> =>
    (await resolveSnapshot(vault, name, options)).id
  const at = (...paths: string[]): object => ({ folders: paths.map((path) => ({ host: 'here', path })) })
  for (const name of ['latest', 't', 'note', '2026-01-01']) {
    expect(await find(name, at('/a')), name).toBe(a)
    expect(await find(name, at('/nowhere', '/b', '/a')), name).toBe(b)
    await expect(find(name, at('/nowhere'))).rejects.toMatchObject({ code: 'ARC_SNAPSHOT_AMBIGUOUS' })
  }
  await expect(find('latest')).rejects.toMatchObject({
    message: expect.stringMatching(
      /^latest names snapshots of 2 projects in .*: [0-9a-f]{12} of a \(2026-01-01 00:0\d:00 UTC\), [0-9a-f]{12} of b/,
    ) as string,
    details: {
      snapshots: [
        { id: elsewhere, project: 'a' },
        { id: b, project: 'b' },
      ],
    },
  })
  expect(await find('only')).toBe(b)
  expect(await find(b.slice(0, 12), at('/a'))).toBe(b)
  await expect(find('only', at('/a'))).rejects.toMatchObject({
    code: 'ARC_SNAPSHOT_UNKNOWN',
    hint: expect.stringMatching(/^Other projects have it: [0-9a-f]{12} of b /) as string,
  })
  expect(await find('latest', { ...at('/a'), project: 'b' })).toBe(b)
  expect(await find('latest', { ...at('/a'), host: 'there' })).toBe(elsewhere)
  await expect(find('t', { ...at('/a'), tags: ['only'] })).rejects.toMatchObject({ code: 'ARC_SNAPSHOT_UNKNOWN' })
  await expect(find('')).rejects.toMatchObject({ code: 'ARC_ARGUMENT_INVALID' })
})

test('what cannot be read is not counted, and is no change as long as it cannot be read', async () => {
  using scratch = temporaryFolder()
  for (const name of ['a', 'gone', 'locked']) writeFileSync(join(scratch.path, name), `file ${name}`)
  const faults = {
    ...fs,
    openSync: (path: fs.PathLike, flags: fs.OpenMode) => {
      if (String(path).endsWith('locked')) throw Object.assign(new Error(), { code: 'EACCES', syscall: 'open' })
      return fs.openSync(path, flags)
    },
  }
  const listed = folderSource(scratch.path, 'project', faults)
  rmSync(join(scratch.path, 'gone'))
  for (const store of [
    await createVault(memoryBackend()),
    openSnapshotFolder(join(scratch.path, 'copies'), { mode: 'copy' }),
  ]) {
    const { snapshot } = await store.take(listed)
    expect(snapshot.statistics, store.mode).toMatchObject({ files: 1, contentBytes: 6 })
    expect(snapshot.omissionCount).toBe(2)
    const again = folderSource(scratch.path, 'project', faults)
    const own = (changes: string[]): string[] => changes.filter((change) => !change.includes('copies'))
    expect(own(await changesOf(diffSnapshots(store, snapshot.id, again)))).toEqual([])
    const readable = folderSource(scratch.path)
    expect(own(await changesOf(diffSnapshots(store, snapshot.id, readable)))).toEqual(['added locked'])
  }
})

test.each(['vault', 'copy', 'link', 'archive'] as const)(
  'content that is not what its source declares: %s',
  async (mode) => {
    using scratch = temporaryFolder()
    await using store =
      mode === 'vault' ? await createVault(memoryBackend()) : openSnapshotFolder(join(scratch.path, 'kept'), { mode })
    const sha256 = sha256Hex(Buffer.from('a'))
    await store.take(source(file('f', 'a', { sha256 })))
    for (const content of ['b', 'b'.repeat(3_000_000)])
      await expect(store.take(source(file('f', content, { sha256 })))).rejects.toMatchObject({
        code: 'ARC_HASH_MISMATCH',
      })
    expect(await store.list()).toHaveLength(1)
  },
)

test.each([0, 1, 1024 * 1024, CHUNKER_BUFFER_BYTES, CHUNKER_BUFFER_BYTES + 1])(
  'content of %i bytes is held against its SHA-256 to its end, whatever reads it',
  async (sizeBytes) => {
    using scratch = temporaryFolder()
    const content = Buffer.alloc(sizeBytes, 'b')
    const sha256 = sha256Hex(content)
    const longer = Buffer.concat([content, Buffer.from('c')])
    for (const store of [
      await createVault(memoryBackend()),
      openSnapshotFolder(join(scratch.path, 'kept'), { mode: 'copy' }),
    ]) {
      const { snapshot } = await store.take(source(file('f', content, { sha256 })))
      expect(snapshot.statistics.contentBytes, store.mode).toBe(sizeBytes)
      const wrong = source(file('f', longer, { sha256 }))
      await expect(store.take(wrong), store.mode).rejects.toMatchObject({ code: 'ARC_HASH_MISMATCH' })
    }
  },
)

test('a copy that was changed since goes into no vault', async () => {
  using scratch = temporaryFolder()
  await using copies = openSnapshotFolder(join(scratch.path, 'kept'), { mode: 'copy' })
  await copies.take(source(file('f', 'right')))
  const [record] = copies.records()
  writeFileSync(join(scratch.path, 'kept', record?.name ?? '', 'f'), 'wrong')
  await using vault = await createVault(memoryBackend())
  await expect(transferSnapshots(copies, vault)).rejects.toMatchObject({ code: 'ARC_HASH_MISMATCH' })
  expect(await vault.list()).toEqual([])
})
