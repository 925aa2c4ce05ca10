import { chmodSync, chownSync, mkdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { SnapshotResult } from '@arc/snapshot'
import { expect, test } from 'vitest'
import { makeScratch, writeApp } from './scratch.ts'

test('owners and extended attributes are recorded where asked, and status and diff tell when they change', async () => {
  using scratch = makeScratch()
  const root = writeApp(scratch)
  const both = ['--owners', '--xattrs']
  await scratch.ok(['without'])
  const first = await scratch.json<SnapshotResult>([...both])
  expect(first.isChanged).toBe(true)
  expect((await scratch.json<SnapshotResult>([...both])).isChanged).toBe(false)
  scratch.tool('setfattr', '-n', 'user.note', '-v', 'one', join(root, 'src'))
  expect(await scratch.ok(['status', ...both])).toBe('M src/  (xattrs)\n')
  expect(await scratch.ok(['status'])).toBe('')
  expect((await scratch.json<SnapshotResult>([...both])).isChanged).toBe(true)
  expect(await scratch.ok(['diff', 'latest~1', 'latest'])).toBe('M src/  (xattrs)\n')
})

test.each(['copy', 'link', 'archive'])('--mode %s keeps them too', async (mode) => {
  using scratch = makeScratch()
  const root = writeApp(scratch)
  scratch.tool('setfattr', '-n', 'user.note', '-v', 'one', join(root, 'README.md'))
  const { uid, gid } = statSync(root)
  if (uid === 0) chownSync(join(root, 'README.md'), 77, 78)
  const to = join(scratch.path, 'kept')
  await scratch.ok(['snapshot', '--mode', mode, '--to', to, '--owners', '--xattrs'])
  const shown = await scratch.ok(['ls', 'latest', 'README.md', '--from', to, '--json'])
  const owner = uid === 0 ? { uid: 77, gid: 78 } : { uid, gid }
  expect(JSON.parse(shown)).toMatchObject({ entries: [{ path: 'README.md', owner, xattrs: [['user.note', 'b25l']] }] })
})

test('attributes that may not be read are listed, with status 4, and the rest is kept', async () => {
  using scratch = makeScratch()
  writeApp(scratch)
  for (const [path, mode] of [
    ['app/locked', 0o311],
    ['app/new\nline', 0o311],
  ] as const) {
    mkdirSync(join(scratch.path, path))
    scratch.tool('setfattr', '-n', 'user.note', '-v', 'one', path)
    chmodSync(join(scratch.path, path), mode)
  }
  const under = process.getuid?.() === 0 ? ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'] : []
  const home = join(scratch.path, 'nobody')
  mkdirSync(home)
  for (const path of [home, scratch.path]) chmodSync(path, 0o777)
  const run = scratch.spawn(['snapshot', '--to', join(home, 'vault'), '--xattrs'], { env: { HOME: home }, under })
  expect(run.status, run.stderr).toBe(4)
  expect(run.stderr).toContain('locked: its extended attributes: user.note: Permission denied')
  expect(run.stderr).toContain('"new\\nline": its extended attributes: user.note: Permission denied')
})
