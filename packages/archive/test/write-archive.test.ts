import fs from 'node:fs'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { ArcError, comparePaths, type Entry, type EntryPath, memorySource, readContent } from '@arc/core'
import { Publication, sha256Hex } from '@arc/core/node'
import { fileEntry, temporaryFolder } from '@arc/core/testing'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  type ArchiveFormat,
  openArchive,
  streamSink,
  writeArchive,
  writeArchiveFile,
  type WriteArchiveOptions,
} from '../src/node.ts'
import { listTree, treeSource, writeAwkwardTree } from './awkward-tree.ts'
import { contentText, readAll } from './reading.ts'

const FORMATS = ['tar', 'tar.gz', 'tar.zst', 'tar.lz4', 'zip'] as const satisfies ArchiveFormat[]

async function written(
  entries: Iterable<Entry>,
  options: WriteArchiveOptions,
): Promise<{ bytes: Uint8Array; report: Awaited<ReturnType<typeof writeArchive>> }> {
  const pieces: Uint8Array[] = []
  const report = await writeArchive(
    memorySource('x', entries),
    { write: (bytes) => void pieces.push(bytes.slice()) },
    options,
  )
  return { bytes: new Uint8Array(Buffer.concat(pieces)), report }
}

test.each(FORMATS)('%s: an awkward tree comes back as it was', async (format) => {
  using folder = temporaryFolder()
  writeAwkwardTree(folder.path)
  const pieces: Uint8Array[] = []
  await writeArchive(
    treeSource(folder.path),
    { write: (bytes) => void pieces.push(bytes.slice()) },
    { format, manifest: false },
  )
  const byPath = new Map((await readAll(new Uint8Array(Buffer.concat(pieces)))).map((row) => [row.path, row]))
  const entries = listTree(folder.path)
  expect(byPath.size).toBe(entries.length)
  for (const entry of entries) {
    const row = byPath.get(entry.path)
    expect(row?.type).toBe(entry.type)
    expect(row?.mode).toBe(entry.mode)
    const ns = entry.mtimeNs as bigint
    expect(row?.mtimeNs).toBe(format === 'zip' ? ns - (ns % 1_000_000_000n) : ns)
    expect(row?.target).toBe(entry.target)
    if (entry.type === 'file' && row?.hardLink === undefined)
      expect(row?.content === (await contentText(entry))).toBe(true)
  }
  expect(byPath.get('z-hard-link')?.hardLink).toBe(format === 'zip' ? undefined : 'plain.txt')
})

const entryName = fc.oneof(
  fc.string({ minLength: 1, maxLength: 60, unit: 'binary' }).filter((name) => Buffer.byteLength(name) <= 255),
  fc.constantFrom('a'.repeat(100), 'b'.repeat(101), 'c'.repeat(255), 'ä'.repeat(50), 'ä'.repeat(51)),
)
const pathOf = fc
  .array(entryName, { minLength: 1, maxLength: 6 })
  .map((names) => names.map((name) => name.replaceAll(/[/\0]/g, '_').replace(/^\.\.?$/, '_')).join('/') as EntryPath)
const anyEntry = fc
  .tuple(
    pathOf,
    fc.uint8Array({ maxLength: 2000 }),
    fc.integer({ min: 0, max: 0o7777 }),
    fc.bigInt({ min: -(10n ** 18n), max: 10n ** 19n }),
  )
  .map(([path, content, mode, mtimeNs]) => Object.assign(fileEntry(path, content, mode), { mtimeNs }))

test.each(FORMATS)('%s: any files come back as they were', async (format) => {
  const property = fc.asyncProperty(
    fc.uniqueArray(anyEntry, { selector: ({ path }) => path, maxLength: 8 }),
    async (entries) => {
      const files = entries.filter(({ path }) => !entries.some((other) => other.path.startsWith(`${path}/`)))
      const { bytes } = await written(files, { format, manifest: false })
      const rows = await readAll(bytes)
      const sorted = files.toSorted((a, b) => comparePaths(a.path, b.path))
      expect(rows.map(({ path }) => path)).toEqual(sorted.map(({ path }) => path))
      for (const [i, entry] of sorted.entries()) {
        expect(rows[i]?.mode).toBe(entry.mode)
        expect(rows[i]?.content).toBe(await contentText(entry))
        if (format !== 'zip') expect(rows[i]?.mtimeNs).toBe(entry.mtimeNs)
      }
    },
  )
  await fc.assert(property, { numRuns: 25 })
})

const many = Array.from({ length: 200 }, (_, i) => fileEntry(`f${i}`, Buffer.alloc(i * 400, `line ${i}\n`)))

test.each(FORMATS)('%s: the bytes do not depend on workers, and times only where asked', async (format) => {
  const one = await written(many, { format, workers: 1 })
  const four = await written(many, { format, workers: 4 })
  expect(Buffer.compare(one.bytes, four.bytes)).toBe(0)
  const later = many.map((entry) => ({ ...entry, mtimeNs: 5_000_000_000n }))
  const fixed = await written(many, { format, mtimeNs: 1_000_000_000n })
  expect(Buffer.compare(fixed.bytes, (await written(later, { format, mtimeNs: 1_000_000_000n })).bytes)).toBe(0)
})

