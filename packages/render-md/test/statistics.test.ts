import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type EntryPath, memorySource } from '@arc/core'
import { contentBytes, fileEntry, temporaryFolder } from '@arc/core/testing'
import { expect, test } from 'vitest'
import { languageOf, languageOfScript, LANGUAGES } from '../src/languages.ts'
import { render } from './documents.ts'
import { Random } from './random.ts'
import { randomContent } from './trees.ts'

function isPlainText(bytes: Buffer): boolean {
  return !/[\u0000-\u0008\u000e-\u001f\u007f-\uffff]/.test(bytes.toString('latin1'))
}

const FORMATS = ['md', 'json', 'jsonl'] as const

test.each(FORMATS)('lines and bytes of text files in %s are what wc counts', async (format) => {
  using folder = temporaryFolder()
  mkdirSync(join(folder.path, 'tree'))
  const random = new Random(3)
  const contents = Array.from({ length: 200 }, () => randomContent(random)).filter(isPlainText)
  const entries = contents.map((bytes, i) => fileEntry(`f${i}`, bytes))
  for (const entry of entries) writeFileSync(join(folder.path, 'tree', entry.path), contentBytes(entry))
  const { result } = await render(memorySource('project', entries), { format })
  const { stdout } = spawnSync('sh', ['-c', 'cat tree/* | wc -l -c'], { cwd: folder.path, encoding: 'utf8' })
  const [lines, bytes] = stdout.trim().split(/\s+/).map(Number)
  expect(result.statistics).toMatchObject({ files: entries.length, lines, bytes })
})

const LATIN_1 = (text: string): Buffer => Buffer.from(text, 'latin1')
const UTF_16 = (text: string): Buffer => Buffer.from(`\ufeff${text}`, 'utf16le')
const UTF_16_BE = (text: string): Buffer => UTF_16(text).swap16()

