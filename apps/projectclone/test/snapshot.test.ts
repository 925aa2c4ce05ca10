import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readTree } from '@arc/core/testing'
import { restoreNew } from '@arc/restore-safe'
import { openVault, resolveSnapshot, type SnapshotInfo, type SnapshotPlan, type SnapshotResult } from '@arc/snapshot'
import { directoryBackend } from '@arc/storage'
import { expect, test } from 'vitest'
import { makeScratch, type Scratch, writeApp } from './scratch.ts'

const home = (scratch: Scratch): string => join(scratch.path, '.home/project_backups/vault')

async function restored(scratch: Scratch, name = 'latest', vault = home(scratch)): Promise<string> {
  await using opened = await openVault(directoryBackend(vault))
  const { id } = await resolveSnapshot(opened, name)
  await using source = await opened.open(id)
  const target = join(scratch.path, `back-${id.slice(0, 8)}`)
  await restoreNew(source, target, { links: 'keep' })
  return target
}

test('everything there is comes back as it was', async () => {
  using scratch = makeScratch()
  const root = writeApp(scratch)
  const run = await scratch.run(['before', 'the', 'merge'])
  expect(run.status, run.stderr).toBe(0)
  expect(run.stdout).toMatch(/^[0-9a-f]{12}\n$/)
  expect(run.stderr).toContain('made a new vault, without encryption')
  const back = await restored(scratch)
  expect(readTree(back)).toEqual(readTree(root))
  scratch.tool('diff', '-r', '--no-dereference', root, back)
})

test('the result is plain data with its version', async () => {
  using scratch = makeScratch()
  writeApp(scratch)
  const { stdout } = await scratch.run(['a note', '--tag', 'one', '--tag', 'two', '--json'])
  const { snapshot, ...rest } = JSON.parse(stdout) as SnapshotResult
  expect(rest).toEqual({ schemaVersion: 1, isChanged: true })
  expect(snapshot).toMatchObject({
    project: 'app',
    note: 'a note',
    tags: ['one', 'two'],
    path: join(scratch.path, 'app'),
  })
  expect(snapshot.statistics).toMatchObject({ files: 10, symlinks: 2 })
})

test('what has not changed is not read again, and what has is stored', async () => {
  using scratch = makeScratch()
  writeApp(scratch)
  // Timestamps are trusted once they are old enough.
  const now = Date.now() + 10_000
  await scratch.ok([], { now })
  const again = await scratch.json<SnapshotResult>([], { now: now + 1 })
  expect(again).toMatchObject({ isChanged: false, snapshot: { statistics: { unchangedFiles: 10 } } })
  scratch.write('app', { 'src/main.ts': 'changed\n' })
  const changed = await scratch.json<SnapshotResult>([], { now: now + 2 })
  expect(changed).toMatchObject({ isChanged: true, snapshot: { statistics: { unchangedFiles: 9 } } })
  const paranoid = await scratch.json<SnapshotResult>(['--paranoid'], { now: now + 3 })
  expect(paranoid).toMatchObject({ isChanged: false, snapshot: { statistics: { unchangedFiles: 0 } } })
  expect(readTree(await restored(scratch))).toEqual(readTree(join(scratch.path, 'app')))
})

test('what was too young to be trusted is read once more, not for ever', async () => {
  using scratch = makeScratch()
  const now = Date.now() // before anything is written, however long that takes
  writeApp(scratch)
  const unchangedFiles: number[] = []
  for (const laterMs of [0, 10_000, 10_001]) {
    const { snapshot } = await scratch.json<SnapshotResult>([], { now: now + laterMs })
    unchangedFiles.push(snapshot.statistics.unchangedFiles)
  }
  expect(unchangedFiles).toEqual([0, 0, 10])
})

test('a dry run says what would be stored, and writes nothing', async () => {
  using scratch = makeScratch()
  writeApp(scratch)
  await scratch.ok([])
  scratch.write('app', { new: 'new\n', 'src/main.ts': 'changed, and longer\n' })
  const before = readTree(join(scratch.path, '.home'))
  expect(await scratch.ok(['snapshot', '--dry-run'])).toBe(
    '+ new\n~ src/main.ts\nwould store: 1 added, 1 changed, 0 removed; 24 B to read\n',
  )
  const plan = await scratch.json<SnapshotPlan>(['snapshot', '-n'])
  expect(plan.totals).toMatchObject({ added: 1, changed: 1, removed: 0 })
  expect(readTree(join(scratch.path, '.home'))).toEqual(before)
  const { snapshot } = await scratch.json<SnapshotResult>(['snapshot'])
  const { files, directories, symlinks } = snapshot.statistics
  expect(plan.totals.entries).toBe(files + directories + symlinks)
})

