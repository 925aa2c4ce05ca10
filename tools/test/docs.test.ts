import { existsSync, globSync, readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import { temporaryFolder } from '@arc/core/testing'
import { describe, expect, test } from 'vitest'
import { type CodeBlock, type MarkdownDocument, readMarkdown } from '../markdown.ts'
import { prepareSnippetFolder, runSnippet, writeSnippet } from '../snippets.ts'
import { root } from '../workspace.ts'

const RUNNABLE = ['README.md', 'docs/guide/*.md', 'packages/*/README.md', 'apps/*/README.md']
const LINKED = [...RUNNABLE, '*.md', 'docs/**/*.md']
const LANGUAGES = new Set(['sh', 'ts'])

const find = (patterns: string[]): string[] => [...new Set(globSync(patterns, { cwd: root }))].toSorted()
const read = (path: string): MarkdownDocument => readMarkdown(readFileSync(join(root, path), 'utf8'))

/**
 * Fenced `sh` and `ts` blocks run in order, in one fresh folder per document (see `prepareSnippetFolder`). The rest of
 * the opening fence changes that: `no-run: <reason>` leaves a block out, `file: <path>` writes it there instead, and
 * `output` on a `text` block is what the block before it must have printed to stdout, where a line `...` stands for any.
 */
describe.each(find(RUNNABLE))('%s', (path) => {
  const { blocks } = read(path)
  const code = blocks.filter(({ language }) => LANGUAGES.has(language))

  test('its snippets that do not run say why', () => {
    const faults = code.filter(({ note }) => note.startsWith('no-run') && !/^no-run: \S.{5,}/.test(note))
    expect(faults.map(({ line, note }) => `${path}:${line}: ${note}`)).toEqual([])
  })

  if (code.some(isRun)) test('its snippets run', () => expectToRunInOrder(path, blocks))
})

function isRun({ language, note }: CodeBlock): boolean {
  return LANGUAGES.has(language) && !note.startsWith('no-run') && !note.startsWith('file:')
}

function expectToRunInOrder(path: string, blocks: readonly CodeBlock[]): void {
  using folder = temporaryFolder()
  prepareSnippetFolder(folder.path)
  let printed = ''
  for (const block of blocks) {
    const place = `${path}:${block.line}`
    if (isRun(block)) {
      const { ok, stdout, output } = runSnippet(block, folder.path)
      expect(ok, `${place}\n${output}`).toBe(true)
      printed = stdout
    } else if (block.note.startsWith('file:')) {
      writeSnippet(block, folder.path)
    } else if (block.language === 'text' && block.note === 'output') {
      expect(printed, place).toMatch(outputPattern(block.code))
    }
  }
}

function outputPattern(expected: string): RegExp {
  const lines = expected.split(/^\.\.\.\n/m).map((part) => RegExp.escape(part))
  return new RegExp(`^${lines.join('(?:.*\\n)*')}$`)
}

test.each(find(LINKED))('the links of %s lead somewhere', (path) => {
  const document = read(path)
  const faults = document.links.filter(({ target }) => !resolves(path, document, target))
  expect(faults.map(({ line, target }) => `${path}:${line}: ${target}`)).toEqual([])
})

function resolves(from: string, document: MarkdownDocument, target: string): boolean {
  if (/^[a-z][a-z+.-]*:/i.test(target)) return true // another site is not ours to check, and tests use no network
  const [file = '', anchor] = target.split('#')
  const path = file === '' ? from : posix.join(posix.dirname(from), decodeURI(file))
  if (path.startsWith('..') || !existsSync(join(root, path))) return false
  if (anchor === undefined || !path.endsWith('.md')) return true
  return (file === '' ? document : read(path)).anchors.has(anchor)
}
