import { execFileSync } from 'node:child_process'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { EntryPath } from '@arc/core'
import { localPath } from '@arc/core/node'
import { failure, temporaryFolder, watchedFileSystem } from '@arc/core/testing'
import { describe, expect, test } from 'vitest'
import { openDirectory } from '../src/index.ts'
import { collect } from './collect.ts'
import {
  compareWithGit,
  git,
  gitPaths,
  isolatedEnv,
  makeForest,
  ourPaths,
  randomRuleSet,
  seededRandom,
} from './ignore-oracle.ts'

// What ignore files are made of, one trait each: name, rules, files. git is asked what it keeps.
const CASES: readonly (readonly [name: string, rules: string, files: readonly string[]])[] = [
  ['case matters', '*.S', ['a.s', 'b.S']],
  ['negation inside an ignored folder', 'foo/\n!foo/keep', ['foo/keep', 'foo/x']],
  ['negation beside a star', 'foo/*\n!foo/keep', ['foo/keep', 'foo/x', 'foo/d/keep']],
  ['trailing spaces', 'a \nb\\ ', ['a', 'a ', 'b', 'b ']],
  ['trailing tab', 'a\t', ['a', 'a\t']],
  ['carriage return', 'a\r\nb', ['a', 'b', 'a\r']],
  ['escaped hash and bang', '\\#x\n\\!y', ['#x', '!y', 'x', 'y']],
  ['folders only', 'build/', ['build/x', 'src/build', 'src2/build/y']],
  ['two stars in the middle', 'a/**/b', ['a/b', 'a/x/b', 'a/x/y/b', 'z/a/b']],
  ['two stars in front', '**/foo/bar', ['foo/bar', 'x/foo/bar', 'x/foo/y/bar']],
  ['two stars at the end', 'foo/**', ['foo/a', 'foo/b/c', 'x/foo/a']],
  ['two stars within a name', 'a**b', ['ab', 'aXb', 'a/b', 'axyzb']],
  ['two stars after a name', 'foo**/bar', ['foo/bar', 'fooX/bar', 'foo/x/bar', 'fooX/y/bar']],
  ['two stars before a name', 'foo/**bar', ['foo/bar', 'foo/xbar', 'foo/y/bar']],
  ['three stars', 'a/***/b\n***', ['a/b', 'a/x/b', 'a/x/y/b']],
  ['stars and slashes', 'a***//', ['a/b', 'ab/c']],
  ['classes', '[a-c]x\n[!a-c]y\n[^a-c]z', ['ax', 'dx', 'ay', 'dy', 'az', 'dz']],
  ['named classes', '[[:digit:]]x\n[[:upper:]]y\n[[:space:]]z', ['1x', 'ax', 'Ay', 'ay', ' z']],
  ['brackets in classes', '[]]x\n[]-]y\n[a\\]]z', [']x', '-y', ']y', ']z', 'az']],
  ['odd ranges', '[z-a]q\n[a-]r\n[-a]s\n[+--]t', ['zq', 'aq', 'ar', '-r', 'as', '-s', '+t', ',t', '-t']],
  ['unterminated class', '[abc\nfoo[', ['[abc', 'a', 'foo[', 'b']],
  ['no slash in a class', 'a[/]b\na[!x]b', ['a/b', 'ayb']],
  ['question mark is one byte', 'a?b\na??b', ['a/b', 'axb', 'ab', 'aéb', 'a😀b']],
  ['leading slash', '/x\n/d/e', ['x', 'y/x', 'd/e', 'y/d/e']],
  ['middle slash', 'd/e', ['d/e', 'y/d/e']],
  ['backslash at the end', 'foo\\', ['foo', 'foo\\']],
  ['escaped star', 'a\\*b\n\\?q', ['a*b', 'axb', '?q', 'xq']],
  ['escaped letters', '\\a\\b', ['ab', '\\a\\b']],
  ['double slash', 'a//b', ['a/b']],
  ['dot slash', './a', ['a']],
  ['lonely slashes', '/\n//', ['a', 'b/c']],
  ['everything but', '*\n!*.txt', ['a.txt', 'b.md', 'd/e.txt']],
  ['everything but, folders kept', '*\n!*/\n!*.txt', ['a.txt', 'b.md', 'd/e.txt', 'd/f.md']],
  [
    'not regular expressions',
    'a+b\na.b\na(b)\n{x,y}\n$a\n^b|c',
    ['a+b', 'aab', 'axb', 'a.b', 'a(b)', '{x,y}', 'x', '$a', '^b|c'],
  ],
  ['names with a dot in front', '*.js\n.*', ['.x', 'a.js', '.b.js', 'd/.c']],
  ['more than ASCII', 'é*\nñ', ['écran', 'ñ', 'n', 'e\u0301x']],
  ['byte order mark', '\ufefffoo\nbar', ['foo', 'bar']],
  ['only a bang', '!\n!!a\n!\\!b', ['!a', 'a', '!b']],
  ['the last one counts', '*.log\n!a.log\n*.log', ['a.log']],
  ['allow list', '/*\n!/foo\n/foo/*\n!/foo/bar', ['foo/bar/x', 'foo/baz/y', 'q']],
  ['two stars and a slash', 'foo/**/', ['foo/a', 'foo/b/c', 'foo/b/d/e']],
  ['any folder', '**/', ['a', 'd/e']],
  ['anything', '**', ['a', 'd/e']],
  ['anything from the root', '/**\n!a', ['a', 'd/e', 'd/a']],
  ['any folder from the root', '/**/x', ['x', 'd/x', 'd/e/x']],
  ['spaces inside', 'a b\n\\ a', ['a b', 'a', ' a']],
  ['long suffixes', '*~\n*.o.*\n.*.swp', ['x~', 'a.o.d', '.y.swp']],
  ['stars across a path', 'a*b*c/d', ['abc/d', 'aXbYc/d', 'a/b/c/d']],
  ['escaped slash', 'a\\/b', ['a/b']],
  ['case of folders', 'Build/', ['build/x', 'Build/y']],
]

