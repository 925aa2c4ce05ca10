// The small texts of the format: what is written is read back, and whatever is read is exactly what would be written.
import { decodePath, type EntryPath, finishSteps } from '@arc/core'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  type Attributes,
  formatAttributes,
  formatMode,
  formatTime,
  parseAttributes,
  parseTime,
} from '../src/attributes.ts'
import { type JsonText, readJson as readJsonSteps } from '../src/json-text.ts'
import { formatRow, type ManifestRow, parseRow, rowPathText } from '../src/manifest.ts'
import { formatPath, parsePath } from '../src/path-text.ts'

const path = fc
  .uint8Array({ minLength: 1, maxLength: 12 })
  .map((bytes) => decodePath(bytes.map((byte) => (byte === 0 ? 0x60 : byte))))
const awkwardPath = fc.oneof(
  path,
  fc.string({ unit: 'binary', minLength: 1 }),
  fc.constantFrom(' a', 'a ', '"', '"a"', '`', '\u2028', '\u202e', '\\u0060', '\ufeff'),
)
const sha256 = fc.stringMatching(/^[0-9a-f]{64}$/)
const timeNs = fc.bigInt({ min: -(10n ** 27n) + 1n, max: 10n ** 27n - 1n })
const RUNS = { numRuns: 3000 }

const readJson = (text: string): JsonText => finishSteps(readJsonSteps(text))

test('paths', () => {
  fc.assert(
    fc.property(awkwardPath, fc.string({ unit: 'binary' }), (known, text) => {
      const shown = formatPath(known)
      expect(parsePath(shown)).toBe(known)
      expect(shown.isWellFormed() && !/[\p{Cc}`\u2028-\u202e\u2066-\u2069\ufeff]|^ | $/u.test(shown)).toBe(true)
      const parsed = parsePath(text)
      if (parsed !== undefined) expect(formatPath(parsed)).toBe(text)
    }),
    RUNS,
  )
})

test('times and modes', () => {
  fc.assert(
    fc.property(timeNs, (time) => parseTime(formatTime(time)) === time),
    RUNS,
  )
  expect([0n, -1n, 1n, -1_000_000_000n, 1_500_000_000n].map(formatTime)).toEqual([
    '0.000000000',
    '-1.999999999',
    '0.000000001',
    '-1.000000000',
    '1.500000000',
  ])
  expect([0o644, 0, 0o7, 0o4755].map(formatMode)).toEqual(['644', '000', '007', '4755'])
})

const yes = fc.constant(true as const)
const facts = { mode: fc.integer({ min: 0, max: 0o7777 }), mtimeNs: timeNs, bytes: fc.nat() }
const encodings = { charset: fc.constantFrom('utf-16le', 'utf-16be', 'windows-1252'), crlf: yes, noeol: yes }
const OPTIONAL = { requiredKeys: [] }
/** Mostly such as may stand together. */
const attributes: fc.Arbitrary<Attributes> = fc.oneof(
  fc.record({ ...facts, ...encodings }, OPTIONAL),
  fc.record({ ...facts, base64: yes }, OPTIONAL),
  fc.record({ mode: facts.mode, mtimeNs: timeNs, directory: yes }, OPTIONAL),
  fc.record({ mode: facts.mode, mtimeNs: timeNs, omitted: yes }, OPTIONAL),
  fc.record({ mtimeNs: timeNs, symlink: yes, ...encodings }, OPTIONAL),
  fc.record(
    { ...facts, ...encodings, directory: yes, symlink: yes, hardlink: yes, omitted: yes, base64: yes },
    OPTIONAL,
  ),
)

test('attributes of a fence', () => {
  let taken = 0
  fc.assert(
    fc.property(attributes, (wanted) => {
      const spelled = formatAttributes(wanted)
      const parsed = parseAttributes(spelled)
      // Contradictory ones are refused.
      if (parsed === undefined) return
      taken++
      expect(parsed).toEqual(wanted)
      expect(parseAttributes(`${spelled} `)).toBeUndefined()
      expect(parseAttributes(` ${spelled}`)).toBeUndefined()
    }),
    RUNS,
  )
  expect(taken).toBeGreaterThan(1000)
})

const row: fc.Arbitrary<ManifestRow> = fc
  .tuple(
    path,
    fc.constantFrom('file', 'directory', 'symlink'),
    fc.integer({ min: 0, max: 0o7777 }),
    fc.nat({ max: Number.MAX_SAFE_INTEGER }),
    sha256,
  )
  .map(([at, type, mode, sizeBytes, hash]) =>
    type === 'directory'
      ? { path: at, type, mode, sizeBytes: 0, sha256: undefined }
      : { path: at, type, mode: type === 'symlink' ? 0 : mode, sizeBytes, sha256: hash },
  )

test('lines of the manifest', () => {
  fc.assert(
    fc.property(row, fc.nat(), fc.constantFrom(' ', '0', '/', '"', '-', 'A'), (wanted, at, character) => {
      const line = formatRow(wanted, rowPathText(wanted)).slice(0, -1)
      expect(parseRow(line)).toEqual(wanted)
      const place = at % (line.length + 1)
      const changed = line.slice(0, place) + character + line.slice(place)
      const parsed = parseRow(changed)
      if (parsed !== undefined) expect(formatRow(parsed, rowPathText(parsed))).toBe(`${changed}\n`)
    }),
    RUNS,
  )
  expect(parseRow(`${'0'.repeat(64)} 120777 1 a`)).toBeUndefined()
  expect(rowPathText({ path: 'a b' as EntryPath, type: 'directory' })).toBe('a b/')
})

test('a JSON text has one canonical spelling, however it is laid out; members twice and odd numbers are refused', () => {
  const name = fc.stringMatching(/^[a-z][A-Za-z0-9]{0,5}$/)
  const leaf = fc.oneof(fc.string({ unit: 'binary' }), fc.maxSafeInteger(), fc.boolean(), fc.constant(null))
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      { depthSize: 'small' },
      leaf,
      fc.array(tie('value'), { maxLength: 4 }),
      fc.dictionary(name, tie('value'), { maxKeys: 4, noNullPrototype: true }),
    ),
  }))
  fc.assert(
    fc.property(value, fc.constantFrom('', ' ', '\t', 4), (wanted, indent) => {
      const canonical = JSON.stringify(wanted)
      expect(readJson(JSON.stringify(wanted, undefined, indent)).canonical).toBe(canonical)
    }),
    RUNS,
  )
  // A long one is spelled piece by piece.
  const long = { a: [1, 'x'.repeat(5_000_000), [], { b: '\ud800' }], c: { d: [true] }, e: [], f: null }
  expect(readJson(JSON.stringify(long, undefined, 1)).canonical).toBe(JSON.stringify(long))
  const refused = [
    '{"a":1,"a":1}',
    '{"a":{"b":1,"b":2}}',
    '{"a":1,"\\u0061":1}',
    '1.0',
    '1e3',
    '-0',
    '1.5',
    '9007199254740993',
    '{"a b":1}',
    '{"__proto__":1}',
    '{"":1}',
    '{a:1}',
    '',
    '[1,]',
  ]
  for (const text of refused) expect(() => readJson(text), text).toThrow(SyntaxError)
  expect(readJson('{ "a" : ":\\"1.0\\":", "b" : "-0" }').canonical).toBe('{"a":":\\"1.0\\":","b":"-0"}')
})
