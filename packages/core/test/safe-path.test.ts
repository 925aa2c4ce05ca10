import { assertSafePath, decodePath, DEFAULT_LIMITS, type EntryPath, pathProblem, type PathProblem } from '@arc/core'
import { describe, expect, test } from 'vitest'

const long = (bytes: number): string => 'x'.repeat(bytes)

const REFUSED: Record<string, PathProblem> = {
  '': 'empty',
  '/': 'absolute',
  '/etc/passwd': 'absolute',
  '//server/share': 'absolute',
  'a\0b': 'nul-byte',
  '..': 'parent-component',
  '../a': 'parent-component',
  'a/../b': 'parent-component',
  'a/..': 'parent-component',
  '.': 'dot-component',
  './a': 'dot-component',
  'a/./b': 'dot-component',
  'a/': 'empty-component',
  'a//b': 'empty-component',
  [long(256)]: 'name-too-long',
  [`a/${'\u65e5'.repeat(86)}`]: 'name-too-long',
  [Array.from({ length: 17 }, () => long(250)).join('/')]: 'path-too-long',
  [Array.from({ length: 1025 }, () => 'a').join('/')]: 'too-deep',
}

const TAKEN = [
  'a',
  'a/b',
  '..foo',
  '...',
  '.a',
  'a..',
  'a/.../b',
  ' ',
  'a\\b',
  'C:',
  'con',
  'a\nb',
  '~',
  '-rf',
  '\u202e',
  long(255),
  '\u65e5'.repeat(85),
  '__proto__',
]

describe('on any system', () => {
  test.each(Object.entries(REFUSED))('%j is refused: %s', (path, problem) => {
    expect(pathProblem(path as EntryPath)).toBe(problem)
  })

  test.each(TAKEN)('%j is taken', (path) => {
    expect(pathProblem(path as EntryPath)).toBeUndefined()
  })

  test('lengths count bytes, whatever the spelling', () => {
    const raw = (bytes: number): EntryPath => decodePath(Buffer.alloc(bytes, 0xff))
    expect(pathProblem(raw(255))).toBeUndefined()
    expect(pathProblem(raw(256))).toBe('name-too-long')
    expect(pathProblem('a/b/c' as EntryPath, { limits: { ...DEFAULT_LIMITS, maxDepth: 2 } })).toBe('too-deep')
    expect(pathProblem('a/b/c' as EntryPath, { limits: { ...DEFAULT_LIMITS, maxPathBytes: 4 } })).toBe('path-too-long')
  })
})

const REFUSED_BY_WINDOWS: Record<string, PathProblem> = {
  'a\\b': 'windows-separator',
  '..\\a': 'windows-separator',
  'a:b': 'windows-character',
  'C:': 'windows-character',
  'a\u0001': 'windows-character',
  'a*': 'windows-character',
  'a?': 'windows-character',
  'a<b': 'windows-character',
  'a>b': 'windows-character',
  'a|b': 'windows-character',
  'a"b': 'windows-character',
  con: 'windows-reserved-name',
  'CON.txt': 'windows-reserved-name',
  'a/NUL': 'windows-reserved-name',
  'aux .c': 'windows-reserved-name',
  COM1: 'windows-reserved-name',
  'lpt\u00b9.x': 'windows-reserved-name',
  CONIN$: 'windows-reserved-name',
  'a.': 'windows-trailing-dot-or-space',
  'a ': 'windows-trailing-dot-or-space',
  '...': 'windows-trailing-dot-or-space',
}

describe('on Windows', () => {
  test.each(Object.entries(REFUSED_BY_WINDOWS))('%j is refused: %s', (path, problem) => {
    expect(pathProblem(path as EntryPath, { platform: 'windows' })).toBe(problem)
  })

  test.each(['a', 'console', 'com', 'com10', 'nul_', 'a.b/c d', '..foo', '.a'])('%j is taken', (path) => {
    expect(pathProblem(path as EntryPath, { platform: 'windows' })).toBeUndefined()
  })
})

test('the error names the path harmlessly, and the problem', () => {
  const assert = (): void => assertSafePath('../\u001b[2J' as EntryPath)
  expect(assert).toThrow(
    expect.objectContaining({
      code: 'ARC_PATH_UNSAFE',
      path: String.raw`"../\x1b[2J"`,
      details: { problem: 'parent-component' },
    }),
  )
  expect(assert).toThrow(/not a safe path \(parent-component\)/)
  assertSafePath('a/b' as EntryPath)
})
