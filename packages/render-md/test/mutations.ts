// Documents that went wrong, or were made by somebody who knows the format: what the reader must survive.
import { isDeepStrictEqual, inspect } from 'node:util'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { isArcError, memorySource } from '@arc/core'
import type { DumpFormat } from '@arc/render-md'
import { type EntryFacts, factsOf, openBytes, render } from './documents.ts'
import {
  fileRecord,
  fileRow,
  jsonDocument,
  type JsonRecord,
  linesDocument,
  markdownDocument,
  type Section,
} from './hostile-documents.ts'
import { Random } from './random.ts'
import { randomContent, randomTree } from './trees.ts'

/** Nothing may take longer, however it is damaged. */
const MAX_MS = 10_000

/** Parts of the grammar, and what is nearly one. */
const TOKENS = [
  '\n',
  '\r\n',
  '\0',
  '`',
  '```',
  '~~~',
  '````',
  '"',
  '\\',
  ' ',
  '/',
  '../',
  '\ufeff',
  '\u202e',
  '\xff',
  '{',
  '}',
  '[',
  ']',
  ',',
  ':',
  '9'.repeat(20),
  '-1',
  '1e9',
  '0x1',
  '## Files\n',
  '## Manifest\n\n```arc-manifest\n',
  '### `a`\n\n```text\n',
  '```\n\n',
  '---\n',
  'arc-dump: 1\n',
  'name: "x"\n',
  '<!-- arc-dump/1 entries=0 sha256=',
  ' -->\n',
  ' noeol',
  ' base64',
  ' symlink',
  ' hardlink',
  ' directory',
  ' omitted',
  ' eol=crlf',
  ' charset=utf-16le',
  ' bytes=0',
  ' bytes=999999999',
  ' mode=777',
  ' mtime=0.000000000',
  '100644 0 a',
  '- 040755 0 a/',
  '{"end":true}',
  '"text":["a"]',
  '"base64":"AA=="',
  '"path":"a"',
  '"type":"hardlink","to":"a"',
  '"__proto__":{"x":1},',
  '\\ud800',
  'null',
  '1.5',
  '-0',
]

/** What is wrong with how the document of a seed is read, or `undefined`. */
export async function mutationFault(seed: number, folder: string): Promise<string | undefined> {
  const random = new Random(seed)
  const document = random.once(2) ? await damagedDocument(random) : hostileDocument(random)
  const startMs = performance.now()
  const fault = await readingFault(document, folder)
  const tookMs = performance.now() - startMs
  if (fault !== undefined) return `seed ${seed}: ${fault}`
  return tookMs < MAX_MS ? undefined : `seed ${seed}: took ${tookMs} ms`
}

async function readingFault(document: Buffer, folder: string): Promise<string | undefined> {
  let facts: EntryFacts[]
  let again: Buffer
  try {
    await using opened = await openBytes(folder, document, { verifyContent: true })
    facts = await factsOf(opened)
    again = (await render(opened, { times: true })).bytes
  } catch (error) {
    return isArcError(error) ? undefined : `${error instanceof Error ? error.stack : inspect(error)}`
  }
  // What was taken must be a tree that can be written and read again.
  await using reopened = await openBytes(folder, again, { verifyContent: true })
  const found = await factsOf(reopened)
  return isDeepStrictEqual(found, facts) ? undefined : `taken as ${inspect(facts)}, written again as ${inspect(found)}`
}

/** A document of ours with a few random changes. */
async function damagedDocument(random: Random): Promise<Buffer> {
  const { name, git, entries, contents, times } = randomTree(random.below(1e9))
  const format = random.pick<DumpFormat>(['md', 'json', 'jsonl'])
  let { bytes } = await render(memorySource(name, entries, { git }), { format, contents, times })
  if (random.once(8)) bytes = random.once(2) ? gzipSync(bytes) : zstdCompressSync(bytes)
  for (let i = random.below(4); i >= 0; i--) bytes = changed(bytes, random)
  return bytes
}

