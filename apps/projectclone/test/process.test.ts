import { once } from 'node:events'
import { chmodSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readTree } from '@arc/core/testing'
import { restoreNew } from '@arc/restore-safe'
import { openVault, resolveSnapshot, type SnapshotInfo } from '@arc/snapshot'
import { directoryBackend } from '@arc/storage'
import { expect, test } from 'vitest'
import { makeScratch, type Scratch, writeApp } from './scratch.ts'

const vaultOf = (scratch: Scratch): string => join(scratch.path, '.home/project_backups/vault')

/** Bytes that no compressor makes smaller. */
function noise(sizeBytes: number, seed: number): Buffer {
  const bytes = Buffer.alloc(sizeBytes)
  let state = seed
  for (let at = 0; at < sizeBytes; at += 4) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    bytes.writeUInt32LE((state ^ (state >>> 15)) >>> 0, at)
  }
  return bytes
}

async function back(scratch: Scratch, vault = vaultOf(scratch)): Promise<string> {
  await using opened = await openVault(directoryBackend(vault))
  const { id } = await resolveSnapshot(opened, 'latest')
  await using source = await opened.open(id)
  const target = join(scratch.path, `back-${id.slice(0, 8)}`)
  await restoreNew(source, target, { links: 'keep' })
  return target
}

test('killed at any moment it leaves the snapshots before, and the next run goes on', { timeout: 60_000 }, async () => {
  using scratch = makeScratch()
  const root = writeApp(scratch)
  expect(scratch.spawn(['first']).status).toBe(0)
  for (let i = 0; i < 12; i++) writeFileSync(join(root, `noise ${i}`), noise(2 * 1024 * 1024, i))
  for (const events of [1, 2, 3]) {
    const child = scratch.start(['killed', '--progress', 'json', '--jobs', '2'])
    let seen = 0
    child.stderr?.on('data', () => {
      if (++seen === events) child.kill('SIGKILL')
    })
    await once(child, 'exit')
    const { snapshots } = await scratch.json<{ snapshots: SnapshotInfo[] }>(['list'])
    expect(snapshots[0]?.note).toBe('first')
    expect(await scratch.ok(['verify', '--read-data'])).toMatch(/^intact/)
  }
  const { status, stderr } = scratch.spawn(['the last'])
  expect(status, stderr).toBe(0)
  expect(readTree(await back(scratch))).toEqual(readTree(root))
})

test('two at once both succeed, also when they make the vault', async () => {
  using scratch = makeScratch()
  const root = writeApp(scratch)
  const children = [scratch.start(['one']), scratch.start(['two'])]
  const ends = await Promise.all(children.map((child) => once(child, 'exit') as Promise<[number | null]>))
  expect(ends.map(([status]) => status)).toEqual([0, 0])
  const { snapshots } = await scratch.json<{ snapshots: SnapshotInfo[] }>(['list'])
  expect(snapshots.map(({ note = '' }) => note).toSorted()).toEqual(['one', 'two'])
  expect(readTree(await back(scratch))).toEqual(readTree(root))
  expect(await scratch.ok(['log', '--verify'])).toMatch(/^[0-9a-f]{64}\n/)
})

test('a full disk leaves what was there, and says so', async () => {
  using scratch = makeScratch()
  const root = writeApp(scratch)
  const disk = join(scratch.path, 'disk')
  mkdirSync(disk)
  scratch.tool('mount', '-t', 'tmpfs', '-o', 'size=1m', 'arc-test', 'disk')
  try {
    const to = ['--to', join(disk, 'vault')]
    expect(scratch.spawn(['small', ...to]).status).toBe(0)
    writeFileSync(join(root, 'noise'), noise(3 * 1024 * 1024, 1))
    const full = scratch.spawn(['large', ...to])
    expect(full.stderr).toContain('ARC_SYSTEM_CALL_FAILED')
    expect(full).toMatchObject({ status: 1, stdout: '' })
    writeFileSync(join(root, 'noise'), 'less')
    expect(scratch.spawn(['less', ...to]).status).toBe(0)
    expect(await scratch.ok(['verify', '--read-data', '--from', join(disk, 'vault')])).toMatch(/^intact: 2 snapshots/)
    expect(readTree(await back(scratch, join(disk, 'vault')))).toEqual(readTree(root))
  } finally {
    scratch.tool('umount', 'disk')
  }
})

test('what may not be read is listed with status 4, and the rest is kept', async () => {
  using scratch = makeScratch()
  const root = writeApp(scratch)
  scratch.write('app/locked', { inside: 'x' })
  chmodSync(join(root, 'locked'), 0)
  chmodSync(join(root, 'src/deep/er/file'), 0)
  const isRoot = process.getuid?.() === 0
  // Root may read everything: be nobody.
  const under = isRoot ? ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'] : []
  const home = join(scratch.path, 'nobody')
  mkdirSync(home)
  for (const path of [home, scratch.path]) chmodSync(path, 0o777)
  const run = scratch.spawn(['--to', join(home, 'vault')], { env: { HOME: home }, under })
  expect(run.status, run.stderr).toBe(4)
  expect(run.stderr).toContain('locked: its contents')
  expect(run.stderr).toContain('src/deep/er/file')
  expect(run.stdout).toMatch(/^[0-9a-f]{12}\n$/)
  const env = { ...scratch.env, ARC_VAULT: join(home, 'vault') }
  const shown = await scratch.ok(['show'], { env })
  expect(shown).toContain('could not be read: 2')
  expect(await scratch.ok(['cat', 'latest', 'README.md'], { env })).toBe('# App\n')
  // What is known of the files must not hide what could not be read.
  const again = scratch.spawn(['--to', join(home, 'vault')], { env: { HOME: home }, under })
  expect(again.status, again.stderr).toBe(4)
  chmodSync(join(root, 'locked'), 0o755)
})

test('a signal ends it, and nothing is left of the snapshot', async () => {
  using scratch = makeScratch()
  const root = writeApp(scratch)
  for (let i = 0; i < 4; i++) writeFileSync(join(root, `noise ${i}`), noise(2 * 1024 * 1024, i))
  const child = scratch.start(['--progress', 'json'])
  child.stderr?.once('data', () => child.kill('SIGTERM'))
  const [status] = (await once(child, 'exit')) as [number | null]
  if (status !== 0) {
    expect(status).toBe(143)
    const records = readdirSync(vaultOf(scratch), { recursive: true, encoding: 'utf8' })
    expect(records.filter((name) => name.startsWith('snapshots/'))).toEqual([])
  }
})
