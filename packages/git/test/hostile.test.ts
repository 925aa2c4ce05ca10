import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, rmSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryFolder } from '@arc/core/testing'
import { describe, expect, test } from 'vitest'
import { BlobReader, hasModifications, listTree, listWorkTree, openRepository, userExcludesFile } from '../src/index.ts'
import { isolatedEnv, type Scratch, scratch } from './scratch.ts'

/** A way in which a repository can make git run a command, and a plain git command that falls for it. */
interface Trap {
  name: string
  set(repository: Scratch, command: string): void
  spring(repository: Scratch): readonly string[]
}

const config =
  (key: string): Trap['set'] =>
  (repository, command) =>
    void repository.git('config', key, command)

/** Make git compare the file's content: its times are no longer those of the index. */
function touch(repository: Scratch, path: string): void {
  utimesSync(join(repository.path, path), new Date(), new Date(Date.now() - 5000))
}

const touched =
  (...args: string[]): Trap['spring'] =>
  (repository) => {
    for (const path of ['file.clean', 'file.process', 'file.equals', 'file.included']) touch(repository, path)
    return args
  }

const TRAPS: readonly Trap[] = [
  { name: 'fsmonitor', set: config('core.fsmonitor'), spring: () => ['ls-files', '-m', '-o'] },
  { name: 'clean filter', set: config('filter.clean.clean'), spring: touched('ls-files', '-m') },
  { name: 'process filter', set: config('filter.process.process'), spring: touched('ls-files', '-m') },
  { name: 'filter with an odd name', set: config('filter.x=y.z.clean'), spring: touched('ls-files', '-m') },
  {
    name: 'filter of an included file',
    set(repository, command) {
      repository.git('config', '-f', '.git/more', 'filter.included.clean', command)
      repository.git('config', 'include.path', 'more')
    },
    spring: touched('ls-files', '-m'),
  },
  {
    name: 'smudge filter',
    set: config('filter.smudge.smudge'),
    spring: () => ['cat-file', '--filters', 'HEAD:file.smudge'],
  },
  {
    name: 'textconv',
    set: config('diff.conv.textconv'),
    spring: () => ['diff', '--no-index', 'file.conv', 'other.conv'],
  },
  {
    name: 'external diff',
    set: config('diff.external'),
    spring: () => ['diff', '--no-index', 'file.clean', 'other.conv'],
  },
  { name: 'diff driver', set: config('diff.ext.command'), spring: () => ['diff', 'HEAD~1', 'HEAD', '--', 'file.ext'] },
  {
    name: 'hook',
    set(repository, command) {
      repository.write('.git/hooks/post-index-change', `#!/bin/sh\n${command}\n`, 0o755)
    },
    spring: touched('update-index', '--refresh'),
  },
  {
    name: 'hooks path',
    set(repository, command) {
      repository.write('.git/elsewhere/post-index-change', `#!/bin/sh\n${command}\n`, 0o755)
      repository.git('config', 'core.hooksPath', '.git/elsewhere')
    },
    spring: touched('update-index', '--refresh'),
  },
  {
    name: 'alias',
    set: (repository, command) => void repository.git('config', 'alias.trapped', `!${command}`),
    spring: () => ['trapped'],
  },
  { name: 'ssh command', set: config('core.sshCommand'), spring: () => ['ls-remote', 'ssh://example.invalid/x'] },
  { name: 'editor', set: config('core.editor'), spring: () => ['config', '--edit', '--local'] },
  {
    name: 'fetch of a missing object',
    set(repository, command) {
      repository.git('config', 'core.repositoryFormatVersion', '1')
      repository.git('config', 'extensions.partialClone', 'origin')
      repository.git('config', 'remote.origin.promisor', 'true')
      repository.git('config', 'remote.origin.url', repository.path)
      repository.git('config', 'remote.origin.uploadpack', command)
    },
    spring(repository) {
      const objectId = repository.git('rev-parse', 'HEAD:lost')
      rmSync(join(repository.path, '.git/objects', objectId.slice(0, 2), objectId.slice(2)), { force: true })
      return ['cat-file', '-p', objectId]
    },
  },
]

