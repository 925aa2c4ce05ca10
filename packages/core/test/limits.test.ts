import { assertWithin, completeLimits, DEFAULT_LIMITS } from '@arc/core'
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

test('limits that were given stand beside the usual ones; what is none is refused', () => {
  expect(completeLimits()).toEqual(DEFAULT_LIMITS)
  const given: object = { maxEntries: 0, maxDepth: undefined, maxRatio: Infinity }
  expect(completeLimits(given)).toEqual({
    ...DEFAULT_LIMITS,
    maxEntries: 0,
    maxRatio: Infinity,
  })
  for (const wrong of [
    { maxEntries: Number.NaN },
    { maxTotalBytes: -1 },
    { maxEntries: '5' },
    { maxEntries: null },
    { maxFiles: 5 },
    { toString: 5 },
  ]) {
    expect(() => completeLimits(wrong as object), JSON.stringify(wrong)).toThrow(
      expect.objectContaining({ code: 'ARC_OPTION_INVALID' }),
    )
  }
})
