import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { type EntryPath } from '@arc/core'
import { localPath } from '@arc/core/node'
import { temporaryFolder } from '@arc/core/testing'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { diffText, formatContext, formatGitPatch, formatUnified } from '../src/index.ts'
import { nameArbitrary, pairArbitrary } from './texts.ts'
import { describeWith, run } from './tools.ts'

// Real programs are started for each example: these are few, the properties in text.test.ts many.
const RUNS = { numRuns: 60 }
const NONE = new Uint8Array(0)

function fileIn(folder: string, name: string): string | Buffer {
  return localPath(folder, name as EntryPath)
}

/** A folder with one file, to be patched; what the file holds afterwards, or why the tool refused. */
function patched(name: string, before: string | undefined, patch: string, program: readonly string[]): string {
  using folder = temporaryFolder()
  const path = fileIn(folder.path, name)
  if (before !== undefined) writeFileSync(path, before)
  const [command = '', ...args] = program
  const outcome = run(command, args, folder.path, Buffer.from(patch))
  if (outcome.status !== 0) return `${outcome.status}: ${outcome.stdout.toString()}${outcome.stderr}`
  return existsSync(path) ? readFileSync(path, 'utf8') : 'no file'
}

const GIT_APPLY = ['git', 'apply', '-p1', '--whitespace=nowarn', '-']
const PATCH = ['patch', '-p1', '--binary', '--quiet', '--no-backup-if-mismatch']

describeWith(['git'], 'git apply', () => {
  test('takes a unified diff of any texts', () => {
    fc.assert(
      fc.property(pairArbitrary, ([before, after]) => {
        fc.pre(before !== after && before !== '' && after !== '')
        const patch = formatUnified(diffText(before, after), { before: 'file', after: 'file' })
        expect(patched('file', before, patch, GIT_APPLY)).toBe(after)
      }),
      RUNS,
    )
  })

  test('takes a patch of a file of any name', () => {
    fc.assert(
      fc.property(nameArbitrary, (name) => {
        const diff = diffText('a\nb\nc\n', 'a\nB\nc\n')
        expect(patched(name, 'a\nb\nc\n', formatUnified(diff, { before: name, after: name }), GIT_APPLY)).toBe(
          'a\nB\nc\n',
        )
        const patch = formatGitPatch(diff, { path: name, mode: 0o644 }, { path: name, mode: 0o644 })
        expect(patched(name, 'a\nb\nc\n', patch, GIT_APPLY)).toBe('a\nB\nc\n')
      }),
      RUNS,
    )
  })

  test('creates, deletes, renames and changes modes, empty files too', () => {
    fc.assert(
      fc.property(nameArbitrary, nameArbitrary, fc.constantFrom('', 'x\n', 'no end'), (name, other, text) => {
        fc.pre(name !== other)
        using folder = temporaryFolder()
        const apply = (patch: string): void => {
          const outcome = run('git', ['apply', '--whitespace=nowarn', '-'], folder.path, Buffer.from(patch))
          expect(outcome.status, `${patch}\n${outcome.stderr}`).toBe(0)
        }
        const file = (path: string, mode = 0o644): { path: string; mode: number } => ({ path, mode })
        apply(formatGitPatch(diffText('', text), undefined, file(name, 0o755)))
        expect(readFileSync(fileIn(folder.path, name), 'utf8')).toBe(text)
        expect(statSync(fileIn(folder.path, name)).mode & 0o100).toBe(0o100)
        apply(formatGitPatch(diffText(text, `${text}more\n`), file(name, 0o755), file(other)))
        expect(readdirSync(folder.path)).toHaveLength(1)
        expect(readFileSync(fileIn(folder.path, other), 'utf8')).toBe(`${text}more\n`)
        expect(statSync(fileIn(folder.path, other)).mode & 0o111).toBe(0)
        apply(formatGitPatch(diffText('', ''), file(other), file(other, 0o755)))
        expect(statSync(fileIn(folder.path, other)).mode & 0o100).toBe(0o100)
        apply(formatGitPatch(diffText(`${text}more\n`, ''), file(other, 0o755), undefined))
        expect(readdirSync(folder.path)).toEqual([])
      }),
      { numRuns: 25 },
    )
  })
})

