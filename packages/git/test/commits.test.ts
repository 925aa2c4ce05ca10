import { existsSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { listCommits, openRepository, type Repository, userAddress } from '../src/index.ts'
import { isolatedEnv as env, scratch } from './scratch.ts'

async function opened(path: string): Promise<Repository> {
  const repository = await openRepository(path, { env })
  if (repository === undefined) throw new Error('no repository')
  return repository
}

const at = (time: string): string => `--date=${time}`

test('commits with their times, authors and numbers of paths, newest first', async () => {
  using repository = scratch()
  expect(await listCommits(await opened(repository.path))).toEqual([])
  const names = ['a', 'a "quoted"\n:name', 'ü/b']
  for (const name of names) repository.write(name, '1')
  repository.git('add', '-A')
  repository.git('commit', '-qm', 'x', at('2026-01-02T03:04:05+02:00'))
  repository.write('a', '2')
  repository.git('commit', '-qam', 'x', at('2026-02-01T00:00:00Z'), '--author=B \u0001:x <b c@example.org>')
  repository.git('commit', '-qm', 'nothing', '--allow-empty', at('2026-03-01T00:00:00Z'))
  repository.git('checkout', '-qb', 'side', 'HEAD~1')
  repository.write('side', '')
  repository.commit()
  repository.git('checkout', '-q', 'main')
  repository.git('merge', '-q', '--no-ff', '-m', 'merged', 'side')
  const commits = await listCommits(await opened(repository.path))
  expect(commits.map(({ paths }) => paths).toSorted((a, b) => a - b)).toEqual([0, 1, 1, 3])
  expect(commits).toContainEqual({ timeMs: Date.UTC(2026, 0, 2, 1, 4, 5), address: 'a@example.org', paths: 3 })
  expect(commits).toContainEqual({ timeMs: Date.UTC(2026, 1, 1), address: 'b c@example.org', paths: 1 })
  expect(await listCommits(await opened(repository.path), { most: 2 })).toHaveLength(2)
  expect(await listCommits(await opened(join(repository.path, 'ü')))).toMatchObject([{ paths: 1 }])
})

test('nothing that a repository names is run, and a clone without contents will do', async () => {
  using repository = scratch()
  repository.write('a', '1\n')
  repository.commit()
  const trap = join(repository.path, 'ran')
  const command = `touch ${trap}; cat`
  repository.write('.gitattributes', '* diff=trap filter=trap\n')
  for (const key of [
    'diff.external',
    'diff.trap.textconv',
    'diff.trap.command',
    'gpg.program',
    'core.pager',
    'core.sshCommand',
  ])
    repository.git('config', key, command)
  repository.git('config', 'color.ui', 'always')
  repository.git('config', 'log.showSignature', 'true')
  repository.commit()
  const blob = repository.git('rev-parse', 'HEAD:a')
  const object = join(repository.path, '.git/objects', blob.slice(0, 2), blob.slice(2))
  renameSync(object, `${object}.gone`)
  expect((await listCommits(await opened(repository.path))).map(({ paths }) => paths)).toEqual([1, 1])
  expect(existsSync(trap)).toBe(false)
})

test('the address of the person, if git knows one', async () => {
  using repository = scratch()
  expect(await userAddress(await opened(repository.path))).toBeUndefined()
  repository.git('config', 'user.email', 'me@example.org')
  expect(await userAddress(await opened(repository.path))).toBe('me@example.org')
})

test('a broken history is an error', async () => {
  using repository = scratch()
  repository.write('a', '1')
  repository.commit()
  const parent = repository.git('rev-parse', 'HEAD')
  repository.write('a', '2')
  repository.commit()
  const open = await opened(repository.path)
  const object = join(repository.path, '.git/objects', parent.slice(0, 2), parent.slice(2))
  renameSync(object, `${object}.gone`)
  await expect(listCommits(open)).rejects.toMatchObject({ code: 'ARC_GIT_FAILED' })
})
