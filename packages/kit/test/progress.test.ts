import { expect, test } from 'vitest'
import { formatProgress } from '../src/progress.ts'

const event = { phase: 'reading', doneEntries: 1234, doneBytes: 50_000_000 }

test.each([
  ['nothing is known', { ...event, doneBytes: 0 }, 60_000, 'reading  1,234'],
  ['too early for a rate', event, 100, 'reading  1,234  47.7 MiB'],
  ['no totals', event, 2000, 'reading  1,234  47.7 MiB  23.8 MiB/s'],
  [
    'totals',
    { ...event, totalEntries: 5000, totalBytes: 200_000_000 },
    2000,
    'reading  1,234 of 5,000  47.7 MiB of 191 MiB  23.8 MiB/s  6.0 s left',
  ],
  [
    'entries only',
    { phase: 'listing', doneEntries: 10, doneBytes: 0, totalEntries: 40 },
    2000,
    'listing  10 of 40  6.0 s left',
  ],
  [
    'a total that was too small',
    { ...event, totalBytes: 1000 },
    2000,
    'reading  1,234  47.7 MiB of 1000 B  23.8 MiB/s',
  ],
])('%s', (_, given, ms, line) => {
  expect(formatProgress(given, ms)).toBe(line)
})
