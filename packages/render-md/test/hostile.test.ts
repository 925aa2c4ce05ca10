import { sha256Hex } from '@arc/core/node'
import { describe, expect, test } from 'vitest'
import { openingCode } from './documents.ts'
import {
  fileRecord,
  fileRow,
  fileSection,
  jsonDocument,
  linesDocument,
  markdownDocument,
  type Section,
} from './hostile-documents.ts'

test('the documents of this file are taken when nothing in them is wrong', async () => {
  expect(await openingCode(markdownDocument())).toBe('taken')
  expect(await openingCode(markdownDocument({ sections: [fileSection('a'), fileSection('b/c')] }))).toBe('taken')
  expect(await openingCode(linesDocument([fileRecord('a'), fileRecord('b/c')]))).toBe('taken')
  expect(await openingCode(jsonDocument([fileRecord('a'), fileRecord('b/c')]))).toBe('taken')
  expect(await openingCode(jsonDocument([]))).toBe('taken')
})

const UNSAFE = [
  '..',
  '../a',
  'a/../b',
  'a/..',
  '/a',
  '/',
  '.',
  './a',
  'a/./b',
  'a//b',
  'a/',
  '',
  'n'.repeat(256),
  Array.from({ length: 1100 }, () => 'd').join('/'),
]

describe('paths', () => {
  test.each(UNSAFE)('%j leads out, or nowhere: it is refused', async (path) => {
    expect(await openingCode(markdownDocument({ sections: [fileSection(path)] }))).toMatch(
      /^ARC_(PATH_UNSAFE|DUMP_DAMAGED)$/,
    )
    expect(await openingCode(linesDocument([fileRecord(path)]))).toMatch(/^ARC_(PATH_UNSAFE|DUMP_DAMAGED)$/)
    expect(await openingCode(jsonDocument([fileRecord(path)]))).toMatch(/^ARC_(PATH_UNSAFE|DUMP_DAMAGED)$/)
  })

  test('NUL in a path is refused', async () => {
    expect(await openingCode(markdownDocument({ sections: [fileSection(String.raw`"a\u0000b"`)] }))).toBe(
      'ARC_PATH_UNSAFE',
    )
    expect(await openingCode(linesDocument([fileRecord('a\0b')]))).toBe('ARC_PATH_UNSAFE')
  })

  test.each(['\ud800', '\udc00', '\udfff', '\udcc3\udca9', 'a\udc41', '\udcf0\udc9f\udc98\udc80'])(
    '%j spells no path, or one that has another spelling: it is refused',
    async (path) => {
      const code = /^ARC_(PATH_INVALID|PATH_UNSAFE|DUMP_DAMAGED)$/
      expect(await openingCode(markdownDocument({ sections: [fileSection(JSON.stringify(path))] }))).toMatch(code)
      expect(await openingCode(linesDocument([fileRecord(path)]))).toMatch(code)
      expect(
        await openingCode(linesDocument([{ path: 'a', type: 'symlink', target: path, size: 1, sha256: '' }])),
      ).toMatch(code)
    },
  )

  test('a path that occurs twice is refused, however it is spelled', async () => {
    expect(await openingCode(markdownDocument({ sections: [fileSection('a'), fileSection('a')] }))).toBe(
      'ARC_ENTRY_DUPLICATE',
    )
    expect(await openingCode(linesDocument([fileRecord('a'), fileRecord('a')]))).toBe('ARC_ENTRY_DUPLICATE')
    expect(await openingCode(markdownDocument({ sections: [fileSection('a'), fileSection('"a"')] }))).toBe(
      'ARC_DUMP_DAMAGED',
    )
    expect(await openingCode(linesDocument([fileRecord('a'), { path: 'a', type: 'directory', mode: '755' }]))).toBe(
      'ARC_ENTRY_DUPLICATE',
    )
  })

  test('entries out of order are refused', async () => {
    expect(await openingCode(markdownDocument({ sections: [fileSection('b'), fileSection('a')] }))).toBe(
      'ARC_DUMP_DAMAGED',
    )
    expect(await openingCode(linesDocument([fileRecord('\u{1f600}'), fileRecord('\uffff')]))).toBe('ARC_DUMP_DAMAGED')
  })

  test('nothing lies below a file, a symbolic link or a hard link', async () => {
    const target = 'elsewhere\n'
    const link: Section = {
      pathText: 'a',
      info: 'text symlink',
      body: target,
      row: `${sha256Hex(Buffer.from(target))} 120000 ${target.length} a`,
    }
    expect(await openingCode(markdownDocument({ sections: [link] }))).toBe('taken')
    expect(await openingCode(markdownDocument({ sections: [link, fileSection('a/b')] }))).toBe('ARC_DUMP_DAMAGED')
    expect(
      await openingCode(markdownDocument({ sections: [fileSection('a'), fileSection('a-b'), fileSection('a/b')] })),
    ).toBe('ARC_DUMP_DAMAGED')
    const symlink = { path: 'a', type: 'symlink', target: '/etc', size: 4, sha256: sha256Hex(Buffer.from('/etc')) }
    expect(await openingCode(linesDocument([symlink]))).toBe('taken')
    expect(await openingCode(linesDocument([symlink, fileRecord('a/b/c')]))).toBe('ARC_DUMP_DAMAGED')
  })
})

