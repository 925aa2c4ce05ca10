import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { diffText, formatHtml } from '../src/index.ts'
import { nameArbitrary, pairArbitrary } from './texts.ts'

const NAMES = { before: 'a', after: 'a' }

test('looks like this', () => {
  expect(formatHtml(diffText('same\nconst a = 1\n', 'same\nconst b = 1\nnew\n'), NAMES)).toBe(
    [
      '<table class="diff"><caption>a → a</caption>',
      '<tr class="same"><td>1</td><td>1</td><td><pre>same</pre></td></tr>',
      '<tr class="removed"><td>2</td><td></td><td><pre>const a = 1</pre></td></tr>',
      '<tr class="added"><td></td><td>2</td><td><pre>const b = 1</pre></td></tr>',
      '<tr class="added"><td></td><td>3</td><td><pre>new</pre></td></tr>',
      '</table>\n',
    ].join('\n'),
  )
  expect(formatHtml(diffText('const a = 1\n', 'const b = 1'), { ...NAMES, before: undefined })).toBe(
    [
      '<table class="diff"><caption><i>nothing</i> → a</caption>',
      '<tr class="removed"><td>1</td><td></td><td><pre>const <del>a</del> = 1</pre></td></tr>',
      '<tr class="added"><td></td><td>1</td><td><pre>const <ins>b</ins> = 1<i>no line end</i></pre></td></tr>',
      '</table>\n',
    ].join('\n'),
  )
})

test('equal and binary contents are said to be', () => {
  expect(formatHtml(diffText('a', 'a'), NAMES)).toContain('no difference')
  expect(formatHtml(diffText(Buffer.of(0), 'a'), NAMES)).toContain('binary contents differ')
})

describe('any texts under any names', () => {
  /** The text of the rows of these kinds, as a browser would read it. */
  const textOf = (html: string, kinds: readonly string[]): string[] =>
    [...html.matchAll(/<tr class="(\w+)">.*?<pre>(.*?)<\/pre>/gs)]
      .filter(([, kind = '']) => kinds.includes(kind))
      .map(([, , text = '']) =>
        text
          .replaceAll(/<\/?(?:ins|del)>/g, '')
          .replace('<i>no line end</i>', '(no line end)')
          .replaceAll('&lt;', '<')
          .replaceAll('&gt;', '>')
          .replaceAll('&quot;', '"')
          .replaceAll('&#39;', "'")
          .replaceAll('&amp;', '&'),
      )

  test('no text becomes a tag, and none is lost', () => {
    const hostile = fc.constantFrom('<script>alert(1)</script>', '"><img src=x>', '&lt;', '</pre>', "it's", '<!--')
    const pair = fc
      .tuple(pairArbitrary, hostile)
      .map(([[before, after], text]) => [before + text, text + after] as const)
    fc.assert(
      fc.property(fc.oneof(pairArbitrary, pair), nameArbitrary, ([before, after], name) => {
        fc.pre(before !== after)
        const html = formatHtml(diffText(before, after), { before: name, after: `<b>${name}`, contextLines: 1000 })
        const tags = new Set([...html.matchAll(/<\/?([^>\s]*)/g)].map(([, tag = '']) => tag))
        const allowed = new Set(['table', 'caption', 'tr', 'td', 'pre', 'ins', 'del', 'i'])
        expect([...tags].filter((tag) => !allowed.has(tag))).toEqual([])
        const lines = (text: string): string[] =>
          text
            .split(/(?<=\n)/)
            .filter((line) => line !== '')
            .map((line) => (line.endsWith('\n') ? line.slice(0, -1) : `${line}(no line end)`).replaceAll('\r', '␍'))
        const shown = (kinds: readonly string[]): string[] => textOf(html, kinds)
        expect(shown(['same', 'removed'])).toEqual(lines(before))
        expect(shown(['same', 'added'])).toEqual(lines(after))
      }),
      { numRuns: 300 },
    )
  })
})
