import { join } from 'node:path'
import { type Entry, type EntryPath, memorySource } from '@arc/core'
import { fileEntry, temporaryFolder } from '@arc/core/testing'
import { describe, expect, test } from 'vitest'
import { writeArchiveFile } from '../src/node.ts'
import { verdictOf } from './reading.ts'
import { extraField, zip } from './zip-builder.ts'

const folder = (path: string): Entry => ({ path: path as EntryPath, type: 'directory', mode: 0o755, sizeBytes: 0 })
const link: Entry = { path: 'l' as EntryPath, type: 'symlink', mode: 0o777, sizeBytes: 2, target: 'aa' as EntryPath }

/** 5 paths, which have 12 characters, and a link target of 2. */
const ENTRIES = [fileEntry('aa', ''), folder('d'), folder('d/e'), fileEntry('d/e/f', ''), link]

describe('the names of an archive may take no more memory than its limits allow', () => {
  test.each([
    ['tar', undefined],
    ['tar.gz', undefined],
    ['tar.zst', undefined],
    ['tar.zst', 'random'],
    ['zip', undefined],
  ] as const)('%s %s', async (format, access) => {
    using scratch = temporaryFolder()
    const path = join(scratch.path, 'archive')
    await writeArchiveFile(memorySource('s', ENTRIES), path, { format, manifest: false })
    const options = access === undefined ? {} : { access }
    expect(await verdictOf(path, { ...options, limits: { maxTotalPathLength: 14, maxEntries: 5 } })).toBe('accepted')
    for (const limits of [{ maxTotalPathLength: 13 }, { maxEntries: 4 }])
      expect(await verdictOf(path, { ...options, limits })).toBe('ARC_LIMIT_EXCEEDED')
    expect(await verdictOf(path, { ...options, limits: { maxEntries: Number.NaN } })).toBe('ARC_OPTION_INVALID')
  })

  test('folders that only other paths tell of count', async () => {
    const bytes = zip([{ name: 'a/b/c', content: '' }])
    expect(await verdictOf(bytes, { limits: { maxTotalPathLength: 9, maxEntries: 3 } })).toBe('accepted')
    for (const limits of [{ maxTotalPathLength: 8 }, { maxEntries: 2 }])
      expect(await verdictOf(bytes, { limits })).toBe('ARC_LIMIT_EXCEEDED')
  })

  test('so does what else a list of entries holds, in which names may be short', async () => {
    const bytes = zip([{ name: 'a', content: '', centralExtra: extraField(0x4141, new Uint8Array(4000)) }])
    expect(await verdictOf(bytes)).toBe('accepted')
    expect(await verdictOf(bytes, { limits: { maxTotalPathLength: 3000 } })).toBe('ARC_LIMIT_EXCEEDED')
  })
})
