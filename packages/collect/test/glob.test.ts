import type { EntryPath } from '@arc/core'
import { isArcError } from '@arc/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseGlob } from '../src/index.ts'

const matches = (pattern: string, path: string, isFolder = false): boolean =>
  parseGlob(pattern).matches(path as EntryPath, isFolder)

describe('globs', () => {
  test.each([
    ['*.ts', ['a.ts', 'x/y/b.ts', '.ts', 'dir.ts/inside'], ['a.tsx', 'a.ts.map', 'ts']],
    ['src', ['src', 'src/a', 'lib/src/b/c'], ['srcs', 'a.src']],
    ['src/', ['src/a', 'lib/src/b'], ['src', 'lib/src']],
    ['/src', ['src', 'src/a'], ['lib/src']],
    ['src/*.ts', ['src/a.ts'], ['a.ts', 'src/x/a.ts', 'lib/src/a.ts']],
    ['src/**', ['src/a', 'src/a/b'], ['src', 'lib/src/a']],
    ['src/**/*.ts', ['src/a.ts', 'src/x/y/a.ts'], ['src/a.js']],
    ['**/test/*.ts', ['test/a.ts', 'x/y/test/a.ts'], ['test/x/a.ts']],
    ['**', ['a', 'a/b'], []],
    ['a?c', ['abc', 'aéc', 'a😀c', 'a\udcffc'], ['ac', 'abbc', 'a/c']],
    ['[a-c]1', ['a1', 'c1'], ['d1', 'A1']],
    ['[!a-c]1', ['d1', 'x/z1'], ['a1']],
    ['[^a]1', ['b1'], ['a1']],
    ['[]x]', [']', 'x'], ['y']],
    ['[a-]', ['a', '-'], ['b']],
    ['[[:digit:]_]x', ['1x', '_x'], ['ax']],
    ['[&&~]', ['&', '~'], ['a']],
    ['*.{ts,js}', ['a.ts', 'b/c.js'], ['a.css']],
    ['{src,test/unit}/*.ts', ['src/a.ts', 'test/unit/b.ts'], ['x/src/a.ts', 'test/a.ts']],
    ['{a,{b,c}d}', ['a', 'bd', 'cd'], ['b', 'd']],
    ['{a,}b', ['ab', 'b'], ['aab']],
    ['\\*\\[\\{', ['*[{'], ['x[{']],
    ['a b', ['a b'], ['a', 'b']],
    ['a+(b)$^|.', ['a+(b)$^|.'], ['aab']],
    ['-', ['-'], ['a']],
  ])('%s', (pattern, yes, no) => {
    expect(yes.filter((path) => !matches(pattern, path))).toEqual([])
    expect(no.filter((path) => matches(pattern, path))).toEqual([])
  })

  test('a slash at the end asks for a folder', () => {
    expect(matches('build/', 'build', true)).toBe(true)
    expect(matches('build/', 'build', false)).toBe(false)
    expect(matches('x/build/', 'x/build', true)).toBe(true)
    expect(matches('x/build/', 'y/x/build', true)).toBe(false)
  })

  test.each([
    ['', 1, 'empty'],
    ['src/[a', 5, 'never closed'],
    ['a{b,c', 2, 'never closed'],
    ['a}', 2, 'closes nothing'],
    ['a]', 2, 'closes nothing'],
    ['[z-a]', 2, 'wrong way round'],
    ['x[b-\\a]', 3, 'wrong way round'],
    ['a\\', 2, 'no character after'],
    ['a**b', 2, 'alone between slashes'],
    ['a/b**', 4, 'alone between slashes'],
    ['***', 1, 'alone between slashes'],
    ['a//b', 3, 'without a name'],
    ['//a', 2, 'without a name'],
    ['a/../b', 3, '".."'],
    ['../a', 1, '".."'],
    ['./a', 1, '".."'],
    ['..', 1, '".."'],
    ['!a', 1, 'negated'],
    ['[[:nope:]]', 2, 'unknown class'],
    ['[a/b]', 3, 'cannot hold "/"'],
    ['{1..3}', 2, 'ranges'],
    ['a\0', 2, 'NUL'],
    ['/', 1, 'empty'],
  ])('%j is refused at column %i', (pattern, column, problem) => {
    let caught: unknown
    try {
      parseGlob(pattern)
    } catch (error) {
      caught = error
    }
    expect(caught).toMatchObject({ code: 'ARC_GLOB_INVALID', details: { pattern, column } })
    expect((caught as Error).message).toContain(`column ${column}: `)
    expect((caught as Error).message).toContain(problem)
  })

  test('any text is either refused with its column or matches without failing', () => {
    const pieces = fc.constantFrom(
      'a',
      'b',
      '*',
      '**',
      '?',
      '[',
      ']',
      '[a-b]',
      '{',
      '}',
      ',',
      '/',
      '\\',
      '!',
      '.',
      '..',
      '-',
      ':',
      '[:alpha:]',
      '&',
      'é',
      '\udcff',
      '^',
    )
    fc.assert(
      fc.property(
        fc.array(pieces, { maxLength: 8 }),
        fc.array(fc.constantFrom('a', 'b', '/', '.', 'é', '-'), { maxLength: 6 }),
        (pattern, path) => {
          const text = pattern.join('')
          try {
            expect(typeof matches(text, path.join(''))).toBe('boolean')
          } catch (error) {
            if (!isArcError(error)) throw error
            expect(error.code).toBe('ARC_GLOB_INVALID')
            expect(error.details['column']).toBeGreaterThanOrEqual(1)
            expect(error.details['column']).toBeLessThanOrEqual(text.length + 1)
          }
        },
      ),
      { numRuns: 5000 },
    )
  })

  test('every name, escaped, matches itself', () => {
    fc.assert(
      fc.property(
        fc
          .string({ minLength: 1, unit: 'grapheme' })
          .filter((name) => !/[/\0]/.test(name) && !['.', '..'].includes(name)),
        (name) => {
          expect(matches(name.replaceAll(/[\\*?[\]{}!]/g, '\\$&'), `x/${name}`)).toBe(true)
        },
      ),
    )
  })
})
