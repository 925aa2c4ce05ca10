import {
  ArcError,
  compareBytes,
  comparePaths,
  decodePath,
  encodePath,
  type EntryPath,
  isUtf8Path,
  printablePath,
} from '@arc/core'
import fc from 'fast-check'
import { expect, test } from 'vitest'

// Bytes as names have them: mostly UTF-8, with what is nearly UTF-8 in between.
const PIECES = [
  'a',
  'b',
  '/',
  '\n',
  '\u007f',
  '\u00e9',
  '\ud7ff',
  '\ue000',
  '\ufeff',
  '\uffff',
  '\u{10000}',
  '\u{10ffff}',
  '\u202e',
  '"',
  '\\',
]
const BROKEN = [
  '\x80',
  '\xbf',
  '\xc0\xaf',
  '\xc1\xbf',
  '\xc3',
  '\xe0\x9f\xbf',
  '\xe2\x82',
  '\xed\xa0\x80',
  '\xed\xb0\x80',
  '\xf0\x8f\xbf\xbf',
  '\xf4\x90\x80\x80',
  '\xf5',
  '\xff',
]
const piece = fc.oneof(
  fc.constantFrom(...PIECES).map((text) => Buffer.from(text)),
  fc.constantFrom(...BROKEN).map((text) => Buffer.from(text, 'latin1')),
  fc.uint8Array({ maxLength: 4 }).map((bytes) => Buffer.from(bytes)),
)
const anyBytes = fc.array(piece, { maxLength: 8 }).map((pieces) => Buffer.concat(pieces))
const RUNS = { numRuns: 20_000 }

test('every byte sequence has one path, and that path gives back the bytes', () => {
  fc.assert(
    fc.property(anyBytes, (bytes) => {
      const path = decodePath(bytes)
      expect(Buffer.from(encodePath(path)).equals(bytes)).toBe(true)
      expect(isUtf8Path(path)).toBe(Buffer.from(bytes.toString()).equals(bytes))
    }),
    RUNS,
  )
})

test('bytes that are UTF-8 stand for themselves, CESU surrogates do not', () => {
  expect(decodePath(Buffer.from('caf\u00e9 \u{1f600} \ufeff'))).toBe('caf\u00e9 \u{1f600} \ufeff')
  expect(decodePath(Buffer.from('\ufeffa'))).toBe('\ufeffa')
  expect(decodePath(Buffer.of(0x61, 0xed, 0xa0, 0xbd, 0xed, 0xb8, 0x80))).toBe('a\udced\udca0\udcbd\udced\udcb8\udc80')
  expect(decodePath(Buffer.of(0xff, 0xc3, 0xa9))).toBe('\udcff\u00e9')
})

test('paths sort as their bytes do', () => {
  fc.assert(
    fc.property(anyBytes, anyBytes, anyBytes, (common, a, b) => {
      const x = Buffer.concat([common, a])
      const y = Buffer.concat([common, b])
      expect(Math.sign(comparePaths(decodePath(x), decodePath(y)))).toBe(Buffer.compare(x, y))
      expect(Math.sign(compareBytes(x, y))).toBe(Buffer.compare(x, y))
    }),
    RUNS,
  )
})

test('paths after a common astral character are told apart', () => {
  const order = [
    '\u{1f480}a',
    '\u{1f480}\ue000',
    '\u{1f480}\u{1f480}',
    '\u{1f481}',
    '\u{1f600}',
    '\u{1f601}',
  ] as EntryPath[]
  expect(order.toReversed().sort(comparePaths)).toEqual(order)
})

const UNSAFE = /[\p{Cc}\u061c\u200b\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/u

test('what is printed of a path is harmless, on one line, and tells it from every other', () => {
  fc.assert(
    fc.property(anyBytes, anyBytes, (a, b) => {
      const shown = printablePath(decodePath(a))
      expect(shown.isWellFormed()).toBe(true)
      expect(UNSAFE.test(shown)).toBe(false)
      expect(shown === printablePath(decodePath(b))).toBe(a.equals(b))
    }),
    RUNS,
  )
})

test('every control, mark and lone surrogate is escaped, and nothing else needs quotes', () => {
  for (let unit = 0; unit <= 0xffff; unit++) {
    const shown = printablePath(`a${String.fromCharCode(unit)}`)
    expect(shown.isWellFormed() && !UNSAFE.test(shown)).toBe(true)
  }
  expect(printablePath('')).toBe('""')
  expect(printablePath('src/caf\u00e9 \u{1f600}.ts')).toBe('src/caf\u00e9 \u{1f600}.ts')
  expect(printablePath('a"b\\c\n\t\r\u001b\u202e\udcff')).toBe(String.raw`"a\"b\\c\n\t\r\x1b\u202e\xff"`)
})

test.each(['\ud800', 'a\udbffb', '\udc00', '\udc7f', '\udd00', 'x\udfff'])('%j stands for no bytes', (path) => {
  const encode = (): unknown => encodePath(path as EntryPath)
  expect(encode).toThrow(ArcError)
  expect(encode).toThrow(expect.objectContaining({ code: 'ARC_PATH_INVALID' }))
})
