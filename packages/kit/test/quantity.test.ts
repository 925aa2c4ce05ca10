import { formatBytes, formatCount, formatCounted, formatDuration, formatRate } from '@arc/kit'
import { expect, test } from 'vitest'

test('counts', () => {
  expect([0, 999, 1000, 12_345, 1_234_567.4].map(formatCount)).toEqual(['0', '999', '1,000', '12,345', '1,234,567'])
})

test('counted nouns', () => {
  expect([formatCounted(0, 'file'), formatCounted(1, 'file'), formatCounted(1234, 'file')]).toEqual([
    '0 files',
    '1 file',
    '1,234 files',
  ])
  expect([formatCounted(1, 'entry', 'entries'), formatCounted(2, 'entry', 'entries')]).toEqual(['1 entry', '2 entries'])
})

test('bytes', () => {
  const MiB = 1024 ** 2
  const cases = [
    0,
    1,
    1023,
    1024,
    1.44 * MiB,
    99.94 * MiB,
    99.96 * MiB,
    1023.4 * MiB,
    1023.6 * MiB,
    5 * MiB * MiB,
    Number.MAX_SAFE_INTEGER,
  ]
  expect(cases.map(formatBytes)).toEqual([
    '0 B',
    '1 B',
    '1023 B',
    '1.0 KiB',
    '1.4 MiB',
    '99.9 MiB',
    '100 MiB',
    '1023 MiB',
    '1.0 GiB',
    '5.0 TiB',
    '8.0 PiB',
  ])
})

test('durations', () => {
  const cases = [
    0, 850, 999.4, 999.6, 1234, 9949, 9951, 59_400, 59_600, 125_000, 3_600_000, 3_720_000, 90_000_000, 360_000_000,
  ]
  expect(cases.map(formatDuration)).toEqual([
    '0 ms',
    '850 ms',
    '999 ms',
    '1.0 s',
    '1.2 s',
    '9.9 s',
    '10 s',
    '59 s',
    '1 min',
    '2 min 5 s',
    '1 h',
    '1 h 2 min',
    '1 d 1 h',
    '4 d 4 h',
  ])
})

test('rates', () => {
  expect(formatRate(3 * 1024 ** 2, 2000)).toBe('1.5 MiB/s')
  expect(formatRate(1, 0)).toBe('0 B/s')
})
