import { assertWithin, DEFAULT_LIMITS } from '@arc/core'
import { expect, test } from 'vitest'

test('a count up to the limit passes, one more does not', () => {
  assertWithin('entries', 3, 3)
  expect(() => assertWithin('entries', 4, 3)).toThrow(
    expect.objectContaining({
      code: 'ARC_LIMIT_EXCEEDED',
      message: 'more than 3 entries',
      details: { what: 'entries', count: 4, limit: 3 },
    }),
  )
})

test('the default limits are positive and whole', () => {
  expect(Object.values(DEFAULT_LIMITS).filter((limit) => !Number.isSafeInteger(limit) || limit <= 0)).toEqual([])
})
