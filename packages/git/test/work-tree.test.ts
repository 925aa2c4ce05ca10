import { createHash } from 'node:crypto'
import { lstatSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { hasModifications, listWorkTree, openRepository, type Repository } from '../src/index.ts'
import { isolatedEnv as env, type Scratch, scratch } from './scratch.ts'

async function open(path: string): Promise<Repository> {
  const repository = await openRepository(path, { env })
  if (repository === undefined) throw new TypeError('no repository')
  return repository
}

/** The tracked paths that the index alone proves to be unchanged. */
async function provenPaths(path: string): Promise<string[]> {
  const listing = await listWorkTree(await open(path), { tracked: true })
  const proven = listing.paths.filter(({ path: name }, place) => {
    const stat = lstatSync(join(path, name), { bigint: true, throwIfNoEntry: false })
    return stat !== undefined && listing.isUnchanged(place, stat)
  })
  return proven.map(({ path: name }) => name)
}

/** Let the index be younger than every file in it, so that their times can be trusted. */
function settle(repository: Scratch): void {
  repository.git('update-index', '-q', '--refresh')
  const index = join(repository.path, '.git/index')
  const stat = lstatSync(index)
  repository.git('update-index', '-q', '--really-refresh')
  const later = new Date(stat.mtimeMs + 10_000)
  writeFileSync(index, readFileSync(index))
  utimesSync(index, later, later)
}

describe('listWorkTree', () => {
  test('tells what each path is', async () => {
    using repository = scratch()
    using library = scratch()
    library.write('x', '')
    library.commit()
    repository.write('.gitignore', 'ignored\n')
    repository.write('a', '')
    repository.write('sparse/b', '')
    repository.git('submodule', 'add', '-q', library.path, 'sub')
    const commit = repository.commit()
    repository.git('update-index', '--skip-worktree', 'sparse/b')
    repository.write('new\n', '')
    repository.write('ignored', '')
    repository.git('init', '-q', 'nested')
    repository.git('-C', 'nested', 'commit', '-q', '--allow-empty', '-m', 'x')
    repository.write('nested-not', '')
    const opened = await open(repository.path)
    const listing = await listWorkTree(opened)
    const kinds = listing.paths.map(({ path, kind }) => [path, kind])
    expect(kinds).toEqual([
      ['.gitignore', 'tracked'],
      ['.gitmodules', 'tracked'],
      ['a', 'tracked'],
      ['nested', 'nested-repository'],
      ['nested-not', 'untracked'],
      ['new\n', 'untracked'],
      ['sparse/b', 'not-checked-out'],
      ['sub', 'submodule'],
    ])
    const submodule = listing.paths.at(-1)
    expect(submodule?.commit).toBe(library.git('rev-parse', 'HEAD'))
    expect(listing.differs).toBe(true)
    expect(opened.commit).toBe(commit)
    const tracked = await listWorkTree(opened, { tracked: true })
    expect(tracked.paths.map(({ kind }) => kind)).not.toContain('untracked')
    expect(tracked.differs).toBe(false)
    // Without an index that can be read alone, git is asked the longer way.
    repository.git('update-index', '--split-index')
    expect((await listWorkTree(opened)).paths.map(({ path, kind, commit: id }) => [path, kind, id])).toEqual(
      listing.paths.map(({ path, kind, commit: id }) => [path, kind, id]),
    )
  })

  test.each([['2'], ['3'], ['4']])('proves unchanged files by an index of version %s', async (version) => {
    using repository = scratch()
    const long = `${'folder/'.repeat(20)}${'n'.repeat(200)}`
    for (const path of ['a', 'a.b', 'dir/sub/c', 'dir/sub/cc', 'dir2/d', long, 'é']) repository.write(path, path)
    repository.commit()
    if (version === '3') repository.write('later', '')
    if (version === '3') repository.git('add', '-N', 'later')
    else repository.git('update-index', '--index-version', version)
    settle(repository)
    expect(readFileSync(join(repository.path, '.git/index')).readUInt32BE(4)).toBe(Number(version))
    const all = ['a', 'a.b', 'dir/sub/c', 'dir/sub/cc', 'dir2/d', long, 'é']
    expect(await provenPaths(repository.path)).toEqual(all)
    expect(await provenPaths(join(repository.path, 'dir'))).toEqual(['sub/c', 'sub/cc'])
    repository.write('dir/sub/c', 'DIR/SUB/C')
    rmSync(join(repository.path, 'a.b'))
    expect(await provenPaths(repository.path)).toEqual(all.filter((path) => path !== 'dir/sub/c' && path !== 'a.b'))
  })

  test('does not trust a file as young as the index', async () => {
    using repository = scratch()
    repository.write('a', 'a')
    repository.commit()
    settle(repository)
    expect(await provenPaths(repository.path)).toEqual(['a'])
    const { mtimeMs } = lstatSync(join(repository.path, 'a'))
    utimes(join(repository.path, '.git/index'), new Date(mtimeMs - 5))
    expect(await provenPaths(repository.path)).toEqual([])
  })

  test('refuses an index whose paths lead out', async () => {
    using repository = scratch()
    repository.write('zz/secret', '')
    repository.commit()
    const index = join(repository.path, '.git/index')
    const bytes = readFileSync(index)
    bytes.write('..', bytes.indexOf('zz/secret'))
    const body = bytes.subarray(0, -20)
    writeFileSync(index, Buffer.concat([body, createHash('sha1').update(body).digest()]))
    await expect(listWorkTree(await open(repository.path))).rejects.toMatchObject({ code: 'ARC_PATH_UNSAFE' })
  })

  test('a damaged index is git to judge', async () => {
    using repository = scratch()
    repository.write('a', '')
    repository.commit()
    const opened = await open(repository.path)
    writeFileSync(join(repository.path, '.git/index'), 'DIRC nonsense')
    await expect(listWorkTree(opened)).rejects.toMatchObject({ code: 'ARC_GIT_FAILED' })
    rmSync(join(repository.path, '.git/index'))
    expect((await listWorkTree(opened)).paths).toMatchObject([{ path: 'a', kind: 'untracked' }])
  })
})

describe('hasModifications', () => {
  test('compares contents where times differ', async () => {
    using repository = scratch()
    repository.write('a', 'one')
    repository.write('b', 'two')
    repository.commit()
    const opened = await open(repository.path)
    expect(await hasModifications(opened)).toBe(false)
    utimes(join(repository.path, 'a'), new Date(1000))
    expect(await hasModifications(opened)).toBe(false)
    repository.write('a', 'ONE')
    expect(await hasModifications(opened)).toBe(true)
    repository.write('a', 'one')
    rmSync(join(repository.path, 'b'))
    expect(await hasModifications(opened)).toBe(true)
  })
})

function utimes(path: string, time: Date): void {
  utimesSync(path, time, time)
}
