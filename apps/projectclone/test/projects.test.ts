import { join } from 'node:path'
import type { SnapshotInfo } from '@arc/snapshot'
import { expect, test } from 'vitest'
import { makeScratch, type Scratch, writeApp } from './scratch.ts'

/** Two projects in the vault at home, `other` the newer; the command runs in `app`. */
async function twoProjects(): Promise<Scratch & { inOther: { cwd: string }; ids: { app: string; other: string } }> {
  const scratch = makeScratch()
  writeApp(scratch)
  scratch.write('other', { 'README.md': '# Other\n' })
  scratch.write('elsewhere', { x: 'x' })
  const inOther = { cwd: join(scratch.path, 'other') }
  const app = await scratch.json<{ snapshot: SnapshotInfo }>(['shared note', '--tag', 'v1'])
  const other = await scratch.json<{ snapshot: SnapshotInfo }>(['shared note', '--tag', 'v1', '--tag', 'own'], inOther)
  return Object.assign(scratch, { inOther, ids: { app: app.snapshot.id, other: other.snapshot.id } })
}

test('a name means a snapshot of the folder at hand, whatever else the vault holds', async () => {
  using scratch = await twoProjects()
  const { inOther, ids } = scratch
  for (const name of ['latest', 'v1', 'shared note', '2026']) {
    expect((await scratch.json<{ snapshot: SnapshotInfo }>(['show', name])).snapshot.id, name).toBe(ids.app)
    expect((await scratch.json<{ snapshot: SnapshotInfo }>(['show', name], inOther)).snapshot.id).toBe(ids.other)
  }
  const cat = await scratch.run(['cat', 'latest', 'README.md'])
  expect(cat).toMatchObject({ status: 0, stdout: '# App\n' })
  expect(cat.stderr).toBe(`app of 2026-01-01 00:01:00 UTC (${ids.app.slice(0, 12)})\n`)
  expect((await scratch.run(['cat', ids.app, 'README.md'])).stderr).toBe('')
  expect((await scratch.run(['ls', 'latest', '-q'])).stderr).toBe('')
  // What another folder has is found by its id, or by the name of the project.
  expect(await scratch.ok(['cat', ids.other.slice(0, 8), 'README.md'])).toBe('# Other\n')
  expect(await scratch.ok(['cat', 'latest', 'README.md', '--project', 'other'])).toBe('# Other\n')
  const own = await scratch.run(['show', 'own'])
  expect(own).toMatchObject({ status: 1, stdout: '' })
  expect(own.stderr).toMatch(/ARC_SNAPSHOT_UNKNOWN.*Other projects have it: [0-9a-f]{12} of other/s)
  await scratch.ok(['forget', 'latest', '--yes'])
  expect(await scratch.ok(['list'])).not.toContain(ids.app.slice(0, 12))
})

test('elsewhere a name that two projects have is refused, and both are named', async () => {
  using scratch = await twoProjects()
  const elsewhere = { cwd: join(scratch.path, 'elsewhere') }
  for (const args of [
    ['show'],
    ['ls', 'v1'],
    ['cat', 'shared note', 'x'],
    ['forget', '2026', '--yes'],
    ['at', 'latest', '--', 'true'],
  ]) {
    const refused = await scratch.run(args, elsewhere)
    expect(refused, args.join(' ')).toMatchObject({ status: 2, stdout: '' })
    expect(refused.stderr).toContain('ARC_SNAPSHOT_AMBIGUOUS')
    for (const project of ['app', 'other'])
      expect(refused.stderr).toMatch(new RegExp(`[0-9a-f]{12} of ${project} \\(2026`))
  }
  expect(await scratch.ok(['cat', 'own', 'README.md'], elsewhere)).toBe('# Other\n')
  await scratch.ok(['forget', scratch.ids.app, '--yes'], elsewhere)
  expect(await scratch.ok(['cat', 'latest', 'README.md'], elsewhere)).toBe('# Other\n')
})

test('no name and no place are told to be none, and a tag does not hide what is reserved', async () => {
  using scratch = await twoProjects()
  for (const args of [
    ['show', ''],
    ['forget', '', '--yes'],
    ['list', '--from', ''],
    ['--to', ''],
    ['copy', '--to', ''],
    ['diff', 'v1', ''],
  ])
    expect((await scratch.run(args)).status, args.join(' ')).toBe(2)
  for (const tag of ['latest', 'latest~2']) {
    expect((await scratch.run(['tag', 'v1', '--add', tag])).stderr).toContain('means the newest snapshot')
    expect((await scratch.run(['x', '--tag', tag])).status).toBe(2)
  }
  const nothing = await scratch.run(['tag', 'v1', '--remove', 'nope', '--add', 'more'])
  expect(nothing).toMatchObject({ status: 1, stdout: '' })
  expect(nothing.stderr).toMatch(/has no tag nope .*Its tags: v1\./s)
  expect(await scratch.ok(['show', 'v1'])).not.toContain('more')
})
