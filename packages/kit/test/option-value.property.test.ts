import { formatBytes, sizeOption, timeOption } from '@arc/kit'
import fc from 'fast-check'
import { expect, test } from 'vitest'

const context = { now: () => Date.UTC(2026, 0, 1) }

test('any number of bytes is read back as it is', () => {
  fc.assert(
    fc.property(fc.maxSafeNat(), (bytes) => {
      expect(sizeOption('').kind?.parse(String(bytes), context)).toBe(bytes)
    }),
  )
})

test('what formatBytes prints is a size again, within its rounding', () => {
  const near = (bytes: number): void => {
    const again = sizeOption('').kind?.parse(formatBytes(bytes), context) as number
    expect(Math.abs(again - bytes)).toBeLessThanOrEqual(bytes * 0.05)
  }
  fc.assert(fc.property(fc.integer({ min: 0, max: 2 ** 48 }), near))
})

test('an ISO time is read as Date reads it', () => {
  const date = fc.date({
    min: new Date('1970-01-01T00:00:00Z'),
    max: new Date('2999-12-31T00:00:00Z'),
    noInvalidDate: true,
  })
  fc.assert(
    fc.property(date, (at) => {
      expect(timeOption('').kind?.parse(at.toISOString(), context)).toBe(at.getTime())
    }),
  )
})

test('any text is a value or a reported problem', () => {
  const harmless = (text: string): void => {
    for (const option of [sizeOption(''), timeOption('')]) {
      try {
        expect(option.kind?.parse(text, context)).toSatisfy(Number.isFinite)
      } catch (error) {
        expect(error).toMatchObject({ code: 'ARC_OPTION_INVALID' })
      }
    }
  }
  fc.assert(fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[0-9.kmgibT:dhwsZ+ -]*$/)), harmless))
})
