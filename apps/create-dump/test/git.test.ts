import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { makeScratch, type Scratch } from './scratch.ts'

function repository(scratch: Scratch): void {
  scratch.write('app', {
    '.gitignore': '*.log\n',
    'src/a.ts': 'a\n',
    'docs/gr\u00fc\u00dfe.md': 'hi\n',
    'gone.txt': 'x\n',
  })
  scratch.git('app', 'init', '-q', '-b', 'main')
  scratch.git('app', 'add', '.')
  scratch.git('app', 'commit', '-q', '-m', 'one')
  scratch.write('app', { 'new.ts': 'new\n', 'trace.log': 'ignored\n', 'src/a.ts': 'changed\n' })
  rmSync(join(scratch.path, 'app/gone.txt'))
}

const listed = async (scratch: Scratch, ...args: string[]): Promise<string[]> =>
  (await scratch.run(['app', '-n', ...args])).stdout.split('\n').slice(0, -1)

test('the selection is that of git ls-files', async () => {
  using scratch = makeScratch()
  repository(scratch)
  const gitList = (...args: string[]): string[] =>
    scratch
      .git('app', 'ls-files', '-z', ...args)
      .split('\0')
      .slice(0, -1)
  const present = (path: string): boolean => path !== 'gone.txt'
  expect(await listed(scratch)).toEqual(gitList('-co', '--exclude-standard').filter(present).toSorted())
  expect(await listed(scratch, '--tracked')).toEqual(gitList().filter(present).toSorted())
  expect(await listed(scratch, '--rev', 'HEAD')).toEqual(gitList().toSorted())
  expect(await listed(scratch, '--no-git')).toContain('src')
})

test('a revision is what was committed, from any folder of the repository', async () => {
  using scratch = makeScratch()
  repository(scratch)
  const { stdout } = await scratch.run(['app/src', '--rev', 'HEAD', '-o', '-'])
  expect(stdout).toContain('### `a.ts`\n\n```ts\na\n```\n')
  expect(stdout).not.toContain('docs')
  expect(await scratch.run(['app', '--rev', 'no-such-branch'])).toMatchObject({
    status: 1,
    stderr: expect.stringContaining('ARC_GIT_REVISION_UNKNOWN') as string,
  })
})

test('the head of the document states branch, commit and dirt', async () => {
  using scratch = makeScratch()
  repository(scratch)
  const commit = scratch.git('app', 'rev-parse', 'HEAD').trim()
  expect((await scratch.run(['app', '-o', '-'])).stdout).toContain(
    `git: {"branch":"main","commit":"${commit}","dirty":true}\n`,
  )
  expect((await scratch.run(['app', '--rev', 'HEAD', '-o', '-'])).stdout).toContain('"dirty":false}\n')
})

test('submodules and nested repositories are told, not entered', async () => {
  using scratch = makeScratch()
  repository(scratch)
  scratch.write('library', { 'l.txt': 'l\n' })
  scratch.git('library', 'init', '-q')
  scratch.git('library', 'add', '.')
  scratch.git('library', 'commit', '-q', '-m', 'one')
  scratch.git('app', 'submodule', '--quiet', 'add', '../library', 'library')
  scratch.write('app/nested', { 'n.txt': 'n\n' })
  scratch.git('app/nested', 'init', '-q')
  const { status, stdout, stderr } = await scratch.run(['app', '-n'])
  expect(status).toBe(4)
  expect(stdout).not.toMatch(/[ln]\.txt/)
  expect(stderr).toMatch(/nested: git does not look into it/)
  expect(stderr).toMatch(/library: commit [0-9a-f]{40}/)
})

test('what a sparse checkout leaves out is no trouble', async () => {
  using scratch = makeScratch()
  repository(scratch)
  scratch.git('app', 'add', '-A')
  scratch.git('app', 'commit', '-q', '-m', 'two')
  scratch.git('app', 'sparse-checkout', 'set', 'src')
  const { status, stdout } = await scratch.run(['app', '-n', '--strict'])
  expect({ status, stdout: stdout.split('\n') }).toEqual({
    status: 0,
    stdout: expect.not.arrayContaining(['docs/gr\u00fc\u00dfe.md']) as string[],
  })
})

test('a bare repository has revisions only; an empty one is an empty document', async () => {
  using scratch = makeScratch()
  repository(scratch)
  scratch.git('.', 'clone', '-q', '--bare', 'app', 'bare.git')
  expect(await scratch.run(['bare.git'])).toMatchObject({
    status: 1,
    stderr: expect.stringContaining('ARC_NOT_A_REPOSITORY') as string,
  })
  expect((await scratch.run(['bare.git', '--rev', 'main', '-n'])).stdout).toContain('src/a.ts\n')
  scratch.git('.', 'init', '-q', 'fresh')
  expect(await scratch.run(['fresh'])).toMatchObject({
    status: 0,
    stderr: expect.stringContaining('0 files') as string,
  })
})

test('without git nothing of .git is read', async () => {
  using scratch = makeScratch()
  repository(scratch)
  const paths = await listed(scratch, '--no-git')
  expect(paths.filter((path) => path.startsWith('.git/'))).toEqual([])
  expect(readdirSync(join(scratch.path, 'app'))).toContain('.git')
})
