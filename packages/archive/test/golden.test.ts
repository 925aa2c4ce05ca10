// Archives that were written once and stay readable for ever, also for a reader written from docs/formats/arc-archive-1.md alone.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Entry } from '@arc/core'
import { expect, test } from 'vitest'
import { decompressZstd, openArchive, type OpenOptions, writeArchive } from '../src/node.ts'
import { GOLDEN_ENTRIES, goldenRow, goldenSource } from './golden-tree.ts'
import { contentText } from './reading.ts'

const READER = join(import.meta.dirname, '../../../tools/read_archive.py')
const golden = (format: string): string => join(import.meta.dirname, `golden/arc-archive-1.${format}`)

async function rowOf(entry: Entry): Promise<string> {
  const content = entry.content === undefined ? undefined : Buffer.from(await contentText(entry), 'latin1')
  return goldenRow(entry, content)
}

async function rowsOf(path: string, options: OpenOptions = {}): Promise<string[]> {
  await using source = await openArchive(path, options)
  const rows: string[] = []
  for await (const batch of source.entries()) for (const entry of batch) rows.push(await rowOf(entry))
  return rows
}

const WHOLE = await Promise.all(GOLDEN_ENTRIES.map(rowOf))

/** Read once, an archive has no content for the second name of an inode. */
const READ_ONCE = await Promise.all(
  GOLDEN_ENTRIES.map((entry) => rowOf(entry.path.startsWith('second') ? { ...entry, content: undefined } : entry)),
)

/** zip keeps whole seconds. */
function inSeconds(row: string): string {
  const { mtimeNs, ...rest } = JSON.parse(row) as { mtimeNs: string }
  const ns = BigInt(mtimeNs)
  const wholeNs = ns - (((ns % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n)
  return JSON.stringify({ ...rest, mtimeNs: String(wholeNs) })
}

test.each([
  ['sequential', READ_ONCE],
  ['random', WHOLE],
] as const)('the golden tar.zst, in %s access, is what it was', async (access, rows) => {
  expect(await rowsOf(golden('tar.zst'), { access })).toEqual(rows)
})

test('the golden zip is what it was', async () => {
  expect((await rowsOf(golden('zip'))).map(inSeconds)).toEqual(WHOLE.map(inSeconds))
})

test('the tar stream that is written today is the golden one, byte for byte', async () => {
  const written: Uint8Array[] = []
  await writeArchive(goldenSource(), { write: (bytes) => void written.push(bytes.slice()) }, { format: 'tar' })
  const pieces: Uint8Array[] = []
  for await (const piece of decompressZstd([readFileSync(golden('tar.zst'))])) pieces.push(piece.slice())
  expect(Buffer.concat(written).equals(Buffer.concat(pieces))).toBe(true)
})

function read(...args: string[]): string {
  const { stdout, stderr, status } = spawnSync('python3', ['-B', READER, ...args], { encoding: 'utf8' })
  expect({ stderr, status }).toEqual({ stderr: '', status: 0 })
  return stdout
}

test('a reader in another language, written from the specification, reads the golden tar.zst', () => {
  const lines = read('list', golden('tar.zst')).trimEnd().split('\n')
  const withoutHash = WHOLE.map((row) => {
    const { sha256: _, ...rest } = JSON.parse(row) as { sha256?: string }
    return rest
  })
  expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual(withoutHash)
  expect(read('verify', golden('tar.zst'))).toBe('13 entries, 10 hashes\n')
  expect(read('read', golden('tar.zst'), 'folder/aè')).toBe('see below')
  expect(read('read', golden('tar.zst'), 'second name of run')).toBe('#!/bin/sh\n')
})