describe('links', () => {
  const hardLink = (pathText: string, to: string, content = 'x\n', mode = '100644'): Section => ({
    pathText,
    info: 'text hardlink noeol',
    body: `${to}\n`,
    row: fileRow(pathText, content, mode),
  })

  test('a hard link names a file that comes before it and agrees with it', async () => {
    expect(await openingCode(markdownDocument({ sections: [fileSection('a'), hardLink('b', 'a')] }))).toBe('taken')
    const refused = [
      [hardLink('a', 'b'), fileSection('b')],
      [hardLink('a', 'a')],
      [fileSection('a'), hardLink('b', '../a')],
      [fileSection('a'), hardLink('b', '/etc/passwd')],
      [fileSection('a'), hardLink('b', 'a', 'other\n')],
      [fileSection('a'), hardLink('b', 'a', 'x\n', '100755')],
      [fileSection('a'), hardLink('b', 'a'), hardLink('c', 'b')],
    ]
    for (const sections of refused) expect(await openingCode(markdownDocument({ sections }))).toBe('ARC_DUMP_DAMAGED')
  })

  test('the same in JSON', async () => {
    const sha256 = sha256Hex(Buffer.from('x\n'))
    const link = (path: string, to: unknown, size = 2): object => ({ path, type: 'hardlink', to, size, sha256 })
    expect(await openingCode(linesDocument([fileRecord('a'), { ...link('b', 'a') }]))).toBe('taken')
    for (const bad of [link('b', 'c'), link('b', '../a'), link('b', 'a', 3), link('b', ['a']), link('b', undefined)]) {
      expect(await openingCode(linesDocument([fileRecord('a'), { ...bad }]))).toBe('ARC_DUMP_DAMAGED')
    }
    expect(await openingCode(linesDocument([{ ...link('a', 'b') }, fileRecord('b')]))).toBe('ARC_DUMP_DAMAGED')
  })

  test('a target that no link can have is refused', async () => {
    const symlink = (target: string): object => ({
      path: 'a',
      type: 'symlink',
      target,
      size: Buffer.byteLength(target),
      sha256: sha256Hex(Buffer.from(target)),
    })
    for (const target of ['', 'a\0b'])
      expect(await openingCode(linesDocument([{ ...symlink(target) }]))).toBe('ARC_DUMP_DAMAGED')
    expect(await openingCode(linesDocument([{ ...symlink('t'.repeat(5000)) }]))).toBe('ARC_LIMIT_EXCEEDED')
  })
})
