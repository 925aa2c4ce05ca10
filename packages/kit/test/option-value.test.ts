import { ArcError } from '@arc/core'
import { folderOption, integerOption, invalidValue, patternOption, sizeOption, timeOption } from '@arc/kit'
import { describe, expect, test } from 'vitest'
import type { Option } from '../src/option.ts'

const NOW = Date.UTC(2026, 0, 31, 12)

function parse(option: Option<unknown>, text: string): unknown {
  return option.kind?.parse(text, { now: () => NOW })
}

describe('sizes', () => {
  test.each([
    ['0', 0],
    ['1024', 1024],
    ['10b', 10],
    ['1k', 1024],
    ['1K', 1024],
    ['1KiB', 1024],
    ['1kB', 1000],
    ['10M', 10 * 1024 ** 2],
    ['10MB', 10_000_000],
    ['1.5GiB', 1.5 * 1024 ** 3],
    ['1.5 GiB', 1.5 * 1024 ** 3],
    ['2t', 2 * 1024 ** 4],
    ['1p', 1024 ** 5],
  ])('%s is %d', (text, bytes) => {
    expect(parse(sizeOption(''), text)).toBe(bytes)
  })

  test.each(['', '-1', '1.', '.5', '1e3', 'M', '10X', '10iB', '10 ', '0x10', '9007199254740992', '8p!', '1,000'])(
    '%j is none',
    (text) => {
      expect(() => parse(sizeOption(''), text)).toThrow(`${JSON.stringify(text)} is not a size`)
    },
  )
})

describe('times', () => {
  test.each([
    ['2026-01-02T03:04Z', Date.UTC(2026, 0, 2, 3, 4)],
    ['2026-01-02T03:04:05Z', Date.UTC(2026, 0, 2, 3, 4, 5)],
    ['2026-01-02 03:04:05.5+02:00', Date.UTC(2026, 0, 2, 1, 4, 5, 500)],
    ['2026-01-02T03:04:05-03:30', Date.UTC(2026, 0, 2, 6, 34, 5)],
    ['2026-01-02Z', Date.UTC(2026, 0, 2)],
    ['2024-02-29Z', Date.UTC(2024, 1, 29)],
    ['2026-01-02', new Date(2026, 0, 2).getTime()],
    ['2026-07-02T10:00', new Date(2026, 6, 2, 10).getTime()],
    ['7d', NOW - 7 * 86_400_000],
    ['1d12h', NOW - 36 * 3_600_000],
    ['90s', NOW - 90_000],
    ['45m', NOW - 45 * 60_000],
    ['2w', NOW - 14 * 86_400_000],
    ['1y', NOW - 365 * 86_400_000],
  ])('%s', (text, ms) => {
    expect(parse(timeOption(''), text)).toBe(ms)
  })

  test.each([
    '',
    '7',
    'd',
    '-7d',
    '2026',
    '2026-1-1',
    '2026-13-01',
    '2026-02-29',
    '2026-01-01T24:00',
    '2026-01-01T10',
    'yesterday',
    '7d ago',
  ])('%j is none', (text) => {
    expect(() => parse(timeOption(''), text)).toThrow('is neither a date nor an age')
  })
})

test('integers keep to their range', () => {
  const jobs = integerOption({ min: 1, max: 8 }, '')
  expect(['1', '8', '+3'].map((text) => parse(jobs, text))).toEqual([1, 8, 3])
  for (const text of ['0', '9', '1.5', '1e0', '', ' 1', '99999999999999999999'])
    expect(() => parse(jobs, text), text).toThrow('out of range')
  expect(parse(integerOption({}, ''), '-5')).toBe(-5)
})

test('a folder is no URL, which would pass for a path', () => {
  for (const text of ['app', '/a/b', './s3://bucket', 'c:/x', 'C:\\x']) expect(parse(folderOption(''), text)).toBe(text)
  const refusal = (text: string): unknown => {
    try {
      return parse(folderOption(''), text)
    } catch (error) {
      return error
    }
  }
  for (const text of ['s3://bucket/app', 'HTTPS://host/x', 'webdav+https://host/x'])
    expect(refusal(text)).toMatchObject({ message: `"${text}" is a URL, not a folder of this machine` })
  expect(refusal('sftp://me:secret@host/x')).toMatchObject({ message: expect.not.stringContaining('secret') as string })
  expect(refusal('file:///a/b%20c')).toMatchObject({
    code: 'ARC_OPTION_INVALID',
    message: '"file:///a/b%20c" is a URL, not a path',
    hint: 'Write /a/b c instead.',
  })
})

test('patterns are Unicode aware and may carry flags', () => {
  expect(parse(patternOption(''), '^a/b$')).toEqual(/^a\/b$/u)
  expect(parse(patternOption(''), '/^É$/i')).toEqual(/^É$/iu)
  expect(parse(patternOption(''), '/src/')).toEqual(/src/u)
  for (const text of ['(', '[b-a]', '\\', '\\p{Nope}'])
    expect(() => parse(patternOption(''), text), text).toThrow('is not a regular expression: ')
})

test('an own kind of value reports its problem like the others', () => {
  const error = invalidValue('a\u001b', 'is no colour', 'Write red or blue.')
  expect(error).toBeInstanceOf(ArcError)
  expect(error).toMatchObject({
    code: 'ARC_OPTION_INVALID',
    message: '"a\\u001b" is no colour',
    hint: 'Write red or blue.',
  })
})
