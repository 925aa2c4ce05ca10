import fc from 'fast-check'
import { expect, test } from 'vitest'
import { dropReturns, encodeBase64Lines, fenceFor, LONGEST_FENCE, readCharset } from '../src/body.ts'
import { addReturns, decodeBase64Lines, decodeBody, encodeCharset } from '../src/body-decoding.ts'
import { nodePlatform } from '../src/node-platform.ts'
import { portablePlatform } from '../src/portable-platform.ts'
import type { TextFacts } from '../src/text-scan.ts'

const NO_FACTS: TextFacts = {
  lineFeeds: 0,
  returns: 0,
  pairs: 0,
  hasControls: false,
  hasHighBytes: true,
  longestBackticks: 0,
  longestTildes: 0,
}
const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array))
const PLATFORMS = [nodePlatform, portablePlatform]
const NOTHING = Buffer.from('nothing')
const RUNS = { numRuns: 2000 }

test('base64 lines are those of base64(1), and only those are taken', () => {
  fc.assert(
    fc.property(bytes, fc.nat(), fc.constantFrom('A', '\n', '=', ' ', '-'), (content, at, character) => {
      const body = encodeBase64Lines(content)
      const text = body.toString('latin1')
      expect(text).toBe((content.toString('base64').match(/.{1,76}/g) ?? []).map((line) => `${line}\n`).join(''))
      for (const platform of PLATFORMS) expect(content.equals(decodeBase64Lines(body, platform) ?? NOTHING)).toBe(true)
      const place = at % (text.length + 1)
      const changed = Buffer.from(text.slice(0, place) + character + text.slice(place))
      for (const platform of PLATFORMS) {
        const decoded = decodeBase64Lines(changed, platform)
        if (decoded !== undefined) expect(encodeBase64Lines(Buffer.from(decoded)).equals(changed)).toBe(true)
      }
    }),
    RUNS,
  )
})

test('both platforms take the same base64', () => {
  const spelled = fc.oneof(
    fc.string({ unit: fc.constantFrom('A', 'Q', 'g', 'w', 'Z', '+', '/', '=', 'a', '\n'), maxLength: 9 }),
    bytes.map((content) => content.toString('base64')),
  )
  fc.assert(
    fc.property(spelled, (text) => {
      const [ours, nodes] = [portablePlatform, nodePlatform].map((each) => each.decodeBase64(Buffer.from(text)))
      expect(ours && Buffer.from(ours)).toEqual(nodes && Buffer.from(nodes))
    }),
    RUNS,
  )
})

test('CRs that are dropped come back', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom('a', '\n', '\u00e9')), fc.nat({ max: 9 }), (parts, start) => {
      const body = Buffer.from(parts.join(''))
      const content = Buffer.from(addReturns(body, portablePlatform))
      expect(content.toString()).toBe(parts.join('').replaceAll('\n', '\r\n'))
      const buffer = Buffer.concat([Buffer.alloc(start, '\r'), content, Buffer.from('\r')])
      const end = dropReturns(buffer, start, start + content.length)
      expect(buffer.subarray(start, end).equals(body)).toBe(true)
      const attributes = { crlf: true, noeol: true }
      const decoded = decodeBody(Buffer.concat([body, Buffer.from('\n')]), attributes, portablePlatform)
      expect(content.equals(decoded ?? NOTHING)).toBe(true)
    }),
    RUNS,
  )
})

test('windows-1252 is what the Encoding Standard says, without the five bytes that are undefined', () => {
  for (let byte = 0x80; byte < 0x100; byte++) {
    const content = Buffer.of(byte)
    const read = readCharset(content, NO_FACTS)
    if ([0x81, 0x8d, 0x8f, 0x90, 0x9d].includes(byte)) expect(read).toBeUndefined()
    else {
      expect(read).toEqual({ charset: 'windows-1252', text: Buffer.from(PYTHON_CP1252.charAt(byte - 0x80)) })
      expect(content.equals(encodeCharset(String(read?.text), 'windows-1252') ?? NOTHING)).toBe(true)
    }
  }
  for (const text of ['\u0081', '\u0100', '\ufffd', '\u{1f600}'])
    expect(encodeCharset(text, 'windows-1252')).toBeUndefined()
})

// `bytes(range(128, 256)).decode('cp1252', 'replace')` in Python.
const PYTHON_CP1252 =
  '\u20ac\ufffd\u201a\u0192\u201e\u2026\u2020\u2021\u02c6\u2030\u0160\u2039\u0152\ufffd\u017d\ufffd' +
  '\ufffd\u2018\u2019\u201c\u201d\u2022\u2013\u2014\u02dc\u2122\u0161\u203a\u0153\ufffd\u017e\u0178' +
  Array.from({ length: 96 }, (_, i) => String.fromCharCode(0xa0 + i)).join('')

test('a charset is only named when the way back is exact', () => {
  const mark = fc.constantFrom(Buffer.of(0xff, 0xfe), Buffer.of(0xfe, 0xff), Buffer.alloc(0))
  fc.assert(
    fc.property(mark, bytes, (head, rest) => {
      const content = Buffer.concat([head, rest])
      const read = readCharset(content, NO_FACTS)
      if (read !== undefined)
        expect(content.equals(encodeCharset(String(read.text), read.charset) ?? NOTHING)).toBe(true)
    }),
    RUNS,
  )
  const text = '\ufeffgro\u00df \u{1f600}\n'
  expect(readCharset(Buffer.from(text, 'utf16le'), NO_FACTS)?.charset).toBe('utf-16le')
  expect(readCharset(Buffer.from(text, 'utf16le').swap16(), NO_FACTS)?.charset).toBe('utf-16be')
  expect(readCharset(Buffer.from('\ufeff\ud800', 'utf16le'), NO_FACTS)).toBeUndefined()
})

test('a fence is longer than every run of its character, and never too long', () => {
  for (let backticks = 0; backticks <= LONGEST_FENCE + 2; backticks++) {
    for (const tildes of [0, 2, 3, LONGEST_FENCE - 1, LONGEST_FENCE, LONGEST_FENCE + 1]) {
      const fence = fenceFor({ longestBackticks: backticks, longestTildes: tildes })
      const hasBoth = backticks >= LONGEST_FENCE && tildes >= LONGEST_FENCE
      expect(fence === undefined).toBe(hasBoth)
      if (fence === undefined) continue
      expect(fence).toMatch(/^(?:`{3,64}|~{3,64})$/)
      expect(fence.length).toBeGreaterThan(fence.startsWith('`') ? backticks : tildes)
    }
  }
})
