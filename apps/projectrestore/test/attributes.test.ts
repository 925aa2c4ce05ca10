import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, type Stats, statSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { writeArchiveFile } from '@arc/archive/node'
import { openDirectory } from '@arc/collect'
import { bytesContent, type EntryPath, type ExtendedAttribute, memorySource } from '@arc/core'
import { readTree } from '@arc/core/testing'
import { createVault } from '@arc/snapshot'
import { directoryBackend } from '@arc/storage'
import { expect, test } from 'vitest'
import { makeScratch, type Scratch } from './scratch.ts'

const SELF = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 }

/** A project with an attribute, an access list and a sparse file. */
function writeProject(scratch: Scratch): string {
  const root = scratch.write('app', { a: 'content', 'folder/b': 'content' })
  scratch.tool('setfattr', '-n', 'user.note', '-v', 'one', 'app/a')
  scratch.tool('setfattr', '-n', 'user.note', '-v', 'two', 'app/folder')
  truncateSync(join(scratch.write('app', { sparse: '' }), 'sparse'), 10 * 2 ** 20)
  return root
}

function note(scratch: Scratch, path: string): string {
  const flags = ['--only-values', '--absolute-names', '-n', 'user.note']
  try {
    return execFileSync('getfattr', [...flags, join(scratch.path, path)], { stdio: 'pipe' }).toString()
  } catch {
    return ''
  }
}

async function writeTar(
  scratch: Scratch,
  owner: { uid: number; gid: number },
  names: readonly string[],
): Promise<void> {
  const xattrs = names.map((name): ExtendedAttribute => ({ name: name as EntryPath, value: Buffer.from('x') }))
  const content = Buffer.from('content')
  const entry = { path: 'a' as EntryPath, type: 'file', mode: 0o4755, sizeBytes: content.length } as const
  const source = memorySource('app', [{ ...entry, content: bytesContent(content), attributes: { owner, xattrs } }])
  await writeArchiveFile(source, join(scratch.path, 'app.tar'), { format: 'tar' })
}

test('a snapshot, a folder and an archive of another program come back with owners and attributes where asked', async () => {
  using scratch = makeScratch()
  const root = writeProject(scratch)
  await using vault = await createVault(directoryBackend(join(scratch.path, 'vault')))
  await using source = await openDirectory(root, { ignoreRules: false, gitFolders: true, owners: true, xattrs: true })
  await vault.take(source, { project: 'app' })
  scratch.tool('tar', '-c', '--xattrs', '--format=posix', '-f', 'app.tar', '-C', 'app', 'a', 'folder')
  for (const [i, from] of [['latest', '--from', 'vault'], ['app'], ['app.tar']].entries()) {
    const plain = await scratch.run([...from, '--to', `plain${i}`])
    expect(plain.status, plain.stderr).toBe(0)
    expect(note(scratch, `plain${i}/a`)).toBe('')
    const run = await scratch.run([...from, '--to', `back${i}`, '--owners', '--xattrs'])
    expect(run.status, run.stderr).toBe(0)
    expect(run.stderr).toMatch(/\d owners and 2 extended attributes set/)
    expect([note(scratch, `back${i}/a`), note(scratch, `back${i}/folder`)]).toEqual(['one', 'two'])
  }
  for (const folder of ['back0', 'back1'])
    expect(statSync(join(scratch.path, folder, 'sparse')).blocks).toBeLessThan(128)
})