test('levels matter, and wrong ones are refused', async () => {
  const low = await written(many, { format: 'tar.gz', level: 1 })
  const high = await written(many, { format: 'tar.gz', level: 9 })
  expect(high.bytes.length).toBeLessThan(low.bytes.length)
  await expect(written(many, { format: 'tar.zst', level: 23 })).rejects.toMatchObject({ code: 'ARC_OPTION_INVALID' })
  await expect(written(many, { format: 'rar' as 'tar' })).rejects.toMatchObject({ code: 'ARC_OPTION_INVALID' })
})

test.each([0, -1, 1.5, 257, Number.NaN, Number.POSITIVE_INFINITY, '2'])(
  '%s is no number of workers',
  async (workers) => {
    for (const format of FORMATS)
      await expect(written(many, { format, workers: workers as number })).rejects.toMatchObject({
        code: 'ARC_OPTION_INVALID',
      })
  },
)

test.each([
  undefined,
  {},
  { format: 'toString' },
  { format: 'tar', level: '6' },
  { format: 'tar.gz', level: Number.NaN },
  { format: 'tar', mtimeNs: 0 },
  { format: 'tar', manifest: 'no' },
  { format: 'tar', sidecar: 1 },
  { format: 'tar', contentsSidecar: 'yes' },
  { format: 'tar', contentsSidecar: true, manifest: false },
])('a file is not begun with the options %j', async (options) => {
  using folder = temporaryFolder()
  const path = join(folder.path, 'a.tar')
  const writing = writeArchiveFile(memorySource('x', many), path, options as WriteArchiveOptions)
  await expect(writing).rejects.toMatchObject({ code: 'ARC_OPTION_INVALID', hint: expect.any(String) })
  expect(fs.readdirSync(folder.path)).toEqual([])
})

const LARGE = Buffer.alloc(3_000_000, 'large')
const LIES: readonly Entry[] = [
  { ...fileEntry('lie', 'content'), sha256: '0'.repeat(64) },
  { ...fileEntry('lie', LARGE), sha256: '0'.repeat(64) },
]

test.each(FORMATS)('%s: content that is not what its entry declares is refused', async (format) => {
  for (const manifest of [true, false]) {
    for (const lie of LIES) {
      using folder = temporaryFolder()
      const source = memorySource('x', [fileEntry('a', 'x'), lie])
      const writing = writeArchiveFile(source, join(folder.path, 'x'), { format, manifest })
      await expect(writing).rejects.toMatchObject({ code: 'ARC_HASH_MISMATCH', path: 'lie' })
      expect(fs.readdirSync(folder.path)).toEqual([])
    }
    const one: Entry = { ...fileEntry('one', 'shared'), hardLink: '1' }
    const linking = written([one, { ...one, path: 'two' as EntryPath, sha256: '0'.repeat(64) }], { format, manifest })
    await expect(linking).rejects.toMatchObject({ code: 'ARC_HASH_MISMATCH', path: 'two' })
    const sha256 = sha256Hex(LARGE)
    const { bytes } = await written([{ ...fileEntry('truth', LARGE), sha256 }], { format, manifest })
    expect((await readAll(bytes)).map(({ path }) => path)).toEqual(['truth'])
  }
})

const UNSAFE = ['../x', '/x', 'a/../b', '', 'a\0b', '.', 'a//b', 'a/', './a']

test.each(FORMATS)('%s: paths that no reader takes are refused', async (format) => {
  for (const path of UNSAFE) {
    const entries = [fileEntry('first', 'x'), { ...fileEntry('x', 'x'), path: path as EntryPath }]
    await expect(written(entries, { format })).rejects.toMatchObject({ code: 'ARC_PATH_UNSAFE' })
  }
  const deep = `${'d/'.repeat(300)}${'n'.repeat(300)}`
  const { bytes } = await written([fileEntry(deep, 'x')], { format })
  expect((await readAll(bytes, { limits: { maxDepth: 400, maxNameBytes: 400 } })).map(({ path }) => path)).toEqual([
    deep,
  ])
})

test('the manifest is the last entry and lists every file', async () => {
  const { bytes, report } = await written(
    [fileEntry('a', 'hello'), fileEntry('new\nline', ''), fileEntry('.arc-manifest.sha256', 'old')],
    { format: 'tar' },
  )
  const rows = await readAll(bytes)
  const empty = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'
  const hello = '2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824'
  expect(rows.map(({ path }) => path)).toEqual(['a', 'new\nline'])
  const manifest = `${hello}  a\n\\${empty}  new\\nline\n`
  expect(Buffer.from(report.manifest ?? []).toString()).toBe(manifest)
  expect(
    Buffer.from(bytes)
      .subarray(-1024 - 512)
      .toString('latin1')
      .replace(/\0*$/, ''),
  ).toBe(manifest)
  expect(report.omissions).toEqual([
    { path: '.arc-manifest.sha256', reason: 'own-output', detail: 'the archive has its own manifest' },
  ])
})