describeWith(['patch'], 'GNU patch', () => {
  test('takes unified and context diffs of any texts', () => {
    fc.assert(
      fc.property(pairArbitrary, ([before, after]) => {
        fc.pre(before !== after && before !== '' && after !== '')
        const diff = diffText(before, after)
        const names = { before: 'file', after: 'file' }
        expect(patched('file', before, formatUnified(diff, names), PATCH)).toBe(after)
        expect(patched('file', before, formatContext(diff, names), [...PATCH, '--context'])).toBe(after)
      }),
      RUNS,
    )
  })

  test('takes a patch of a file of any name', () => {
    fc.assert(
      fc.property(nameArbitrary, (name) => {
        const diff = diffText('a\nb\nc\n', 'a\nB\nc\n')
        for (const format of [formatUnified, formatContext]) {
          const patch = format(diff, { before: name, after: name })
          expect(patched(name, 'a\nb\nc\n', patch, PATCH), patch).toBe('a\nB\nc\n')
        }
      }),
      RUNS,
    )
  })

  test('creates and deletes', () => {
    const created = formatUnified(diffText('', 'a\nb\n'), { before: undefined, after: 'new' })
    expect(patched('new', undefined, created, PATCH)).toBe('a\nb\n')
    const deleted = formatUnified(diffText('a\nb\n', ''), { before: 'old', after: undefined })
    expect(patched('old', 'a\nb\n', deleted, PATCH)).toBe('no file')
  })
})

describeWith(['diff'], 'diff itself', () => {
  test.each<[string, string, string]>([
    ['an insertion at the start', 'b\nc\n', 'a\nb\nc\n'],
    ['an insertion at the end', 'a\nb\n', 'a\nb\nc\n'],
    [
      'two hunks',
      `${'x\n'.repeat(1)}${Array.from({ length: 20 }, (_, i) => `${i}\n`).join('')}`,
      `y\n${Array.from({ length: 20 }, (_, i) => (i === 18 ? 'z\n' : `${i}\n`)).join('')}`,
    ],
    ['two changes in one hunk', '1\n2\n3\n4\n5\n6\n7\n8\n9\n', '1\nX\n3\n4\n5\n6\n7\nY\n9\n'],
    ['a missing line end', 'a\nb', 'a\nc'],
    ['a line end added', 'a', 'a\n'],
    ['all removed', 'a\nb\n', ''],
    ['all added', '', 'a\n'],
    ['CRLF', 'a\r\nb\r\n', 'a\r\nB\r\n'],
    ['one line', 'a\n', 'b\n'],
  ])('writes the same for %s', (_name, before, after) => {
    using folder = temporaryFolder()
    mkdirSync(`${folder.path}/a`)
    mkdirSync(`${folder.path}/b`)
    writeFileSync(`${folder.path}/a/file`, before)
    writeFileSync(`${folder.path}/b/file`, after)
    const withoutTimes = (text: string): string => text.replaceAll(/^((?:---|\+\+\+|\*\*\*) [ab]\/file)\t.*$/gm, '$1')
    const names = { before: 'file', after: 'file' }
    const unified = run('diff', ['-u', 'a/file', 'b/file'], folder.path, NONE).stdout.toString()
    expect(formatUnified(diffText(before, after), names)).toBe(withoutTimes(unified))
    const context = run('diff', ['-c', 'a/file', 'b/file'], folder.path, NONE).stdout.toString()
    expect(formatContext(diffText(before, after), names)).toBe(withoutTimes(context))
  })
})

describeWith(['git'], 'git diff itself', () => {
  test('writes the same headers for names of every kind', () => {
    fc.assert(
      fc.property(nameArbitrary, (name) => {
        fc.pre(!name.endsWith(' ')) // ours are in quotes, for GNU patch
        using folder = temporaryFolder()
        const git = (...args: string[]): string => {
          const outcome = run('git', ['-c', 'user.name=n', '-c', 'user.email=e', ...args], folder.path, NONE)
          expect(outcome.status, outcome.stderr).toBe(0)
          return outcome.stdout.toString()
        }
        const path = fileIn(folder.path, name)
        git('init', '--quiet')
        writeFileSync(path, 'a\n')
        git('add', '--all')
        writeFileSync(path, 'b\n')
        chmodSync(path, 0o755)
        const theirs = git('diff', '--no-ext-diff', '--no-color').replace(/^index .*\n/m, '')
        const ours = formatGitPatch(diffText('a\n', 'b\n'), { path: name, mode: 0o644 }, { path: name, mode: 0o755 })
        expect(ours).toBe(theirs)
        rmSync(path)
      }),
      { numRuns: 30 },
    )
  })
})

test('a side of a patch is said with its path, not by it', () => {
  const diff = diffText('a\n', 'b\n')
  for (const side of ['f', null, { name: 'f' }] as unknown as { path: string }[])
    expect(() => formatGitPatch(diff, { path: 'f' }, side)).toThrow(
      expect.objectContaining({ code: 'ARC_OPTION_INVALID' }),
    )
})
