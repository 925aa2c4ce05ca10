// tools/read_dump.py was written from docs/formats/arc-dump-1.md alone. What it makes of documents, ours above all, tells
// whether that page and our writer agree.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import type { Entry, EntryPath } from '@arc/core'
import { fileEntry, readTree, temporaryFolder, type TreeRow, writeTree } from '@arc/core/testing'
import { expect, test, type TestContext } from 'vitest'
import { readMarkdown } from '../markdown.ts'
import { root } from '../workspace.ts'

const MISSING_PYTHON = 'python3 is not installed: tools/read_dump.py is not tested'
const hasPython = spawnSync('python3', ['--version']).status === 0
const needsPython = (context: TestContext): void => context.skip(!hasPython, MISSING_PYTHON)

interface Outcome {
  status: number | null
  stdout: string
  stderr: string
}

function python(script: string, ...args: string[]): Outcome {
  // -B: no compiled files beside the sources. The mask must not show in restored modes.
  const command = 'umask 077; exec python3 -B "$@"'
  const { status, stdout, stderr } = spawnSync('sh', ['-c', command, 'sh', join(root, 'tools', script), ...args])
  return { status, stdout: stdout.toString(), stderr: stderr.toString() }
}

/** What the reader restores from a document. */
function restored(document: string): { outcome: Outcome; tree: TreeRow[] } {
  using folder = temporaryFolder()
  const outcome = python('read_dump.py', 'restore', document, join(folder.path, 'tree'))
  return { outcome, tree: outcome.status === 3 ? [] : readTree(join(folder.path, 'tree')) }
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')
const SCRIPT = '#!/bin/sh\necho `date`\n'
const WANTED = [
  { path: 'bin', type: 'directory', mode: 0o755 },
  { path: 'bin/run', type: 'file', mode: 0o755, sha256: sha256(SCRIPT) },
  { path: 'caf\udce9', type: 'file', mode: 0o644, sha256: sha256('no end') },
  { path: 'empty', type: 'directory', mode: 0o755 },
  { path: 'link', type: 'symlink', mode: 0o777, target: 'bin/run' },
]

const PREAMBLE = `---
arc-dump: 1
name: "hand-made"
git: {"branch":"main"}
---

# hand-made
`
const FILES = `
## Files

### \`bin/run\`

\`\`\`sh mode=755
${SCRIPT}\`\`\`

### \`"caf\\udce9"\`

~~~~text noeol
no end
~~~~

### \`empty/\`

\`\`\`text directory
\`\`\`

### \`link\`

\`\`\`text symlink noeol
bin/run
\`\`\`

## Manifest

\`\`\`arc-manifest
${sha256(SCRIPT)} 100755 ${SCRIPT.length} bin/run
${sha256('no end')} 100644 6 "caf\\udce9"
- 040755 0 empty/
${sha256('bin/run')} 120000 7 link
\`\`\`

`
const FRAME = [SCRIPT, 'no end\n', 'bin/run\n']
  .reduce((frame, body) => frame.replace(`\n${body}`, '\n'), FILES)
  .slice(1)
const MARKDOWN = `${PREAMBLE}${FILES}<!-- arc-dump/1 entries=4 sha256=${sha256(`${FRAME}${PREAMBLE}\n`)} -->\n`

const HEADER = '{"arcDump":1,"name":"hand-made"}'
const ENTRIES = [
  `{"path":"bin/run","type":"file","mode":"755","size":${SCRIPT.length},"sha256":"${sha256(SCRIPT)}","text":${JSON.stringify(SCRIPT)}}`,
  `{"path":"caf\\udce9","type":"file","mode":"644","size":6,"sha256":"${sha256('no end')}","base64":["bm8g","ZW5k"]}`,
  '{"path":"empty","type":"directory","mode":"755"}',
  `{"path":"link","type":"symlink","size":7,"sha256":"${sha256('bin/run')}","target":"bin/run"}`,
]
const LINES = [HEADER, ...ENTRIES].map((line) => `${line}\n`).join('')
const FIGURES = '{"end":true,"entries":4,"files":2,"lines":3,"bytes":29,"languages":[]'
const FOOTER = `${FIGURES},"sha256":"${sha256(LINES + FIGURES)}"}`

const DOCUMENTS: Record<string, string | Uint8Array> = {
  Markdown: MARKDOWN,
  'JSON Lines': `${LINES}${FOOTER}\n`,
  JSON: `{"dump":${HEADER},"entries":[\n${ENTRIES.join(',\n')}\n],"footer":${FOOTER}}\n`,
  'Markdown in gzip': gzipSync(MARKDOWN),
}

for (const [name, document] of Object.entries(DOCUMENTS)) {
  test(`read_dump.py restores ${name} made by hand`, (context) => {
    needsPython(context)
    using folder = temporaryFolder()
    const path = join(folder.path, 'document')
    writeFileSync(path, document)
    expect(restored(path)).toEqual({ outcome: { status: 0, stdout: '', stderr: '' }, tree: WANTED })
    writeFileSync(path, document.slice(0, -3))
    expect(restored(path)).toMatchObject({ outcome: { status: 3 }, tree: [] })
  })
}

const page = readFileSync(join(root, 'docs/formats/arc-dump-1.md'), 'utf8')
const examples = readMarkdown(page).blocks.filter(({ note }) => note.startsWith('arc-dump.'))

test('the page of the format shows an example of each spelling', () => {
  expect(examples.map(({ note }) => note)).toEqual(['arc-dump.md', 'arc-dump.jsonl', 'arc-dump.json'])
})

test.for(examples)(
  'both readers restore the same tree from the example $note on the page',
  ({ note, code }, context) => {
    needsPython(context)
    using folder = temporaryFolder()
    const path = join(folder.path, note)
    writeFileSync(path, code)
    const { outcome, tree } = restored(path)
    expect(outcome).toEqual({ status: 0, stdout: '', stderr: '' })
    const ours = join(folder.path, 'ours')
    const command = [join(root, 'apps/create-dump/src/bin.ts'), 'restore', path, '--to', ours, '--quiet']
    const { status, stderr } = spawnSync(process.execPath, command)
    expect(status, stderr.toString()).toBe(0)
    expect(readTree(ours)).toEqual(tree)
    writeFileSync(path, code.replace('hello', 'hullo').replace('small', 'smell'))
    expect(restored(path).outcome.status).toBe(3)
    expect(spawnSync(process.execPath, [...command.slice(0, 1), 'verify', path]).status).toBe(3)
  },
)

// Longer than any window that a reader looks through, links first: what was found early must still be right at the manifest.
const LONG_TREE: Entry[] = [
  { path: 'a' as EntryPath, type: 'symlink', mode: 0o777, sizeBytes: 4, target: 'sub/caf\udce9' as EntryPath },
  { path: 'b' as EntryPath, type: 'directory', mode: 0o700, sizeBytes: 0 },
  fileEntry('bytes', Buffer.alloc(2 << 20, Uint8Array.of(0, 255, 7))),
  fileEntry('crlf', 'a line\r\n'.repeat(1 << 18)),
  fileEntry(Buffer.from('sub/caf\xe9', 'latin1'), '````\n'.repeat(1 << 20), 0o755),
]

test.for(['md', 'json', 'jsonl'])(
  'both readers restore a long document that create-dump wrote as %s',
  (format, context) => {
    needsPython(context)
    using folder = temporaryFolder()
    const [source, document, ours] = ['source', 'document', 'ours'].map((name) => join(folder.path, name)) as [
      string,
      string,
      string,
    ]
    writeTree(source, LONG_TREE)
    const run = (...args: string[]): void => {
      const { status, stderr } = spawnSync(process.execPath, [
        join(root, 'apps/create-dump/src/bin.ts'),
        ...args,
        '--quiet',
      ])
      expect(status, stderr.toString()).toBe(0)
    }
    run(source, '--output', document, '--format', format, '--no-sidecar')
    run('restore', document, '--to', ours)
    expect(readTree(ours)).toEqual(readTree(source))
    expect(restored(document)).toEqual({ outcome: { status: 0, stdout: '', stderr: '' }, tree: readTree(source) })
  },
)

test('read_dump.py passes its own tests: every rule of the format, every flipped bit', (context) => {
  needsPython(context)
  const { status, stderr } = python('test_read_dump.py')
  expect(status, stderr).toBe(0)
})

const golden = join(root, 'packages/render-md/test/golden')
const dumps = existsSync(golden)
  ? readdirSync(golden).filter((name) => /(?<!\.tree)\.(?:md|json|jsonl|md\.gz)$/.test(name))
  : []

// `x.md`, `x.json`, `x.jsonl` and `x.md.gz` hold the tree that `x.tree.json` describes, in the rows of `readTree`.
for (const name of dumps) {
  const description = name.replace(/\.(?:md|json|jsonl|md\.gz)$/, '.tree.json')
  test(`read_dump.py restores golden ${name} as ${description} describes it`, (context) => {
    needsPython(context)
    expect(python('read_dump.py', 'verify', join(golden, name)).stdout).toMatch(/entries are intact\n$/)
    const { outcome, tree } = restored(join(golden, name))
    expect(outcome.status, outcome.stderr).toBe(/content was left out/.test(outcome.stderr) ? 1 : 0)
    expect(existsSync(join(golden, description)), `missing; it should hold ${JSON.stringify(tree)}`).toBe(true)
    expect(tree).toEqual(JSON.parse(readFileSync(join(golden, description), 'utf8')))
  })
}
