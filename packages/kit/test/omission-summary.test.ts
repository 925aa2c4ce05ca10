import { decodePath, type EntryPath, type Omission } from '@arc/core'
import { omissionSummary } from '@arc/kit'
import { expect, test } from 'vitest'

const omissions: Omission[] = [
  { path: 'b.log' as EntryPath, reason: 'filtered', detail: '--exclude *.log' },
  { path: 'secret' as EntryPath, reason: 'unreadable', detail: 'permission \u001b[31mdenied' },
  ...[1, 2, 3, 4, 5, 6, 7].map((n): Omission => ({ path: `run/${n}.sock` as EntryPath, reason: 'special-file' })),
  { path: decodePath(Buffer.from([0x61, 0xff])), reason: 'unreadable' },
]

test('what was not asked for comes first, with its paths', () => {
  expect(omissionSummary(omissions)).toBe(
    `left out: 10, 9 of them not asked for
  could not be read: 2
    secret: permission \\x1b[31mdenied
    "a\\xff"
  sockets, pipes or devices: 7
    run/1.sock
    run/2.sock
    run/3.sock
    run/4.sock
    run/5.sock
    … and 2 more (-v lists all)
  filtered: 1
`,
  )
})

test('all of it on demand', () => {
  const text = omissionSummary(omissions, { all: true })
  expect(text).toContain('    run/7.sock\n')
  expect(text).toContain('    b.log: --exclude *.log\n')
  expect(text).not.toContain('more')
})

test('nothing, and only one kind', () => {
  expect(omissionSummary([])).toBe('')
  expect(omissionSummary(omissions.slice(0, 1))).toBe('left out: 1\n  filtered: 1\n')
  expect(omissionSummary(omissions.slice(1, 2))).toMatch(/^left out: 1\n/)
})
