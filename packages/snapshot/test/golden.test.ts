import { spawnSync } from 'node:child_process'
import { cpSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { EntryPath } from '@arc/core'
import { plainAttributes, XattrTools } from '@arc/core/node'
import { readTree, temporaryFolder } from '@arc/core/testing'
import { directoryBackend } from '@arc/storage'
import { expect, test } from 'vitest'
import { createVault, openVault, type RunFacts, verifyLog } from '../src/index.ts'
import { attributesTree } from './golden-attributes.ts'
import { goldenRecords } from './golden-records.ts'
import { GOLDEN_TREES, goldenRows, goldenSource } from './golden-vault.ts'
import { HostileVault } from './hostile-vault.ts'
import { file, type Row, rowsOf } from './trees.ts'

const GOLDEN = join(import.meta.dirname, 'golden')
const ROOT = join(GOLDEN, 'vault-1')
const READER = join(import.meta.dirname, '../../../tools/read_vault.py')

/** Run the second reader. */
function read(...args: string[]): string {
  const { stdout, stderr, status } = spawnSync('python3', ['-B', READER, ...args], { encoding: 'utf8' })
  expect({ stderr, status }).toEqual({ stderr: '', status: 0 })
  return stdout
}

/** Python escapes what is not ASCII; parsed, both say the same. */
function parsed(lines: readonly string[]): unknown[] {
  return lines.map((line) => JSON.parse(line) as unknown)
}

test('the golden vault is what it was', async () => {
  const vault = await openVault(directoryBackend(ROOT))
  const lines: string[] = []
  const snapshots = await vault.list()
  for (const [i, { id }] of snapshots.entries()) {
    lines.push(id, ...(await goldenRows(vault, id)))
    const given = await rowsOf(goldenSource(GOLDEN_TREES[i + 1] as (typeof GOLDEN_TREES)[number]))
    expect(await rowsOf(await vault.open(id))).toEqual(given)
  }
  expect(`${lines.join('\n')}\n`).toBe(readFileSync(join(import.meta.dirname, 'golden/vault-1.txt'), 'utf8'))
  expect(snapshots.map(({ tags, note }) => [note, tags])).toEqual([
    ['number 1', ['tagged']],
    ['number 2', ['golden']],
  ])
  expect((await vault.verify({ read: 'data' })).problems).toEqual([])
  expect((await verifyLog(vault)).problems).toEqual([])
})

test('a reader in another language, written from the specification, reads the golden vault', () => {
  const lines = readFileSync(join(import.meta.dirname, 'golden/vault-1.txt'), 'utf8')
    .trimEnd()
    .split('\n')
  const ids = lines.filter((line) => /^[0-9a-f]{64}$/.test(line))
  const listed = read('snapshots', ROOT).trimEnd().split('\n')
  expect(listed.map((line) => line.slice(0, 64))).toEqual(ids)
  const bySnapshot = ids.map((id) => {
    const start = lines.indexOf(id) + 1
    const next = lines.findIndex((line, i) => i > start && ids.includes(line))
    return lines.slice(start, next < 0 ? lines.length : next)
  })
  for (const [i, id] of ids.entries())
    expect(parsed(read('list', ROOT, id).trimEnd().split('\n'))).toEqual(parsed(bySnapshot[i] ?? []))
  read('verify', ROOT)
})

test('it restores it', async () => {
  using scratch = temporaryFolder()
  const vault = await openVault(directoryBackend(ROOT))
  const [first] = await vault.list()
  read('restore', ROOT, (first as { id: string }).id, join(scratch.path, 'restored'))
  const restored = new Map(readTree(join(scratch.path, 'restored')).map((row) => [row.path, row]))
  const wanted = await rowsOf(await vault.open((first as { id: string }).id))
  expect(restored.size).toBe(wanted.length)
  for (const { path, type, sha256, target, mode } of wanted)
    expect(restored.get(path as never)).toMatchObject({
      type,
      ...(type !== 'symlink' && { mode }),
      ...(sha256 !== undefined && { sha256 }),
      ...(target !== undefined && { target }),
    })
})

test('the golden vault with owners, extended attributes and holes is what it was, for both readers', async () => {
  const root = join(GOLDEN, 'vault-1-attributes')
  const [id, ...lines] = readFileSync(`${root}.txt`, 'utf8').trimEnd().split('\n') as [string, ...string[]]
  const vault = await openVault(directoryBackend(root))
  expect(await goldenRows(vault, id)).toEqual(lines)
  expect((await rowsOf(await vault.open(id))).map(withBuffers)).toEqual(
    (await rowsOf(goldenSource(attributesTree))).map(withBuffers),
  )
  expect((await vault.verify({ read: 'data' })).problems).toEqual([])
  expect(parsed(read('list', root, id).trimEnd().split('\n'))).toEqual(parsed(lines))
})

test('the golden vault whose records tell of runs and selections is what it was, for both readers', async () => {
  const root = join(GOLDEN, 'vault-1-records')
  const lines = parsed(readFileSync(`${root}.txt`, 'utf8').trimEnd().split('\n'))
  const vault = await openVault(directoryBackend(root))
  const snapshots = await vault.list()
  expect(snapshots.map(({ id, selection, run }) => ({ id, selection, run }))).toEqual(lines)
  const given = goldenRecords((snapshots[0] as { id: string }).id)
  for (const [i, { selection, run }] of given.entries()) {
    const { id, ...found } = snapshots[i + 1] as { id: string; selection?: unknown; run?: RunFacts }
    expect(found.selection).toEqual(selection)
    const log = run?.output.log ?? Buffer.alloc(0)
    if (run !== undefined) {
      const output = { printedBytes: run.output.printedBytes, sizeBytes: log.length }
      expect(found.run).toMatchObject({ ...run, output })
    }
    expect((await vault.readRunLog(id)).equals(log)).toBe(true)
    expect(read('run-log', root, id)).toBe(log.toString())
  }
  expect((await vault.verify({ read: 'data' })).problems).toEqual([])
  expect((await verifyLog(vault)).problems).toEqual([])
  read('verify', root)
})

test('both readers see that a record is missing that only a forgotten one followed', async () => {
  using scratch = temporaryFolder()
  const root = join(scratch.path, 'vault')
  cpSync(join(GOLDEN, 'vault-1-records'), root, { recursive: true })
  const first = readdirSync(join(root, 'snapshots')).find((name) => name.startsWith('0000000001-')) as string
  rmSync(join(root, 'snapshots', first))
  const { problems } = await verifyLog(await openVault(directoryBackend(root)))
  expect(problems.map(({ message }) => message)).toEqual([
    `its predecessor ${first.slice(-64)} is gone without a tombstone`,
  ])
  expect(spawnSync('python3', ['-B', READER, 'verify', root], { encoding: 'utf8' })).toMatchObject({
    status: 3,
    stderr: `read_vault: record ${first.slice(-64)}: it is gone, and in no tombstone\n`,
  })
})

test('both readers refuse what is said to be one file and is two', async () => {
  using scratch = temporaryFolder()
  const hostile = await HostileVault.create(directoryBackend(scratch.path))
  const named = { hardLink: 'a' as EntryPath }
  const id = await hostile.publish([await hostile.file('a', 'one', named), await hostile.file('b', 'two', named)])
  await expect(rowsOf(await hostile.vault.open(id))).rejects.toMatchObject({ code: 'ARC_VAULT_DAMAGED', path: 'b' })
  expect(spawnSync('python3', ['-B', READER, 'list', scratch.path, id], { encoding: 'utf8' })).toMatchObject({
    status: 3,
    stderr: 'read_vault: b: it is said to be one file with another, and is not\n',
  })
})

/** Which kind of byte array a value is in makes no difference. */
function withBuffers(row: Row): unknown {
  const { attributes, ...rest } = row
  return { ...rest, attributes: attributes && plainAttributes(attributes) }
}

test('the second reader restores owners and extended attributes where asked', async () => {
  using scratch = temporaryFolder()
  const folder = join(scratch.path, 'vault')
  await using vault = await createVault(directoryBackend(folder))
  const { uid, gid } = statSync(scratch.path)
  const attributes = { owner: { uid, gid }, xattrs: [{ name: 'user.note' as EntryPath, value: Buffer.from('one') }] }
  const { snapshot } = await vault.take(goldenSource(() => [{ ...file('a', 'x', { mode: 0o444 }), attributes }]))
  for (const [target, flags, count] of [
    ['plain', [], 0],
    ['whole', ['--attributes'], 1],
  ] as const) {
    const root = join(scratch.path, target)
    read('restore', ...flags, folder, snapshot.id, root)
    const { xattrs } = XattrTools.find().read(root, ['a' as EntryPath])
    expect(xattrs.get('a' as EntryPath) ?? []).toHaveLength(count)
  }
})
