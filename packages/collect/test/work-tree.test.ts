import { mkdirSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { encodePath, type EntryPath } from '@arc/core'
import { temporaryFolder } from '@arc/core/testing'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { openWorkTree } from '../src/index.ts'
import { collect, commit, contentOf, isSorted, repository, write } from './collect.ts'
import { git, gitPaths, isolatedEnv as env } from './ignore-oracle.ts'

const all = (path: string): EntryPath[] => unique(gitPaths(path, ['-co', '--exclude-standard']))
const tracked = (path: string): EntryPath[] => unique(gitPaths(path, []))
const unique = (paths: EntryPath[]): EntryPath[] =>
  [...new Set(paths)].toSorted((a, b) => Buffer.compare(encodePath(a), encodePath(b)))

describe('openWorkTree', () => {
  test('is git ls-files -co --exclude-standard, and git ls-files when only tracked files are wanted', async () => {
    using repo = repository({ '.gitignore': '*.o\n/out/\n', 'a.ts': 'a', 'lib/b.ts': 'b', 'kept.o': '' })
    git(repo.path, 'add', '-f', 'kept.o')
    write(repo.path, { 'new.ts': 'n', 'x.o': '', 'out/y': '', 'lib/new.o': '', 'lib/c/d.ts': '', 'é\n"x"': '' })
    const found = await collect(openWorkTree(repo.path, { env }))
    expect(found.paths).toEqual(all(repo.path))
    expect(found.paths).toContain('kept.o')
    expect(found.omissions).toEqual([])
    expect(found.source).toMatchObject({ kind: 'work-tree', git: { branch: 'main', dirty: true } })
    expect((await contentOf(found.entry('lib/b.ts'))).toString()).toBe('b')
    expect((await collect(openWorkTree(repo.path, { env, tracked: true }))).paths).toEqual(tracked(repo.path))
  })

  test('of a sub-folder is that folder alone, with paths relative to it', async () => {
    using repo = repository({ '.gitignore': '*.o\n', a: '', 'lib/b': '', 'lib/c/d': '', 'library/e': '' })
    write(repo.path, { 'lib/x.o': '', 'lib/new': '', 'outside-new': '' })
    const lib = join(repo.path, 'lib')
    const found = await collect(openWorkTree(lib, { env }))
    expect(found.paths).toEqual(['b', 'c/d', 'new'])
    expect(found.paths).toEqual(all(lib))
    rmSync(join(lib, 'new'))
    expect((await collect(openWorkTree(lib, { env }))).source.git?.dirty).toBe(false)
  })

  test('knows modes, symlinks and links of one inode from disk', async () => {
    using repo = repository({ run: '#!/bin/sh\n', plain: '' })
    git(repo.path, 'update-index', '--chmod=+x', 'run')
    symlinkSync('plain', join(repo.path, 'link'))
    const { entry } = await collect(openWorkTree(repo.path, { env }))
    expect(entry('run').mode & 0o111).toBe(0)
    expect(entry('link')).toMatchObject({ type: 'symlink', target: 'plain' })
  })

  test('tells deleted files', async () => {
    using repo = repository({ a: '', b: '', 'dir/c': '', 'dir/d': '' })
    rmSync(join(repo.path, 'a'))
    rmSync(join(repo.path, 'dir'), { recursive: true })
    write(repo.path, { dir: 'now a file' })
    const { paths, omissions, source } = await collect(openWorkTree(repo.path, { env }))
    expect(paths).toEqual(['b', 'dir'])
    expect(omissions).toEqual(['a', 'dir/c', 'dir/d'].map((path) => ({ path, reason: 'deleted' })))
    expect(source.git?.dirty).toBe(true)
  })

  test('does not look behind a symlink that took the place of a folder', async () => {
    using repo = repository({ 'dir/f': 'mine', 'dir/g': 'mine too', z: '', '.gitignore': '' })
    using outside = temporaryFolder()
    write(outside.path, { f: 'secret', g: 'secret' })
    rmSync(join(repo.path, 'dir'), { recursive: true })
    symlinkSync(outside.path, join(repo.path, 'dir'))
    for (const rules of ['', 'dir\n']) {
      write(repo.path, { '.gitignore': rules, 'dir-x': '' })
      git(repo.path, 'update-index', rules === '' ? '--no-assume-unchanged' : '--assume-unchanged', 'dir/g')
      const { paths, omissions } = await collect(openWorkTree(repo.path, { env }))
      expect(paths).toEqual(rules === '' ? ['.gitignore', 'dir', 'dir-x', 'z'] : ['.gitignore', 'dir-x', 'z'])
      expect(omissions.map(({ path, reason }) => `${path} ${reason}`)).toEqual(['dir/f deleted', 'dir/g deleted'])
    }
  })

  test('tells a folder in the place of a tracked file', async () => {
    using repo = repository({ a: '' })
    rmSync(join(repo.path, 'a'))
    write(repo.path, { 'a/b': '' })
    const { paths, omission } = await collect(openWorkTree(repo.path, { env }))
    expect(paths).toEqual(['a/b'])
    expect(omission('a')).toEqual({ path: 'a', reason: 'deleted', detail: 'a folder took its place' })
  })

  test('gives a submodule as a folder and tells its commit', async () => {
    using library = repository({ inside: '' })
    using repo = repository({ a: '' })
    git(repo.path, '-c', 'protocol.file.allow=always', 'submodule', 'add', '-q', library.path, 'sub')
    commit(repo.path)
    const { paths, entry, omissions, source } = await collect(openWorkTree(repo.path, { env }))
    expect(paths).toEqual(['.gitmodules', 'a', 'sub'])
    expect(paths).toEqual(all(repo.path))
    expect(entry('sub')).toMatchObject({ type: 'directory' })
    expect(omissions).toEqual([
      { path: 'sub', reason: 'submodule', detail: `commit ${git(library.path, 'rev-parse', 'HEAD').trim()}` },
    ])
    expect(source.git?.dirty).toBe(false)
    rmSync(join(repo.path, 'sub'), { recursive: true })
    const without = await collect(openWorkTree(repo.path, { env }))
    expect(without.paths).toEqual(['.gitmodules', 'a'])
    expect(without.omission('sub')?.reason).toBe('submodule')
    expect(without.source.git?.dirty).toBe(true)
  })

  test('tells a repository inside the repository', async () => {
    using repo = repository({ a: '', 'nested-x': '' })
    mkdirSync(join(repo.path, 'nested'))
    git(join(repo.path, 'nested'), 'init', '-q')
    write(repo.path, { 'nested/f': '' })
    commit(join(repo.path, 'nested'))
    const { paths, omissions } = await collect(openWorkTree(repo.path, { env }))
    expect(paths).toEqual(['a', 'nested-x'])
    expect(omissions).toEqual([{ path: 'nested', reason: 'nested-repository', detail: 'git does not look into it' }])
    expect(gitPaths(repo.path, ['-o', '--exclude-standard'])).toEqual(['nested/'])
  })

  test('a sparse checkout lacks what it is told to lack, and is clean', async () => {
    using repo = repository({ 'in/a': '', 'out/b': '', top: '' })
    for (const mode of ['--no-sparse-index', '--sparse-index']) {
      git(repo.path, 'sparse-checkout', 'set', '--cone', mode, 'in')
      const { paths, omissions, source } = await collect(openWorkTree(repo.path, { env }))
      expect(paths).toEqual(['in/a', 'top'])
      expect(omissions).toEqual([{ path: 'out/b', reason: 'filtered', detail: 'not in the sparse checkout' }])
      expect(source.git?.dirty).toBe(false)
    }
    write(repo.path, { 'out/b': 'there all the same' })
    expect((await collect(openWorkTree(repo.path, { env }))).paths).toContain('out/b')
  })

  test('names that are no UTF-8', async () => {
    using repo = repository({ 'b\udcff': 'x', 'a\udce9/c': 'y', '\uffee': '', '😀': '' })
    write(repo.path, { 'b\udcfe': 'new' })
    const { paths, entry } = await collect(openWorkTree(repo.path, { env }))
    expect(paths).toEqual(all(repo.path))
    expect(isSorted(paths)).toBe(true)
    expect((await contentOf(entry('a\udce9/c'))).toString()).toBe('y')
  })

  test('before the first commit, detached, and in a linked work tree', async () => {
    using repo = repository({})
    expect((await collect(openWorkTree(repo.path, { env }))).source.git).toEqual({
      branch: 'main',
      commit: undefined,
      dirty: false,
    })
    write(repo.path, { a: '' })
    expect((await collect(openWorkTree(repo.path, { env }))).source.git).toEqual({
      branch: 'main',
      commit: undefined,
      dirty: true,
    })
    const first = commit(repo.path)
    git(repo.path, 'checkout', '-q', '--detach')
    expect((await collect(openWorkTree(repo.path, { env }))).source.git).toEqual({
      branch: undefined,
      commit: first,
      dirty: false,
    })
    using place = temporaryFolder()
    const linked = join(place.path, 'linked')
    git(repo.path, 'worktree', 'add', '-q', '-b', 'side', linked)
    const found = await collect(openWorkTree(linked, { env }))
    expect(found.paths).toEqual(['a'])
    expect(found.source).toMatchObject({ name: 'linked', git: { branch: 'side', commit: first, dirty: false } })
  })

  test('follows symlinks when asked', async () => {
    using repo = repository({ a: '', 'real/f': 'text', z: '' })
    symlinkSync('real', join(repo.path, 'link'))
    symlinkSync('real/f', join(repo.path, 'link-file'))
    symlinkSync('..', join(repo.path, 'real/up'))
    const { paths, entry, omissions } = await collect(openWorkTree(repo.path, { env, followSymlinks: true }))
    expect(paths).toEqual(['a', 'link', 'link-file', 'link/f', 'real/f', 'z'])
    expect(entry('link')).toMatchObject({ type: 'directory' })
    expect((await contentOf(entry('link/f'))).toString()).toBe('text')
    expect((await contentOf(entry('link-file'))).toString()).toBe('text')
    expect(omissions.map(({ path, reason }) => `${path} ${reason}`)).toEqual(['link/up link-loop', 'real/up link-loop'])
  })

  test('never lists what its caller writes', async () => {
    using repo = repository({ a: '', 'project.dump.md': 'old', 'out/b': '' })
    const temporary = `.project.dump.md.0123abcd-1-0123456789ab.arc-tmp`
    write(repo.path, { [temporary]: '', 'x.arc-tmp': '' })
    const omitPaths = [join(repo.path, 'project.dump.md'), join(repo.path, 'out'), '/elsewhere/x']
    const { paths, omissions } = await collect(openWorkTree(repo.path, { env, omitPaths }))
    expect(paths).toEqual(['a', 'x.arc-tmp'])
    expect(omissions.map(({ path, reason }) => `${path} ${reason}`)).toEqual([
      `${temporary} own-output`,
      'out/b own-output',
      'project.dump.md own-output',
    ])
  })

  test('outside a repository, in a bare one, and inside .git it says so', async () => {
    using folder = temporaryFolder()
    await expect(openWorkTree(folder.path, { env })).rejects.toMatchObject({ code: 'ARC_NOT_A_REPOSITORY' })
    git(folder.path, 'init', '-q', '--bare', 'bare')
    await expect(openWorkTree(join(folder.path, 'bare'), { env })).rejects.toMatchObject({
      code: 'ARC_NOT_A_REPOSITORY',
      hint: expect.stringContaining('revision'),
    })
    using repo = repository({ a: '' })
    await expect(openWorkTree(join(repo.path, '.git'), { env })).rejects.toMatchObject({ code: 'ARC_NOT_A_REPOSITORY' })
  })
})

describe('dirty', () => {
  const dirtyOf = async (path: string, options: object = {}): Promise<boolean | undefined> =>
    (await collect(openWorkTree(path, { env, ...options }))).source.git?.dirty

  test.each([
    ['nothing', false, () => {}],
    ['an untracked file', true, (path: string) => write(path, { new: '' })],
    ['an ignored file', false, (path: string) => write(path, { 'x.o': '' })],
    ['a staged file', true, (path: string) => (write(path, { new: '' }), git(path, 'add', 'new'))],
    ['a staged deletion', true, (path: string) => git(path, 'rm', '-q', '--cached', 'a')],
    ['a changed file', true, (path: string) => write(path, { a: 'changed' })],
    ['a change of the same size', true, (path: string) => write(path, { a: 'A' })],
    ['a touched file', false, (path: string) => utimesSync(join(path, 'a'), 1, 1)],
    ['a rewritten file', false, (path: string) => write(path, { a: 'a' })],
    [
      'a file moved away and back',
      false,
      (path: string) => (renameSync(join(path, 'a'), join(path, 'b')), renameSync(join(path, 'b'), join(path, 'a'))),
    ],
    ['an executable bit', true, (path: string) => git(path, 'update-index', '--chmod=+x', 'a')],
    ['a deleted file', true, (path: string) => rmSync(join(path, 'a'))],
    ['another index version', false, (path: string) => git(path, 'update-index', '--index-version', '4')],
    ['a split index', false, (path: string) => git(path, 'update-index', '--split-index')],
    ['a lost index', true, (path: string) => rmSync(join(path, '.git/index'))],
    [
      'a touched file in a split index',
      false,
      (path: string) => (git(path, 'update-index', '--split-index'), utimesSync(join(path, 'a'), 1, 1)),
    ],
  ])('after %s: %s', async (_name, expected, change) => {
    using repo = repository({ '.gitignore': '*.o\n', a: 'a', 'dir/c': 'c' })
    change(repo.path)
    expect(await dirtyOf(repo.path)).toBe(expected)
    // git itself agrees.
    expect(git(repo.path, 'status', '--porcelain') !== '').toBe(expected)
  })

  test('is about the whole listing, whatever filters leave out', async () => {
    using repo = repository({ a: 'a', b: 'b' })
    write(repo.path, { b: 'B' })
    expect(await dirtyOf(repo.path, { include: ['a'] })).toBe(true)
    expect(await dirtyOf(repo.path, { tracked: true })).toBe(true)
    git(repo.path, 'checkout', '-q', 'b')
    expect(await dirtyOf(repo.path, { include: ['a'] })).toBe(false)
    write(repo.path, { new: '' })
    expect(await dirtyOf(repo.path, { tracked: true })).toBe(false)
  })

  test('a conflict', async () => {
    using repo = repository({ a: 'base\n', b: '' })
    git(repo.path, 'checkout', '-q', '-b', 'other')
    write(repo.path, { a: 'other\n' })
    commit(repo.path)
    git(repo.path, 'checkout', '-q', 'main')
    write(repo.path, { a: 'main\n' })
    commit(repo.path)
    expect(() => git(repo.path, 'merge', '-q', 'other')).toThrow('merge')
    const { paths, source } = await collect(openWorkTree(repo.path, { env }))
    expect(paths).toEqual(['a', 'b'])
    expect(source.git?.dirty).toBe(true)
  })

  test('a repository with SHA-256', async () => {
    using folder = temporaryFolder()
    git(folder.path, 'init', '-q', '--object-format=sha256')
    write(folder.path, { a: 'a', 'dir/b': 'b' })
    const id = commit(folder.path)
    expect(id).toHaveLength(64)
    const { paths, source } = await collect(openWorkTree(folder.path, { env }))
    expect(paths).toEqual(['a', 'dir/b'])
    expect(source.git).toEqual({ branch: 'main', commit: id, dirty: false })
  })
})

test('random repositories: the same paths as git, and the same verdict on dirty', async () => {
  const name = fc.constantFrom('a', 'b', 'c.o', 'd', 'e')
  const path = fc.array(name, { minLength: 1, maxLength: 3 }).map((names) => names.join('/'))
  const files = fc.uniqueArray(path, { maxLength: 8 })
  await fc.assert(
    fc.asyncProperty(
      files,
      files,
      fc.constantFrom('', '*.o\n', 'a/\n!b\n', 'd\n'),
      fc.nat(3),
      async (first, second, rules, removed) => {
        using repo = repository({ '.gitignore': rules })
        for (const file of first) tryWrite(repo.path, file, 'first')
        git(repo.path, 'add', '-A', '-f')
        commit(repo.path)
        for (const file of second) tryWrite(repo.path, file, 'second')
        for (const file of first.slice(0, removed)) rmSync(join(repo.path, file), { force: true, recursive: true })
        const found = await collect(openWorkTree(repo.path, { env }))
        const left = [...found.paths, ...found.omissions.map((omission) => omission.path)]
        expect(unique(left)).toEqual(all(repo.path))
        expect(found.source.git?.dirty).toBe(git(repo.path, 'status', '--porcelain') !== '')
      },
    ),
    { numRuns: 25 },
  )
})

function tryWrite(root: string, path: string, content: string): void {
  try {
    mkdirSync(join(root, path, '..'), { recursive: true })
    writeFileSync(join(root, path), content)
  } catch {
    // A file stands where this needs a folder, or the other way round.
  }
}
