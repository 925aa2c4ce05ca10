import { existsSync, mkdirSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { readTree } from '@arc/core/testing'
import type { SnapshotInfo } from '@arc/snapshot'
import { expect, test } from 'vitest'
import { makeScratch, type Scratch, writeApp } from './scratch.ts'

const folder = (scratch: Scratch): string => join(scratch.path, '.home/project_backups/snapshots')
const trees = (scratch: Scratch): string[] =>
  readdirSync(folder(scratch)).filter((name) => !/\.(?:jsonl?|sha256)$/.test(name))

test.each(['copy', 'link'])('--mode %s keeps plain trees, and every verb reads them', async (mode) => {
  using scratch = makeScratch()
  const root = writeApp(scratch)
  // Timestamps are trusted once they are old enough.
  const now = Date.now() + 10_000
  await scratch.ok(['snapshot', '--mode', mode, '-m', 'first', '--tag', 'v1'], { now })
  scratch.write('app', { 'src/main.ts': 'changed, and longer\n' })
  await scratch.ok(['second', '--mode', mode], { now: now + 1000 })
  const names = trees(scratch)
  expect(names).toHaveLength(2)
  expect(readTree(join(folder(scratch), names[1] as string))).toEqual(readTree(root))
  const [a, b] = names.map((name) => statSync(join(folder(scratch), name, 'logo.bin')).ino)
  expect(a === b).toBe(mode === 'link')
  const from = ['--from', folder(scratch)]
  expect(await scratch.ok(['list', ...from])).toMatch(/first\n.*second\n$/s)
  expect(await scratch.ok(['cat', 'v1', 'src/main.ts', ...from])).toBe('export {}\n')
  expect(await scratch.ok(['diff', 'first', 'second', ...from])).toBe('M src/main.ts  (content, mtime)\n')
  expect(await scratch.ok(['status', ...from])).toBe('')
  expect(await scratch.ok(['find', 'logo.bin', ...from])).toContain('second')
  expect(await scratch.ok(['verify', '--read-data', ...from])).toMatch(/^intact: 2 snapshots/)
  await scratch.ok(['forget', '--keep-last', '1', '--yes', ...from])
  expect(trees(scratch)).toEqual([names[1]])
  expect(await scratch.ok(['verify', '--read-data', ...from])).toMatch(/^intact: 1 snapshot/)
})

test.each(['tar', 'tar.gz', 'tar.zst', 'tar.lz4', 'zip'])('--format %s keeps an archive', async (format) => {
  using scratch = makeScratch()
  writeApp(scratch)
  await scratch.ok(['x', '--format', format])
  expect(trees(scratch)).toEqual([expect.stringMatching(new RegExp(`\\.${format.replace('.', '\\.')}$`))])
  // What sha256sum checks the archive by, and what is unpacked from it.
  const [archive = ''] = trees(scratch)
  const check = (cwd: string, sums: string): string =>
    scratch.tool('sh', '-c', `cd '${cwd}' && sha256sum -c '${join(folder(scratch), sums)}'`)
  expect(check(folder(scratch), `${archive}.sha256`)).toBe(`${archive}: OK\n`)
  expect(check(join(scratch.path, 'app'), `${archive}.contents.sha256`).match(/: OK$/gm)).toHaveLength(10)
  const from = ['--from', folder(scratch)]
  expect(await scratch.ok(['cat', 'latest', 'src/main.ts', ...from])).toBe('export {}\n')
  expect(await scratch.ok(['verify', '--read-data', ...from])).toMatch(/^intact: 1 snapshot/)
  const { snapshots } = await scratch.json<{ snapshots: SnapshotInfo[] }>(['list', ...from])
  expect(snapshots).toMatchObject([{ note: 'x', project: 'app' }])
  await scratch.ok(['forget', 'latest', '--yes', ...from])
  expect(readdirSync(folder(scratch))).toEqual([])
})

test('a folder of something else, and a vault, are not written into', async () => {
  using scratch = makeScratch()
  writeApp(scratch)
  const refused = async (args: string[], status: number): Promise<void> => {
    const run = await scratch.run(args)
    expect({ status: run.status, stdout: run.stdout }, run.stderr).toEqual({ status, stdout: '' })
  }
  await scratch.ok([])
  await refused(['--mode', 'copy', '--to', join(scratch.path, '.home/project_backups/vault')], 1)
  await refused(['--mode', 'copy', '--to', 'src'], 1)
  await refused(['--mode', 'copy', '--to', 's3://bucket/x'], 2)
  await refused(['--mode', 'link', '--format', 'zip'], 2)
  mkdirSync(join(scratch.path, 'app/backups'))
  await scratch.ok(['--mode', 'copy', '--to', 'backups'])
  await scratch.ok(['--mode', 'copy', '--to', 'backups'])
  expect(await scratch.ok(['ls', 'latest', '-R', '--from', 'backups'])).not.toContain('backups/')
})

test('a vault and a folder of snapshots are for nobody else to look into', async () => {
  using scratch = makeScratch()
  writeApp(scratch)
  await scratch.ok(['x'])
  await scratch.ok(['x', '--mode', 'copy'])
  await scratch.ok(['init', '../made/vault'])
  const home = join(scratch.path, '.home/project_backups')
  for (const path of [home, join(home, 'vault'), folder(scratch), join(scratch.path, 'made/vault')])
    expect(statSync(path).mode & 0o777, path).toBe(0o700)
})

test('a dry run before the first snapshot shows what it would store, and makes nothing', async () => {
  using scratch = makeScratch()
  scratch.write('app', { a: 'one', 'folder/b': 'two' })
  for (const mode of [
    [],
    ['--mode', 'vault'],
    ['--mode', 'copy'],
    ['--mode', 'link'],
    ['--format', 'zip'],
    ['--to', '../v'],
  ]) {
    const run = await scratch.run(['snapshot', '--dry-run', ...mode])
    expect(run, run.stderr).toMatchObject({
      status: 0,
      stdout: '+ a\n+ folder\n+ folder/b\nwould store: 3 added, 0 changed, 0 removed; 6 B to read\n',
    })
    expect(run.stderr).toContain('it would be the first snapshot of app at ')
  }
  expect(existsSync(join(scratch.path, '.home/project_backups'))).toBe(false)
  expect(existsSync(join(scratch.path, 'v'))).toBe(false)
  scratch.write('.', { 'full/of': 'something else' })
  expect((await scratch.run(['snapshot', '--dry-run', '--to', '../full'])).status).toBe(1)
})

test('the short form takes a note and a dry run as options, too', async () => {
  using scratch = makeScratch()
  writeApp(scratch)
  expect(await scratch.ok(['-n'])).toMatch(/would store: 1\d added/)
  expect((await scratch.run(['list'])).status).toBe(1)
  await scratch.ok(['-m', 'stauts'])
  await scratch.ok(['--note', 'of two words'])
  expect(await scratch.ok(['list'])).toMatch(/stauts\n.*of two words\n$/s)
  expect((await scratch.run(['-m', 'one', 'and', 'more'])).status).toBe(2)
})