function trappedRepository(): Scratch {
  const repository = scratch()
  const attributes = ['clean', 'process', 'smudge', 'included'].map((name) => `*.${name} filter=${name}\n`)
  repository.write('.gitattributes', `${attributes.join('')}*.equals filter=x=y.z\n*.conv diff=conv\n*.ext diff=ext\n`)
  for (const name of ['clean', 'process', 'smudge', 'included', 'equals', 'conv', 'ext'])
    repository.write(`file.${name}`, 'one\n')
  repository.write('other.conv', 'other\n')
  repository.write('lost', 'soon gone\n')
  repository.commit()
  repository.write('file.ext', 'two\n')
  repository.commit()
  return repository
}

/** Every function of the package, on everything there is. */
async function readEverything(path: string): Promise<void> {
  const options = { env: isolatedEnv }
  const repository = await openRepository(path, options)
  if (repository === undefined) throw new TypeError('no repository')
  await userExcludesFile(path, options)
  for (const tracked of [false, true]) await listWorkTree(repository, { tracked })
  await hasModifications(repository)
  const { items } = await listTree(repository, 'HEAD')
  const blobs = items.map(({ objectId, sizeBytes }) => ({ objectId, sizeBytes: sizeBytes ?? 0 }))
  for (const sizeBytes of [0, 1 << 30]) {
    // The second round reads each as a large one, by a process of its own.
    await using reader = new BlobReader(
      repository,
      blobs.map(({ objectId }) => ({ objectId, sizeBytes })),
    )
    for (let index = 0; index < blobs.length; index++) {
      try {
        for await (const _piece of reader.read(index));
      } catch (error) {
        expect(error).toMatchObject({ code: 'ARC_GIT_FAILED' })
      }
    }
  }
}

describe('a hostile repository', () => {
  for (const trap of TRAPS) {
    test(`runs nothing: ${trap.name}`, async () => {
      using repository = trappedRepository()
      using marks = temporaryFolder()
      const mark = join(marks.path, 'sprung')
      repository.write('.git/trap', `#!/bin/sh\necho sprung >> '${mark}'\nexit 1\n`, 0o755)
      trap.set(repository, join(repository.path, '.git/trap'))
      const args = trap.spring(repository)

      await readEverything(repository.path)
      expect(readdirSync(marks.path)).toEqual([])

      // The trap is live: plain git falls for it.
      runPlainly(repository.path, args)
      expect(existsSync(mark)).toBe(true)
    })
  }

  test('runs nothing with every trap set at once', async () => {
    using repository = trappedRepository()
    using marks = temporaryFolder()
    repository.write('.git/trap', `#!/bin/sh\necho sprung >> '${marks.path}/sprung'\nexit 1\n`, 0o755)
    for (const trap of TRAPS) trap.set(repository, join(repository.path, '.git/trap'))
    for (const key of [
      'core.pager',
      'pager.ls-files',
      'core.askPass',
      'core.gitProxy',
      'credential.helper',
      'gpg.program',
      'hook.x.command',
    ]) {
      repository.git('-c', 'core.fsmonitor=false', 'config', key, join(repository.path, '.git/trap'))
    }
    repository.git('-c', 'core.fsmonitor=false', 'config', 'hook.x.event', 'post-index-change')
    rmSync(join(marks.path, 'sprung'), { force: true })
    touched()(repository)
    await readEverything(repository.path)
    expect(readdirSync(marks.path)).toEqual([])
  })
})

function runPlainly(path: string, args: readonly string[]): void {
  try {
    execFileSync('git', ['-C', path, ...args], { env: isolatedEnv, stdio: 'ignore' })
  } catch {
    // A trap fails on purpose, and git with it.
  }
}
