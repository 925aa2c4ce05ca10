import { spawnSync } from 'node:child_process'
import { symlinkSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryFolder } from '@arc/core/testing'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type DirectoryOptions, openDirectory, parsePattern } from '../src/index.ts'
import { collect, write } from './collect.ts'
import { isolatedEnv as env } from './ignore-oracle.ts'

const files = { 'a.ts': 'x', 'lib/b.ts': 'xx', 'lib/c.js': 'xxx', 'doc/d.md': 'xxxx', 'doc/e/f.ts': '' }

async function pathsWith(options: DirectoryOptions): Promise<string[]> {
  using folder = temporaryFolder()
  write(folder.path, files)
  return (await collect(openDirectory(folder.path, { env, ...options }))).paths
}

describe('filters', () => {
  test('include: what matches, and what lies below a folder that matches', async () => {
    expect(await pathsWith({ include: ['*.ts'] })).toEqual(['a.ts', 'doc/e/f.ts', 'lib/b.ts'])
    expect(await pathsWith({ include: ['doc', '*.js'] })).toEqual([
      'doc',
      'doc/d.md',
      'doc/e',
      'doc/e/f.ts',
      'lib/c.js',
    ])
    expect(await pathsWith({ include: ['doc/*'] })).toEqual(['doc/d.md', 'doc/e', 'doc/e/f.ts'])
  })

  test('exclude: with everything below, told once, and stronger than include', async () => {
    using folder = temporaryFolder()
    write(folder.path, files)
    const { paths, omissions } = await collect(
      openDirectory(folder.path, { env, include: ['*.ts'], exclude: ['doc/', '/lib/b.*'] }),
    )
    expect(paths).toEqual(['a.ts'])
    expect(omissions).toEqual([
      { path: 'doc', reason: 'filtered', detail: 'excluded by doc/' },
      { path: 'lib', reason: 'filtered', detail: 'matches no include pattern' },
      { path: 'lib/b.ts', reason: 'filtered', detail: 'excluded by /lib/b.*' },
      { path: 'lib/c.js', reason: 'filtered', detail: 'matches no include pattern' },
    ])
  })

  test('match: by path, the same for each whatever its flags', async () => {
    expect(await pathsWith({ match: /^lib\/.*s$/g })).toEqual(['lib/b.ts', 'lib/c.js'])
  })

  test('types and size', async () => {
    expect(await pathsWith({ types: ['directory'] })).toEqual(['doc', 'doc/e', 'lib'])
    expect(await pathsWith({ maxSizeBytes: 2, types: ['file'] })).toEqual(['a.ts', 'doc/e/f.ts', 'lib/b.ts'])
    expect(await pathsWith({ maxSizeBytes: 0 })).toEqual(['doc', 'doc/e', 'doc/e/f.ts', 'lib'])
  })

  test('time', async () => {
    using folder = temporaryFolder()
    write(folder.path, { old: '', new: '' })
    utimesSync(join(folder.path, 'old'), 1000, 1000)
    utimesSync(join(folder.path, 'new'), 3000, 3000)
    const list = async (options: DirectoryOptions): Promise<string[]> =>
      (await collect(openDirectory(folder.path, { env, ...options }))).paths
    expect(await list({ newerThan: new Date(2_000_000) })).toEqual(['new'])
    expect(await list({ olderThan: 2_000_000_000_000n })).toEqual(['old'])
    expect(await list({ newerThan: 1_000_000_000_000n, olderThan: new Date(3_000_000) })).toEqual([])
    expect(await list({ newerThan: 999_999_999_999n, olderThan: 3_000_000_000_001n })).toEqual(['new', 'old'])
  })

  test('own output, also when the root is reached through a symlink', async () => {
    using folder = temporaryFolder()
    write(folder.path, { 'real/a': '', 'real/out/b': '', 'real/dump.md': '' })
    symlinkSync('real', join(folder.path, 'alias'))
    const root = join(folder.path, 'alias')
    const { paths, omissions } = await collect(
      openDirectory(root, { env, omitPaths: [join(root, 'dump.md'), join(root, 'out')] }),
    )
    expect(paths).toEqual(['a'])
    expect(omissions.map(({ path, reason }) => `${path} ${reason}`)).toEqual(['dump.md own-output', 'out own-output'])
  })
})

