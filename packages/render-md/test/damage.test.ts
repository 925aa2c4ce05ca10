import { inspect } from 'node:util'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { type Entry, type EntryPath, isArcError, memorySource } from '@arc/core'
import { fileEntry, temporaryFolder } from '@arc/core/testing'
import { describe, expect, test } from 'vitest'
import { type EntryFacts, factsOf, openBytes, render } from './documents.ts'

const REFUSALS = new Set([
  'ARC_DUMP_DAMAGED',
  'ARC_DUMP_UNSUPPORTED',
  'ARC_HASH_MISMATCH',
  'ARC_PATH_UNSAFE',
  'ARC_PATH_INVALID',
  'ARC_ENTRY_DUPLICATE',
  'ARC_LIMIT_EXCEEDED',
])

const entryPath = (path: string): EntryPath => path as EntryPath
const target = entryPath('src/main.ts')
const linked = { ...fileEntry('hard-1', 'linked\n', 0o600), hardLink: 'x' }

/** A little of everything. */
const ENTRIES: Entry[] = [
  fileEntry('README.md', '```sh\nls\n```\n'),
  fileEntry('crlf', 'a\r\nb\r\n'),
  fileEntry('data.bin', Buffer.from([0, 1, 2, 255, 254])),
  fileEntry('latin', Buffer.from('caf\xe9', 'latin1'), 0o755),
  fileEntry(Buffer.from('quo"te\n\xff', 'latin1'), 'q\n'),
  fileEntry('src/main.ts', 'export {}\n'),
  linked,
  { ...linked, path: entryPath('hard-2') },
  { path: entryPath('link'), type: 'symlink', mode: 0o777, sizeBytes: 11, target },
  { path: entryPath('folder'), type: 'directory', mode: 0o700, sizeBytes: 0 },
]

const source = memorySource('damage', ENTRIES, { git: { branch: 'main' } })
const md = (await render(source, { contents: 'none' })).bytes
const DOCUMENTS: Record<string, Buffer> = {
  md,
  json: (await render(source, { format: 'json' })).bytes,
  jsonl: (await render(source, { format: 'jsonl' })).bytes,
  'md.gz': gzipSync(md),
  'md.zst': zstdCompressSync(md),
}

interface Opened {
  name: string
  git: unknown
  facts: EntryFacts[]
}

/** What a document says when it is taken, or the error. */
async function open(folder: string, bytes: Uint8Array): Promise<Opened | Error> {
  try {
    await using opened = await openBytes(folder, bytes, { verifyContent: true })
    return { name: opened.name, git: opened.git, facts: await factsOf(opened) }
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  }
}

/** Open every damaged document: a list of those that were taken with another meaning, or refused in another way. */
async function faults(
  intact: Buffer,
  damaged: Iterable<readonly [what: string, bytes: Buffer]>,
): Promise<{ faults: string[]; taken: string[] }> {
  using folder = temporaryFolder()
  const meaning = JSON.stringify(await open(folder.path, intact))
  const found = { faults: [] as string[], taken: [] as string[] }
  for (const [what, bytes] of damaged) {
    if (bytes.equals(intact)) continue
    const outcome = await open(folder.path, bytes)
    if (!(outcome instanceof Error)) {
      found.taken.push(what)
      if (JSON.stringify(outcome) !== meaning) found.faults.push(`${what}: taken with another meaning`)
    } else if (!isArcError(outcome) || !REFUSALS.has(outcome.code))
      found.faults.push(`${what}: ${outcome.stack ?? outcome.message}`)
  }
  return found
}

function* flips(bytes: Buffer): Generator<[string, Buffer]> {
  for (let at = 0; at < bytes.length; at++) {
    const damaged = Buffer.from(bytes)
    damaged[at] = (damaged[at] as number) ^ (1 << (at % 8))
    yield [`byte ${at} changed`, damaged]
  }
}

function* cuts(bytes: Buffer, step: number): Generator<[string, Buffer]> {
  for (let length = bytes.length - 1; length >= 0; length -= step)
    yield [`cut to ${length} bytes`, bytes.subarray(0, length)]
}

