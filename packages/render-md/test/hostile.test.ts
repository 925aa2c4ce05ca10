import { randomBytes } from 'node:crypto'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { DEFAULT_LIMITS, isArcError } from '@arc/core'
import { sha256Hex } from '@arc/core/node'
import { temporaryFolder } from '@arc/core/testing'
import { openDump, type OpenDumpOptions } from '@arc/render-md'
import { describe, expect, test } from 'vitest'
import { contentOf, factsOf, openBytes, openingError } from './documents.ts'
import {
  fileRecord,
  fileRow,
  fileSection,
  jsonDocument,
  linesDocument,
  markdownDocument,
  type Section,
} from './hostile-documents.ts'

async function codeOf(bytes: Uint8Array, options: OpenDumpOptions = {}): Promise<string> {
  using folder = temporaryFolder()
  const error = await openingError(folder.path, bytes, options)
  if (error === undefined) return 'taken'
  return isArcError(error) ? error.code : `not an ArcError: ${String(error)}`
}

test('the documents of this file are taken when nothing in them is wrong', async () => {
  expect(await codeOf(markdownDocument())).toBe('taken')
  expect(await codeOf(markdownDocument({ sections: [fileSection('a'), fileSection('b/c')] }))).toBe('taken')
  expect(await codeOf(linesDocument([fileRecord('a'), fileRecord('b/c')]))).toBe('taken')
  expect(await codeOf(jsonDocument([fileRecord('a'), fileRecord('b/c')]))).toBe('taken')
  expect(await codeOf(jsonDocument([]))).toBe('taken')
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
    expect(await codeOf(markdownDocument({ sections: [fileSection(path)] }))).toMatch(
      /^ARC_(PATH_UNSAFE|DUMP_DAMAGED)$/,
    )
    expect(await codeOf(linesDocument([fileRecord(path)]))).toMatch(/^ARC_(PATH_UNSAFE|DUMP_DAMAGED)$/)
    expect(await codeOf(jsonDocument([fileRecord(path)]))).toMatch(/^ARC_(PATH_UNSAFE|DUMP_DAMAGED)$/)
  })

  test('NUL in a path is refused', async () => {
    expect(await codeOf(markdownDocument({ sections: [fileSection(String.raw`"a\u0000b"`)] }))).toBe('ARC_PATH_UNSAFE')
    expect(await codeOf(linesDocument([fileRecord('a\0b')]))).toBe('ARC_PATH_UNSAFE')
  })

  test.each(['\ud800', '\udc00', '\udfff', '\udcc3\udca9', 'a\udc41', '\udcf0\udc9f\udc98\udc80'])(
    '%j spells no path, or one that has another spelling: it is refused',
    async (path) => {
      const code = /^ARC_(PATH_INVALID|PATH_UNSAFE|DUMP_DAMAGED)$/
      expect(await codeOf(markdownDocument({ sections: [fileSection(JSON.stringify(path))] }))).toMatch(code)
      expect(await codeOf(linesDocument([fileRecord(path)]))).toMatch(code)
      expect(await codeOf(linesDocument([{ path: 'a', type: 'symlink', target: path, size: 1, sha256: '' }]))).toMatch(
        code,
      )
    },
  )

  test('a path that occurs twice is refused, however it is spelled', async () => {
    expect(await codeOf(markdownDocument({ sections: [fileSection('a'), fileSection('a')] }))).toBe(
      'ARC_ENTRY_DUPLICATE',
    )
    expect(await codeOf(linesDocument([fileRecord('a'), fileRecord('a')]))).toBe('ARC_ENTRY_DUPLICATE')
    expect(await codeOf(markdownDocument({ sections: [fileSection('a'), fileSection('"a"')] }))).toBe(
      'ARC_DUMP_DAMAGED',
    )
    expect(await codeOf(linesDocument([fileRecord('a'), { path: 'a', type: 'directory', mode: '755' }]))).toBe(
      'ARC_ENTRY_DUPLICATE',
    )
  })

  test('entries out of order are refused', async () => {
    expect(await codeOf(markdownDocument({ sections: [fileSection('b'), fileSection('a')] }))).toBe('ARC_DUMP_DAMAGED')
    expect(await codeOf(linesDocument([fileRecord('\u{1f600}'), fileRecord('\uffff')]))).toBe('ARC_DUMP_DAMAGED')
  })

  test('nothing lies below a file, a symbolic link or a hard link', async () => {
    const target = 'elsewhere\n'
    const link: Section = {
      pathText: 'a',
      info: 'text symlink',
      body: target,
      row: `${sha256Hex(Buffer.from(target))} 120000 ${target.length} a`,
    }
    expect(await codeOf(markdownDocument({ sections: [link] }))).toBe('taken')
    expect(await codeOf(markdownDocument({ sections: [link, fileSection('a/b')] }))).toBe('ARC_DUMP_DAMAGED')
    expect(
      await codeOf(markdownDocument({ sections: [fileSection('a'), fileSection('a-b'), fileSection('a/b')] })),
    ).toBe('ARC_DUMP_DAMAGED')
    const symlink = { path: 'a', type: 'symlink', target: '/etc', size: 4, sha256: sha256Hex(Buffer.from('/etc')) }
    expect(await codeOf(linesDocument([symlink]))).toBe('taken')
    expect(await codeOf(linesDocument([symlink, fileRecord('a/b/c')]))).toBe('ARC_DUMP_DAMAGED')
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
    expect(await codeOf(markdownDocument({ sections: [fileSection('a'), hardLink('b', 'a')] }))).toBe('taken')
    const refused = [
      [hardLink('a', 'b'), fileSection('b')],
      [hardLink('a', 'a')],
      [fileSection('a'), hardLink('b', '../a')],
      [fileSection('a'), hardLink('b', '/etc/passwd')],
      [fileSection('a'), hardLink('b', 'a', 'other\n')],
      [fileSection('a'), hardLink('b', 'a', 'x\n', '100755')],
      [fileSection('a'), hardLink('b', 'a'), hardLink('c', 'b')],
    ]
    for (const sections of refused) expect(await codeOf(markdownDocument({ sections }))).toBe('ARC_DUMP_DAMAGED')
  })

  test('the same in JSON', async () => {
    const sha256 = sha256Hex(Buffer.from('x\n'))
    const link = (path: string, to: unknown, size = 2): object => ({ path, type: 'hardlink', to, size, sha256 })
    expect(await codeOf(linesDocument([fileRecord('a'), { ...link('b', 'a') }]))).toBe('taken')
    for (const bad of [link('b', 'c'), link('b', '../a'), link('b', 'a', 3), link('b', ['a']), link('b', undefined)]) {
      expect(await codeOf(linesDocument([fileRecord('a'), { ...bad }]))).toBe('ARC_DUMP_DAMAGED')
    }
    expect(await codeOf(linesDocument([{ ...link('a', 'b') }, fileRecord('b')]))).toBe('ARC_DUMP_DAMAGED')
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
      expect(await codeOf(linesDocument([{ ...symlink(target) }]))).toBe('ARC_DUMP_DAMAGED')
    expect(await codeOf(linesDocument([{ ...symlink('t'.repeat(5000)) }]))).toBe('ARC_LIMIT_EXCEEDED')
  })
})