test('confined, all of it comes back as without, from archives of other programs too', async () => {
  using scratch = makeScratch()
  writeProject(scratch)
  scratch.tool('sh', '-c', 'ln app/a app/again; ln -s a app/link; echo x > app/locked; chmod 400 app/locked')
  scratch.tool('setfattr', '-n', 'user.note', '-v', 'three', 'app/locked')
  scratch.tool('tar', '-c', '--xattrs', '--sparse', '--format=posix', '-f', 'app.tar', '-C', 'app', '.')
  await using source = await openDirectory(join(scratch.path, 'app'), {
    ignoreRules: false,
    owners: true,
    xattrs: true,
  })
  await writeArchiveFile(source, join(scratch.path, 'app.tar.zst'), { format: 'tar.zst' })
  const asked = ['--owners', '--xattrs', '--max-ratio', '100000']
  for (const from of ['app.tar', 'app.tar.zst']) {
    const [plain, confined] = [`${from}.plain`, `${from}.confined`]
    const first = await scratch.run([from, ...asked, '--to', plain, '--json'])
    const run = await scratch.run([from, ...asked, '--to', confined, '--json', '--confine'])
    expect({ from, ...run }).toMatchObject({ status: 0, stderr: first.stderr })
    const { attributes } = JSON.parse(run.stdout) as { attributes: unknown }
    expect(attributes).toEqual((JSON.parse(first.stdout) as { attributes: unknown }).attributes)
    expect(['a', 'again', 'folder', 'locked'].map((path) => note(scratch, join(confined, path)))).toEqual([
      'one',
      'one',
      'two',
      'three',
    ])
    expect(readTree(join(scratch.path, confined))).toEqual(readTree(join(scratch.path, plain)))
    const [{ blocks: plainBlocks }, { blocks }] = [plain, confined].map((to) =>
      statSync(join(scratch.path, to, 'sparse')),
    ) as [Stats, Stats]
    expect(blocks).toBe(plainBlocks)
  }
  const quiet = await scratch.run(['app.tar', '--to', 'quiet', '--confine', '--max-ratio', '100000', '--json'])
  expect(JSON.parse(quiet.stdout)).not.toHaveProperty('attributes')
  expect(note(scratch, 'quiet/a')).toBe('')
  scratch.tool('tar', '-c', '-f', 'whole.tar', '-C', 'app', 'sparse')
  expect((await scratch.run(['whole.tar', '--to', 'holes', '--confine', '--sparse'])).status).toBe(0)
  expect(statSync(join(scratch.path, 'holes/sparse')).blocks).toBeLessThan(128)
})

test('confined, what the system does not take is told as without', async () => {
  using scratch = makeScratch()
  await writeTar(scratch, SELF, ['nowhere.a', 'trusted.a', 'user.note'])
  const asked = ['app.tar', '--owners', '--numeric-ids', '--xattrs', '--set-id']
  const plain = await scratch.run([...asked, '--to', 'plain'])
  const confined = await scratch.run([...asked, '--to', 'confined', '--confine'])
  expect(confined).toMatchObject({ status: 4, stderr: plain.stderr })
  expect(note(scratch, 'confined/a')).toBe('x')
  expect(statSync(join(scratch.path, 'confined/a')).mode & 0o7777).toBe(0o4755)
})

test('holes in an archive of GNU tar are holes again, and --sparse makes some everywhere', async () => {
  using scratch = makeScratch()
  writeProject(scratch)
  scratch.tool('tar', '-c', '--sparse', '-f', 'sparse.tar', '-C', 'app', 'sparse')
  scratch.tool('tar', '-c', '-f', 'whole.tar', '-C', 'app', 'sparse')
  const blocks = (folder: string): number => statSync(join(scratch.path, folder, 'sparse')).blocks
  const ratio = ['--max-ratio', '100000']
  expect((await scratch.run(['sparse.tar', '--to', 'a', ...ratio])).status).toBe(0)
  expect((await scratch.run(['whole.tar', '--to', 'b'])).status).toBe(0)
  expect((await scratch.run(['whole.tar', '--to', 'c', '--sparse'])).status).toBe(0)
  expect(['a', 'c'].map(blocks).every((count) => count < 128)).toBe(true)
  expect(blocks('b')).toBeGreaterThanOrEqual(20_480)
})

