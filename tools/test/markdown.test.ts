import { expect, test } from 'vitest'
import { readMarkdown } from '../markdown.ts'

test('finds blocks with their language and note, whatever they contain', () => {
  const { blocks, anchors, links } = readMarkdown(
    '````md note: a\n```sh\n# no heading [no](link)\n```\n````\n\n```sh\nls\n```\n',
  )
  expect(blocks).toEqual([
    { line: 1, language: 'md', note: 'note: a', code: '```sh\n# no heading [no](link)\n```\n' },
    { line: 7, language: 'sh', note: '', code: 'ls\n' },
  ])
  expect({ anchors: [...anchors], links }).toEqual({ anchors: [], links: [] })
})

test('finds links outside of code', () => {
  const { links } = readMarkdown('[a](b.md#c) `[no](x)` ![i](<d.png> "t")\n[ref]: e.md\n')
  expect(links).toEqual([
    { line: 1, target: 'b.md#c' },
    { line: 1, target: 'd.png' },
    { line: 2, target: 'e.md' },
  ])
})

test('names headings as a forge does', () => {
  const { anchors } = readMarkdown('# A `b` *c*!\n## [Link](x) & more\n## Same\n## Same\n<a id="own"></a>\n')
  expect([...anchors]).toEqual(['a-b-c', 'link--more', 'same', 'same-1', 'own'])
})
