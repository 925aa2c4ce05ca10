import { temporaryFolder } from '@arc/core/testing'
import { describe, expect, test } from 'vitest'
import { factsOf, openBytes, openingCode } from './documents.ts'
import { fileRecord, jsonDocument, linesDocument } from './hostile-documents.ts'

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
    expect(await openingCode(linesDocument([record]))).toMatch(/^ARC_(DUMP_DAMAGED|HASH_MISMATCH)$/)
    expect(await openingCode(jsonDocument([record]))).toMatch(/^ARC_(DUMP_DAMAGED|HASH_MISMATCH)$/)
  })

  test('pieces of text and base64 are joined', async () => {
    expect(await openingCode(linesDocument([fileRecord('a', 'x\n', { text: ['x', '', '\n'] })]))).toBe('taken')
    expect(
      await openingCode(linesDocument([fileRecord('a', 'x\n', { text: undefined, base64: ['eA==', 'Cg=='] })])),
    ).toBe('taken')
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
      expect(await openingCode(Buffer.from(text.replace('two', 'tow')))).toBe('ARC_HASH_MISMATCH')
      expect(await openingCode(Buffer.from(text.slice(0, -3)))).toBe('ARC_DUMP_DAMAGED')
      expect(await openingCode(Buffer.from(text.replace(/"entries":\s*3/, '"entries":2')))).toBe('ARC_DUMP_DAMAGED')
    }
  })

  test('commas that are missing or too many are refused', async () => {
    const document = jsonDocument([fileRecord('a'), fileRecord('b')]).toString()
    expect(await openingCode(Buffer.from(document.replace('},\n', '}\n')))).toBe('ARC_DUMP_DAMAGED')
    expect(await openingCode(Buffer.from(document.replace('}\n]', '},\n]')))).toBe('ARC_DUMP_DAMAGED')
  })

  test('a line after the footer, or a footer that is cut, is refused', async () => {
    const document = linesDocument([fileRecord('a')])
    expect(await openingCode(Buffer.concat([document, Buffer.from('{}\n')]))).toBe('ARC_DUMP_DAMAGED')
    expect(await openingCode(document.subarray(0, -1))).toBe('ARC_DUMP_DAMAGED')
    expect(await openingCode(linesDocument([fileRecord('a')], { arcDump: 1, name: 'x' }, { entries: 2 }))).toBe(
      'ARC_DUMP_DAMAGED',
    )
  })
})
