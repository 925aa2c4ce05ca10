import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { EntryPath } from '@arc/core'
import { temporaryFolder } from '@arc/core/testing'
import { expect, test } from 'vitest'
import { openDirectory } from '../src/index.ts'
import { collect, write } from './collect.ts'
import { isolatedEnv as env } from './ignore-oracle.ts'

const asGit = { env, listedByGit: true, gitFolders: true }

function git(root: string, ...args: readonly string[]): string {
  const settings = ['-c', 'user.name=a', '-c', 'user.email=a@b', '-c', 'protocol.file.allow=always']
  return execFileSync('git', ['-C', root, ...settings, ...args], {
    env,
    stdio: ['ignore', 'pipe', 'ignore'],
  }).toString()
}

/** What git lists: files and links. */
function listed(root: string, prefix = ''): string[] {
  const paths = git(root, 'ls-files', '-coz', '--exclude-standard').split('\0').slice(0, -1)
  return paths.filter((path) => !path.endsWith('/')).map((path) => `${prefix}${path}`)
}

/** Files and links that the source gives, without git's own. */
async function given(root: string, options: Parameters<typeof openDirectory>[1] = asGit): Promise<string[]> {
  const { entries } = await collect(openDirectory(root, options))
  const isOwn = (path: EntryPath): boolean => !/(?:^|\/)\.git(?:\/|$)/.test(path)
  return entries.flatMap(({ path, type }) => (type === 'directory' || !isOwn(path) ? [] : [path]))
}

/** Tracked files that rules name, rules in several folders, and what nobody ignores. */
function writeRepository(root: string): void {
  write(root, {
    '.gitignore': '*.log\n/build/\n!keep.log\n',
    '.arcignore': 'untracked\n',
    'build/tracked': '',
    'build/out': '',
    'build/deep/tracked.log': '',
    'src/.gitignore': 'made\n',
    'src/a': '',
    'src/made': '',
    'src/tracked.log': '',
    'src/keep.log': '',
  })
  git(root, 'init', '-q')
  git(root, 'add', '-f', 'build/tracked', 'build/deep/tracked.log', 'src/tracked.log', 'src/a', '.gitignore')
  git(root, 'commit', '-qm', 'one')
  write(root, { untracked: '', 'new/file': '', 'new/x.log': '', 'only/ignored.log': '', 'größe.txt': '' })
  mkdirSync(join(root, 'empty'))
  symlinkSync('build', join(root, 'link'))
  rmSync(join(root, 'src/a'))
}

test('in a work tree git says what is given, tracked files that rules name included', async () => {
  using folder = temporaryFolder()
  writeRepository(folder.path)
  const { paths } = await collect(openDirectory(folder.path, { env, listedByGit: true }))
  const deleted = 'src/a'
  expect(await given(folder.path)).toEqual(
    listed(folder.path)
      .filter((path) => path !== deleted)
      .toSorted(),
  )
  expect(paths).toContain('build/deep/tracked.log')
  expect(paths).toContain('build/deep')
  for (const path of ['build/out', 'src/made', 'only', 'empty', '.git']) expect(paths).not.toContain(path)
  const { paths: faithful } = await collect(openDirectory(folder.path, asGit))
  expect(faithful).toContain('.git/HEAD')
})

test('the rules above a folder count for it, and other filters still do', async () => {
  using folder = temporaryFolder()
  writeRepository(folder.path)
  const src = join(folder.path, 'src')
  write(src, { 'new.log': '' })
  expect(await given(src)).toEqual(['.gitignore', 'keep.log', 'tracked.log'])
  write(src, { '.own': 'tracked.log\n' })
  expect(await given(src, { ...asGit, ignoreFiles: ['.own'], exclude: ['keep.*'] })).toEqual(['.gitignore', '.own'])
})

test('outside a work tree, and where the repository above ignores everything, the rules count', async () => {
  using folder = temporaryFolder()
  write(folder.path, { '.gitignore': '*.log\n', a: '', 'b.log': '' })
  expect(await given(folder.path)).toEqual(['.gitignore', 'a'])
  write(folder.path, { 'outer/.gitignore': '*\n', 'outer/inner/.gitignore': '*.log\n', 'outer/inner/a': '' })
  git(join(folder.path, 'outer'), 'init', '-q')
  write(folder.path, { 'outer/inner/b.log': '' })
  expect(await given(join(folder.path, 'outer/inner'))).toEqual(['.gitignore', 'a'])
})

test('a repository in a repository says what is given of it', async () => {
  using folder = temporaryFolder()
  const { path: root } = folder
  writeRepository(root)
  writeRepository(join(root, 'nested'))
  writeRepository(join(root, 'library'))
  git(root, 'submodule', 'add', '-q', join(root, 'nested'), 'module')
  write(root, { 'module/x.log': '', 'module/new': '' })
  writeFileSync(join(root, 'nested/broken.log'), '')
  const wanted = ['', 'nested/', 'library/', 'module/'].flatMap((prefix) => listed(join(root, prefix), prefix))
  const missing = new Set(['src/a', 'nested/src/a', 'library/src/a', 'module'])
  expect((await given(root)).toSorted()).toEqual(wanted.filter((path) => !missing.has(path)).toSorted())
})
