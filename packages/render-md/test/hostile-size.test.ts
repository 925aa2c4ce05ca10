import { randomBytes } from 'node:crypto'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { DEFAULT_LIMITS } from '@arc/core'
import { openDump } from '@arc/render-md'
import { describe, expect, test } from 'vitest'
import { openingCode } from './documents.ts'
import { fileRecord, fileSection, linesDocument, markdownDocument } from './hostile-documents.ts'

describe('limits', () => {
  test('a million entries, or any other count, can be the most', async () => {
    const limits = { ...DEFAULT_LIMITS, maxEntries: 2 }
    const names = ['a', 'b', 'c']
    expect(await openingCode(markdownDocument({ sections: names.map((name) => fileSection(name)) }), { limits })).toBe(
      'ARC_LIMIT_EXCEEDED',
    )
    expect(await openingCode(linesDocument(names.map((name) => fileRecord(name))), { limits })).toBe(
      'ARC_LIMIT_EXCEEDED',
    )
    expect(await openingCode(markdownDocument({ sections: [fileSection('a'), fileSection('b')] }), { limits })).toBe(
      'taken',
    )
  })

  test('so can the characters of all paths', async () => {
    const limits = { ...DEFAULT_LIMITS, maxTotalPathLength: 3 }
    const names = ['aa', 'bb']
    expect(await openingCode(markdownDocument({ sections: names.map((name) => fileSection(name)) }), { limits })).toBe(
      'ARC_LIMIT_EXCEEDED',
    )
    expect(await openingCode(linesDocument(names.map((name) => fileRecord(name))), { limits })).toBe(
      'ARC_LIMIT_EXCEEDED',
    )
    expect(await openingCode(linesDocument([fileRecord('aaa')]), { limits })).toBe('taken')
  })

  test('so can bytes of a file and of all files', async () => {
    const sections = [fileSection('a', 'x'.repeat(9).concat('\n')), fileSection('b', 'x'.repeat(9).concat('\n'))]
    const records = [fileRecord('a', 'x'.repeat(10)), fileRecord('b', 'x'.repeat(10))]
    for (const limit of [{ maxFileBytes: 9 }, { maxTotalBytes: 19 }]) {
      const limits = { ...DEFAULT_LIMITS, ...limit }
      expect(await openingCode(markdownDocument({ sections }), { limits })).toBe('ARC_LIMIT_EXCEEDED')
      expect(await openingCode(linesDocument(records), { limits })).toBe('ARC_LIMIT_EXCEEDED')
    }
  })

  test('a line, a name or a heading without end is refused in little memory', async () => {
    const long = Buffer.alloc(12 * 1024 * 1024, 'x')
    expect(await openingCode(Buffer.concat([Buffer.from('---\n'), long]))).toBe('ARC_DUMP_DAMAGED')
    expect(
      await openingCode(Buffer.concat([Buffer.from('---\narc-dump: 1\nname: "x"\n---\n## Files\n\n### `'), long])),
    ).toMatch(/^ARC_(DUMP_DAMAGED|LIMIT_EXCEEDED)$/)
    expect(
      await openingCode(
        Buffer.concat([Buffer.from('---\narc-dump: 1\nname: "x"\n---\n\n## Files\n\n### `a`\n\n```text\n'), long]),
      ),
    ).toMatch(/^ARC_(DUMP_DAMAGED|LIMIT_EXCEEDED)$/)
  })

  test('a small document that becomes a huge one is refused before it fills the disk', async () => {
    const zeros = Buffer.alloc(160 * 1024 * 1024)
    expect(await openingCode(gzipSync(zeros))).toBe('ARC_LIMIT_EXCEEDED')
    expect(await openingCode(zstdCompressSync(zeros))).toBe('ARC_LIMIT_EXCEEDED')
    expect(await openingCode(gzipSync(randomBytes(5000)), { limits: { ...DEFAULT_LIMITS, maxTotalBytes: 4999 } })).toBe(
      'ARC_LIMIT_EXCEEDED',
    )
  })
})

describe('compression', () => {
  const plain = markdownDocument({ sections: [fileSection('a', randomBytes(3000).toString('hex').concat('\n'))] })

  test.each([
    ['gzip', gzipSync(plain)],
    ['zstd', zstdCompressSync(plain)],
  ])('%s that is cut or changed is refused', async (_name, packed) => {
    expect(await openingCode(packed)).toBe('taken')
    for (const end of [packed.length - 1, packed.length - 9, packed.length >> 1, 20, 5])
      expect([end, await openingCode(packed.subarray(0, end))]).toEqual([end, 'ARC_DUMP_DAMAGED'])
    const changed = Buffer.from(packed)
    changed[packed.length >> 1] = (changed[packed.length >> 1] as number) ^ 0x10
    expect(await openingCode(changed)).toMatch(/^ARC_(DUMP_DAMAGED|HASH_MISMATCH)$/)
  })

  test('parts that were compressed one by one are one document', async () => {
    for (const pack of [gzipSync, zstdCompressSync]) {
      expect(await openingCode(Buffer.concat([pack(plain.subarray(0, 99)), pack(plain.subarray(99))]))).toBe('taken')
      expect(await openingCode(Buffer.concat([pack(plain), pack(plain)]))).toBe('ARC_DUMP_DAMAGED')
    }
  })

  test('what is compressed twice is no dump', async () => {
    expect(await openingCode(gzipSync(gzipSync(plain)))).toBe('ARC_DUMP_UNSUPPORTED')
  })

  test('a document arrives from a stream in pieces of any size', async () => {
    for (const bytes of [plain, gzipSync(plain), zstdCompressSync(plain)]) {
      for (const pieceBytes of [1, 3, 1000, 100_000]) {
        const arriving = async function* (): AsyncGenerator<Uint8Array> {
          for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes)
        }
        await using source = await openDump(arriving(), { verifyContent: true })
        expect(source.records.map(({ path }) => path)).toEqual(['a'])
      }
    }
  })
})
