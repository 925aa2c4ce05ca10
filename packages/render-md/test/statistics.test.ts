import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { memorySource } from '@arc/core'
import { contentBytes, fileEntry, temporaryFolder } from '@arc/core/testing'
import { expect, test } from 'vitest'
import { languageOf, languageOfScript } from '../src/languages.ts'
import { render } from './documents.ts'
import { Random } from './random.ts'
import { randomContent } from './trees.ts'

function isTextForAll(bytes: Buffer): boolean {
  return !/[\u0000-\u0008\u000e-\u001f\u007f-\uffff]|`{64}/.test(bytes.toString('latin1'))
}

const FORMATS = ['md', 'json', 'jsonl'] as const

test.each(FORMATS)('lines and bytes of text files in %s are what wc counts', async (format) => {
  using folder = temporaryFolder()
  mkdirSync(join(folder.path, 'tree'))
  const random = new Random(3)
  // Other charsets are text in Markdown only, and what no fence can hold is text in JSON only.
  const contents = Array.from({ length: 200 }, () => randomContent(random)).filter(isTextForAll)
  const entries = contents.map((bytes, i) => fileEntry(`f${i}`, bytes))
  for (const entry of entries) writeFileSync(join(folder.path, 'tree', entry.path), contentBytes(entry))
  const { result } = await render(memorySource('project', entries), { format })
  const { stdout } = spawnSync('sh', ['-c', 'cat tree/* | wc -l -c'], { cwd: folder.path, encoding: 'utf8' })
  const [lines, bytes] = stdout.trim().split(/\s+/).map(Number)
  expect(result.statistics).toMatchObject({ files: entries.length, lines, bytes })
})

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