describe('bodies', () => {
  test('a body that imitates the rest of a document is a body', async () => {
    const forged = markdownDocument({ sections: [fileSection('../../evil'), fileSection('b', 'two\n')] }).toString()
    using folder = temporaryFolder()
    await using source = await openBytes(
      folder.path,
      markdownDocument({ sections: [{ pathText: 'a', fence: '````', body: forged }] }),
      { verifyContent: true },
    )
    expect(source.records.map(({ path }) => path)).toEqual(['a'])
    for await (const [entry] of source.entries()) expect(entry && contentOf(entry)?.toString()).toBe(forged)
  })

  test('a body may not hold its own fence: no renderer would end it where we do', async () => {
    for (const body of ['a```b\n', '   ```\n', '```\nx\n', 'x ```\n', '````\n']) {
      expect(await codeOf(markdownDocument({ sections: [fileSection('a', body)] }))).toBe('ARC_DUMP_DAMAGED')
    }
    expect(await codeOf(markdownDocument({ sections: [{ ...fileSection('a', 'a```b\n'), fence: '~~~' }] }))).toBe(
      'taken',
    )
  })

  test('a length that is not that of the body is refused', async () => {
    const withLength = (bytes: string): Buffer =>
      markdownDocument({ sections: [{ ...fileSection('a', 'x\ny\n'), info: `text bytes=${bytes}` }] })
    expect(await codeOf(withLength('4'))).toBe('taken')
    for (const bytes of [
      '0',
      '2',
      '3',
      '5',
      '1000',
      '04',
      '-1',
      '4.0',
      '1e3',
      '99999999999999',
      '999999999999999',
      '9'.repeat(16),
    ]) {
      expect([bytes, await codeOf(withLength(bytes))]).toEqual([bytes, 'ARC_DUMP_DAMAGED'])
    }
  })

  test('base64 in any other form than ours is refused', async () => {
    const row = fileRow('a', 'abcd')
    const encoded = (body: string): Buffer =>
      markdownDocument({ sections: [{ pathText: 'a', info: 'text base64', body, row }] })
    expect(await codeOf(encoded('YWJjZA==\n'))).toBe('taken')
    for (const body of [
      'YWJjZA==',
      'YWJjZA\n',
      'YWJj\nZA==\n',
      'YWJjZB==\n',
      'YWJjZA==\n\n',
      ' YWJjZA==\n',
      'YWJj\r\nZA==\n',
      'YWJjZA-=\n',
    ]) {
      expect([body, await codeOf(encoded(body))]).toEqual([body, 'ARC_DUMP_DAMAGED'])
    }
  })

  test('attributes that contradict the body or each other are refused', async () => {
    const refused: [info: string, body: string, content: string][] = [
      ['text noeol', '', ''],
      ['text', 'no end', 'no end'],
      ['text eol=crlf', 'a\r\n', 'a\r\r\n'],
      ['text charset=utf-16le', '\xff\n', ''],
      ['text charset=utf-8', 'x\n', 'x\n'],
      ['text omitted', 'x\n', 'x\n'],
      ['text base64 noeol', 'eA==\n', 'x'],
      ['text noeol base64', 'eA==\n', 'x'],
      ['text  noeol', 'x\n', 'x'],
      ['text noeol ', 'x\n', 'x'],
      ['text noeol noeol', 'x\n', 'x'],
      ['text NOEOL', 'x\n', 'x'],
      ['text mode=0644', 'x\n', 'x\n'],
      ['text mode=99', 'x\n', 'x\n'],
      ['text directory symlink', '', ''],
      ['', 'x\n', 'x\n'],
      ['text unknown', 'x\n', 'x\n'],
    ]
    for (const [info, body, content] of refused) {
      const document = markdownDocument({
        sections: [{ pathText: 'a', info, body: Buffer.from(body, 'latin1'), row: fileRow('a', content) }],
      })
      expect([info, body, await codeOf(document)]).toEqual([info, body, 'ARC_DUMP_DAMAGED'])
    }
  })

  test('content that is not what the manifest says is refused, its file named', async () => {
    const wrong: [row: string, code: string][] = [
      [fileRow('a', 'y\n'), 'ARC_HASH_MISMATCH'],
      [fileRow('a', 'x\n').replace(' 2 ', ' 3 '), 'ARC_DUMP_DAMAGED'],
      [fileRow('a', 'x\n', '100755'), 'ARC_DUMP_DAMAGED'],
      [fileRow('a', 'x\n', '120000'), 'ARC_DUMP_DAMAGED'],
      [fileRow('a', 'x\n', '040755'), 'ARC_DUMP_DAMAGED'],
      [fileRow('b', 'x\n'), 'ARC_DUMP_DAMAGED'],
      [fileRow('a', 'x\n').toUpperCase(), 'ARC_DUMP_DAMAGED'],
      [fileRow('a', 'x\n').replace(' 2 ', ' 02 '), 'ARC_DUMP_DAMAGED'],
      [`- 100644 2 a`, 'ARC_DUMP_DAMAGED'],
    ]
    using folder = temporaryFolder()
    for (const [row, code] of wrong) {
      const error = await openingError(folder.path, markdownDocument({ sections: [{ ...fileSection('a'), row }] }))
      expect([row, error]).toEqual([row, expect.objectContaining({ code, path: 'a' })])
    }
  })
})

