import { decodePath } from '@arc/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { goTime, parseGoTime } from '../src/restic/go-time.ts'
import { goString, quoteName, unquoteName } from '../src/restic/go-text.ts'
import { isIrreducible, randomPolynomial } from '../src/restic/polynomial.ts'
import { MAX_CHUNK_BYTES, MIN_CHUNK_BYTES, RabinChunker } from '../src/restic/rabin-chunker.ts'
import { noise } from './trees.ts'

describe('names in quotes', () => {
  test.each([
    ['plain.txt', 'plain.txt'],
    ['a"b\\c', 'a\\"b\\\\c'],
    ['\x07\b\f\n\r\t\v\x01\x7f', '\\a\\b\\f\\n\\r\\t\\v\\x01\\x7f'],
    ['\u00e9\u{1f600}', '\u00e9\u{1f600}'],
    ['\u200b\u2028\ufeff', '\\u200b\\u2028\\ufeff'],
    ['\u{e0001}', '\\U000e0001'],
    [Buffer.of(0x66, 0xff, 0xc3), 'f\\xff\\xc3'],
  ])('%j is written as Go writes it', (name, quoted) => {
    const bytes = typeof name === 'string' ? Buffer.from(name) : name
    expect(quoteName(decodePath(bytes))).toBe(quoted)
    expect(unquoteName(quoted)).toEqual(bytes)
  })

  test('are any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 20 }), (bytes) => {
        expect(Buffer.from(unquoteName(quoteName(decodePath(bytes))) ?? [])).toEqual(Buffer.from(bytes))
      }),
    )
  })

  test('are refused where Go refuses them', () => {
    for (const bad of ['"', '\\', '\\q', '\\x1', '\\u12', '\\ud800', '\\U00110000', '\\400', 'a\nb', "\\'"])
      expect(unquoteName(bad), bad).toBe(undefined)
    expect(unquoteName('\\101\\u00e9')).toEqual(Buffer.from('A\u00e9'))
  })

  test('JSON strings are those of Go', () => {
    expect(goString('<a>&"\u2028\u2029')).toBe('"\\u003ca\\u003e\\u0026\\"\\u2028\\u2029"')
    expect(goString('\udcff')).toBe('"\ufffd"')
  })
})

describe('times', () => {
  test.each([
    [0n, '1970-01-01T00:00:00Z'],
    [-1n, '1969-12-31T23:59:59.999999999Z'],
    [1_700_000_000_120_000_000n, '2023-11-14T22:13:20.12Z'],
  ])('%d is %s', (ns, text) => {
    expect(goTime(ns)).toBe(text)
    expect(parseGoTime(text)).toBe(ns)
  })

  test('have zones, and limits', () => {
    expect(parseGoTime('1970-01-01T01:00:00.5+01:00')).toBe(500_000_000n)
    expect(parseGoTime('0001-01-01T00:00:00Z')).toBe(undefined)
    for (const bad of ['', 'yesterday', '2026-02-30', '2026-13-01T00:00:00Z']) expect(parseGoTime(bad)).toBe(null)
    expect(goTime(10n ** 30n)).toBe('9999-12-31T23:59:59.999999999Z')
    expect(goTime(-(10n ** 30n))).toBe('0000-01-01T00:00:00Z')
  })

  test('come back', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(10n ** 19n), max: 10n ** 20n }), (ns) => {
        expect(parseGoTime(goTime(ns))).toBe(ns)
      }),
    )
  })
})

describe('cutting', () => {
  // The polynomial in restic's own design document.
  const KNOWN = 0x25b468838dcb75n

  test('polynomials are irreducible, or are found not to be', () => {
    expect(isIrreducible(KNOWN)).toBe(true)
    expect(isIrreducible(randomPolynomial())).toBe(true)
    // x^53 + 1, and products of two.
    for (const product of [(1n << 53n) | 1n, KNOWN ^ 2n, KNOWN << 1n, 0n, 7n])
      expect(isIrreducible(product)).toBe(false)
  })

  test('chunks have the sizes they may have, and do not depend on what is far before them', () => {
    const chunker = new RabinChunker(KNOWN)
    const bytes = noise('content', 12_000_000)
    const cuts = (content: Buffer): number[] => {
      const ends: number[] = []
      for (let start = 0; start < content.length; start = ends.at(-1) ?? 0)
        ends.push(chunker.cut(content.subarray(0, start + MAX_CHUNK_BYTES), start))
      return ends
    }
    const ends = cuts(bytes)
    const sizes = ends.map((end, i) => end - (ends[i - 1] ?? 0))
    expect(ends.at(-1)).toBe(bytes.length)
    for (const size of sizes.slice(0, -1)) expect(size).toBeGreaterThanOrEqual(MIN_CHUNK_BYTES)
    for (const size of sizes) expect(size).toBeLessThanOrEqual(MAX_CHUNK_BYTES)
    const shifted = cuts(Buffer.concat([Buffer.from('shift'), bytes])).map((end) => end - 5)
    expect(shifted.filter((end) => ends.includes(end)).length).toBeGreaterThan(ends.length / 2)
  })
})