/** Files of which one format might think otherwise than another: what they count as, and their lines. */
const ODD_FILES: Record<string, [content: string | Buffer, language: string, lines: number]> = {
  'utf-16le.txt': [UTF_16('one\ntwo\nthree'), 'Text', 2],
  'utf-16be.txt': [UTF_16_BE('one\r\ntwo\r\n'), 'Text', 2],
  'utf-16 with a 0A that ends no line.txt': [UTF_16('\u0a0a\u010a\n'), 'Text', 1],
  'utf-16 with controls.txt': [UTF_16('one\n\u0001\n'), 'Text', 0],
  'windows-1252.txt': [LATIN_1('caf\xe9\n\x80\n'), 'Text', 2],
  'not-even-windows-1252.txt': [LATIN_1('caf\xe9\n\x81\n'), 'Text', 0],
  'no fence.txt': [`${'`'.repeat(64)}\n${'~'.repeat(64)}\n`, 'Text', 2],
  'no fence, large.txt': [`${'`'.repeat(64)}\n${'~'.repeat(64)}\n`.repeat(40_000), 'Text', 80_000],
  script: ['#!/bin/sh\necho\n', 'Shell', 2],
  'script of windows-1252': [LATIN_1('#!/usr/bin/perl\n# caf\xe9\n'), 'Perl', 2],
  'script that no fence holds': [`#!/bin/sh\n${'`'.repeat(64)}${'~'.repeat(64)}\n`, 'Shell', 2],
  'script, large': ['#!/usr/bin/env python3\n'.repeat(200_000), 'Python', 200_000],
  'script with a binary behind': ['#!/bin/sh\n\0', 'Other', 0],
  'script.txt': ['#!/bin/sh\n', 'Text', 1],
  'rules of make': ['#!/usr/bin/make -f\nall:\n', 'Makefile', 2],
  'mac.txt': ['one\rtwo\r', 'Text', 0],
}

test.each(Object.entries(ODD_FILES))('%s is the same in every format', async (name, [content, language, lines]) => {
  const entry = fileEntry(name, content)
  const wanted = [{ name: language, files: 1, lines, bytes: entry.sizeBytes }]
  for (const format of FORMATS) {
    const { result, bytes } = await render([entry], { format })
    expect(result.statistics.languages, format).toEqual(wanted)
    // What is text is kept also without binaries, and told apart from them in the same way.
    const { omissions } = (await render([entry], { format, binary: 'omit' })).result
    expect(omissions.length, format).toBe(lines === 0 && name !== 'mac.txt' ? 1 : 0)
    if (format === 'md') expect(tagIn(bytes)).toBe(LANGUAGES.find((each) => each.name === language)?.tag)
  }
})

/** The tag of the only section's opening fence. */
function tagIn(document: Buffer): string | undefined {
  return /^### `.*`\n\n[`~]{3,64}([a-z]+)/m.exec(document.toString('latin1'))?.[1]
}

test('a further name that says nothing counts as what the file is', async () => {
  const first = { ...fileEntry('bin/tool', '#!/bin/sh\n'), hardLink: 'x' }
  const entries = [first, { ...first, ...pathOf('bin/tool.py') }, { ...first, ...pathOf('bin/tool2') }]
  for (const format of FORMATS) {
    const { result } = await render(entries, { format })
    expect(result.statistics.languages, format).toEqual([
      { name: 'Shell', files: 2, lines: 2, bytes: 20 },
      { name: 'Python', files: 1, lines: 1, bytes: 10 },
    ])
  }
})

const pathOf = (path: string): { path: EntryPath } => ({ path: path as EntryPath })

test('languages are those of the names, most bytes first, and add up', async () => {
  const entries = [
    fileEntry('a.ts', 'x\ny\n'),
    fileEntry('b.py', 'print(1)\n'.repeat(9)),
    fileEntry('Makefile', 'all:\n'),
    fileEntry('c.mts', '1\n'),
    fileEntry('odd', '??'),
  ]
  const { result, bytes } = await render(memorySource('project', entries))
  expect(result.statistics).toEqual({
    entries: 5,
    files: 5,
    lines: 13,
    bytes: 94,
    languages: [
      { name: 'Python', files: 1, lines: 9, bytes: 81 },
      { name: 'TypeScript', files: 2, lines: 3, bytes: 6 },
      { name: 'Makefile', files: 1, lines: 1, bytes: 5 },
      { name: 'Other', files: 1, lines: 0, bytes: 2 },
    ],
  })
  expect(bytes.toString()).toMatch(/^\| \*\*Total\*\* +\| +5 \| +13 \| +94 \|$/m)
})

test('a language name is found by the whole name, the extension, in any case', () => {
  const names = [
    'src/a.ts',
    'A.TS',
    'Dockerfile',
    'x/Makefile',
    '.gitattributes',
    'a.unknown',
    'noext',
    'dir.ts/noext',
    '__proto__',
    'x.__proto__',
    'constructor',
    'x.constructor',
  ]
  expect(names.map((name) => languageOf(name).name)).toEqual([
    'TypeScript',
    'TypeScript',
    'Dockerfile',
    'Makefile',
    'Git Config',
    ...Array.from({ length: 7 }, () => 'Other'),
  ])
})

test('a script without a telling name is tagged by its interpreter', () => {
  const lines = [
    '#!/bin/sh',
    '#! /bin/bash -e',
    '#!/usr/bin/env python3',
    '#!/usr/bin/env -S node --test',
    '#!/usr/bin/python3.11',
    '#!perl',
    '#!/opt/x y/ruby',
    '#!',
    '#!/usr/bin/env',
    'sh',
    '#!/bin/unknown',
  ]
  expect(lines.map((line) => languageOfScript(line).tag)).toEqual([
    'sh',
    'sh',
    'python',
    'js',
    'python',
    'perl',
    'text',
    'text',
    'text',
    'text',
    'text',
  ])
})
