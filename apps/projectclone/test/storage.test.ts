import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { makeScratch } from './scratch.ts'

interface Versions {
  readonly versions: readonly { readonly id: string; readonly tags: readonly string[]; readonly origin: string }[]
}

test('a file keeps its past: put, versions, cat, diff, tag, rollback', async () => {
  using scratch = makeScratch()
  scratch.write('app', { 'plan.md': 'one\ntwo\n' })
  const place = ['notes', 'plan.md']
  const first = await scratch.ok(['storage', 'put', ...place, 'plan.md'])
  expect(first).toMatch(/^1-[0-9a-f]{8}\n$/)
  await scratch.ok(['storage', 'put', ...place], { stdin: 'one\n2\n' })
  expect(await scratch.ok(['storage', 'put', ...place, '--skip-if-unchanged'], { stdin: 'one\n2\n' })).toMatch(/^2-/)
  expect(readFileSync(join(scratch.path, 'app/notes/plan.md'), 'utf8')).toBe('one\n2\n')
  expect(await scratch.ok(['storage', 'cat', ...place, '--at', '-2'])).toBe('one\ntwo\n')
  expect(await scratch.ok(['storage', 'diff', ...place])).toContain('-two\n+2\n')
  await scratch.ok(['storage', 'tag', ...place, 'v1', '--at', '0'])
  expect(await scratch.ok(['storage', 'tag', ...place])).toBe('v1\n')
  await scratch.ok(['storage', 'rollback', ...place, '--tag', 'v1'])
  expect(await scratch.ok(['storage', 'cat', ...place])).toBe('one\ntwo\n')
  const { versions } = await scratch.json<Versions>(['storage', 'versions', ...place])
  expect(versions.map(({ tags, origin }) => [origin, tags])).toEqual([
    ['write', ['v1']],
    ['write', []],
    ['rollback', []],
  ])
  expect(await scratch.ok(['storage', 'ls', 'notes'])).toMatch(/8 B {2}\d{4}-\d\d-\d\d \d\d:\d\d:\d\d {2}plan\.md\n$/)
  await scratch.ok(['storage', 'tag', ...place, 'v1', '--remove'])
  expect((await scratch.run(['storage', 'tag', ...place, 'v1', '--remove'])).status).toBe(1)
})

test('facts are noted and found, versions cleaned up, the place checked', async () => {
  using scratch = makeScratch()
  scratch.write('app', {})
  for (const [i, author] of ['ada', 'bob', 'ada'].entries())
    await scratch.ok(['storage', 'put', 'notes', 'a/plan.md', '--fact', `author=${author}`], { stdin: `version ${i}` })
  await scratch.ok(['storage', 'annotate', 'notes', 'a/plan.md', 'reviewed=true', '--at', '0'])
  const both = await scratch.json<Versions>(['storage', 'find', 'notes', 'author=ada'])
  expect(both.versions).toHaveLength(2)
  expect((await scratch.json<Versions>(['storage', 'find', 'notes', 'reviewed=true'])).versions).toHaveLength(1)
  expect((await scratch.run(['storage', 'find', 'notes', 'author=nobody'])).status).toBe(1)

  const rules = ['storage', 'cleanup', 'notes', 'a/plan.md', '--keep-last', '1']
  expect(await scratch.ok([...rules, '--dry-run'])).toMatch(/remove +1-.*no rule keeps it/)
  expect((await scratch.run(['storage', 'cleanup', 'notes', 'a/plan.md'])).stderr).toContain('ARC_OPTION_INVALID')
  await scratch.ok([...rules, '--yes'])
  expect((await scratch.json<Versions>(['storage', 'versions', 'notes', 'a/plan.md'])).versions).toHaveLength(1)
  await scratch.ok(['storage', 'put', 'notes', 'b'], { stdin: 'version 2' })
  expect(await scratch.ok(['storage', 'dedupe', 'notes', '--dry-run'])).toBe('9 B each\n  a/plan.md\n  b\n')
  expect(await scratch.ok(['storage', 'fsck', 'notes'])).toBe('intact: 2 files, 2 versions\n')
})

test('what cannot be meant is told', async () => {
  using scratch = makeScratch()
  scratch.write('app', {})
  const told = async (...args: readonly string[]): Promise<string> => (await scratch.run(['storage', ...args])).stderr
  expect(await told()).toContain('Name one: ls, cat, put')
  expect(await told('lss', 'notes')).toContain('Did you mean ls?')
  expect(await told('ls', 'missing')).toContain('there is no folder missing')
  expect(await told('cat', 'missing', 'x', '--json')).toContain('Leave --json out')
  expect(await told('versions', '.', 'nope')).toContain('there has never been anything at nope')
  expect(await told('ls', '.', 'nope')).toContain('there is nothing at nope')
  expect(await told('cleanup', '.', 'nope', '--keep-last', '1')).toContain('there has never been anything at nope')
  expect(await told('put', 'notes', 'dir/')).toContain('nothing says what the file is called')
  expect(await told('cleanup', '.', 'x')).toContain('Give --keep-last, --keep-days or both')
  expect(await told('rollback', '.', 'x')).toContain('Add --at, --tag or --as-of')
  expect(await told('find', '.', 'nonsense')).toContain('is no fact')
  expect(await told('put', 'ftp://host/x', 'y')).toContain('ARC_') // a scheme that nobody knows is no folder either
})

test('commands that only read leave no trace', async () => {
  using scratch = makeScratch()
  scratch.write('app', { 'notes/a.txt': 'plain\n' })
  const notes = join(scratch.path, 'app/notes')
  expect(await scratch.ok(['storage', 'ls', 'notes', '-R'])).toContain('a.txt')
  expect(await scratch.ok(['storage', 'ls', 'notes', 'a.txt'])).toContain('a.txt')
  expect(await scratch.ok(['storage', 'cat', 'notes', 'a.txt'])).toBe('plain\n')
  expect(await scratch.ok(['storage', 'versions', 'notes', 'a.txt'])).toContain('external')
  expect((await scratch.run(['storage', 'find', 'notes', 'author=ada'])).status).toBe(1)
  expect(await scratch.ok(['storage', 'fsck', 'notes'])).toBe('intact: 0 files, 0 versions\n')
  expect(readdirSync(notes)).toEqual(['a.txt'])
})

test('a folder is written into, a number stays what it is', async () => {
  using scratch = makeScratch()
  scratch.write('app', { 'plan.md': 'x' })
  await scratch.ok([
    'storage',
    'put',
    'notes',
    'dir/',
    'plan.md',
    '--fact',
    'ticket=12345678901234567891',
    '--fact',
    'n=7',
  ])
  const { versions } = await scratch.json<{ versions: readonly { metadata: unknown }[] }>([
    'storage',
    'versions',
    'notes',
    'dir/plan.md',
  ])
  expect(versions.map(({ metadata }) => metadata)).toEqual([{ ticket: '12345678901234567891', n: 7 }])
})

test('binary versions are said to differ', async () => {
  using scratch = makeScratch()
  scratch.write('app', {})
  for (const text of ['a\0b', 'a\0c']) await scratch.ok(['storage', 'put', 'notes', 'x.bin'], { stdin: text })
  expect(await scratch.ok(['storage', 'diff', 'notes', 'x.bin'])).toBe('Binary versions of x.bin differ\n')
})