describe('frame', () => {
  const frontMatters = {
    'a version to come': ['---\narc-dump: 2\nname: "x"\n---\n', 'ARC_DUMP_UNSUPPORTED'],
    'a key twice': ['---\narc-dump: 1\nname: "x"\nname: "y"\n---\n', 'ARC_DUMP_DAMAGED'],
    'no name': ['---\narc-dump: 1\n---\n', 'ARC_DUMP_DAMAGED'],
    'no version first': ['---\nname: "x"\narc-dump: 1\n---\n', 'ARC_DUMP_DAMAGED'],
    'no JSON': ['---\narc-dump: 1\nname: x\n---\n', 'ARC_DUMP_DAMAGED'],
    'odd modes': ['---\narc-dump: 1\nname: "x"\nmodes: {"file":"999","directory":"755"}\n---\n', 'ARC_DUMP_DAMAGED'],
    'half of the modes': ['---\narc-dump: 1\nname: "x"\nmodes: {"file":"644"}\n---\n', 'ARC_DUMP_DAMAGED'],
    'no end': ['---\narc-dump: 1\nname: "x"\n', 'ARC_DUMP_DAMAGED'],
    'a key to come': ['---\narc-dump: 1\nname: "x"\nsigned-by: ["ada"]\n---\n', 'taken'],
  } as const

  test.each(Object.entries(frontMatters))('front matter with %s', async (_name, [frontMatter, code]) => {
    expect(await codeOf(markdownDocument({ frontMatter, sections: [fileSection('a')] }))).toBe(code)
  })

  test('what precedes the sections is not read, whatever it looks like', async () => {
    const preamble =
      '\n# x\n\n### `../evil`\n\n```text\nx\n```\n\n## Manifest\n\n<!-- arc-dump/1 entries=0 sha256=0 -->\n\n'
    expect(await codeOf(markdownDocument({ preamble, sections: [fileSection('a')] }))).toBe('taken')
  })

  test('a footer that is missing, false or not the end is refused', async () => {
    const sections = [fileSection('a')]
    expect(await codeOf(markdownDocument({ sections, footer: '' }))).toBe('ARC_DUMP_DAMAGED')
    expect(await codeOf(markdownDocument({ sections, entries: 2 }))).toBe('ARC_DUMP_DAMAGED')
    expect(
      await codeOf(markdownDocument({ sections, footer: `<!-- arc-dump/1 entries=1 sha256=${'0'.repeat(64)} -->\n` })),
    ).toBe('ARC_DUMP_DAMAGED')
    expect(await codeOf(Buffer.concat([markdownDocument({ sections }), Buffer.from('\n')]))).toBe('ARC_DUMP_DAMAGED')
    expect(await codeOf(Buffer.concat([markdownDocument({ sections }), markdownDocument({ sections })]))).toBe(
      'ARC_DUMP_DAMAGED',
    )
  })

  test('CR LF everywhere, a BOM in front, or another kind of file is refused', async () => {
    const document = markdownDocument({ sections: [fileSection('a')] })
    expect(await codeOf(Buffer.from(document.toString().replaceAll('\n', '\r\n')))).toBe('ARC_DUMP_UNSUPPORTED')
    expect(await codeOf(Buffer.concat([Buffer.from('\ufeff'), document]))).toBe('ARC_DUMP_UNSUPPORTED')
    for (const text of ['', '\n', '-', 'hello\n', '# x\n', '%PDF-1.7', 'PK\u0003\u0004', '[]', '"x"'])
      expect([text, await codeOf(Buffer.from(text))]).toEqual([text, 'ARC_DUMP_UNSUPPORTED'])
    for (const text of [
      '---\n',
      '---\n---\n',
      '{',
      '{}',
      '{}\n',
      '{"arcDump":1}\n',
      '{"arcDump":1,"name":"x"}',
      '{"arcDump":1,"name":"x"}\n',
    ])
      expect([text, await codeOf(Buffer.from(text))]).toEqual([text, 'ARC_DUMP_DAMAGED'])
  })

  test('a folder, or nothing, is no dump', async () => {
    using folder = temporaryFolder()
    await expect(openDump(folder.path)).rejects.toMatchObject({ code: 'ARC_DUMP_UNSUPPORTED' })
    await expect(openDump(`${folder.path}/missing`)).rejects.toMatchObject({ code: 'ARC_NOT_FOUND' })
  })
})

