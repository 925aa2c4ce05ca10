import { decodePath } from '@arc/core'
import { printJson, toJson } from '@arc/kit'
import { testHost } from '@arc/kit/testing'
import { expect, test } from 'vitest'

test('carries what JSON itself cannot', () => {
  const result = {
    mtimeNs: 2n ** 63n,
    match: /a/u,
    byName: new Map([['x', 1]]),
    names: new Set(['y']),
    path: decodePath(Buffer.from([0xff])),
  }
  expect(toJson(result)).toBe(
    '{"schemaVersion":1,"mtimeNs":"9223372036854775808","match":"a","byName":{"x":1},"names":["y"],"path":"\\udcff"}\n',
  )
})

test('is indented for a person only', () => {
  const terminal = testHost({ terminals: ['stdout'] })
  printJson(terminal, { a: 1 }, 2)
  expect(terminal.stdout.text).toBe('{\n  "schemaVersion": 2,\n  "a": 1\n}\n')
})
