import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { readTree } from '@arc/core/testing'
import { expect, test } from 'vitest'
import { writeOddTree } from './odd-tree.ts'
import { makeScratch } from './scratch.ts'

const NAMES = ['md', 'json', 'jsonl'].flatMap((format) =>
  ['', '.gz', '.zst'].map((extension) => `odd.dump.${format}${extension}`),
)

test.each(NAMES)('a tree of everything odd comes back from %s, and gives the same bytes again', async (name) => {
  using scratch = makeScratch()
  const root = join(scratch.path, 'one', 'odd')
  mkdirSync(root, { recursive: true })
  writeOddTree(root)
  expect(await scratch.run([root, '-o', name, '--strict'])).toMatchObject({ status: 0, stdout: `${name}\n` })
  expect(await scratch.run(['verify', name])).toMatchObject({ status: 0, stderr: '' })
  expect(await scratch.run(['restore', name, '--to', 'two/odd', '-q'])).toMatchObject({
    status: 0,
    stdout: 'two/odd\n',
  })
  const restored = join(scratch.path, 'two', 'odd')
  expect(readTree(restored)).toEqual(readTree(root))
  execFileSync('diff', ['-r', '--no-dereference', root, restored], { stdio: 'pipe' })

  expect(await scratch.run([restored, '-o', `again-${name}`])).toMatchObject({ status: 0 })
  expect(readFileSync(join(scratch.path, `again-${name}`)).equals(readFileSync(join(scratch.path, name)))).toBe(true)
})

test('one document, whatever the folder, the time zone, the language, the mask and the user cache', () => {
  using scratch = makeScratch()
  const root = join(scratch.path, 'odd')
  mkdirSync(root)
  writeOddTree(root)
  const dump = (env: Record<string, string>): Buffer => scratch.spawn([root, '-o', '-'], { env }).stdout
  const first = dump({ TZ: 'UTC', LANG: 'C' })
  expect(first.length).toBeGreaterThan(1_000_000)
  expect(dump({ TZ: 'Pacific/Kiritimati', LANG: 'tr_TR.UTF-8', LC_ALL: 'tr_TR.UTF-8' }).equals(first)).toBe(true)
  const command = 'umask 077; cd odd && "$0" "$1" -o -'
  const masked = execFileSync('sh', ['-c', command, process.execPath, join(import.meta.dirname, '../src/bin.ts')], {
    cwd: scratch.path,
    env: scratch.env,
    maxBuffer: 1 << 28,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  expect(masked.equals(first)).toBe(true)
})

test('times come back when they were asked for', async () => {
  using scratch = makeScratch()
  scratch.write('app', { 'src/a.txt': 'a\n' })
  execFileSync('touch', ['-d', '2001-02-03T04:05:06.789Z', join(scratch.path, 'app/src/a.txt')], { stdio: 'pipe' })
  expect(await scratch.run(['app', '--times'])).toMatchObject({ status: 0 })
  renameSync(join(scratch.path, 'app'), join(scratch.path, 'old'))
  expect(await scratch.run(['restore', 'app.dump.md'])).toMatchObject({ status: 0 })
  const stat = execFileSync('stat', ['-c', '%y', join(scratch.path, 'app/src/a.txt')], {
    env: { TZ: 'UTC' },
    encoding: 'utf8',
    stdio: 'pipe',
  })
  // Node sets times as double-precision seconds.
  expect(Math.abs(Date.parse(stat) - Date.UTC(2001, 1, 3, 4, 5, 6, 789))).toBeLessThanOrEqual(1)
})