test.each(['tar', 'zip'] as const)(
  '%s: files that vanished or changed are listed, and the archive is whole',
  async (format) => {
    const gone: Entry = {
      ...fileEntry('gone', 'x'),
      content: {
        kind: 'sync',
        open: () => {
          throw new ArcError('ARC_ENTRY_UNREADABLE', 'gone')
        },
      },
    }
    const { bytes, report } = await written(
      [
        fileEntry('a', 'x'),
        gone,
        { ...fileEntry('grown', 'xyz'), sizeBytes: 2 },
        { ...fileEntry('shrunk', 'xyz'), sizeBytes: 5 },
        fileEntry('z', 'x'),
      ],
      { format, manifest: false },
    )
    expect((await readAll(bytes)).map(({ path }) => path)).toEqual(['a', 'z'])
    expect(report.omissions.map(({ path, reason }) => `${path} ${reason}`)).toEqual([
      'gone unreadable',
      'grown changed',
      'shrunk changed',
    ])
    expect(report.entries).toBe(2)
  },
)

test.each(['tar', 'zip'] as const)('%s: a large file that changes ends the job', async (format) => {
  const large = { ...fileEntry('large', new Uint8Array(6_000_000)), sizeBytes: 6_000_001 }
  await expect(written([large], { format })).rejects.toMatchObject({ code: 'ARC_ENTRY_CHANGED' })
})

test('a tar.zst gives single files without reading the rest', async () => {
  const { bytes } = await written([...many, fileEntry('big', Buffer.alloc(7_000_000, 'abc'))], {
    format: 'tar.zst',
    manifest: false,
  })
  let readBytes = 0
  const input = {
    sizeBytes: bytes.length,
    read(into: Uint8Array, position: number) {
      const part = bytes.subarray(position, position + into.length)
      into.set(part)
      readBytes += part.length
      return part.length
    },
  }
  await using source = await openArchive(input, { access: 'random' })
  const entries: Entry[] = []
  for await (const batch of source.entries()) entries.push(...batch)
  expect(entries.map(({ path }) => path)).toEqual([...many.map(({ path }) => path), 'big'].sort())
  const before = readBytes
  const wanted = entries.find(({ path }) => path === 'f150') as Entry
  expect(await contentText(wanted)).toBe(await contentText(many[150] as Entry))
  expect(await contentText(wanted)).toBe(await contentText(many[150] as Entry))
  expect(readBytes - before).toBeLessThan(bytes.length)
  expect((await contentText(entries.find(({ path }) => path === 'big') as Entry)).length).toBe(7_000_000)
})

test('an index that lies is refused', async () => {
  const { bytes } = await written(many, { format: 'tar.zst', manifest: false })
  const { bytes: other } = await written(
    many.map((entry) => ({ ...entry, mode: 0o600 })),
    { format: 'tar.zst', manifest: false },
  )
  const indexAt = (archive: Uint8Array): number =>
    Buffer.from(archive).lastIndexOf(Buffer.from([0x5a, 0x2a, 0x4d, 0x18]))
  // The index of one archive behind the frames of another; both are the same but for modes.
  const mixed = new Uint8Array(Buffer.concat([bytes.subarray(0, indexAt(bytes)), other.subarray(indexAt(other))]))
  const reading = async (): Promise<void> => {
    await using source = await openArchive(mixed, { access: 'random' })
    for await (const batch of source.entries())
      for (const entry of batch)
        if (entry.content !== undefined) for await (const _piece of readContent(entry.content));
  }
  await expect(reading()).rejects.toMatchObject({ code: expect.stringMatching(/^ARC_ARCHIVE_(UNSAFE|DAMAGED)$/) })
})

test('archives go to a publication and to a stream', async () => {
  using folder = temporaryFolder()
  const path = join(folder.path, 'x.tar.gz')
  {
    using publication = new Publication(path)
    await writeArchive(memorySource('x', many), publication, { format: 'tar.gz' })
    publication.commit()
  }
  expect((await readAll(path)).length).toBe(200)
  const stream = new PassThrough({ highWaterMark: 1000 })
  const [report, rows] = await Promise.all([
    writeArchive(memorySource('x', many), streamSink(stream), { format: 'tar.zst' }).then(
      (done) => (stream.end(), done),
    ),
    readAll(stream as AsyncIterable<Uint8Array>),
  ])
  expect(rows.length).toBe(200)
  expect(report.archiveBytes).toBeGreaterThan(1000)
  expect(fs.readdirSync(folder.path)).toEqual(['x.tar.gz'])
})

test('an abort ends writing and reading', async () => {
  await expect(written(many, { format: 'tar', signal: AbortSignal.abort(new Error('enough')) })).rejects.toThrow(
    'enough',
  )
  const { bytes } = await written(many, { format: 'tar' })
  await using source = await openArchive(bytes)
  const entries = source.entries({ signal: AbortSignal.abort(new Error('enough')) })
  await expect(Array.fromAsync(entries)).rejects.toThrow('enough')
})
