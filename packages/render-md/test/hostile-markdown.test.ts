import { temporaryFolder } from '@arc/core/testing'
import { openDump } from '@arc/render-md'
import { describe, expect, test } from 'vitest'
import { contentOf, openBytes, openingCode, openingError } from './documents.ts'
import { fileRow, fileSection, markdownDocument } from './hostile-documents.ts'

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
      expect(await openingCode(markdownDocument({ sections: [fileSection('a', body)] }))).toBe('ARC_DUMP_DAMAGED')
    }
    expect(await openingCode(markdownDocument({ sections: [{ ...fileSection('a', 'a```b\n'), fence: '~~~' }] }))).toBe(
      'taken',
    )
  })

  test('a length that is not that of the body is refused', async () => {
    const withLength = (bytes: string): Buffer =>
      markdownDocument({ sections: [{ ...fileSection('a', 'x\ny\n'), info: `text bytes=${bytes}` }] })
    expect(await openingCode(withLength('4'))).toBe('taken')
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
      expect([bytes, await openingCode(withLength(bytes))]).toEqual([bytes, 'ARC_DUMP_DAMAGED'])
    }
  })

  test('base64 in any other form than ours is refused', async () => {
    const row = fileRow('a', 'abcd')
    const encoded = (body: string): Buffer =>
      markdownDocument({ sections: [{ pathText: 'a', info: 'text base64', body, row }] })
    expect(await openingCode(encoded('YWJjZA==\n'))).toBe('taken')
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
      expect([body, await openingCode(encoded(body))]).toEqual([body, 'ARC_DUMP_DAMAGED'])
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
      expect([info, body, await openingCode(document)]).toEqual([info, body, 'ARC_DUMP_DAMAGED'])
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
    expect(await openingCode(markdownDocument({ frontMatter, sections: [fileSection('a')] }))).toBe(code)
  })

  test('what precedes the sections is not read, whatever it looks like', async () => {
    const preamble =
      '\n# x\n\n### `../evil`\n\n```text\nx\n```\n\n## Manifest\n\n<!-- arc-dump/1 entries=0 sha256=0 -->\n\n'
    expect(await openingCode(markdownDocument({ preamble, sections: [fileSection('a')] }))).toBe('taken')
  })

  test('a footer that is missing, false or not the end is refused', async () => {
    const sections = [fileSection('a')]
    expect(await openingCode(markdownDocument({ sections, footer: '' }))).toBe('ARC_DUMP_DAMAGED')
    expect(await openingCode(markdownDocument({ sections, entries: 2 }))).toBe('ARC_DUMP_DAMAGED')
    expect(
      await openingCode(
        markdownDocument({ sections, footer: `<!-- arc-dump/1 entries=1 sha256=${'0'.repeat(64)} -->\n` }),
      ),
    ).toBe('ARC_DUMP_DAMAGED')
    expect(await openingCode(Buffer.concat([markdownDocument({ sections }), Buffer.from('\n')]))).toBe(
      'ARC_DUMP_DAMAGED',
    )
    expect(await openingCode(Buffer.concat([markdownDocument({ sections }), markdownDocument({ sections })]))).toBe(
      'ARC_DUMP_DAMAGED',
    )
  })

  test('CR LF everywhere, a BOM in front, or another kind of file is refused', async () => {
    const document = markdownDocument({ sections: [fileSection('a')] })
    expect(await openingCode(Buffer.from(document.toString().replaceAll('\n', '\r\n')))).toBe('ARC_DUMP_UNSUPPORTED')
    expect(await openingCode(Buffer.concat([Buffer.from('\ufeff'), document]))).toBe('ARC_DUMP_UNSUPPORTED')
    for (const text of ['', '\n', '-', 'hello\n', '# x\n', '%PDF-1.7', 'PK\u0003\u0004', '[]', '"x"'])
      expect([text, await openingCode(Buffer.from(text))]).toEqual([text, 'ARC_DUMP_UNSUPPORTED'])
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
      expect([text, await openingCode(Buffer.from(text))]).toEqual([text, 'ARC_DUMP_DAMAGED'])
  })

  test('a folder, or nothing, is no dump', async () => {
    using folder = temporaryFolder()
    await expect(openDump(folder.path)).rejects.toMatchObject({ code: 'ARC_DUMP_UNSUPPORTED' })
    await expect(openDump(`${folder.path}/missing`)).rejects.toMatchObject({ code: 'ARC_NOT_FOUND' })
  })
})