test('what the system does not take is told, with status 4, and what is dangerous only comes when asked for', async () => {
  using scratch = makeScratch()
  await writeTar(scratch, SELF, ['nowhere.a', 'trusted.a', 'user.note'])
  const run = await scratch.run(['app.tar', '--to', 'back', '--owners', '--numeric-ids', '--xattrs'])
  expect(run.status, run.stderr).toBe(4)
  expect(run.stderr).toMatch(/without an attribute, which --privileged-xattrs restores\n {4}a: trusted\.a/)
  expect(run.stderr).toMatch(/without its owner or an attribute\n {4}a: nowhere\.a/)
  expect(note(scratch, 'back/a')).toBe('x')
  const json = await scratch.run(['app.tar', '--to', 'json', '--xattrs', '--privileged-xattrs', '--json'])
  expect(JSON.parse(json.stdout)).toMatchObject({
    attributes: { owners: 0, dropped: [], failed: [{ attribute: 'nowhere.a' }] },
  })
})

test('who may not give files away keeps them, without their set-id bits, and is told so', async () => {
  using scratch = makeScratch()
  await writeTar(scratch, { uid: SELF.uid + 1, gid: SELF.gid }, [])
  const nobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups']
  const bin = join(import.meta.dirname, '../src/bin.ts')
  chmodSync(scratch.path, 0o777)
  const words = [
    ...(SELF.uid === 0 ? nobody : []),
    process.execPath,
    bin,
    'app.tar',
    '--to',
    'back',
    '--owners',
    '--set-id',
  ]
  const script = `${words.map((word) => `'${word}'`).join(' ')} 2>messages; echo $? >status`
  execFileSync('sh', ['-c', script], {
    cwd: scratch.path,
    env: { ...scratch.env, HOME: scratch.path, TMPDIR: scratch.path },
    stdio: 'pipe',
  })
  expect(scratch.read('messages')).toMatch(/a: owner: the system refused owner \d+:\d+ \(EPERM\)/)
  expect(scratch.read('messages')).toMatch(/without its set-id bit/)
  expect(scratch.read('status')).toBe('4\n')
  expect(statSync(join(scratch.path, 'back/a')).mode & 0o7777).toBe(0o755)
})

test('a plan with attributes is carried out, unless they have changed since', async () => {
  using scratch = makeScratch()
  writeProject(scratch)
  const asked = ['--to', 'back', '--xattrs', '--sparse']
  expect((await scratch.run(['plan', 'app', ...asked, '-o', 'first.json'])).status).toBe(0)
  expect((await scratch.run(['apply', 'first.json'])).status).toBe(0)
  expect(note(scratch, 'back/folder')).toBe('two')
  const again = [...asked, '--mode', 'replace']
  expect((await scratch.run(['app', ...again])).stderr).toContain('nothing to do')
  scratch.tool('setfattr', '-n', 'user.note', '-v', 'new', 'app/folder')
  const dry = await scratch.run(['app', ...again, '--dry-run'])
  expect(dry.stdout).toMatch(/change +xattrs +directory +folder\n/)
  expect((await scratch.run(['plan', 'app', ...again, '-o', 'second.json'])).status).toBe(0)
  scratch.tool('setfattr', '-n', 'user.note', '-v', 'newer', 'app/folder')
  const stale = await scratch.run(['apply', 'second.json', '--yes'])
  expect(stale.stderr).toContain('ARC_PLAN_STALE')
  expect(note(scratch, 'back/folder')).toBe('two')
})

test('without the programs for it, asking for attributes ends before anything is touched', () => {
  using scratch = makeScratch()
  writeProject(scratch)
  const run = scratch.spawn(['app', '--to', 'back', '--xattrs'], { env: { PATH: '/nowhere' } })
  expect(run.status).toBe(1)
  expect(run.stderr.toString()).toMatch(/ARC_ATTRIBUTES_UNAVAILABLE.*apt install attr/s)
  expect(existsSync(join(scratch.path, 'back'))).toBe(false)
})

test('an option that does nothing without another is refused', async () => {
  using scratch = makeScratch()
  writeProject(scratch)
  for (const [option, other] of [
    ['--numeric-ids', '--owners'],
    ['--privileged-xattrs', '--xattrs'],
  ] as const) {
    const run = await scratch.run(['app', '--to', 'out', option])
    expect(run).toMatchObject({ status: 2, stderr: expect.stringContaining(`${option} belongs to ${other}`) as string })
  }
})
