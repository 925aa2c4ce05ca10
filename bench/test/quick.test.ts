import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'

const bench = join(import.meta.dirname, '../run.ts')

// Without the suite storage, which is minutes of starting real servers.
const SUITES = ['start', 'dump', 'archive', 'snapshot', 'versions']

test('a quick run measures every job once', { timeout: 300_000 }, () => {
  const cache = mkdtempSync(join(tmpdir(), 'arc-bench-test-'))
  onTestFinished(() => rmSync(cache, { recursive: true, force: true }))
  const { status, stdout, stderr } = spawnSync(process.execPath, [bench, ...SUITES, '--quick', '--cache', cache], {
    encoding: 'utf8',
  })
  expect(status, stderr).toBe(0)
  for (const job of [
    '--version',
    'create-dump verify',
    'create-dump restore',
    'nothing changed',
    'git ls-files',
    'restore zip',
    'unchanged snapshot',
    'link mode',
  ]) {
    expect(stdout).toContain(job)
  }
  expect(stdout).not.toContain('NaN')
  expect(stdout).toMatch(/^\d+ of \d+ targets met/m)
})

test('an unknown suite is refused', () => {
  const { status, stderr } = spawnSync(process.execPath, [bench, 'no-such-suite'], { encoding: 'utf8' })
  expect(status).not.toBe(0)
  expect(stderr).toContain('no suite is called no-such-suite; there are start, dump, archive, snapshot, versions')
})
