import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { zstdCompressSync } from 'node:zlib'
import { readTree } from '@arc/core/testing'
import { createRestic } from '@arc/snapshot/restic'
import { directoryBackend } from '@arc/storage'
import { expect, test } from 'vitest'
import { makeScratch, type Scratch } from './scratch.ts'

const PASSWORD = 'pass word'

function restic(scratch: Scratch, ...args: readonly string[]): void {
  const env = { PATH: process.env['PATH'] ?? '', HOME: scratch.path, RESTIC_PASSWORD: PASSWORD }
  const run = spawnSync('restic', ['--no-cache', '-r', 'repository', ...args], {
    cwd: scratch.path,
    env,
    encoding: 'utf8',
  })
  expect(run.status, run.stderr).toBe(0)
}

/** A repository of restic with two snapshots of a project; returns the project. */
async function makeRepository(scratch: Scratch): Promise<string> {
  const root = join(scratch.path, 'project')
  mkdirSync(join(root, 'src'), { recursive: true })
  writeFileSync(join(root, 'src/main.ts'), 'one\n', { mode: 0o640 })
  // restic's own would take a second to derive a key, each time.
  const cost = { N: 1024, r: 8, p: 1 }
  await createRestic(directoryBackend(join(scratch.path, 'repository')), { password: PASSWORD, cost })
  restic(scratch, 'backup', root, '--tag', 'first')
  writeFileSync(join(root, 'src/main.ts'), 'two\n')
  restic(scratch, 'backup', root)
  writeFileSync(join(scratch.path, 'password'), PASSWORD)
  return root
}

const KEY = ['--passphrase-file', 'password']

test('a repository of restic is a source', async () => {
  using scratch = makeScratch()
  const root = await makeRepository(scratch)
  expect(await scratch.run(['list', 'restic:repository', ...KEY])).toMatchObject({ status: 0 })
  const checked = await scratch.run(['verify', 'repository', ...KEY])
  expect(checked).toMatchObject({ status: 0 })
  expect(checked.stdout).toContain('intact: 2 entries, 4 B')
  const run = await scratch.run(['restic:repository', ...KEY, '--to', 'out'])
  expect(run, run.stderr).toMatchObject({ status: 0 })
  expect(readTree(join(scratch.path, 'out'))).toEqual(readTree(root))
  const older = await scratch.run(['restic:repository', '--snapshot', 'first', ...KEY, '--to', 'older'])
  expect(older, older.stderr).toMatchObject({ status: 0 })
  expect(scratch.read('older/src/main.ts')).toBe('one\n')
  const other = await scratch.run(['first', '--from', 'restic:repository', ...KEY, '--to', 'third'])
  expect(other, other.stderr).toMatchObject({ status: 0 })
  const unknown = await scratch.run(['restic:nothing', ...KEY, '--to', 'fourth'])
  expect(unknown).toMatchObject({ status: 1 })
  expect(unknown.stderr).toContain('[ARC_VAULT_NOT_FOUND]')
})

test('a vault of the projectclone before this one is a source', async () => {
  using scratch = makeScratch()
  const content = Buffer.from('print(1)\n')
  const hash = createHash('sha256').update(content).digest('hex')
  mkdirSync(join(scratch.path, 'old/objects'), { recursive: true })
  mkdirSync(join(scratch.path, 'old/snapshots/app'), { recursive: true })
  writeFileSync(join(scratch.path, 'old/objects', hash), zstdCompressSync(content))
  const file = { hash, mode: 0o100755, mtime: 1e9, size: content.length }
  const manifest = {
    version: 2,
    timestamp: '2025-01-02T03:04:05+00:00',
    source_path: '/x/app',
    files: { 'src/a.py': file },
  }
  writeFileSync(
    join(scratch.path, 'old/snapshots/app/snapshot_2025-01-02T03-04-05+00-00.json'),
    JSON.stringify(manifest),
  )
  expect((await scratch.run(['list', 'old'])).stdout).toMatch(/^-0755 +9 {2}src\/a\.py$/m)
  expect((await scratch.run(['verify', 'old'])).stdout).toContain('1 with a SHA-256 of their own')
  const run = await scratch.run(['old'])
  expect(run, run.stderr).toMatchObject({ status: 0, stdout: 'app\n' })
  expect(scratch.read('app/src/a.py')).toBe(content.toString())
  writeFileSync(join(scratch.path, 'old/objects', hash), zstdCompressSync(Buffer.from('print(2)\n')))
  const damaged = await scratch.run(['old', '--to', 'again'])
  expect(damaged).toMatchObject({ status: 3 })
})
