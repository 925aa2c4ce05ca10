import { chmodSync, mkdirSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { readTree } from '@arc/core/testing'
import type { SnapshotInfo } from '@arc/snapshot'
import { expect, test } from 'vitest'
import { makeScratch, type Scratch, writeApp } from './scratch.ts'

/** A project with two snapshots, and changes on disk since. */
async function twoSnapshots(): Promise<Scratch> {
  const scratch = makeScratch()
  writeApp(scratch)
  await scratch.ok(['first'])
  scratch.write('app', { 'README.md': '# App\n\nMore.\n', 'new file': 'new\n' })
  rmSync(join(scratch.path, 'app/logo.bin'))
  await scratch.ok(['second'])
  scratch.write('app', { 'src/main.ts': 'export const a = 1\n', bin: Uint8Array.of(0, 1, 2) })
  return scratch
}

test('list shows the snapshots, oldest first', async () => {
  using scratch = await twoSnapshots()
  const table = await scratch.ok(['list'])
  expect(table.split('\n')[0]).toMatch(/^Id +Time \(UTC\) +Project +Host +Files +Size +Added +Tags +Note$/)
  expect(table).toMatch(/first\n.*second\n$/s)
  expect(await scratch.ok(['list', '--last', '1'])).not.toContain('first')
  expect(await scratch.ok(['list', '--project', 'other'])).toBe('')
})

test('a snapshot is a line of the list, whatever it and its project are called', async () => {
  using scratch = await twoSnapshots()
  await scratch.ok(['snapshot', '--project', 'two\nlines', '--note', 'a\nb', '--tag', 'c\nd'])
  const lines = (await scratch.ok(['list'])).trimEnd().split('\n')
  expect(lines).toHaveLength(4)
  expect(lines[3]).toMatch(/two lines .* c d +a b$/)
  const long = 'of a long story '.repeat(100)
  await scratch.ok(['snapshot', '--note', long])
  expect((await scratch.ok(['list', '--last', '1'])).length).toBeLessThan(400)
  expect(await scratch.ok(['show'])).toContain(long.trimEnd())
  const empty = await scratch.run(['list', '--tag', 'other'])
  expect(empty).toMatchObject({ status: 0, stdout: '', stderr: 'no snapshots\n' })
})

test('a snapshot is found by id, place, tag, note and time', async () => {
  using scratch = await twoSnapshots()
  const [first, second] = (await scratch.json<{ snapshots: SnapshotInfo[] }>(['list'])).snapshots as [
    SnapshotInfo,
    SnapshotInfo,
  ]
  await scratch.ok(['tag', 'first', '--add', 'v1', '--add', 'x'])
  await scratch.ok(['tag', 'v1', '--remove', 'x'])
  const idOf = async (name: string): Promise<string> =>
    (await scratch.json<{ snapshot: SnapshotInfo }>(['show', name])).snapshot.id
  for (const name of [first.id, first.id.slice(0, 8), 'latest~1', 'v1', 'first', first.time.slice(0, 16)])
    expect(await idOf(name), name).toBe(first.id)
  expect(await idOf('latest')).toBe(second.id)
  expect(await scratch.ok(['show', 'v1'])).toMatch(
    /^snapshot {3}[0-9a-f]{64}\n.*^tags +v1\n.*^holds +10 files, 4 folders, 2 links/ms,
  )
  const unknown = await scratch.run(['show', 'nonsense'])
  expect(unknown).toMatchObject({ status: 1, stderr: expect.stringContaining('ARC_SNAPSHOT_UNKNOWN') as string })
})

test('ls and cat show what a snapshot holds', async () => {
  using scratch = await twoSnapshots()
  expect(await scratch.ok(['cat', 'first', 'README.md'])).toBe('# App\n')
  expect(await scratch.ok(['cat', 'latest', './README.md'])).toBe('# App\n\nMore.\n')
  expect((await scratch.run(['cat', 'first', 'logo.bin'])).stdoutBytes).toHaveLength(3000)
  expect(await scratch.ok(['ls', 'first', 'src'])).toMatch(
    /^Mode .*\nl777 .* src\/dangling -> nowhere\nd755 .* src\/deep\/\n-755 .* src\/main.ts\n-644 .* src\/readme\n$/,
  )
  expect(await scratch.ok(['ls', 'first'])).toContain('"caf\\xe9"')
  expect(await scratch.ok(['cat', 'first', '"caf\\xe9"'])).toBe('latin\n')
  expect((await scratch.run(['cat', 'first', 'src'])).stderr).toContain('src is a folder')
  expect((await scratch.run(['cat', 'first', 'link'])).stderr).toContain('a link to src/main.ts')
  expect((await scratch.run(['cat', 'first', 'no'])).stderr).toContain('ARC_ENTRY_MISSING')
})

test('find says in which snapshots something is', async () => {
  using scratch = await twoSnapshots()
  const found = await scratch.ok(['find', 'logo.bin', 'new*'])
  expect(found).toMatch(/ first\n.*logo.bin\n.* second\n.*new file\n$/s)
  expect(await scratch.ok(['find', 'deep'])).not.toContain('er/file')
  expect(await scratch.run(['find', 'nothing'])).toMatchObject({ status: 1, stdout: '', stderr: 'nothing found\n' })
  expect(await scratch.ok(['find', '*', '--larger', '2k', '--in', 'first'])).toContain('logo.bin')
  expect((await scratch.run(['find', '*', '--type', 'symlink', '--in', 'latest'])).stdout.match(/->/g)).toHaveLength(2)
  expect(await scratch.run(['find', '['])).toMatchObject({
    status: 2,
    stderr: expect.stringContaining('ARC_GLOB_INVALID') as string,
  })
})

test('status says what has changed on disk', async () => {
  using scratch = await twoSnapshots()
  const run = await scratch.run(['status', '--exit-code'])
  expect(run.status).toBe(1)
  expect(run.stdout).toBe('A bin\nM src/main.ts  (content, mtime)\n')
  expect(run.stderr).toMatch(/^1 added, 1 changed, 0 removed since [0-9a-f]{12} of 2026-01-01/)
  await scratch.ok([])
  expect(await scratch.run(['status', '--exit-code'])).toMatchObject({ status: 0, stdout: '' })
  const elsewhere = scratch.write('elsewhere', { file: '' })
  expect((await scratch.run(['status'], { cwd: elsewhere })).stderr).toContain('there is no snapshot of')
})

test('diff compares snapshots, and a snapshot with the disk', async () => {
  using scratch = await twoSnapshots()
  const changes = 'M README.md  (content, mtime)\nD logo.bin\nA new file\nM src/readme  (content, mtime)\n'
  expect(await scratch.ok(['diff', 'first', 'second'])).toBe(changes)
  expect(await scratch.ok(['diff', 'first', 'second', '--path', 'src/'])).toBe('M src/readme  (content, mtime)\n')
  expect(await scratch.ok(['diff'])).toBe('A bin\nM src/main.ts  (content, mtime)\n')
  const { totals } = await scratch.json<{ totals: object }>(['diff', 'first'])
  expect(totals).toEqual({ added: 2, changed: 3, removed: 1 })
  expect((await scratch.run(['diff', 'first', 'second', '--exit-code'])).status).toBe(1)
  expect((await scratch.run(['diff', 'second', 'second', '--exit-code'])).status).toBe(0)
})

test('diff tells of a path that is on neither side, and of no other', async () => {
  using scratch = await twoSnapshots()
  const unknown = [
    ['first', 'second', '--path', 'nope'],
    ['--path', 'nope'],
    ['--path', 'src', '--path', 'README'],
  ]
  for (const more of [...unknown, ['first', '--path', 'nope', '--patch'], ['--path', 'nope', '--json']]) {
    const { status, stderr } = await scratch.run(['diff', ...more])
    expect({ more, status }).toEqual({ more, status: 1 })
    expect(stderr).toMatch(/neither side has an entry (nope|README) \[ARC_ENTRY_MISSING\]/)
  }
  for (const path of ['logo.bin', 'new file', 'empty folder', 'src/deep/', '.', '"caf\\xe9"'])
    await scratch.ok(['diff', 'first', 'second', '--path', path])
  await scratch.ok(['snapshot', '--mode', 'copy', '--to', '../copies'])
  const inCopy = await scratch.run(['diff', '--from', '../copies', '--path', 'src', '--path', 'nope'])
  expect(inCopy).toMatchObject({ status: 1, stderr: expect.stringContaining('ARC_ENTRY_MISSING') as string })
})

test('git makes the first snapshot into the second with the patch', async () => {
  using scratch = makeScratch()
  const root = writeApp(scratch)
  await scratch.ok(['first'])
  scratch.tool('cp', '-a', root, join(scratch.path, 'copy'))
  scratch.write('app', { 'README.md': '# App\nMore, without an end', 'new file': 'new\n', 'src/deep/er/file': '' })
  rmSync(join(root, 'link'))
  symlinkSync('README.md', join(root, 'link'))
  rmSync(join(root, 'empty file'))
  symlinkSync('logo.bin', join(root, 'empty file'))
  rmSync(join(root, 'src/dangling'))
  scratch.tool('chmod', '755', 'app/größe ß.txt')
  await scratch.ok(['second'])
  const patch = await scratch.ok(['diff', 'first', 'second', '--patch'])
  scratch.write('.', { patch })
  mkdirSync(join(scratch.path, 'copy/.git-is-not-needed'))
  scratch.tool('git', '-C', 'copy', 'apply', '../patch')
  rmSync(join(scratch.path, 'copy/.git-is-not-needed'), { recursive: true })
  expect(readTree(join(scratch.path, 'copy'))).toEqual(readTree(root))
})

test('a patch is coloured for a person', async () => {
  using scratch = await twoSnapshots()
  const patch = await scratch.ok(['diff', '--patch', '--color'])
  expect(patch).toContain('\u001b[32m+export const a = 1\u001b[39m')
  expect(patch).toContain('GIT binary patch\n')
  expect((await scratch.run(['diff', '--patch', '--json'])).status).toBe(2)
})

test('git apply takes a patch with everything there is in it, forth and back', async () => {
  using scratch = makeScratch()
  const noise = (length: number, factor: number): Uint8Array =>
    Uint8Array.from({ length }, (_, i) => (i * i * factor) % 256)
  const root = scratch.write('app', {
    'text.txt': 'one\ntwo\n',
    script: '#!/bin/sh\n',
    changed: noise(5000, 3),
    'gone.bin': noise(100, 5),
    'gone empty': '',
    'was a file': 'file\n',
    same: noise(10, 7),
  })
  symlinkSync('text.txt', join(root, 'link'))
  symlinkSync('text.txt', join(root, 'was a link'))
  await scratch.ok(['first'])
  for (const name of ['link', 'was a link', 'was a file', 'gone.bin', 'gone empty']) rmSync(join(root, name))
  scratch.write('app', {
    'text.txt': 'one\nthree',
    changed: noise(4000, 11),
    'new.bin': noise(53, 13),
    'größe/new empty': '',
    'was a link': noise(77, 17),
  })
  chmodSync(join(root, 'script'), 0o755)
  symlinkSync('script', join(root, 'link'))
  symlinkSync('script', join(root, 'was a file'))
  await scratch.ok(['second'])
  for (const [name, snapshots] of [
    ['forth', ['first', 'second']],
    ['back', ['second', 'first']],
  ] as const) {
    scratch.write('.', { [`${name}.patch`]: await scratch.ok(['diff', ...snapshots, '--patch']) })
    for (const [i, snapshot] of snapshots.entries()) {
      const tree = join(scratch.path, `${name}${i}`)
      await scratch.ok(['at', snapshot, '--', 'cp', '-a', '.', tree])
      scratch.tool('git', 'init', '-q', tree)
    }
    const git = (...args: string[]): string => scratch.tool('git', '-C', `${name}0`, ...args)
    const tree = (i: number): unknown =>
      readTree(join(scratch.path, `${name}${i}`)).filter(
        ({ path, type }) => type !== 'directory' && !path.startsWith('.git/'),
      )
    const before = tree(0)
    git('apply', `../${name}.patch`)
    expect(tree(0)).toEqual(tree(1))
    git('apply', '--reverse', `../${name}.patch`)
    expect(tree(0)).toEqual(before)
  }
})