describe('JSON', () => {
  const wrong: Record<string, object> = {
    'no path': { path: undefined },
    'a number as path': { path: 7 },
    'an unknown type': { type: 'socket' },
    'a number as mode': { mode: 644 },
    'no mode': { mode: undefined },
    'no octal mode': { mode: '888' },
    'an odd size': { size: -1 },
    'a broken size': { size: 2.5 },
    'another size': { size: 3 },
    'no hash': { sha256: undefined },
    'text and base64': { base64: 'eAo=' },
    'neither text nor base64': { text: undefined },
    'a number as text': { text: 7 },
    'numbers in the text': { text: ['x', 7] },
    'a lone surrogate in the text': { text: '\ud800' },
    'base64 that is none': { text: undefined, base64: 'eAo' },
    'base64 with line ends': { text: undefined, base64: 'eA\no=' },
    'an odd time': { mtime: '1' },
    'another text': { text: 'y\n' },
  }

  test.each(Object.entries(wrong))('%s is refused', async (_name, change) => {
    const record = { ...fileRecord('a'), ...change }
    expect(await codeOf(linesDocument([record]))).toMatch(/^ARC_(DUMP_DAMAGED|HASH_MISMATCH)$/)
    expect(await codeOf(jsonDocument([record]))).toMatch(/^ARC_(DUMP_DAMAGED|HASH_MISMATCH)$/)
  })

  test('pieces of text and base64 are joined', async () => {
    expect(await codeOf(linesDocument([fileRecord('a', 'x\n', { text: ['x', '', '\n'] })]))).toBe('taken')
    expect(await codeOf(linesDocument([fileRecord('a', 'x\n', { text: undefined, base64: ['eA==', 'Cg=='] })]))).toBe(
      'taken',
    )
  })

  test('another layout of the same document is taken, and checked as strictly', async () => {
    using folder = temporaryFolder()
    const records = [fileRecord('a'), fileRecord('b', 'two\n'), fileRecord('\u{1f600}\udcff')]
    const value: unknown = JSON.parse(jsonDocument(records).toString())
    const plain = await factsOf(await openBytes(folder.path, jsonDocument(records)))
    for (const text of [
      JSON.stringify(value),
      `${JSON.stringify(value)}\n`,
      JSON.stringify(value, undefined, 2),
      `${JSON.stringify(value, undefined, '\t')}\r\n`,
    ]) {
      await using source = await openBytes(folder.path, Buffer.from(text), { verifyContent: true })
      expect(await factsOf(source)).toEqual(plain)
      expect(await codeOf(Buffer.from(text.replace('two', 'tow')))).toBe('ARC_HASH_MISMATCH')
      expect(await codeOf(Buffer.from(text.slice(0, -3)))).toBe('ARC_DUMP_DAMAGED')
      expect(await codeOf(Buffer.from(text.replace(/"entries":\s*3/, '"entries":2')))).toBe('ARC_DUMP_DAMAGED')
    }
  })

  test('commas that are missing or too many are refused', async () => {
    const document = jsonDocument([fileRecord('a'), fileRecord('b')]).toString()
    expect(await codeOf(Buffer.from(document.replace('},\n', '}\n')))).toBe('ARC_DUMP_DAMAGED')
    expect(await codeOf(Buffer.from(document.replace('}\n]', '},\n]')))).toBe('ARC_DUMP_DAMAGED')
  })

  test('a line after the footer, or a footer that is cut, is refused', async () => {
    const document = linesDocument([fileRecord('a')])
    expect(await codeOf(Buffer.concat([document, Buffer.from('{}\n')]))).toBe('ARC_DUMP_DAMAGED')
    expect(await codeOf(document.subarray(0, -1))).toBe('ARC_DUMP_DAMAGED')
    expect(await codeOf(linesDocument([fileRecord('a')], { arcDump: 1, name: 'x' }, { entries: 2 }))).toBe(
      'ARC_DUMP_DAMAGED',
    )
  })
})

