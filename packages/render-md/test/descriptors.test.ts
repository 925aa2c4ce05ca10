import { existsSync, readdirSync } from 'node:fs'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { temporaryFolder } from '@arc/core/testing'
import { expect, test } from 'vitest'
import { factsOf, openBytes, openingError, render } from './documents.ts'
import { fileRecord, fileSection, linesDocument, markdownDocument } from './hostile-documents.ts'
import { randomTree } from './trees.ts'

const FOLDER = '/proc/self/fd'
const SECTIONS = [fileSection('a', 'x\n'.repeat(500))]

test('no document keeps a file open once it is refused or disposed', async (context) => {
  context.skip(!existsSync(FOLDER), 'open files can only be counted on Linux')
  using folder = temporaryFolder()
  const md = markdownDocument({ sections: SECTIONS })
  const lines = linesDocument([fileRecord('a')])
  const good = [md, lines, gzipSync(md), zstdCompressSync(lines)]
  const bad = [
    md.subarray(0, -5),
    lines.subarray(0, -5),
    gzipSync(md).subarray(0, 40),
    zstdCompressSync(md).subarray(0, 40),
    Buffer.from('no'),
  ]
  const use = async (): Promise<void> => {
    for (const bytes of good) {
      await using source = await openBytes(folder.path, bytes, { verifyContent: true })
      await factsOf(source)
    }
    for (const bytes of bad) expect(await openingError(folder.path, bytes)).toBeDefined()
    await render(randomTree(5).entries)
  }
  await use()
  const before = readdirSync(FOLDER).length
  for (let i = 0; i < 5; i++) await use()
  expect(readdirSync(FOLDER).length).toBe(before)
})