test.each([
  {
    args: [],
    kept: [
      '.gitignore',
      '.projectcloneignore',
      'a.log',
      'build/CACHEDIR.TAG',
      'build/out',
      'ignored',
      'sub/keep.tmp',
      'sub/.projectcloneignore',
    ],
  },
  {
    args: ['--no-ignore-file'],
    kept: [
      '.gitignore',
      '.projectcloneignore',
      'a.log',
      'a.tmp',
      'build/CACHEDIR.TAG',
      'build/out',
      'ignored',
      'sub/.projectcloneignore',
      'sub/keep.tmp',
    ],
  },
  {
    args: ['--gitignore'],
    kept: [
      '.gitignore',
      '.projectcloneignore',
      'a.log',
      'build/CACHEDIR.TAG',
      'build/out',
      'sub/keep.tmp',
      'sub/.projectcloneignore',
    ],
  },
  {
    args: ['--exclude', '*.log', '--exclude', 'sub'],
    kept: ['.gitignore', '.projectcloneignore', 'build/CACHEDIR.TAG', 'build/out', 'ignored'],
  },
  {
    args: ['--exclude-caches'],
    kept: [
      '.gitignore',
      '.projectcloneignore',
      'a.log',
      'build/CACHEDIR.TAG',
      'ignored',
      'sub/keep.tmp',
      'sub/.projectcloneignore',
    ],
  },
  {
    args: ['--exclude-if-present', 'keep.tmp'],
    kept: ['.gitignore', '.projectcloneignore', 'a.log', 'build/CACHEDIR.TAG', 'build/out', 'ignored'],
  },
  {
    args: ['--exclude-larger-than', '40'],
    kept: [
      '.gitignore',
      '.projectcloneignore',
      'a.log',
      'build/out',
      'ignored',
      'sub/keep.tmp',
      'sub/.projectcloneignore',
    ],
  },
])('$args leaves out what it says', async ({ args, kept }) => {
  using scratch = makeScratch()
  scratch.write('app', {
    '.gitignore': 'ignored\n',
    '.projectcloneignore': '*.tmp\n',
    'a.log': 'a\n',
    'a.tmp': 'a\n',
    'build/CACHEDIR.TAG': 'Signature: 8a477f597d28d172789f06886806bc55\n',
    'build/out': 'o\n',
    ignored: 'i\n',
    'sub/.projectcloneignore': '!keep.tmp\n',
    'sub/keep.tmp': 'k\n',
  })
  await scratch.ok(['snapshot', ...args])
  const { entries } = await scratch.json<{ entries: { path: string; type: string }[] }>(['ls', 'latest', '-R'])
  expect(entries.flatMap(({ path, type }) => (type === 'file' ? [path] : []))).toEqual(kept.toSorted())
})

test('a vault inside the project is not part of it, nor is the project part of a vault', async () => {
  using scratch = makeScratch()
  writeApp(scratch)
  symlinkSync('backups', join(scratch.path, 'app/other-way'))
  mkdirSync(join(scratch.path, 'app/backups'))
  await scratch.ok(['--to', 'other-way/vault'])
  await scratch.ok(['--to', 'backups/vault'])
  const entries = await scratch.ok(['ls', '-R', '--from', 'backups/vault'])
  expect(entries).toMatch(/ backups\/\n/)
  expect(entries).not.toContain('vault')
  const inside = await scratch.run(['snapshot', 'backups/vault', '--to', 'backups/vault'])
  expect(inside).toMatchObject({ status: 2, stderr: expect.stringContaining('lies in the vault') as string })
})

test('a vault is made only where nothing else can be meant', async () => {
  using scratch = makeScratch()
  writeApp(scratch)
  const refused = async (...args: string[]): Promise<void> => {
    const { status, stderr } = await scratch.run(args)
    expect({ status, isSaid: stderr.includes('ARC_VAULT_NOT_FOUND') }, stderr).toEqual({ status: 1, isSaid: true })
  }
  await refused('--to', join(scratch.path, 'no/such/folder'))
  scratch.write('full', { file: 'x' })
  await refused('--to', join(scratch.path, 'full'))
  await scratch.ok(['--to', join(scratch.path, 'disk')])
  // The disk is not mounted any more: nothing must be written to the folder below.
  renameSync(join(scratch.path, 'disk'), join(scratch.path, 'elsewhere'))
  mkdirSync(join(scratch.path, 'disk'))
  await refused('--to', join(scratch.path, 'disk'))
  expect(readdirSync(join(scratch.path, 'disk'))).toEqual([])
})

