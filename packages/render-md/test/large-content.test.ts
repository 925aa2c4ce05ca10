import { memorySource } from '@arc/core'
import { sha256Hex } from '@arc/core/node'
import { fileEntry, temporaryFolder } from '@arc/core/testing'
import { describe, expect, test } from 'vitest'
import { BASE64_PIECE_BYTES } from '../src/body.ts'
import { WHOLE_BYTES } from '../src/whole-content.ts'
import { contentOf, openBytes, render } from './documents.ts'

const LARGE = WHOLE_BYTES + 100_000

/** Text of more than `WHOLE_BYTES` in which `what` lies `before` bytes before each place where a piece of content ends. */
function acrossPieces(what: string, before: number, filler = 'x', end = '\n'): Buffer {
  const bytes = Buffer.alloc(LARGE, filler)
  for (let at = BASE64_PIECE_BYTES; at < LARGE; at += BASE64_PIECE_BYTES) bytes.write(what, at - before)
  return Buffer.concat([bytes, Buffer.from(end)])
}

/** What the opening fence must say about the content, by its name. */
const CONTENTS: Record<string, [content: Buffer, info: RegExp]> = {
  'plain text': [Buffer.alloc(LARGE, 'some text\n'), /^```text noeol bytes=\d+$/],
  'text with a last line end': [
    Buffer.concat([Buffer.alloc(LARGE, 'some text\n'), Buffer.from('\n')]),
    /^```text bytes=\d+$/,
  ],
  'two bytes a character, cut': [acrossPieces('\u00e9', 1), /^```text bytes=\d+$/],
  'three bytes, cut after one': [acrossPieces('\u20ac', 1), /^```text bytes=\d+$/],
  'three bytes, cut after two': [acrossPieces('\u20ac', 2), /^```text bytes=\d+$/],
  'four bytes, cut after one': [acrossPieces('\u{1f600}', 1), /^```text bytes=\d+$/],
  'four bytes, cut after three': [acrossPieces('\u{1f600}', 3), /^```text bytes=\d+$/],
  'four bytes, whole': [acrossPieces('\u{1f600}', 4), /^```text bytes=\d+$/],
  'nothing but characters of two units': [Buffer.from(`x${'\u{1f600}'.repeat(2_200_000)}\n`), /^```text bytes=\d+$/],
  'nothing but characters of three bytes': [Buffer.from('\u20ac'.repeat(LARGE / 3)), /^```text noeol bytes=\d+$/],
  'a character that never ends': [acrossPieces('', 0, 'x', '\u20ac').subarray(0, -1), /^```text base64 bytes=\d+$/],
  'half a character at a cut': [
    acrossPieces('\u20ac', 2).fill('x', BASE64_PIECE_BYTES, BASE64_PIECE_BYTES + 1),
    /^```text base64 bytes=\d+$/,
  ],
  'CR LF': [Buffer.alloc(LARGE - (LARGE % 5), 'abc\r\n'), /^```text eol=crlf bytes=\d+$/],
  'CR LF, cut between': [acrossPieces('\r\n', 1, 'x', '\r\n'), /^```text eol=crlf bytes=\d+$/],
  'CR LF without the last': [acrossPieces('\r\n', 1, 'x', ''), /^```text eol=crlf noeol bytes=\d+$/],
  'CR LF and a lone CR': [acrossPieces('\r\n', 1, 'x', '\r\r\n'), /^```text bytes=\d+$/],
  'a run of backticks, cut': [acrossPieces('`'.repeat(9), 4), /^`{10}text bytes=\d+$/],
  'runs of backticks that no fence exceeds': [acrossPieces('`'.repeat(70), 35), /^~~~text bytes=\d+$/],
  'one control': [acrossPieces('\u0001', 1), /^```text base64 bytes=\d+$/],
  zeros: [Buffer.alloc(LARGE + 1), /^```text base64 bytes=\d+$/],
  'UTF-16, too large to be converted': [
    Buffer.from(`\ufeff${'text\n'.repeat(LARGE / 10)}`, 'utf16le'),
    /^```text base64 bytes=\d+$/,
  ],
  'one line of 3 MB': [Buffer.alloc(3_000_000, 'line'), /^```text noeol bytes=3000001$/],
  'exactly what is read whole': [Buffer.alloc(WHOLE_BYTES, 'x\n'), /^```text bytes=4194304$/],
  'one byte more than is read whole': [Buffer.alloc(WHOLE_BYTES + 1, 'x\n'), /^```text noeol bytes=4194306$/],
  'a body of exactly one MiB': [Buffer.alloc(1024 * 1024, 'x\n'), /^```text$/],
  'a body of one byte more': [Buffer.alloc(1024 * 1024, 'x'), /^```text noeol bytes=1048577$/],
}

describe.each(Object.entries(CONTENTS))('%s', (_name, [content, info]) => {
  test.each(['md', 'jsonl'] as const)('in %s', async (format) => {
    using folder = temporaryFolder()
    const { bytes, result } = await render(
      memorySource('p', [fileEntry('before', '1\n'), fileEntry('large', content), fileEntry('past', '2\n')]),
      { format, contents: 'none' },
    )
    expect(result.omissions).toEqual([])
    if (format === 'md') expect(/### `large`\n\n(.*)\n/.exec(bytes.toString('latin1'))?.[1]).toMatch(info)
    await using opened = await openBytes(folder.path, bytes, { verifyContent: true })
    const [entries = []] = await Array.fromAsync(opened.entries())
    expect(entries.map(({ path }) => path)).toEqual(['before', 'large', 'past'])
    expect(entries.map((entry) => sha256Hex(contentOf(entry) ?? Buffer.alloc(0)))).toEqual(
      [Buffer.from('1\n'), content, Buffer.from('2\n')].map(sha256Hex),
    )
    expect((await render(opened, { format, contents: 'none' })).bytes.equals(bytes)).toBe(true)
  })
})

test('content that comes in small reads is the same', async () => {
  const content = acrossPieces('\u{1f600}\r\n', 2)
  using folder = temporaryFolder()
  const { bytes } = await render(memorySource('p', [fileEntry('large', content)]))
  await using opened = await openBytes(folder.path, bytes)
  const [entries = []] = await Array.fromAsync(opened.entries())
  const source = entries[0]?.content
  if (source?.kind !== 'sync') throw new TypeError('no content')
  const reader = source.open()
  const piece = Buffer.alloc(77_777)
  const pieces: Buffer[] = []
  for (let count = piece.length; count === piece.length;) {
    count = reader.read(piece)
    pieces.push(Buffer.from(piece.subarray(0, count)))
  }
  reader.close()
  expect(Buffer.concat(pieces).equals(content)).toBe(true)
})
