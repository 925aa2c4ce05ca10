import { join } from 'node:path'
import { temporaryFolder } from '@arc/core/testing'
import { describe, expect, test } from 'vitest'
import { openProject } from '../src/index.ts'
import { collect, repository, write } from './collect.ts'
import { isolatedEnv as env } from './ignore-oracle.ts'

describe('openProject', () => {
  test('takes the work tree inside git, the directory outside, the revision when one is named', async () => {
    using repo = repository({ '.gitignore': 'x\n', a: '' })
    write(repo.path, { x: '', new: '' })
    expect((await openProject(repo.path, { env })).kind).toBe('work-tree')
    expect((await collect(openProject(repo.path, { env, tracked: true }))).paths).toEqual(['.gitignore', 'a'])
    expect((await collect(openProject(repo.path, { env, git: false }))).paths).toEqual(['.gitignore', 'a', 'new'])
    expect((await collect(openProject(repo.path, { env, git: false }))).source).toMatchObject({
      kind: 'directory',
      git: undefined,
    })
    expect((await collect(openProject(repo.path, { env, revision: 'HEAD' }))).paths).toEqual(['.gitignore', 'a'])
    using folder = temporaryFolder()
    write(folder.path, { 'd/f': '' })
    expect((await collect(openProject(folder.path, { env }))).paths).toEqual(['d', 'd/f'])
    await expect(openProject(folder.path, { env, tracked: true })).rejects.toMatchObject({
      code: 'ARC_NOT_A_REPOSITORY',
    })
  })

  test('does without git where there is none, unless only tracked files are wanted', async () => {
    using repo = repository({ a: '' })
    const noGit = { ...env, PATH: '/nonexistent' }
    expect((await openProject(repo.path, { env: noGit })).kind).toBe('directory')
    await expect(openProject(repo.path, { env: noGit, tracked: true })).rejects.toMatchObject({
      code: 'ARC_GIT_MISSING',
    })
    await expect(openProject(repo.path, { env: noGit, revision: 'HEAD' })).rejects.toMatchObject({
      code: 'ARC_GIT_MISSING',
    })
  })

  test('throws about the root and about contradictions', async () => {
    using folder = temporaryFolder()
    write(folder.path, { file: '' })
    await expect(openProject(join(folder.path, 'none'), { env })).rejects.toMatchObject({ code: 'ARC_NOT_FOUND' })
    await expect(openProject(join(folder.path, 'file'), { env })).rejects.toMatchObject({ code: 'ARC_NOT_A_DIRECTORY' })
    await expect(openProject(folder.path, { env, git: false, revision: 'x' })).rejects.toMatchObject({
      code: 'ARC_OPTION_INVALID',
    })
    await expect(openProject(join(folder.path, 'none'), { env, exclude: ['a{'] })).rejects.toMatchObject({
      code: 'ARC_GLOB_INVALID',
    })
  })
})
