// The trees whose documents are committed in golden/: `node packages/render-md/scripts/write-golden.ts` writes them anew.
import { comparePaths, decodePath, type Entry, type EntryPath, type GitState, memorySource } from '@arc/core'
import { sha256Hex } from '@arc/core/node'
import { contentBytes, fileEntry, type TreeRow } from '@arc/core/testing'
import type { DumpFormat, RenderOptions } from '@arc/render-md'
import { render } from './documents.ts'

export interface GoldenTree {
  name: string
  entries: readonly Entry[]
  git?: GitState
  options?: RenderOptions
  formats: readonly DumpFormat[]
}

const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1')
const utf16 = (text: string): Buffer => Buffer.from(`\ufeff${text}`, 'utf16le')

function folder(path: string, mode = 0o755): Entry {
  return { path: path as EntryPath, type: 'directory', mode, sizeBytes: 0 }
}

function link(path: string, to: string | Buffer): Entry {
  const target = decodePath(Buffer.from(to))
  return { path: path as EntryPath, type: 'symlink', mode: 0o777, sizeBytes: Buffer.from(to).length, target }
}

function withTime(entry: Entry, mtimeNs: bigint): Entry {
  return { ...entry, mtimeNs }
}

const everyday: GoldenTree = {
  name: 'everyday',
  git: { branch: 'main', commit: '0123456789abcdef0123456789abcdef01234567', dirty: true },
  formats: ['md', 'json', 'jsonl'],
  entries: [
    fileEntry('.gitignore', 'node_modules\ndist\n'),
    fileEntry('README.md', '# Everyday\n\nRun it:\n\n```sh\nbin/run\n```\n'),
    fileEntry('bin/run', '#!/bin/sh\nexec node ../src/main.ts "$@"\n', 0o755),
    fileEntry('docs/logo.png', Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex')),
    fileEntry('src/main.ts', "import { greet } from './greet.ts'\n\nconsole.log(greet('Ada'))\n"),
    fileEntry('src/greet.ts', 'export function greet(name: string): string {\n  return `Hello ${name}`\n}\n'),
    fileEntry('src/index.css', 'body { color: #333 }'),
    link('latest', 'src/main.ts'),
    folder('bin'),
    folder('docs'),
    folder('src'),
    folder('src/empty'),
  ],
}

const FORGED =
  '---\narc-dump: 1\nname: "forged"\n---\n\n## Files\n\n### `../evil`\n\n```text\nx\n```\n\n## Manifest\n\n```arc-manifest\n```\n\n<!-- arc-dump/1 entries=1 sha256=00 -->\n'

const contents: GoldenTree = {
  name: 'contents',
  formats: ['md', 'json', 'jsonl'],
  options: { contents: 'list' },
  entries: [
    fileEntry('base64', Buffer.from(Array.from({ length: 120 }, (_, i) => (i * 37) % 256))),
    fileEntry('bom', '\ufeffmarked\n'),
    fileEntry('cr', 'old\rMac\r'),
    fileEntry('crlf', 'DOS\r\nlines\r\n'),
    fileEntry('crlf-no-end', 'DOS\r\nlines'),
    fileEntry('empty', ''),
    fileEntry('escape', 'not \u001b[1m text\n'),
    fileEntry('fences', '```\ncode\n```\n~~~\n````\n'),
    fileEntry('fences-endless', `${'`'.repeat(64)}\n${'~'.repeat(64)}\n`),
    fileEntry('fences-tilde', `${'`'.repeat(64)}\n~~~~\n`),
    fileEntry('forged', FORGED),
    fileEntry('form-feed', 'page\fpage\n'),
    fileEntry('invalid-utf8', latin1('caf\xc3\n\x81')),
    fileEntry('latin1', latin1('caf\xe9 \x80 \x93quoted\x94')),
    fileEntry('line-end', '\n'),
    fileEntry('mixed-ends', 'a\nb\r\nc\rd'),
    fileEntry('no-end', 'no end'),
    fileEntry('nul', 'a\0b'),
    fileEntry('separators', 'a\u2028b\u2029c\u0085d\n'),
    fileEntry('utf16be', utf16('gro\u00df \u{1f600}\r\n').swap16()),
    fileEntry('utf16le', utf16('gro\u00df\n')),
    fileEntry('utf16le-odd', Buffer.concat([utf16('x'), Buffer.of(0x41)])),
  ],
}

const NAMES = [
  ' leading',
  'trailing ',
  'in the middle',
  'new\nline',
  'tab\there',
  '"quoted"',
  "it's",
  'tick`tick',
  'back\\slash',
  '..foo',
  '...',
  '-rf',
  '#',
  '[a](b)',
  '<b>',
  'caf\u00e9',
  'cafe\u0301',
  '\u202egnp.exe',
  '\u2028',
  '\ufeff',
  '\u200b',
  '\u007f',
  '\u{1f600}',
  '\uffff',
  'A',
  'a',
  '__proto__',
  '{',
  'Files',
  'Contents',
  '*?:|',
  'x'.repeat(250),
  Array.from({ length: 40 }, (_, i) => `d${i}`).join('/'),
]

const names: GoldenTree = {
  name: 'names',
  git: { branch: '## Files', dirty: false },
  formats: ['md', 'json', 'jsonl'],
  entries: [
    ...NAMES.map((name) => fileEntry(name, '')),
    fileEntry(latin1('caf\xe9'), ''),
    fileEntry(latin1('\xed\xa0\x80'), ''),
    fileEntry(latin1('raw \xff/in a folder'), 'x\n'),
  ],
}

const linked = fileEntry('hard/first', 'one inode\n', 0o640)

const modesAndLinks: GoldenTree = {
  name: 'modes-and-links',
  options: { times: true },
  formats: ['md', 'json', 'jsonl'],
  entries: [
    fileEntry('common-1', '1\n', 0o664),
    fileEntry('common-2', '2\n', 0o664),
    fileEntry('common-3', '3\n', 0o664),
    fileEntry('private', 'p\n', 0o600),
    fileEntry('read-only', 'r\n', 0o444),
    fileEntry('run', '#!/usr/bin/env python3\n', 0o775),
    { ...linked, hardLink: 'inode' },
    { ...linked, hardLink: 'inode', path: 'hard/second' as EntryPath },
    { ...linked, hardLink: 'inode', path: '"third"' as EntryPath },
    link('link-absolute', '/etc/hostname'),
    link('link-dangling', 'no/where'),
    link('link-dots', './../a//b/'),
    link('link-folder', 'hard'),
    link('link-line', 'a\nb'),
    link('link-raw', latin1('caf\xe9')),
    link('link-spaces', ' a '),
    link('link-ticks', '```'),
    folder('hard', 0o775),
    folder('empty', 0o775),
    folder('private-folder', 0o700),
    folder('sticky', 0o1777),
    fileEntry('sticky/file', 's\n', 0o664),
  ].map((entry, i) => withTime(entry, i === 0 ? -1n : 1_700_000_000_000_000_000n + BigInt(i) * 1_000_000_001n)),
}

const binaryOmitted: GoldenTree = {
  name: 'binary-omitted',
  options: { binary: 'omit', contents: 'none' },
  formats: ['md', 'json', 'jsonl'],
  entries: [fileEntry('data.bin', Buffer.of(0, 1, 2)), fileEntry('text', 'text\n')],
}

const nothing: GoldenTree = { name: 'nothing', formats: ['md', 'json', 'jsonl'], entries: [] }

export const GOLDEN_TREES: readonly GoldenTree[] = [everyday, contents, names, modesAndLinks, binaryOmitted, nothing]

/** The document of a golden tree, as today's writer writes it. */
export async function goldenDocument(tree: GoldenTree, format: DumpFormat): Promise<Buffer> {
  const source = memorySource(tree.name, tree.entries, { git: tree.git })
  return (await render(source, { ...tree.options, format })).bytes
}

/** What restoring a golden document makes, in the rows of `readTree`. */
export function goldenRows({ entries, options }: GoldenTree): TreeRow[] {
  const rows = new Map<string, TreeRow>()
  for (const entry of entries) {
    for (let slash = entry.path.lastIndexOf('/'); slash > 0; slash = entry.path.lastIndexOf('/', slash - 1)) {
      const path = entry.path.slice(0, slash) as EntryPath
      if (!rows.has(path)) rows.set(path, { path, type: 'directory', mode: 0o755 })
    }
    if (options?.binary === 'omit' && entry.path.endsWith('.bin')) continue
    rows.set(entry.path, rowOf(entry))
  }
  return [...rows.values()].sort((a, b) => comparePaths(a.path, b.path))
}

/** What a dump must keep of an entry. */
export function rowOf(entry: Entry): TreeRow {
  const { path, type, mode, target } = entry
  if (type === 'file') return { path, type, mode, sha256: sha256Hex(contentBytes(entry)) }
  return target === undefined ? { path, type, mode } : { path, type, mode: 0o777, target }
}

/** The rows as they are committed: one a line. */
export function formatRows(rows: readonly TreeRow[]): string {
  return rows.length === 0 ? '[]\n' : `[\n${rows.map((row) => `  ${JSON.stringify(row)}`).join(',\n')}\n]\n`
}
