import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readTree } from '@arc/core/testing'
import { restoreNew } from '@arc/restore-safe'
import { openVault, type SnapshotInfo } from '@arc/snapshot'
import { createRestic } from '@arc/snapshot/restic'
import { directoryBackend } from '@arc/storage'
import { expect, test } from 'vitest'
import { makeScratch, type Scratch, writeApp } from './scratch.ts'

interface Listing {
  readonly location: string
  readonly snapshots: readonly SnapshotInfo[]
}

/** A project, two snapshots of it, and a file with a password; returns its root. */
async function prepare(scratch: Scratch): Promise<string> {
  const root = writeApp(scratch)
  writeFileSync(join(scratch.path, 'password'), 'pass word\n')
  await scratch.ok(['snapshot', '--note', 'one', '--tag', 'first'])
  scratch.write('app', { new: 'new' })
  await scratch.ok(['snapshot', '--note', 'two'])
  return root
}

const KEY = ['--to-passphrase-file', '../password']

function restic(scratch: Scratch, ...args: readonly string[]): string {
  return scratch.tool('restic', '--no-cache', '--quiet', '-r', 'repository', '--password-file', 'password', ...args)
}

/** A repository whose key is quick to derive. */
async function makeRepository(scratch: Scratch): Promise<void> {
  const cost = { N: 1024, r: 8, p: 1 }
  await createRestic(directoryBackend(join(scratch.path, 'repository')), { password: 'pass word', cost })
}

test('snapshots are exported once, and restic restores them', async () => {
  using scratch = makeScratch()
  const root = await prepare(scratch)
  const to = ['--to', 'restic:../repository']
  const missing = await scratch.run(['export', ...to, ...KEY])
  expect(missing).toMatchObject({ status: 1 })
  expect(missing.stderr).toContain('--init')
  const first = await scratch.json<Listing>(['export', 'one', ...to, ...KEY, '--init'])
  expect(first.snapshots).toMatchObject([{ note: 'one', tags: ['first'], path: root, project: 'app' }])
  const rest = await scratch.run(['export', ...to, ...KEY])
  expect(rest).toMatchObject({ status: 0 })
  expect(rest.stderr).toContain('1 snapshot exported, 1 were there already')
  restic(scratch, 'check', '--read-data')
  restic(scratch, 'restore', 'latest', '--target', 'out')
  expect(readTree(join(scratch.path, 'out'))).toEqual(readTree(root))
})

test('everything that reads a vault reads a repository of restic, too', async () => {
  using scratch = makeScratch()
  await prepare(scratch)
  await scratch.ok(['export', '--to', 'restic:../repository', ...KEY, '--init'])
  const from = ['--from', 'restic:../repository', '--passphrase-file', '../password']
  const { snapshots } = await scratch.json<Listing>(['list', ...from])
  expect(snapshots).toMatchObject([{ note: 'one' }, { note: 'two' }])
  expect(await scratch.ok(['list', '--from', '../repository', '--passphrase-file', '../password'])).toContain('two')
  expect(await scratch.ok(['show', 'two', ...from])).toContain('copy of')
  expect(await scratch.ok(['cat', 'latest', 'new', ...from])).toBe('new')
  expect(await scratch.ok(['diff', 'one', 'two', ...from])).toContain('new')
  expect(await scratch.ok(['verify', '--read-data', ...from])).toContain('intact: 2 snapshots')
  const refused = await scratch.run(['prune', ...from])
  expect(refused).toMatchObject({ status: 1 })
  expect(refused.stderr).toContain('[ARC_VAULT_UNSUPPORTED]')
  const wrong = await scratch.run(['list', '--from', 'restic:../repository'], {
    env: { ...scratch.env, ARC_PASSPHRASE: 'x' },
  })
  expect(wrong).toMatchObject({ status: 1 })
  expect(wrong.stderr).toContain('[ARC_KEY_WRONG]')
})

test('snapshots of restic are imported once, with their times and tags', async () => {
  using scratch = makeScratch()
  const root = writeApp(scratch)
  writeFileSync(join(scratch.path, 'password'), 'pass word\n')
  await makeRepository(scratch)
  restic(scratch, 'backup', root, '--tag', 'kept', '--host', 'there', '--time', '2024-02-03 04:05:06')
  const place = ['--from', 'restic:../repository', '--passphrase-file', '../password', '--to', '../vault']
  const { snapshots } = await scratch.json<Listing>(['import', ...place])
  expect(snapshots).toMatchObject([{ host: 'there', tags: ['kept'], project: 'app', path: root }])
  expect(snapshots[0]?.time.slice(0, 4)).toBe('2024')
  const again = await scratch.run(['import', 'latest', ...place])
  expect(again.stderr).toContain('0 snapshots imported, 1 were there already')
  const target = join(scratch.path, 'back')
  await using vault = await openVault(directoryBackend(join(scratch.path, 'vault')))
  await using source = await vault.open(snapshots[0]?.id ?? '')
  await restoreNew(source, target, { links: 'keep' })
  expect(readTree(target)).toEqual(readTree(root))
})

test('an old vault is imported', async () => {
  using scratch = makeScratch()
  writeApp(scratch)
  const content = scratch
    .tool('sh', '-c', 'mkdir -p old/objects && printf hello > hello && sha256sum hello')
    .slice(0, 64)
  scratch.tool('zstd', '-q', 'hello', '-o', `old/objects/${content}`)
  const file = { hash: content, mode: 0o100644, mtime: 1e9, size: 5 }
  const manifest = {
    version: 2,
    timestamp: '2025-01-02T03:04:05+00:00',
    source_path: '/home/me/p',
    files: { 'a/b': file },
  }
  scratch.write('old', { 'snapshots/p/snapshot_2025-01-02T03-04-05+00-00.json': JSON.stringify(manifest) })
  expect(await scratch.ok(['list', '--from', '../old'])).toContain('2025-01-02 03:04:05')
  expect(await scratch.ok(['verify', '--read-data', '--from', '../old'])).toContain('intact: 1 snapshot')
  await scratch.ok(['import', '--from', '../old', '--to', '../vault'])
  expect(await scratch.ok(['cat', 'latest', 'a/b', '--from', '../vault'])).toBe('hello')
  const export_ = await scratch.run(['export', '--to', '../old'])
  expect(export_).toMatchObject({ status: 2 })
  expect(export_.stderr).toContain('Write --to restic:../old')
})
