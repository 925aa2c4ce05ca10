import { applyPatch } from 'diff'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  type BinaryDiff,
  diffText,
  diffWords,
  formatContext,
  formatUnified,
  formatWords,
  type TextDiff,
} from '../src/index.ts'
import { diffSequences } from '../src/sequence.ts'
import { pairArbitrary, randomNumbers } from './texts.ts'

const NAMES = { before: 'file', after: 'file' }

/** Follow the changes, without any of the formats. */
function applied(diff: TextDiff | BinaryDiff): string {
  if (diff.kind === 'binary') throw new Error('binary')
  const lines = [...diff.before]
  for (const { beforeStart, beforeEnd, afterStart, afterEnd } of diff.changes.toReversed()) {
    lines.splice(beforeStart, beforeEnd - beforeStart, ...diff.after.slice(afterStart, afterEnd))
  }
  return lines.join('')
}

/** The length of the longest common subsequence, by the definition. */
function longestCommon(before: readonly number[], after: readonly number[]): number {
  let row = Array<number>(after.length + 1).fill(0)
  for (const value of before) {
    const next = [0]
    for (const [at, other] of after.entries()) {
      next.push(value === other ? (row[at] ?? 0) + 1 : Math.max(row[at + 1] ?? 0, next[at] ?? 0))
    }
    row = next
  }
  return row.at(-1) ?? 0
}

test('following the changes gives the other text', () => {
  fc.assert(
    fc.property(pairArbitrary, ([before, after]) => {
      const diff = diffText(before, after)
      expect(applied(diff)).toBe(after)
      expect(diff.equal).toBe(before === after)
      expect(diff).toEqual(JSON.parse(JSON.stringify(diff)))
    }),
    { numRuns: 1000 },
  )
})

test('another reader of patches gives the other text', () => {
  fc.assert(
    fc.property(pairArbitrary, fc.nat({ max: 4 }), ([before, after], contextLines) => {
      const patch = formatUnified(diffText(before, after), { ...NAMES, contextLines })
      const result = patch === '' ? before : applyPatch(before, patch, { autoConvertLineEndings: false })
      expect(result).toBe(after)
    }),
    { numRuns: 1000 },
  )
})

test('the difference is the smallest there is', () => {
  const sequence = fc.array(fc.nat({ max: 5 }), { maxLength: 30 })
  fc.assert(
    fc.property(sequence, sequence, (before, after) => {
      const { changes, coarse } = diffSequences(before, after)
      const removed = changes.reduce((sum, { beforeStart, beforeEnd }) => sum + beforeEnd - beforeStart, 0)
      expect(before.length - removed).toBe(longestCommon(before, after))
      expect(coarse).toBe(false)
    }),
    { numRuns: 1000 },
  )
})

describe('bytes', () => {
  test.each([
    ['not UTF-8', Buffer.from('caf\xe9\n', 'latin1'), 'not-utf8'],
    ['UTF-16', Buffer.from('text\n', 'utf16le'), 'nul'],
    ['a NUL', Buffer.from('a\0b\n'), 'nul'],
  ])('%s is binary on either side, and said to be', (_name, bytes, reason) => {
    const text = Buffer.from('text\n')
    const expected = { kind: 'binary', equal: false, reason, beforeBytes: bytes.length, afterBytes: text.length }
    expect(diffText(bytes, text)).toEqual(expected)
    expect(diffText(text, bytes)).toMatchObject({ kind: 'binary', reason })
    expect(diffText(bytes, Buffer.from(bytes))).toMatchObject({ kind: 'binary', equal: true })
    expect(formatUnified(diffText(bytes, text), NAMES)).toBe('Binary files a/file and b/file differ\n')
    expect(formatContext(diffText(bytes, text), NAMES)).toBe('Binary files a/file and b/file differ\n')
    expect(formatUnified(diffText(bytes, bytes), NAMES)).toBe('')
  })

  test('a byte order mark, CRLF and other separators stay', () => {
    const diff = diffText('\ufeffa\r\nb\u2028c\rd\n', 'a\nb\u2028c\rd\n')
    expect(diff).toMatchObject({ before: ['\ufeffa\r\n', 'b\u2028c\rd\n'], after: ['a\n', 'b\u2028c\rd\n'] })
  })

  test('a string with half a character is refused, not repaired', () => {
    expect(() => diffText('\ud800', 'a')).toThrow(expect.objectContaining({ code: 'ARC_DIFF_INPUT_INVALID' }))
  })

  test('a text over the limit is refused before any work', () => {
    const limit: unknown = expect.objectContaining({ code: 'ARC_LIMIT_EXCEEDED' })
    expect(() => diffText('12345', '1', { maxTextBytes: 4 })).toThrow(limit)
    expect(() => diffText('1', Buffer.alloc(65 * 1024 * 1024))).toThrow(limit)
  })
})

