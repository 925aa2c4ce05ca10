import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { SnapshotInfo } from '@arc/snapshot'
import { expect, test } from 'vitest'
import { makeScratch, type Scratch, writeApp } from './scratch.ts'

const LEFT_OUT = ['--exclude', '*.log', '--exclude', 'it’s odd/', '--exclude-larger-than', '2k', '--exclude-caches']
const SELECTION = { exclude: ['*.log', 'it’s odd/'], maxSizeBytes: 2048, excludeCaches: true }

/** A project of which options leave something out. */
function withNoise(): Scratch {
  const scratch = makeScratch()
  writeApp(scratch)
  scratch.write('app', {
    'a.log': 'x',
    'it’s odd/file': 'x',
    'cache/CACHEDIR.TAG': 'Signature: 8a477f597d28d172789f06886806bc55\n',
    'cache/file': 'x',
  })
  return scratch
}

const newest = async (scratch: Scratch): Promise<SnapshotInfo> =>
  (await scratch.json<{ snapshot: SnapshotInfo }>(['show'])).snapshot

test('a snapshot remembers what it was told to leave out, and comparisons go by it', async () => {
  using scratch = withNoise()
  await scratch.ok(['snapshot', ...LEFT_OUT])
  expect((await newest(scratch)).selection).toEqual(SELECTION)
  expect(await scratch.ok(['show'])).toContain(
    "\nleft out   '--exclude=*.log' '--exclude=it’s odd/' --exclude-larger-than=2048 --exclude-caches\n",
  )
  for (const command of ['status', 'diff']) {
    expect(await scratch.run([command, '--exit-code'])).toMatchObject({ status: 0, stdout: '' })
    // What is given wins, for itself and for all that was remembered.
    expect(await scratch.ok([command, '--exclude', 'cache/file'])).toBe(
      ['a.log', 'it’s odd/', 'it’s odd/file', 'logo.bin'].map((path) => `A ${path}\n`).join(''),
    )
  }
  scratch.write('app', { 'new.txt': 'new\n', 'new.log': 'new\n' })
  expect(await scratch.ok(['diff', 'latest'])).toBe('A new.txt\n')
})

test('a snapshot is taken as its options say; without any it holds everything, and says nothing', async () => {
  using scratch = withNoise()
  await scratch.ok(['snapshot', ...LEFT_OUT])
  await scratch.ok(['everything'])
  expect(await newest(scratch)).not.toHaveProperty('selection')
  expect(await scratch.ok(['ls', 'latest'])).toContain('a.log')
  await scratch.ok(['snapshot', '--gitignore', '--no-ignore-file', '--one-file-system', '--exclude-if-present', 'x'])
  const selection = { gitignore: true, ignoreFile: false, oneFileSystem: true, excludeIfPresent: ['x'] }
  expect((await newest(scratch)).selection).toEqual(selection)
})

test('run leaves out what the snapshot before left out, unless it is told what', async () => {
  using scratch = withNoise()
  await scratch.ok(['snapshot', ...LEFT_OUT])
  await scratch.ok(['run', '--', 'sh', '-c', 'echo 1 > one.log; echo 1 > one.txt'])
  expect(await newest(scratch)).toMatchObject({ selection: SELECTION, run: { changes: { added: 1 } } })
  await scratch.ok(['run', '--exclude', 'one.*', '--', 'true'])
  expect((await newest(scratch)).selection).toEqual({ exclude: ['one.*'] })
})

test('a schedule takes them as the last one was taken, unless it is told how', async () => {
  using scratch = withNoise()
  await scratch.ok(['snapshot', ...LEFT_OUT])
  const cron = await scratch.ok(['schedule', '--at', '12:00', '--emit', 'cron'])
  expect(cron).toContain("'--exclude=*.log'")
  expect(cron).toContain('--exclude-larger-than=2048 --exclude-caches')
  const other = await scratch.ok(['schedule', '--at', '12:00', '--emit', 'cron', '--gitignore'])
  expect(other).toMatch(/snapshot [^\n]* --gitignore(?!.*--exclude)/)
})