function write(root: string, files: Readonly<Record<string, string>>): void {
  for (const [path, content] of Object.entries(files)) {
    const at = localPath(root, path as EntryPath)
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(at, content)
  }
}

describe('ignore rules', () => {
  test.each(CASES)('as git has them: %s', async (_name, rules, files) => {
    using folder = temporaryFolder()
    git(folder.path, 'init', '-q')
    write(folder.path, { ...Object.fromEntries(files.map((file) => [file, ''])), '.gitignore': rules })
    expect(await ourPaths(folder.path)).toEqual(gitPaths(folder.path))
  })

  test('as git has them: 3,000 random rule sets', async () => {
    using folder = temporaryFolder()
    makeForest(folder.path, 100)
    const random = seededRandom(20_26)
    for (let round = 0; round < 30; round++) {
      const sets = Array.from({ length: 100 }, () => randomRuleSet(random))
      expect(await compareWithGit(folder.path, sets)).toEqual([])
    }
  })

  test('the oracle would notice: a rule that only we knew would be told', async () => {
    using folder = temporaryFolder()
    makeForest(folder.path, 1)
    const [mismatch] = await compareWithGit(folder.path, [{ '.arcignore': 'a\n' }])
    expect(mismatch?.onlyGit.length).toBeGreaterThan(0)
    expect(mismatch?.onlyOurs).toEqual([])
  })

  test("nearer files win over info/exclude, and that over the user's own file", async () => {
    using folder = temporaryFolder()
    using home = temporaryFolder()
    git(folder.path, 'init', '-q')
    const config = join(home.path, 'config')
    writeFileSync(join(home.path, 'rules'), '*.user\n*.info\n!kept.near\n/anchored\n')
    git(folder.path, 'config', '-f', config, 'core.excludesFile', join(home.path, 'rules'))
    const env = { ...isolatedEnv, GIT_CONFIG_GLOBAL: config }
    write(folder.path, {
      '.git/info/exclude': '!*.info\n*.near\n',
      '.gitignore': '!*.near\n',
      'sub/.gitignore': '*.near\n!*.user\n',
      'a.user': '',
      'a.info': '',
      'a.near': '',
      anchored: '',
      'sub/a.user': '',
      'sub/a.near': '',
      'sub/anchored': '',
    })
    const kept = await ourPaths(folder.path, env)
    expect(kept).toEqual(gitPaths(folder.path, ['-o', '--exclude-standard'], env))
    expect(kept).toEqual(['.gitignore', 'a.info', 'a.near', 'sub/.gitignore', 'sub/a.user', 'sub/anchored'])
  })

  test("the user's own file in its default place, without any repository", async () => {
    using folder = temporaryFolder()
    using home = temporaryFolder()
    write(home.path, { '.config/git/ignore': '*.user\n' })
    write(folder.path, { 'a.user': '', 'b.txt': '' })
    const env = { PATH: process.env['PATH'], HOME: home.path, GIT_CONFIG_NOSYSTEM: '1' }
    expect(await ourPaths(folder.path, env)).toEqual(['b.txt'])
    // Without git on the machine, too.
    expect(await ourPaths(folder.path, { ...env, PATH: '/nonexistent' })).toEqual(['b.txt'])
  })

  test('.arcignore has the last word in its folder', async () => {
    using folder = temporaryFolder()
    write(folder.path, { '.gitignore': 'a\n', '.arcignore': '!a\nb\n', a: '', b: '', c: '', 'd/b': '' })
    expect(await ourPaths(folder.path)).toEqual(['.arcignore', '.gitignore', 'a', 'c'])
  })

  test('a symlink or a folder in the place of an ignore file holds no rules', async () => {
    using folder = temporaryFolder()
    git(folder.path, 'init', '-q')
    write(folder.path, { rules: '*\n', 'sub/x': '', 'dir/.gitignore/y': '' })
    symlinkSync('rules', join(folder.path, '.gitignore'))
    expect(await ourPaths(folder.path)).toEqual(gitPaths(folder.path))
  })

  test('info/exclude of a linked work tree is that of its repository', async () => {
    using folder = temporaryFolder()
    const main = join(folder.path, 'main')
    mkdirSync(main)
    git(main, 'init', '-q')
    git(main, 'commit', '-q', '--allow-empty', '-m', 'x')
    git(main, 'worktree', 'add', '-q', '../linked')
    write(main, { '.git/info/exclude': 'secret\n' })
    const linked = join(folder.path, 'linked')
    write(linked, { secret: '', shown: '' })
    expect(await ourPaths(linked)).toEqual(['shown'])
    expect(gitPaths(linked)).toEqual(['shown'])
  })

  test('a pipe in the place of an ignore file holds no rules, and nobody waits for its writer', async () => {
    using folder = temporaryFolder()
    write(folder.path, { a: '' })
    execFileSync('mkfifo', [join(folder.path, '.gitignore')], { stdio: 'ignore' })
    expect(await ourPaths(folder.path)).toEqual(['a'])
  })

  test('an ignore file that cannot be read is told, for its rules do not hold', async () => {
    using folder = temporaryFolder()
    write(folder.path, { '.gitignore': 'a\n', a: '' })
    const fs = watchedFileSystem(({ name, args }) => {
      if (name === 'openSync' && String(args[0]).endsWith('.gitignore')) throw failure('EACCES', 'open')
    })
    const { paths, omissions } = await collect(openDirectory(folder.path, { fs, env: isolatedEnv }))
    expect(paths).toEqual(['.gitignore', 'a'])
    expect(omissions).toEqual([
      { path: '.gitignore', reason: 'unreadable', detail: 'its rules are not applied: EACCES' },
    ])
  })
})