test('ARC_VAULT names the vault', async () => {
  using scratch = makeScratch()
  writeApp(scratch)
  const env = { ...scratch.env, ARC_VAULT: join(scratch.path, 'mine') }
  await scratch.ok(['x'], { env })
  expect(await scratch.ok(['list'], { env })).toContain('app')
  expect(existsSync(home(scratch))).toBe(false)
})

test('two folders of one name are two projects', async () => {
  using scratch = makeScratch()
  writeApp(scratch)
  const other = scratch.write('other/app', { file: 'x' })
  await scratch.ok([])
  await scratch.ok([], { cwd: other })
  await scratch.ok([])
  const { snapshots } = await scratch.json<{ snapshots: SnapshotInfo[] }>(['list'])
  expect(snapshots.map(({ project }) => project)).toEqual(['app', 'other/app', 'app'])
  await scratch.ok(['forget', '--keep-last', '1', '--yes'])
  expect((await scratch.json<{ snapshots: SnapshotInfo[] }>(['list'])).snapshots).toHaveLength(2)
})

test('a folder of another user with the same name, of which only the vault tells, is another project', async () => {
  using scratch = makeScratch()
  writeApp(scratch)
  const other = scratch.write('bob/app', { file: 'x' })
  const vault = join(scratch.path, 'shared')
  const bob = { cwd: other, env: { ...scratch.env, HOME: join(scratch.path, 'home of bob') } }
  await scratch.ok(['--to', vault])
  const dry = await scratch.run(['--to', vault, '--dry-run'], bob)
  expect(dry.stderr).toContain('it would be the first snapshot of bob/app')
  const first = await scratch.run(['--to', vault], bob)
  expect(first.stderr).toContain('this folder is kept there as bob/app')
  expect((await scratch.run(['--to', vault], bob)).stderr).not.toContain('kept there as')
  await scratch.ok(['--to', vault])
  // Whose state is lost is known by the path that is recorded.
  rmSync(join(scratch.path, 'home of bob'), { recursive: true, force: true })
  await scratch.ok(['--to', vault], bob)
  const { snapshots } = await scratch.json<{ snapshots: SnapshotInfo[] }>(['list', '--from', vault])
  expect(snapshots.map(({ project }) => project)).toEqual(['app', 'bob/app', 'bob/app', 'app', 'bob/app'])
  await scratch.ok(['forget', '--from', vault, '--keep-last', '1', '--yes'], bob)
  const left = await scratch.json<{ snapshots: SnapshotInfo[] }>(['list', '--from', vault])
  expect(left.snapshots.map(({ path }) => path)).toEqual([join(scratch.path, 'app'), other])
})

test('a folder that was moved stays the project that it was, and what else is judged with it is told', async () => {
  using scratch = makeScratch()
  writeApp(scratch)
  await scratch.ok([])
  const moved = join(scratch.path, 'elsewhere/app')
  mkdirSync(join(scratch.path, 'elsewhere'))
  renameSync(join(scratch.path, 'app'), moved)
  await scratch.ok([], { cwd: moved })
  const { snapshots } = await scratch.json<{ snapshots: SnapshotInfo[] }>(['list'], { cwd: moved })
  expect(snapshots.map(({ project }) => project)).toEqual(['app', 'app'])
  const forget = await scratch.run(['forget', '--keep-last', '1', '--dry-run'], { cwd: moved })
  expect(forget.stderr).toContain(`its snapshots are of ${moved} and ${join(scratch.path, 'app')}`)
})

test('what is no file, folder or link is told, with status 4', async () => {
  using scratch = makeScratch()
  writeApp(scratch)
  scratch.tool('mkfifo', 'app/pipe')
  const run = await scratch.run([])
  expect(run.status).toBe(4)
  expect(run.stderr).toContain('pipe: a pipe')
  expect(run.stdout).toMatch(/^[0-9a-f]{12}\n$/)
})

test('the commit is recorded, and .git is kept', async () => {
  using scratch = makeScratch()
  writeApp(scratch)
  const git = (...args: string[]): string => scratch.tool('git', '-C', 'app', ...args)
  git('init', '-q', '-b', 'main')
  git('-c', 'user.name=a', '-c', 'user.email=a@b', 'commit', '-q', '--allow-empty', '-m', 'x')
  const { snapshot } = await scratch.json<SnapshotResult>([])
  expect(snapshot.git).toEqual({ branch: 'main', commit: git('rev-parse', 'HEAD').trim() })
  expect(await scratch.ok(['ls', 'latest', '.git'])).toContain('.git/HEAD')
})