describe('limits', () => {
  test('a million entries, or any other count, can be the most', async () => {
    const limits = { ...DEFAULT_LIMITS, maxEntries: 2 }
    const names = ['a', 'b', 'c']
    expect(await codeOf(markdownDocument({ sections: names.map((name) => fileSection(name)) }), { limits })).toBe(
      'ARC_LIMIT_EXCEEDED',
    )
    expect(await codeOf(linesDocument(names.map((name) => fileRecord(name))), { limits })).toBe('ARC_LIMIT_EXCEEDED')
    expect(await codeOf(markdownDocument({ sections: [fileSection('a'), fileSection('b')] }), { limits })).toBe('taken')
  })

  test('so can bytes of a file and of all files', async () => {
    const sections = [fileSection('a', 'x'.repeat(9).concat('\n')), fileSection('b', 'x'.repeat(9).concat('\n'))]
    const records = [fileRecord('a', 'x'.repeat(10)), fileRecord('b', 'x'.repeat(10))]
    for (const limit of [{ maxFileBytes: 9 }, { maxTotalBytes: 19 }]) {
      const limits = { ...DEFAULT_LIMITS, ...limit }
      expect(await codeOf(markdownDocument({ sections }), { limits })).toBe('ARC_LIMIT_EXCEEDED')
      expect(await codeOf(linesDocument(records), { limits })).toBe('ARC_LIMIT_EXCEEDED')
    }
  })

  test('a line, a name or a heading without end is refused in little memory', async () => {
    const long = Buffer.alloc(12 * 1024 * 1024, 'x')
    expect(await codeOf(Buffer.concat([Buffer.from('---\n'), long]))).toBe('ARC_DUMP_DAMAGED')
    expect(
      await codeOf(Buffer.concat([Buffer.from('---\narc-dump: 1\nname: "x"\n---\n## Files\n\n### `'), long])),
    ).toMatch(/^ARC_(DUMP_DAMAGED|LIMIT_EXCEEDED)$/)
    expect(
      await codeOf(
        Buffer.concat([Buffer.from('---\narc-dump: 1\nname: "x"\n---\n\n## Files\n\n### `a`\n\n```text\n'), long]),
      ),
    ).toMatch(/^ARC_(DUMP_DAMAGED|LIMIT_EXCEEDED)$/)
  })

  test('a small document that becomes a huge one is refused before it fills the disk', async () => {
    const zeros = Buffer.alloc(160 * 1024 * 1024)
    expect(await codeOf(gzipSync(zeros))).toBe('ARC_LIMIT_EXCEEDED')
    expect(await codeOf(zstdCompressSync(zeros))).toBe('ARC_LIMIT_EXCEEDED')
    expect(await codeOf(gzipSync(randomBytes(5000)), { limits: { ...DEFAULT_LIMITS, maxTotalBytes: 4999 } })).toBe(
      'ARC_LIMIT_EXCEEDED',
    )
  })
})