function* missingBytes(bytes: Buffer, step: number): Generator<[string, Buffer]> {
  for (let at = 0; at < bytes.length; at += step)
    yield [`without byte ${at}`, Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1)])]
}

function* lineChanges(bytes: Buffer): Generator<[string, Buffer]> {
  const lines = bytes.toString('latin1').split(/(?<=\n)/)
  const joined = (all: readonly string[]): Buffer => Buffer.from(all.join(''), 'latin1')
  for (const [i, line] of lines.entries()) {
    yield [`without line ${i + 1}`, joined(lines.toSpliced(i, 1))]
    yield [`line ${i + 1} twice`, joined(lines.toSpliced(i, 0, line))]
    yield [`empty line before ${i + 1}`, joined(lines.toSpliced(i, 0, '\n'))]
    if (i > 0) yield [`line ${i + 1} before ${i}`, joined(lines.toSpliced(i - 1, 2, line, String(lines[i - 1])))]
  }
}

describe.each(Object.entries(DOCUMENTS))('%s', (name, intact) => {
  // A compressed document takes ten times as long to open.
  const step = /z/.test(name) ? 5 : 1

  test('no byte can change unnoticed', async () => {
    const { faults: found, taken } = await faults(intact, flips(intact))
    expect(found).toEqual([])
    // JSON can be written in more than one way, and compression has bytes that mean nothing.
    if (name === 'md') expect(taken).toEqual([])
  })

  test('no end can be missing unnoticed', async () => {
    expect(await faults(intact, cuts(intact, step))).toEqual({ faults: [], taken: [] })
  })

  test('no byte can be missing unnoticed', async () => {
    expect((await faults(intact, missingBytes(intact, step))).faults).toEqual([])
  })

  test('no line can be missing, doubled or moved unnoticed', async () => {
    const { faults: found, taken } = await faults(intact, lineChanges(intact))
    expect(found).toEqual([])
    if (name === 'md' || name === 'jsonl') expect(taken).toEqual([])
  })
})

test('damage in a body names the file', async () => {
  using folder = temporaryFolder()
  const wrong: string[] = []
  for (const { path, start, end } of bodies(md)) {
    for (let at = start; at < end; at++) {
      const damaged = Buffer.from(md)
      damaged[at] = (damaged[at] as number) ^ 0x01
      const error = await open(folder.path, damaged)
      if (!isArcError(error) || error.path !== path || !error.message.includes(path))
        wrong.push(`byte ${at} of ${path}: ${inspect(error)}`)
    }
  }
  expect(wrong).toEqual([])
})

/** Where the bodies of a Markdown document lie, by the headings as they are shown. */
function bodies(document: Buffer): { path: string; start: number; end: number }[] {
  const text = document.toString('latin1')
  const sections = text.matchAll(/^### `(.*)`\n\n(`{3,}|~{3,})(.*)\n((?:.*\n)*?)\2\n\n/gm)
  return [...sections].map((match) => {
    const shown = String(match[1])
    const start = match.index + match[0].length - String(match[2]).length - 2 - String(match[4]).length
    return {
      path: shown.startsWith('"') ? String.raw`"quo\"te\n\xff"` : shown,
      start,
      end: start + String(match[4]).length,
    }
  })
}

test('damage in the text of a JSON line names the file', async () => {
  using folder = temporaryFolder()
  for (const name of ['json', 'jsonl']) {
    const damaged = Buffer.from(String(DOCUMENTS[name]).replace('export {}', 'export []'))
    expect(await open(folder.path, damaged)).toMatchObject({ code: 'ARC_HASH_MISMATCH', path: 'src/main.ts' })
  }
})

test('content that is only read later is checked against what the entry declares', async () => {
  using folder = temporaryFolder()
  const at = md.indexOf('export {}')
  const damaged = Buffer.from(md)
  damaged[at] = 0x45
  await using opened = await openBytes(folder.path, damaged)
  const facts = await factsOf(opened)
  const declared = opened.records.find(({ path }) => path === 'src/main.ts')
  expect(facts.find(({ path }) => path === 'src/main.ts')?.sha256).not.toBe(declared?.sha256)
})