function changed(bytes: Buffer, random: Random): Buffer {
  const at = random.below(bytes.length + 1)
  const end = Math.min(bytes.length, at + random.below(random.once(4) ? 2000 : 20))
  const [before, piece, after] = [bytes.subarray(0, at), bytes.subarray(at, end), bytes.subarray(end)]
  const kind = random.below(6)
  if (kind === 0) return Buffer.concat([before, Buffer.from(random.pick(TOKENS), 'latin1'), bytes.subarray(at)])
  if (kind === 1) return Buffer.concat([before, Buffer.from(random.pick(TOKENS), 'latin1'), after])
  if (kind === 2) return Buffer.concat([before, after])
  if (kind === 3) return Buffer.concat([before, piece, piece, after])
  if (kind === 4) return Buffer.concat([before, random.bytes(piece.length), after])
  return Buffer.concat([after, before, piece])
}

const PATHS = [
  'a',
  'b',
  'c',
  'a/b',
  'b/c',
  'd/',
  '../x',
  '/x',
  '.',
  'a//b',
  '',
  '"a"',
  String.raw`"a\u0000"`,
  String.raw`"\ud800"`,
  String.raw`"\udcff"`,
  String.raw`"\udcc3\udca9"`,
  'caf\u00e9',
  '__proto__',
  'n'.repeat(300),
]
const INFOS = [
  'text',
  'ts',
  'text noeol',
  'text symlink noeol',
  'text hardlink noeol',
  'text directory',
  'text base64',
  'text omitted',
  'text mode=755',
  'text bytes=2',
  'text eol=crlf',
  'text charset=utf-16le',
  'text charset=windows-1252',
  'text symlink',
  'text symlink base64',
  'text mtime=1.000000001',
  'text directory mode=700',
]
const BODIES = [
  '',
  'x\n',
  'a\n',
  'b\n',
  '../x\n',
  '/etc/passwd\n',
  'x',
  'AA==\n',
  'a\r\n',
  '\n',
  '`\n',
  '```\n',
  '\ufeff\n',
  '\u0100\n',
]
const MODES = ['100644', '100755', '040755', '120000', '000000']

/** A document whose digests are right, whatever else is not. */
function hostileDocument(random: Random): Buffer {
  const count = random.below(5)
  if (random.once(2)) {
    const sections = Array.from({ length: count }, () => hostileSection(random))
    if (!random.once(4)) sections.sort((a, b) => (a.pathText < b.pathText ? -1 : 1))
    return markdownDocument({ sections })
  }
  const records = Array.from({ length: count }, () => hostileRecord(random))
  if (!random.once(4)) records.sort((a, b) => (String(a['path']) < String(b['path']) ? -1 : 1))
  return random.once(2) ? linesDocument(records) : jsonDocument(records)
}

function hostileSection(random: Random): Section {
  const pathText = random.pick(PATHS)
  const info = random.pick(INFOS)
  const body = random.once(3) ? randomContent(random) : random.pick(BODIES)
  const noeol = / noeol/.test(info)
  const content = noeol ? Buffer.from(body).subarray(0, -1) : Buffer.from(body)
  const mode = random.once(4)
    ? random.pick(MODES)
    : / symlink/.test(info)
      ? '120000'
      : / mode=755/.test(info)
        ? '100755'
        : '100644'
  const row = / directory/.test(info)
    ? `- 040${/700/.test(info) ? '700' : '755'} 0 ${pathText}`
    : fileRow(pathText, content, mode)
  return { pathText, info, body, fence: random.once(6) ? '~~~~' : '```', row }
}

function hostileRecord(random: Random): JsonRecord {
  const path = random.pick(PATHS)
  const text = random.pick(BODIES)
  const record = fileRecord(path, text)
  const kind = random.below(8)
  if (kind === 0) return { ...record, type: 'symlink', mode: undefined, text: undefined, target: text }
  if (kind === 1) return { ...record, type: 'hardlink', mode: undefined, text: undefined, to: random.pick(PATHS) }
  if (kind === 2) return { path, type: 'directory', mode: random.pick(['755', '700', '0755', '8']) }
  if (kind === 3) return { ...record, text: undefined, base64: Buffer.from(text).toString('base64') }
  if (kind === 4)
    return {
      ...record,
      [random.pick(Object.keys(record))]: random.pick([null, 7, -1, 'x', [], {}, true, '\ud800', ['a'], undefined]),
    }
  if (kind === 5) return { ...record, text: undefined, omitted: true }
  return record
}
