import GithubSlugger from 'github-slugger'
import { type Entry, memorySource } from '@arc/core'
import { fileEntry } from '@arc/core/testing'
import { describe, expect, test } from 'vitest'
import { HeadingSlugs } from '../src/slug.ts'
import { render } from './documents.ts'
import { Random } from './random.ts'
import { randomTree } from './trees.ts'

const PIECES = [
  'a',
  'B',
  ' ',
  '-',
  '_',
  '.',
  '/',
  '`',
  '1',
  '-1',
  '\u00e9',
  '\u00c9',
  '\u0130',
  '\u{1f600}',
  '\u65e5',
  '\u00a0',
  '\u2028',
  '\u0000',
  '!',
  '[x]',
  '\u0301',
  '\u212a',
  '\ud800',
]

test("the slugs of random headings are those of GitHub's own rule, repeated headings included", () => {
  const random = new Random(2)
  for (let round = 0; round < 300; round++) {
    const heading = (): string => Array.from({ length: random.below(5) }, () => random.pick(PIECES)).join('')
    const headings = Array.from({ length: 40 }, heading)
    const ours = new HeadingSlugs(headings)
    const theirs = new GithubSlugger()
    expect(headings.map((text) => [text, ours.next()])).toEqual(headings.map((text) => [text, theirs.slug(text)]))
  }
})

/** What a renderer makes of the document outside of fences: the fragments of its headings, and where its links lead. */
function fragmentsAndLinks(document: string): { fragments: Set<string>; links: string[] } {
  const slugger = new GithubSlugger()
  const fragments = new Set<string>()
  const links: string[] = []
  let fence: string | undefined
  for (const line of document.replace(/^---\n.*?\n---\n/s, '').split('\n')) {
    const marks = /^(`{3,}|~{3,})/.exec(line)?.[1]
    if (fence !== undefined) fence = line === fence ? undefined : fence
    else if (marks !== undefined) fence = marks
    else {
      const heading = /^#{1,6} (.*)$/.exec(line)?.[1]
      if (heading !== undefined) fragments.add(slugger.slug(heading.replace(/^`(.*)`$/, '$1')))
      const target = /^ *- \[`.*`\]\(#(.*)\)$/.exec(line)?.[1]
      if (target !== undefined) links.push(target)
    }
  }
  return { fragments, links }
}

const AWKWARD = [
  'a b.md',
  'a-b.md',
  'a-b.md-1',
  'A-B.md',
  'Files',
  'Contents',
  'Manifest',
  'project',
  'src/a',
  'srca',
  '...',
  '!',
  '`',
  'caf\u00e9',
  'x/y/z',
  'x/y.z',
  '(a)',
  'a)b',
  '[a](b)',
  '<a>',
  'a#b',
  'a%20b',
]

describe.each(['list', 'tree'] as const)('contents as %s', (contents) => {
  test('have a link to every section, and each leads to its heading', async () => {
    const trees = [
      AWKWARD.map((path) => fileEntry(path, '# x\n')),
      ...Array.from({ length: 150 }, (_, seed) => randomTree(seed + 1).entries),
    ]
    for (const entries of trees) {
      const { bytes, result } = await render(memorySource('project', entries), { contents })
      const { fragments, links } = fragmentsAndLinks(bytes.toString())
      expect(links.filter((link) => !fragments.has(link))).toEqual([])
      expect(links).toHaveLength(result.statistics.entries)
      expect(new Set(links).size).toBe(links.length)
    }
  })
})

async function contentsOf(
  paths: readonly string[],
  contents: 'list' | 'tree' | 'none',
  more: readonly Entry[] = [],
): Promise<string | undefined> {
  const { bytes } = await render(memorySource('project', [...paths.map((path) => fileEntry(path, 'x\n')), ...more]), {
    contents,
  })
  return /^## Contents\n\n(.*?)\n\n## Files\n/ms.exec(bytes.toString())?.[1]
}

const PATHS = ['a/b/c.ts', 'a/b/d.ts', 'a/e.ts', 'a.ts', 'a/"q".ts', 'z/y/x']

test('a list names every path', async () => {
  expect(await contentsOf(PATHS, 'list')).toBe(
    [
      '- [`a.ts`](#ats)',
      String.raw`- [${'`'}"a/\"q\".ts"${'`'}](#aqts)`,
      '- [`a/b/c.ts`](#abcts)',
      '- [`a/b/d.ts`](#abdts)',
      '- [`a/e.ts`](#aets)',
      '- [`z/y/x`](#zyx)',
    ].join('\n'),
  )
})

test('a tree names every folder once; a path that needs quoting stands whole', async () => {
  const folder: Entry = { path: 'a/empty' as Entry['path'], type: 'directory', mode: 0o755, sizeBytes: 0 }
  expect(await contentsOf(PATHS, 'tree', [folder])).toBe(
    [
      '- [`a.ts`](#ats)',
      String.raw`- [${'`'}"a/\"q\".ts"${'`'}](#aqts)`,
      '- `a/`',
      '  - `b/`',
      '    - [`c.ts`](#abcts)',
      '    - [`d.ts`](#abdts)',
      '  - [`e.ts`](#aets)',
      '  - [`empty/`](#aempty)',
      '- `z/`',
      '  - `y/`',
      '    - [`x`](#zyx)',
    ].join('\n'),
  )
})

test('no contents are none, and neither are those of nothing', async () => {
  expect(await contentsOf(PATHS, 'none')).toBeUndefined()
  expect(await contentsOf([], 'tree')).toBeUndefined()
})
