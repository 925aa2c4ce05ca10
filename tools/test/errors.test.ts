import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ERROR_EXIT_STATUS } from '@arc/core'
import { expect, test } from 'vitest'
import { root } from '../workspace.ts'

interface ErrorRow {
  code: string
  exitStatus: number
  meaning: string
  advice: string
}

const document = readFileSync(join(root, 'docs/errors.md'), 'utf8')
const rows = [...document.matchAll(/^\|\s*`(ARC_\w+)`\s*\|\s*(\d+)\s*\|(.*?)\|(.*?)\|$/gm)].map(
  ([, code = '', status = '', meaning = '', advice = '']): ErrorRow => ({
    code,
    exitStatus: Number(status),
    meaning: meaning.trim(),
    advice: advice.trim(),
  }),
)

test('docs/errors.md has each code once, in order, with the exit status it has', () => {
  const expected = Object.entries(ERROR_EXIT_STATUS).map(([code, exitStatus]) => ({ code, exitStatus }))
  expect(rows.map(({ code, exitStatus }) => ({ code, exitStatus }))).toEqual(expected)
})

test('docs/errors.md says what each code means and what to do', () => {
  expect(rows.filter(({ meaning, advice }) => meaning.length < 20 || advice.length < 10)).toEqual([])
})

test('codes are listed in alphabetical order', () => {
  expect(Object.keys(ERROR_EXIT_STATUS)).toEqual(Object.keys(ERROR_EXIT_STATUS).toSorted())
})
