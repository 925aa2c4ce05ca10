import fs from 'node:fs'
import { join } from 'node:path'
import { crc32, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { type Entry, memorySource } from '@arc/core'
import { fileEntry, temporaryFolder } from '@arc/core/testing'
import { expect, test } from 'vitest'
import { type ArchiveFormat, openArchive, sidecarPaths, writeArchive, writeArchiveFile } from '../src/node.ts'
import { decodeSeekTable, encodeSeekTable, SEEK_FOOTER_BYTES, seekTableBytes } from '../src/zstd-seek-table.ts'
import { drain, readAll, verdictOf } from './reading.ts'
import { file, folder, tar } from './tar-builder.ts'
import { describeWith, run } from './tools.ts'

const FORMATS = ['tar', 'tar.gz', 'tar.zst', 'tar.lz4', 'zip'] as const satisfies ArchiveFormat[]
const NAME = '.arc-manifest.sha256'
const files = [fileEntry('a', 'first content'), fileEntry('b/c', 'second content'), fileEntry('d', '')]

async function written(entries: Iterable<Entry>, format: ArchiveFormat, manifest = true): Promise<Buffer> {
  const pieces: Buffer[] = []
  const sink = { write: (bytes: Uint8Array) => void pieces.push(Buffer.from(bytes)) }
  await writeArchive(memorySource('x', entries), sink, { format, manifest, level: format === 'zip' ? 0 : undefined })
  return Buffer.concat(pieces)
}

/** The archive with one text put in place of another of the same length. */
function altered(archive: Buffer, before: string, after: string): Buffer {
  const at = archive.indexOf(before)
  expect(at).toBeGreaterThan(-1)
  const copy = Buffer.from(archive)
  copy.write(after, at)
  return copy
}

const refusal = async (input: Uint8Array, access: 'sequential' | 'random' = 'sequential'): Promise<unknown> => {
  try {
    await drain(input, { access })
    return 'accepted'
  } catch (error) {
    return error
  }
}

test.each(FORMATS)('%s: what is whole is accepted, and its manifest is not handed out', async (format) => {
  const rows = await readAll(await written(files, format))
  expect(rows.map(({ path }) => path)).toEqual(['a', 'b/c', 'd'])
})

test.each(FORMATS)(
  '%s: names of any bytes, many files, large files and hard links are checked alike',
  async (format) => {
    const large = fileEntry('large', Buffer.alloc(3_000_000, 'x'))
    const first = { ...fileEntry('one', 'shared'), hardLink: '1' }
    const entries = [
      fileEntry('-', 'not the standard input'),
      fileEntry('back\\slash', '1'),
      large,
      fileEntry('new\nline\r', '2'),
      first,
      fileEntry('raw \udcff', '3'),
      ...Array.from({ length: 9000 }, (_, i) => fileEntry(`s/${String(i).padStart(200, '0')}`, '')),
      { ...fileEntry('two', 'shared'), hardLink: '1' },
    ]
    expect((await drain(await written(entries, format))).length).toBe(entries.length)
  },
)

test('tar: a file whose content is not the one that was written is named', async () => {
  const archive = altered(await written(files, 'tar'), 'second', 'SECOND')
  expect(await refusal(archive)).toMatchObject({ code: 'ARC_HASH_MISMATCH', path: 'b/c' })
})

test('tar: a large file, and one that nobody read, are checked too', async () => {
  const archive = await written([fileEntry('big', Buffer.alloc(3_000_000, 'y')), ...files], 'tar')
  const wrong = altered(archive, 'yyyy', 'yyyz')
  expect(await refusal(wrong)).toMatchObject({ code: 'ARC_HASH_MISMATCH', path: 'big' })
  await using source = await openArchive(wrong)
  await expect(Array.fromAsync(source.entries())).rejects.toMatchObject({ code: 'ARC_HASH_MISMATCH', path: 'big' })
})

test('tar: missing and added files, a missing manifest and what follows it', async () => {
  const archive = await written(files, 'tar')
  const [second, manifest] = [archive.indexOf('b/c\0'), archive.indexOf(NAME)]
  const without = Buffer.concat([archive.subarray(0, second), archive.subarray(second + 1024)])
  expect(await refusal(without)).toMatchObject({ code: 'ARC_ARCHIVE_DAMAGED', path: 'b/c' })
  const extra = tar(file('new', 'x')).slice(0, 1024)
  const added = Buffer.concat([archive.subarray(0, manifest), extra, archive.subarray(manifest)])
  expect(await refusal(added)).toMatchObject({ code: 'ARC_ARCHIVE_DAMAGED', path: 'new' })
  const bare = Buffer.concat([archive.subarray(0, manifest), Buffer.alloc(1024)])
  expect(await refusal(bare)).toMatchObject({ message: expect.stringContaining('manifest is missing') })
  const behind = Buffer.concat([archive.subarray(0, manifest + 1024), extra, Buffer.alloc(1024)])
  expect(await refusal(behind)).toMatchObject({ message: expect.stringContaining('follows its manifest') })
  const folderBehind = Buffer.concat([archive.subarray(0, manifest + 1024), tar(folder('f/'))])
  expect(await verdictOf(folderBehind)).toBe('ARC_ARCHIVE_DAMAGED')
})

test('tar: a manifest that is malformed, or says things twice, is refused', async () => {
  const archive = await written(files, 'tar')
  for (const [before, after] of [
    ['  b/c\n', ' *b/c\n'],
    ['  b/c\n', '  b/x\n'],
    ['  b/c\n', '  b/c '],
    ['  d\n', '  a\n'],
  ] as const)
    expect(await verdictOf(altered(archive, before, after))).toBe('ARC_ARCHIVE_DAMAGED')
})

test('an archive that announces no manifest may hold such a file', async () => {
  const rows = await readAll(tar(file('a', 'x'), file(NAME, 'not even a manifest'), file('b', 'y')))
  expect(rows.map(({ path }) => path)).toEqual(['a', NAME, 'b'])
  const own = await readAll(await written([fileEntry(NAME, 'mine')], 'zip', false))
  expect(own.map(({ content }) => content)).toEqual(['mine'])
})

/** The archive with the content of its first frame altered, compressed anew, in a seek table that fits. */
function reframed(archive: Buffer, before: string, after: string): Buffer {
  const tableBytes = seekTableBytes(archive.subarray(-SEEK_FOOTER_BYTES)) as number
  const frames = decodeSeekTable(archive.subarray(-tableBytes))
  const [first, ...others] = frames
  const length = first?.compressedBytes ?? 0
  const content = altered(zstdDecompressSync(archive.subarray(0, length)), before, after)
  const frame = zstdCompressSync(content)
  const table = encodeSeekTable([{ compressedBytes: frame.length, contentBytes: content.length }, ...others])
  return Buffer.concat([frame, archive.subarray(length, -tableBytes), table])
}

test('tar.zst: an altered file is named in both ways of reading', async () => {
  const archive = await written(files, 'tar.zst')
  expect(await refusal(reframed(archive, 'second', 'second'), 'random')).toBe('accepted')
  const wrong = reframed(archive, 'second', 'SECOND')
  expect(await refusal(wrong)).toMatchObject({ code: 'ARC_HASH_MISMATCH', path: 'b/c' })
  expect(await refusal(wrong, 'random')).toMatchObject({ code: 'ARC_HASH_MISMATCH', path: 'b/c' })
  expect(await refusal(reframed(archive, '  b/c\n', '  b/x\n'), 'random')).toMatchObject({
    code: 'ARC_ARCHIVE_DAMAGED',
  })
})

test('zip and tar.zst tell the hashes before anything is read', async () => {
  const hello = '2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824'
  for (const format of ['zip', 'tar.zst'] as const) {
    await using source = await openArchive(await written([fileEntry('a', 'hello')], format), { access: 'random' })
    const [[entry] = []] = await Array.fromAsync(source.entries())
    expect(entry?.sha256).toBe(hello)
  }
})

test('zip: an altered file is named though its checksum was mended', async () => {
  const archive = altered(await written(files, 'zip'), 'second', 'SECOND')
  const [before, after] = [Buffer.alloc(4), Buffer.alloc(4)]
  before.writeUInt32LE(crc32('second content'))
  after.writeUInt32LE(crc32('SECOND content'))
  for (let at = archive.indexOf(before); at >= 0; at = archive.indexOf(before)) after.copy(archive, at)
  expect(await refusal(archive)).toMatchObject({ code: 'ARC_HASH_MISMATCH', path: 'b/c' })
})

describeWith(['zip'], 'zip', () => {
  test('what zip takes out of our archive, or adds to it, is noticed', async () => {
    using place = temporaryFolder()
    const path = join(place.path, 'x.zip')
    fs.writeFileSync(path, await written(files, 'zip'))
    run('zip', ['-q', '-d', path, 'b/c'])
    await expect(openArchive(path)).rejects.toMatchObject({ code: 'ARC_ARCHIVE_DAMAGED', path: 'b/c' })
    fs.writeFileSync(path, await written(files, 'zip'))
    fs.writeFileSync(join(place.path, 'new'), 'x')
    run('zip', ['-q', path, 'new'], { cwd: place.path })
    await expect(openArchive(path)).rejects.toMatchObject({ code: 'ARC_ARCHIVE_DAMAGED', path: 'new' })
  })
})

describeWith(['sha256sum', 'tar'], 'sidecars', () => {
  test('sha256sum checks the archive and what tar extracts from it', async () => {
    using place = temporaryFolder()
    const path = join(place.path, 'new\nline.tar')
    fs.writeFileSync(`${path}.sha256`, 'of an earlier one')
    const entries = [fileEntry('-', 'not the standard input'), ...files, fileEntry('raw \udcff', 'x')]
    const options = { format: 'tar', contentsSidecar: true } as const
    const report = await writeArchiveFile(memorySource('x', entries), path, options)
    const { archive, contents } = sidecarPaths(path)
    expect(run('sha256sum', ['--quiet', '--check', archive], { cwd: place.path })).toBe('')
    expect(fs.readFileSync(archive, 'latin1')).toContain(report.sha256)
    const out = join(place.path, 'out')
    fs.mkdirSync(out)
    run('tar', ['-xf', path, '-C', out, '--force-local'])
    expect(run('sha256sum', ['--quiet', '--check', contents], { cwd: out })).toBe('')
    await writeArchiveFile(memorySource('x', files), path, { format: 'tar', sidecar: false })
    expect(fs.readdirSync(place.path).toSorted()).toEqual(['new\nline.tar', 'new\nline.tar.contents.sha256', 'out'])
    fs.writeFileSync(archive, 'a remark')
    await writeArchiveFile(memorySource('x', files), path, { format: 'tar', sidecar: false })
    expect(fs.readFileSync(archive, 'utf8')).toBe('a remark')
  })
})
