import { chmodSync, chownSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryFolder } from '@arc/core/testing'
import { describe, expect, test } from 'vitest'
import { listWorkTree, openRepository, userExcludesFile } from '../src/index.ts'
import { isolatedEnv as env, scratch } from './scratch.ts'

describe('openRepository', () => {
  test('finds the repository from its top and from below', async () => {
    using repository = scratch()
    repository.write('lib/a', '')
    const commit = repository.commit()
    const tree = repository.git('rev-parse', 'HEAD^{tree}')
    const facts = { topLevel: repository.path, branch: 'main', commit, tree }
    expect(await openRepository(repository.path, { env })).toMatchObject({ ...facts, root: repository.path })
    const lib = join(repository.path, 'lib')
    expect(await openRepository(lib, { env })).toMatchObject({ ...facts, root: lib })
  })

  test('is undefined outside, and where the repository is gone', async () => {
    using folder = temporaryFolder()
    expect(await openRepository(folder.path, { env })).toBeUndefined()
    writeFileSync(join(folder.path, '.git'), 'gitdir: /nowhere/at/all\n')
    expect(await openRepository(folder.path, { env })).toBeUndefined()
  })

  test('knows an unborn, a detached and an oddly named HEAD, and a file called HEAD', async () => {
    using repository = scratch()
    repository.write('HEAD', 'a file')
    expect(await openRepository(repository.path, { env })).toMatchObject({
      branch: 'main',
      commit: undefined,
      tree: undefined,
    })
    const commit = repository.commit()
    repository.git('checkout', '-q', '-b', 'feature/ü "x"'.replaceAll(' ', '-'))
    expect(await openRepository(repository.path, { env })).toMatchObject({ branch: 'feature/ü-"x"', commit })
    repository.git('checkout', '-q', '--detach')
    expect(await openRepository(repository.path, { env })).toMatchObject({ branch: undefined, commit })
  })

  test('has no work tree in a bare repository and inside .git', async () => {
    using repository = scratch(['--bare'])
    const bare = await openRepository(repository.path, { env })
    expect(bare).toMatchObject({ topLevel: undefined, branch: 'main' })
    await expect(listWorkTree(bare as never)).rejects.toMatchObject({ code: 'ARC_NOT_A_REPOSITORY' })
    using normal = scratch()
    expect(await openRepository(join(normal.path, '.git'), { env })).toMatchObject({ topLevel: undefined })
  })

  test('throws about the folder', async () => {
    using folder = temporaryFolder()
    writeFileSync(join(folder.path, 'file'), '')
    await expect(openRepository(join(folder.path, 'none'), { env })).rejects.toMatchObject({ code: 'ARC_NOT_FOUND' })
    await expect(openRepository(join(folder.path, 'file'), { env })).rejects.toMatchObject({
      code: 'ARC_NOT_A_DIRECTORY',
    })
  })

  test('throws what git says about a broken repository', async () => {
    using repository = scratch()
    repository.write('.git/config', '[broken\n')
    await expect(openRepository(repository.path, { env })).rejects.toMatchObject({
      code: 'ARC_GIT_FAILED',
      message: expect.stringContaining('bad config'),
    })
  })

  test('says what to do about a repository of another user', async () => {
    using repository = scratch()
    if (process.getuid?.() === 0) {
      for (const path of [repository.path, join(repository.path, '.git')]) chownSync(path, 12_345, 12_345)
      await expect(openRepository(repository.path, { env })).rejects.toMatchObject({
        code: 'ARC_GIT_FAILED',
        hint: expect.stringContaining(`safe.directory ${repository.path}`),
      })
    }
    // The same from a git that only says so: not everybody may give files away.
    const message = `fatal: detected dubious ownership in repository at '${repository.path}'`
    using fake = fakeGit(`echo "${message}" >&2; exit 128`)
    await expect(
      openRepository(repository.path, { env: { ...env, PATH: `${fake.path}:${env['PATH']}` } }),
    ).rejects.toMatchObject({
      code: 'ARC_GIT_FAILED',
      hint: expect.stringContaining(`safe.directory ${repository.path}`),
    })
  })

  test('says when git is missing or too old', async () => {
    using repository = scratch()
    await expect(openRepository(repository.path, { env: { PATH: '/nonexistent' } })).rejects.toMatchObject({
      code: 'ARC_GIT_MISSING',
    })
    // Before 2.31 `rev-parse` repeats what it does not know.
    using old = fakeGit('shift 4; for argument; do echo "$argument"; done')
    await expect(
      openRepository(repository.path, { env: { PATH: `${old.path}:${env['PATH']}` } }),
    ).rejects.toMatchObject({
      code: 'ARC_GIT_MISSING',
      message: expect.stringContaining('too old'),
    })
  })

  test('stops when told to', async () => {
    using repository = scratch()
    const reason = new Error('enough')
    await expect(openRepository(repository.path, { env, signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    using slow = fakeGit('exec sleep 60')
    const controller = new AbortController()
    const opening = openRepository(repository.path, {
      env: { PATH: `${slow.path}:${env['PATH']}` },
      signal: controller.signal,
    })
    controller.abort(reason)
    await expect(opening).rejects.toBe(reason)
  })

  test('is not led astray by the variables of whoever calls', async () => {
    using repository = scratch()
    using other = scratch()
    repository.write('mine', '')
    const commit = repository.commit()
    other.write('theirs', '')
    other.commit()
    using marks = temporaryFolder()
    const trap = `touch ${marks.path}/sprung`
    const caller = {
      ...env,
      GIT_DIR: join(other.path, '.git'),
      GIT_WORK_TREE: other.path,
      GIT_INDEX_FILE: join(other.path, '.git/index'),
      GIT_OBJECT_DIRECTORY: join(other.path, '.git/objects'),
      GIT_NAMESPACE: 'x',
      GIT_PREFIX: 'x',
      GIT_LITERAL_PATHSPECS: '0',
      GIT_EXTERNAL_DIFF: trap,
      GIT_SSH_COMMAND: trap,
      GIT_PAGER: trap,
      GIT_EDITOR: trap,
      GIT_CONFIG_PARAMETERS: `'core.fsmonitor'='${trap}'`,
      GIT_CONFIG_COUNT: '1',
      GIT_CONFIG_KEY_0: 'core.fsmonitor',
      GIT_CONFIG_VALUE_0: trap,
      GIT_TRACE: join(marks.path, 'trace'),
    }
    const opened = await openRepository(repository.path, { env: caller })
    expect(opened).toMatchObject({ topLevel: repository.path, commit })
    expect((await listWorkTree(opened as never)).paths.map(({ path }) => path)).toEqual(['mine'])
    expect(readdirSync(marks.path)).toEqual([])
  })
})

describe('userExcludesFile', () => {
  test('is what the configuration says, else where git looks', async () => {
    using repository = scratch()
    const { path } = repository
    expect(await userExcludesFile(path, { env: { ...env, HOME: '/home/me' } })).toBe('/home/me/.config/git/ignore')
    expect(await userExcludesFile(path, { env: { ...env, XDG_CONFIG_HOME: '/xdg' } })).toBe('/xdg/git/ignore')
    expect(await userExcludesFile(path, { env: { PATH: '/nonexistent', HOME: '/home/me' } })).toBe(
      '/home/me/.config/git/ignore',
    )
    expect(await userExcludesFile(path, { env: { PATH: env['PATH'], GIT_CONFIG_GLOBAL: '/dev/null' } })).toBeUndefined()
    repository.git('config', 'core.excludesFile', '~/rules')
    expect(await userExcludesFile(path, { env: { ...env, HOME: '/home/me' } })).toBe('/home/me/rules')
  })
})

/** A program named git, in a folder to put into PATH. */
function fakeGit(script: string): Disposable & { path: string } {
  const folder = temporaryFolder()
  mkdirSync(folder.path, { recursive: true })
  writeFileSync(join(folder.path, 'git'), `#!/bin/sh\n${script}\n`)
  chmodSync(join(folder.path, 'git'), 0o755)
  return folder
}