test.each(['copy', 'link', 'archive'])('a snapshot kept as %s remembers it, too', async (mode) => {
  using scratch = withNoise()
  await scratch.ok(['snapshot', '--mode', mode, '--to', '../kept', ...LEFT_OUT])
  expect(await scratch.run(['status', '--from', '../kept'])).toMatchObject({ status: 0, stdout: '' })
  await scratch.ok(['import', '--from', '../kept'])
  expect((await newest(scratch)).selection).toEqual(SELECTION)
})

test('a copy in another vault remembers it, and the second reader of the format reads it', async () => {
  using scratch = withNoise()
  await scratch.ok(['snapshot', ...LEFT_OUT])
  await scratch.ok(['init', '../second'])
  await scratch.ok(['copy', '--to', '../second'])
  const { snapshot } = await scratch.json<{ snapshot: SnapshotInfo }>(['show', '--from', '../second'])
  expect(snapshot.selection).toEqual(SELECTION)
  const name = `${String(snapshot.sequence).padStart(10, '0')}-${snapshot.id}`
  const [line = ''] = readFileSync(join(scratch.path, 'second/snapshots', name), 'utf8').split('\n')
  expect((JSON.parse(line) as SnapshotInfo).selection).toEqual(SELECTION)
  const reader = join(import.meta.dirname, '../../../tools/read_vault.py')
  const { stdout, status } = spawnSync('python3', ['-B', reader, 'list', join(scratch.path, 'second'), snapshot.id], {
    encoding: 'utf8',
  })
  expect(status).toBe(0)
  expect(stdout).not.toContain('a.log')
})

test('a glob that is none is told before anything is done', async () => {
  using scratch = withNoise()
  const run = await scratch.run(['snapshot', '--exclude', '[', '--before', 'touch ran'])
  expect(run).toMatchObject({ status: 2, stderr: expect.stringContaining('--exclude: ') as string })
  expect(run.stderr).toContain('[ARC_GLOB_INVALID]')
  expect(await scratch.run(['list'])).toMatchObject({ status: 1 })
})

test('--gitignore keeps what git lists and its history, but for what .projectcloneignore names', async () => {
  using scratch = withNoise()
  const git = (...args: string[]): string =>
    scratch.tool('git', '-C', 'app', '-c', 'user.name=a', '-c', 'user.email=a@b', ...args)
  git('init', '-q')
  scratch.write('app', { '.gitignore': '*.log\nbuild/\n', 'build/kept': 'x', 'build/made': 'x', 'b.log': 'x', c: 'x' })
  git('add', '-f', 'a.log', 'build/kept', 'b.log')
  git('commit', '-qm', 'one')
  scratch.write('app', { '.projectcloneignore': 'b.log\nc\n' })
  await scratch.ok(['snapshot', '--gitignore'])
  const { entries } = await scratch.json<{ entries: { path: string; type: string }[] }>(['ls', 'latest', '-R'])
  const files = entries.filter(({ path, type }) => type !== 'directory' && !path.startsWith('.git/'))
  const listed = git('ls-files', '-coz', '--exclude-standard').split('\0').slice(0, -1)
  const wanted = listed.filter((path) => path !== 'b.log' && path !== 'c')
  const inBytes = (paths: readonly string[]): string[] => paths.filter((path) => !path.startsWith('caf')).toSorted()
  expect(inBytes(files.map(({ path }) => path))).toEqual(inBytes(wanted))
  expect(files).toHaveLength(wanted.length)
  expect(wanted).toContain('build/kept')
  expect(entries.map(({ path }) => path)).toContain('.git/HEAD')
  expect(await scratch.run(['status'])).toMatchObject({ status: 0, stdout: '' })
})