describe('content filters', () => {
  // What ripgrep selects is asked of ripgrep itself, over texts with every kind of line end, mark and stray byte.
  const texts: Record<string, Uint8Array> = {
    plain: Buffer.from('one\ntwo\nthree\n'),
    'no-end': Buffer.from('one\ntwo'),
    crlf: Buffer.from('one\r\ntwo\r\n'),
    cr: Buffer.from('one\rtwo'),
    'utf8-mark': Buffer.from('\ufeffone\ntwo\n'),
    utf16le: Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from('one\ntwo\n', 'utf16le')]),
    utf16be: Buffer.concat([Buffer.from([0xfe, 0xff]), Buffer.from('one\ntwo\n', 'utf16le').swap16()]),
    latin1: Buffer.from('caf\xe9 one\n', 'latin1'),
    unicode: Buffer.from('é two 😀\u2028three\n'),
    empty: Buffer.alloc(0),
    newline: Buffer.from('\n'),
    spaces: Buffer.from('one  \n\n two\t\n'),
    'nul-after': Buffer.from('one\n\0two\n'),
    'nul-later': Buffer.concat([Buffer.alloc(70_000, 'x\n'), Buffer.from('one\n\0two\n')]),
    long: Buffer.concat([Buffer.alloc(3_000_000, 'x'), Buffer.from('one\n')]),
    'over-pieces': Buffer.concat([Buffer.alloc(1024 * 1024 - 2, 'x\n'), Buffer.from('one\ntwo\n')]),
  }
  const patterns = [
    'one',
    'two$',
    '^two',
    '^one$',
    'three',
    't.o',
    '^$',
    'e{2}',
    'on[a-f]',
    '(one|three)',
    'é',
    '\\bone\\b',
    'x+one',
    '^x+one$',
    '\\.',
    ' $',
    'o\\d',
  ]
  const hasRipgrep = spawnSync('rg', ['--version']).status === 0

  function ripgrep(root: string, pattern: string, option: string): string[] {
    const { status, stdout, stderr } = spawnSync(
      'rg',
      [option, '--hidden', '--no-ignore', '--no-config', '--sort=path', '--null', '-e', pattern, '.'],
      { cwd: root, maxBuffer: 2 ** 26 },
    )
    if (status === 2) throw new Error(`rg ${pattern}: ${stderr.toString()}`)
    return stdout
      .toString()
      .split('\0')
      .slice(0, -1)
      .map((path) => path.replace(/^\.\//, ''))
      .toSorted()
  }

  const select = async (root: string, options: DirectoryOptions): Promise<string[]> =>
    (await collect(openDirectory(root, { env, ...options }))).paths

  // Without ripgrep on the machine the answers it gave are checked by the cases below.
  test.runIf(hasRipgrep)('select the files that ripgrep selects', async () => {
    using folder = temporaryFolder()
    write(folder.path, texts)
    for (const pattern of patterns) {
      const expression = parsePattern(pattern, '--content-match')
      expect([pattern, await select(folder.path, { contentMatch: expression })]).toEqual([
        pattern,
        ripgrep(folder.path, pattern, '--files-with-matches'),
      ])
    }
  })

  test.runIf(hasRipgrep)('reject the files that ripgrep would, given text', async () => {
    using folder = temporaryFolder()
    write(folder.path, texts)
    for (const pattern of patterns) {
      const expression = parsePattern(pattern, '--content-not-match')
      expect([pattern, await select(folder.path, { contentNotMatch: expression })]).toEqual([
        pattern,
        ripgrep(folder.path, pattern, '--files-without-match'),
      ])
    }
  })

  test.runIf(hasRipgrep)('select the files that ripgrep selects, of random texts', async () => {
    const line = fc
      .array(fc.constantFrom('a', 'b', ' ', '\t', '\r', 'é', '.', '\\'), { maxLength: 4 })
      .map((parts) => parts.join(''))
    const text = fc.array(line, { maxLength: 4 }).map((lines) => lines.join('\n'))
    const pattern = fc
      .array(fc.constantFrom('a', 'b', '.', 'a*', '^', '$', '[^a]', ' ', '(a|b)', 'é?', '\\.', '.+'), {
        minLength: 1,
        maxLength: 4,
      })
      .map((parts) => parts.join(''))
      .filter((source) => !/[*+?]{2}|[\^$][*+?]|\$.|.\^/.test(source))
    await fc.assert(
      fc.asyncProperty(fc.array(text, { minLength: 5, maxLength: 20 }), pattern, async (contents, source) => {
        using folder = temporaryFolder()
        write(folder.path, Object.fromEntries(contents.map((content, index) => [`f${index}`, content])))
        expect(await select(folder.path, { contentMatch: parsePattern(source, 'x') })).toEqual(
          ripgrep(folder.path, source, '--files-with-matches'),
        )
      }),
      { numRuns: 60 },
    )
  })

  test('match line by line', async () => {
    using folder = temporaryFolder()
    write(folder.path, texts)
    expect(await select(folder.path, { contentMatch: /^two$/gm })).toEqual([
      'no-end',
      'over-pieces',
      'plain',
      'utf16be',
      'utf16le',
      'utf8-mark',
    ])
    expect(await select(folder.path, { contentMatch: /one/, contentNotMatch: /two/ })).toEqual(['latin1', 'long'])
    expect(await select(folder.path, { contentMatch: /^one/ })).toContain('utf8-mark')
    expect(await select(folder.path, { contentMatch: /one\ntwo/ })).toEqual([])
  })

  test('a pattern that is none is refused by the name of its option', () => {
    expect(() => parsePattern('(', '--match')).toThrow(
      expect.objectContaining({ code: 'ARC_OPTION_INVALID', message: expect.stringContaining('--match') }),
    )
  })
})