test('a missing line end is shown as diff does', () => {
  expect(formatUnified(diffText('a\nb', 'a\nb\n'), NAMES)).toBe(
    '--- a/file\n+++ b/file\n@@ -1,2 +1,2 @@\n a\n-b\n\\ No newline at end of file\n+b\n',
  )
})

describe('cost', () => {
  const random = randomNumbers(7)
  const lines = (count: number, name: (at: number) => string): string[] =>
    Array.from({ length: count }, (_, at) => name(at))
  const joined = (list: readonly string[]): string => list.map((text) => `${text}\n`).join('')
  /** The least of three runs: what the work takes when nobody else disturbs it. */
  const cpuMs = (before: string, after: string): number => {
    const [a, b] = [Buffer.from(before), Buffer.from(after)]
    const times = [1, 2, 3].map(() => {
      const start = process.cpuUsage()
      formatUnified(diffText(a, b), NAMES)
      const { user, system } = process.cpuUsage(start)
      return (user + system) / 1000
    })
    return Math.min(...times)
  }

  test('20,000 lines with 500 edits', () => {
    const before = lines(
      20_000,
      () => ['}', '', `line ${random(8000)}`, `  const value = ${random(8000)}`][random(4)] ?? '',
    )
    const after = [...before]
    for (let edit = 0; edit < 500; edit++) {
      const at = random(after.length)
      after.splice(at, random(2), ...(random(3) === 0 ? [] : [random(2) === 0 ? '}' : `new ${edit}`]))
    }
    const diff = diffText(joined(before), joined(after))
    expect(diff).toMatchObject({ coarse: false })
    expect(applied(diff)).toBe(joined(after))
    expect(cpuMs(joined(before), joined(after))).toBeLessThan(150)
  })

  test.each<[string, (at: number) => string, (at: number) => string]>([
    ['all different', (at) => `a${at}`, (at) => `b${at}`],
    ['in the opposite order', (at) => `a${at}`, (at) => `a${4999 - at}`],
    ['shuffled', (at) => `a${(at * 1237) % 5000}`, (at) => `a${(at * 2741) % 5000}`],
    ['of ten kinds', () => `a${random(10)}`, () => `a${random(10)}`],
    ['of two kinds', () => `a${random(2)}`, () => `a${random(2)}`],
    ['of a thousand kinds', () => `a${random(1000)}`, () => `a${random(1000)}`],
    ['every second one new', (at) => `a${at}`, (at) => (at % 2 === 0 ? `a${at}` : `b${at}`)],
  ])('5,000 lines %s', (_name, first, second) => {
    const [before, after] = [joined(lines(5000, first)), joined(lines(5000, second))]
    const diff = diffText(before, after)
    expect(applied(diff)).toBe(after)
    expect(cpuMs(before, after)).toBeLessThan(200)
  })

  test('also where no line is unique much is found again', () => {
    const before = lines(5000, () => `a${random(10)}`)
    const after = before.map((line) => (random(3) === 0 ? `a${random(10)}` : line))
    const diff = diffText(joined(before), joined(after))
    expect(diff).toMatchObject({ coarse: true })
    expect(diff.kind === 'text' && diff.removedLines).toBeLessThan(2500)
  })

  test('a coarse difference says so, and still keeps what is in order', () => {
    const before = lines(5000, (at) => `a${at}`)
    const after = before.flatMap((line, at) => (at % 50 === 0 ? [line] : [`a${(at * 1237) % 5000}`]))
    const diff = diffText(joined(before), joined(after))
    expect(diff).toMatchObject({ kind: 'text', coarse: true, equal: false })
    expect(diff.kind === 'text' && diff.removedLines).toBeLessThan(5000)
  })

  test('one line of ten million characters, and two million empty lines', () => {
    const line = 'word '.repeat(2_000_000)
    expect(applied(diffText(line, `${line}x`))).toBe(`${line}x`)
    expect(applied(diffText('\n'.repeat(2_000_000), '\n'.repeat(1_999_999)))).toHaveLength(1_999_999)
  })
})

describe('words', () => {
  test('what is not added gives the one text, what is not removed the other', () => {
    fc.assert(
      fc.property(pairArbitrary, ([before, after]) => {
        const words = diffWords(before, after)
        const without = (kind: string): string =>
          words
            .filter((word) => word.kind !== kind)
            .map(({ text }) => text)
            .join('')
        expect(without('added')).toBe(before)
        expect(without('removed')).toBe(after)
      }),
      { numRuns: 500 },
    )
  })

  test('look as git shows them', () => {
    expect(formatWords(diffWords('const a = 1\n', 'const b = 12\n'))).toBe('const [-a-]{+b+} = [-1-]{+12+}\n')
  })

  test('also of halves of characters and of a very long text', () => {
    expect(diffWords('a\ud800', 'a\udc00')).toHaveLength(3)
    const many = 'x y '.repeat(200_000)
    expect(diffWords(many, `${many}z`).at(-1)).toEqual({ kind: 'added', text: 'z' })
  })
})