describe('compression', () => {
  const plain = markdownDocument({ sections: [fileSection('a', randomBytes(3000).toString('hex').concat('\n'))] })

  test.each([
    ['gzip', gzipSync(plain)],
    ['zstd', zstdCompressSync(plain)],
  ])('%s that is cut or changed is refused', async (_name, packed) => {
    expect(await codeOf(packed)).toBe('taken')
    for (const end of [packed.length - 1, packed.length - 9, packed.length >> 1, 20, 5])
      expect([end, await codeOf(packed.subarray(0, end))]).toEqual([end, 'ARC_DUMP_DAMAGED'])
    const changed = Buffer.from(packed)
    changed[packed.length >> 1] = (changed[packed.length >> 1] as number) ^ 0x10
    expect(await codeOf(changed)).toMatch(/^ARC_(DUMP_DAMAGED|HASH_MISMATCH)$/)
  })

  test('parts that were compressed one by one are one document', async () => {
    for (const pack of [gzipSync, zstdCompressSync]) {
      expect(await codeOf(Buffer.concat([pack(plain.subarray(0, 99)), pack(plain.subarray(99))]))).toBe('taken')
      expect(await codeOf(Buffer.concat([pack(plain), pack(plain)]))).toBe('ARC_DUMP_DAMAGED')
    }
  })

  test('what is compressed twice is no dump', async () => {
    expect(await codeOf(gzipSync(gzipSync(plain)))).toBe('ARC_DUMP_UNSUPPORTED')
  })

  test('a document arrives from a stream in pieces of any size', async () => {
    for (const bytes of [plain, gzipSync(plain), zstdCompressSync(plain)]) {
      for (const pieceBytes of [1, 3, 1000, 100_000]) {
        const arriving = async function* (): AsyncGenerator<Uint8Array> {
          for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes)
        }
        await using source = await openDump(arriving(), { verifyContent: true })
        expect(source.records.map(({ path }) => path)).toEqual(['a'])
      }
    }
  })
})
