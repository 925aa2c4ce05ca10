import { readTree } from '@arc/core/testing'
import { openDirectory } from '@arc/collect'
import { createVault, openSnapshotFolder } from '@arc/snapshot'
import { directoryBackend } from '@arc/storage'
import { chmodSync, realpathSync, statSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { makeScratch, type Scratch, writeLinkedApp } from './scratch.ts'

async function keep(scratch: Scratch, vault: string, passphrase?: string): Promise<string> {
  const root = writeLinkedApp(scratch)
  const locks = passphrase === undefined ? [] : [{ passphrase }]
  await using made = await createVault(directoryBackend(join(scratch.path, vault)), { locks })
  await using source = await openDirectory(root, { ignoreRules: false, gitFolders: true })
  await made.take(source, { project: 'app', note: 'a note', tags: ['v1'] })
  return root
}

test('a snapshot comes back by id, latest, tag and note, whole or in part', async () => {
  using scratch = makeScratch()
  const root = await keep(scratch, 'vault')
  for (const [i, name] of ['latest', 'v1', 'a note'].entries()) {
    const run = await scratch.run([name, '--from', 'vault', '--to', `back${i}`])
    expect(run.status, run.stderr).toBe(0)
    expect(readTree(join(scratch.path, `back${i}`))).toEqual(readTree(root))
  }
  expect((await scratch.run(['latest', '--from', 'vault', '--to', 'part', '--only', 'src'])).status).toBe(0)
  expect(readTree(join(scratch.path, 'part')).map(({ path }) => path.split('/')[0])).toContain('src')
  expect((await scratch.run(['nonsense', '--from', 'vault'])).stderr).toContain('ARC_SNAPSHOT_UNKNOWN')
})

test.each(['vault', 'copy', 'link', 'archive'] as const)('a project that others may not enter: %s', async (kind) => {
  using scratch = makeScratch()
  const root = writeLinkedApp(scratch)
  chmodSync(root, 0o700)
  const at = join(scratch.path, 'kept')
  await using store =
    kind === 'vault' ? await createVault(directoryBackend(at)) : openSnapshotFolder(at, { mode: kind })
  await using source = await openDirectory(root, { ignoreRules: false })
  await store.take(source)
  const run = await scratch.run(['latest', '--from', 'kept', '--to', 'back'])
  expect(run.status, run.stderr).toBe(0)
  expect(statSync(join(scratch.path, 'back')).mode & 0o7777).toBe(0o700)
})

test('the vault at home is looked into when there is no such file', async () => {
  using scratch = makeScratch()
  const root = await keep(scratch, '.home/project_backups/vault')
  const run = await scratch.run(['v1', '--to', 'back'])
  expect(run.status, run.stderr).toBe(0)
  expect(readTree(join(scratch.path, 'back'))).toEqual(readTree(root))
  expect((await scratch.run(['nonsense'])).stderr).toMatch(/ARC_NOT_FOUND.*there is no snapshot of that name/s)
  expect((await scratch.run(['list', 'v1'])).stdout).toContain('src/main.ts')
  expect((await scratch.run(['verify', 'v1'])).stdout).toMatch(/^intact/)
})

test('a plan of a snapshot is applied', async () => {
  using scratch = makeScratch()
  const root = await keep(scratch, 'vault')
  expect((await scratch.run(['plan', 'latest', '--from', 'vault', '--to', 'back', '-o', 'p.json'])).status).toBe(0)
  const run = await scratch.run(['apply', 'p.json', '--from', 'vault'])
  expect(run.status, run.stderr).toBe(0)
  expect(readTree(join(scratch.path, 'back'))).toEqual(readTree(root))
})

test('an encrypted vault needs its passphrase, and nothing is written without', async () => {
  using scratch = makeScratch()
  const root = await keep(scratch, 'vault', 'geheim')
  const by = (ARC_PASSPHRASE: string): { env: Record<string, string> } => ({ env: { ...scratch.env, ARC_PASSPHRASE } })
  const refused = await scratch.run(['latest', '--from', 'vault', '--to', 'back'], by('falsch'))
  expect(refused).toMatchObject({ status: 1, stderr: expect.stringContaining('ARC_KEY_WRONG') as string })
  expect(scratch.names()).not.toContain('back')
  expect((await scratch.run(['latest', '--from', 'vault', '--to', 'back'], by('geheim'))).status).toBe(0)
  expect(readTree(join(scratch.path, 'back'))).toEqual(readTree(root))
  expect((await scratch.run(['latest', '--from', 'vault', '--to', 'x', '--confine'])).status).toBe(2)
})

test('what keeps snapshots is not restored in place of one', async () => {
  using scratch = makeScratch()
  const root = await keep(scratch, 'my vault')
  await using _ = await createVault(directoryBackend(join(scratch.path, 'locked')), { locks: [{ passphrase: 'x' }] })
  await using copies = openSnapshotFolder(join(scratch.path, 'copies'), { mode: 'copy' })
  await using source = await openDirectory(root, { ignoreRules: false, gitFolders: true })
  await copies.take(source, { project: 'app' })
  for (const [name, shown] of [
    ['my vault', "'my vault'"],
    ['locked', 'locked'],
    ['copies', 'copies'],
  ] as const)
    for (const line of [
      [name, '--to', 'back'],
      ['list', name],
      ['plan', name, '--to', 'back', '-o', 'p.json'],
    ]) {
      const { status, stderr } = await scratch.run(line)
      expect({ line, status }).toEqual({ line, status: 2 })
      expect(stderr).toContain(`hint: Name a snapshot in it: projectrestore latest --from ${shown}\n`)
    }
  expect(scratch.names()).not.toContain('back')
  // One of the copies is a plain folder.
  const [record] = copies.records()
  expect((await scratch.run([`copies/${record?.name}`, '--to', 'back'])).status).toBe(0)
  expect(readTree(join(scratch.path, 'back'))).toEqual(readTree(root))
})

test('a name means a snapshot of the folder to restore, else of the current one, and is said', async () => {
  using scratch = makeScratch()
  await using made = await createVault(directoryBackend(join(scratch.path, 'vault')))
  for (const project of ['app', 'other']) {
    const path = realpathSync(scratch.write(project, { name: `${project}\n` }))
    await using source = await openDirectory(path)
    await made.take(source, { project, host: hostname(), path, tags: ['v1'] })
  }
  const [app] = await made.list()
  for (const args of [['latest'], ['v1', '--to', 'new'], ['list', 'v1']]) {
    const refused = await scratch.run([...args, '--from', 'vault'])
    expect(refused).toMatchObject({ status: 2, stdout: '' })
    expect(refused.stderr).toMatch(/ARC_SNAPSHOT_AMBIGUOUS/)
  }
  scratch.write('app', { name: 'changed\n' })
  const replace = ['latest', '--from', 'vault', '--to', 'app', '--mode', 'replace']
  const label = `the snapshot app of ${app?.time.slice(0, 19).replace('T', ' ')} UTC (${app?.id.slice(0, 12)})`
  expect((await scratch.run([...replace, '--dry-run'])).stderr).toContain(label)
  const asked = await scratch.run(replace, { terminals: ['stdin', 'stderr'], answers: [false] })
  expect(asked.questions[0]?.message).toContain(`, from ${label}. Go on?`)
  const run = await scratch.run([...replace, '--yes'])
  expect(run).toMatchObject({ status: 0, stdout: 'app\n' })
  expect(run.stderr).toContain(`from ${label}\n`)
  expect(scratch.read('app/name')).toBe('app\n')
  const there = { cwd: join(scratch.path, 'other') }
  expect((await scratch.run(['latest', '--from', '../vault', '--to', '../new'], there)).status).toBe(0)
  expect(scratch.read('new/name')).toBe('other\n')
  expect((await scratch.run(['latest', '--from', ''])).status).toBe(2)
})
