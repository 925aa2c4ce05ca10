import { rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { openProject, openRevision } from '../src/index.ts'
import { collect, commit, contentOf, repository, write } from './collect.ts'
import { git, isolatedEnv as env } from './ignore-oracle.ts'
import { temporaryFolder } from '@arc/core/testing'

describe('openRevision', () => {
  test('gives a commit as it was, whatever is on disk now', async () => {
    using repo = repository({ a: 'old', 'dir/b': Buffer.from([0, 255, 10]), gone: '', 'n\udcff': 'odd' })
    git(repo.path, 'update-index', '--chmod=+x', 'gone')
    symlinkSync('a', join(repo.path, 'link'))
    git(repo.path, 'add', 'link')
    git(repo.path, 'commit', '-q', '-m', 'x')
    const first = git(repo.path, 'rev-parse', 'HEAD').trim()
    rmSync(join(repo.path, 'gone'))
    write(repo.path, { a: 'new', untracked: '' })
    commit(repo.path)
    git(repo.path, 'tag', '-a', '-m', 'x', 'v1', first)
    for (const revision of [first, 'HEAD~1', 'v1', first.slice(0, 10)]) {
      const { paths, entry, omissions, source } = await collect(openRevision(repo.path, revision, { env }), {
        open: true,
      })
      await using _ = source
      expect(paths).toEqual(['a', 'dir/b', 'gone', 'link', 'n\udcff'])
      expect(omissions).toEqual([])
      expect(source).toMatchObject({
        kind: 'revision',
        access: 'random',
        git: { commit: first, branch: undefined, dirty: false },
      })
      expect(entry('a')).toMatchObject({ type: 'file', mode: 0o644, sizeBytes: 3 })
      expect(entry('gone')).toMatchObject({ type: 'file', mode: 0o755, sizeBytes: 0 })
      expect(entry('link')).toMatchObject({ type: 'symlink', target: 'a', sizeBytes: 1, mode: 0o777 })
      // In any order, more than once.
      for (const path of ['dir/b', 'a', 'n\udcff', 'gone', 'a']) {
        expect([path, [...(await contentOf(entry(path)))]]).toEqual([path, [...git0(repo.path, first, path)]])
      }
    }
    expect((await collect(openRevision(repo.path, 'main', { env }))).source.git?.branch).toBe('main')
  })

  test('of a sub-folder is that folder alone', async () => {
    using repo = repository({ a: '', 'lib/b': 'b', 'lib/c/d': '' })
    expect((await collect(openRevision(join(repo.path, 'lib'), 'HEAD', { env }))).paths).toEqual(['b', 'c/d'])
  })

  test('works without a work tree', async () => {
    using repo = repository({ a: 'content' })
    using folder = temporaryFolder()
    git(folder.path, 'clone', '-q', '--bare', repo.path, 'bare')
    const bare = join(folder.path, 'bare')
    const { entry, source } = await collect(openProject(bare, { revision: 'HEAD', env }), { open: true })
    await using _ = source
    expect((await contentOf(entry('a'))).toString()).toBe('content')
    await expect(openProject(bare, { env })).rejects.toMatchObject({
      code: 'ARC_NOT_A_REPOSITORY',
      hint: expect.stringContaining('revision'),
    })
  })

  test('filters as the others do, by text too', async () => {
    using repo = repository({ 'a.ts': 'needle', 'b.ts': 'hay', 'c.js': 'needle', big: 'x'.repeat(2000) })
    const { paths, omissions } = await collect(
      openRevision(repo.path, 'HEAD', { env, include: ['*.ts'], contentMatch: /needle/ }),
    )
    expect(paths).toEqual(['a.ts'])
    expect(omissions.map(({ path, reason }) => `${path} ${reason}`)).toEqual([
      'b.ts filtered',
      'big filtered',
      'c.js filtered',
    ])
    expect((await collect(openRevision(repo.path, 'HEAD', { env, maxSizeBytes: 100 }))).paths).toEqual([
      'a.ts',
      'b.ts',
      'c.js',
    ])
  })

  test('tells submodules', async () => {
    using library = repository({ inside: '' })
    using repo = repository({ a: '' })
    git(repo.path, '-c', 'protocol.file.allow=always', 'submodule', 'add', '-q', library.path, 'sub')
    commit(repo.path)
    const { paths, omission } = await collect(openRevision(repo.path, 'HEAD', { env }))
    expect(paths).toEqual(['.gitmodules', 'a', 'sub'])
    expect(omission('sub')).toMatchObject({
      reason: 'submodule',
      detail: expect.stringMatching(/^commit [0-9a-f]{40}$/),
    })
  })

  test('throws about what is not there', async () => {
    using repo = repository({ a: '' })
    for (const revision of ['nope', '--all', '-h', 'HEAD:a', '', 'a b']) {
      await expect(openRevision(repo.path, revision, { env })).rejects.toMatchObject({
        code: 'ARC_GIT_REVISION_UNKNOWN',
      })
    }
    using folder = temporaryFolder()
    await expect(openRevision(folder.path, 'HEAD', { env })).rejects.toMatchObject({ code: 'ARC_NOT_A_REPOSITORY' })
    await expect(openRevision(join(folder.path, 'none'), 'HEAD', { env })).rejects.toMatchObject({
      code: 'ARC_NOT_FOUND',
    })
  })
})

function git0(path: string, revision: string, file: string): Buffer {
  const id = git(path, 'ls-tree', '-r', '-z', revision)
    .split('\0')
    .find((line) => line.endsWith(`\t${file.replace('\udcff', '\ufffd')}`))
  return Buffer.from(
    git(path, '-c', 'core.quotePath=false', 'cat-file', '-p', /[0-9a-f]{40}/.exec(id ?? '')?.[0] ?? '').replace(
      '\ufffd',
      '\xff',
    ),
    'latin1',
  )
}