test('a folder that cannot be a project is refused', async () => {
  using scratch = makeScratch()
  writeApp(scratch)
  expect((await scratch.run(['snapshot', '/'])).status).toBe(2)
  expect((await scratch.run(['snapshot', 'nowhere'])).stderr).toContain('ARC_NOT_FOUND')
  expect((await scratch.run(['snapshot', 'README.md'])).stderr).toContain('ARC_NOT_A_DIRECTORY')
  writeFileSync(join(scratch.path, 'vault'), 'a file')
  expect((await scratch.run(['--to', join(scratch.path, 'vault')])).status).toBe(1)
  chmodSync(join(scratch.path, 'vault'), 0o600)
})

test('--one-file-system does not enter what is mounted', async ({ skip }) => {
  using scratch = makeScratch()
  const root = writeApp(scratch)
  const mounted = join(root, 'mounted')
  mkdirSync(mounted)
  const { status, stderr } = spawnSync('mount', ['-t', 'tmpfs', 'tmpfs', mounted], { encoding: 'utf8' })
  if (status !== 0) return skip(`nothing can be mounted here: ${stderr}`)
  try {
    writeFileSync(join(mounted, 'elsewhere'), 'on another file system\n')
    const inside = await scratch.json<SnapshotResult>(['--one-file-system'])
    expect(inside.snapshot.statistics).toMatchObject({ files: 10 })
    expect(existsSync(join(await restored(scratch), 'mounted'))).toBe(true)
    const all = await scratch.json<SnapshotResult>([])
    expect(all.snapshot.statistics).toMatchObject({ files: 11 })
  } finally {
    spawnSync('umount', [mounted])
  }
})

test('a word that is nearly a command is no note, unless that is said', async () => {
  using scratch = makeScratch()
  writeApp(scratch)
  for (const line of [['stauts'], ['--tag', 'x', 'lst'], ['Status', '--json']]) {
    const { status, stderr } = await scratch.run(line)
    expect({ line, status }).toEqual({ line, status: 2 })
    expect(stderr).toContain('[ARC_ARGUMENT_INVALID]')
  }
  const { stderr } = await scratch.run(['stauts'])
  expect(stderr).toBe(
    'projectclone: no command is called stauts [ARC_ARGUMENT_INVALID]\n' +
      'hint: Did you mean status? To take a snapshot with this note: projectclone snapshot --note stauts\n',
  )
  expect(existsSync(home(scratch))).toBe(false)
  for (const line of [
    ['snapshot', '--note', 'stauts'],
    ['save', 'stauts'],
    ['--', 'stauts'],
    ['stauts', 'quo'],
  ])
    await scratch.ok(line)
  const { snapshots } = await scratch.json<{ snapshots: SnapshotInfo[] }>(['list'])
  expect(snapshots.map(({ note }) => note)).toEqual(['stauts', 'stauts', 'stauts', 'stauts quo'])
})

test('what a snapshot is called is never nothing', async () => {
  using scratch = makeScratch()
  writeApp(scratch)
  const lines = [
    ['snapshot', '--tag', ''],
    ['snapshot', '--project='],
    ['list', '--tag', ''],
    ['tag', 'latest', '--add', ' '],
    ['forget', '--keep-tag', '', '--yes'],
    ['snapshot', '--before', ''],
    ['snapshot', '--after', ''],
    ['repair', '--with', '', '--yes'],
    ['key', 'new-signer', ''],
  ]
  for (const line of lines) {
    const { status, stderr } = await scratch.run(line)
    expect({ line, status }).toEqual({ line, status: 2 })
    expect(stderr).toMatch(/" ?" names nothing \[ARC_(?:OPTION|ARGUMENT)_INVALID\]/)
  }
  for (const name of ['', '..', 'a/b'])
    expect((await scratch.run(['snapshot', '--exclude-if-present', name])).stderr).toContain('is no name of a file')
  expect(await scratch.run(['run', '--', ''])).toMatchObject({
    status: 126,
    stderr: expect.stringContaining("cannot run '': it has no name") as string,
  })
})

test('a vault is made also where somebody else is about to make it', async () => {
  using scratch = makeScratch()
  writeApp(scratch)
  mkdirSync(join(home(scratch), '.arc-tmp'), { recursive: true })
  await scratch.ok(['the first'])
  expect(await scratch.ok(['verify'])).toMatch(/^intact: 1 snapshot/)
})
