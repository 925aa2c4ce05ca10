import fs from 'node:fs'
import { join } from 'node:path'
import {
  bytesContent,
  decodePath,
  type Entry,
  type EntryAttributes,
  type EntryPath,
  type ExtendedAttribute,
  memorySource,
} from '@arc/core'
import { plainAttributes } from '@arc/core/node'
import { temporaryFolder } from '@arc/core/testing'
import { expect, test } from 'vitest'
import { type ArchiveFormat, openArchive, writeArchiveFile } from '../src/node.ts'
import { concat, file, pax, paxRaw, record, tar } from './tar-builder.ts'
import { describeWith, run } from './tools.ts'

const BOTH = { owners: true, xattrs: true }

function xattr(name: string | Buffer, value: string | Buffer): ExtendedAttribute {
  return { name: decodePath(Buffer.from(name)), value: Buffer.from(value) }
}

function entry(path: string, attributes: EntryAttributes | undefined, facts: Partial<Entry> = {}): Entry {
  const content = Buffer.from(path)
  return {
    path: path as EntryPath,
    type: 'file',
    mode: 0o644,
    sizeBytes: content.length,
    mtimeNs: 1_700_000_000_123_456_789n,
    content: bytesContent(content),
    ...(attributes && { attributes }),
    ...facts,
  }
}

const folderFacts = { type: 'directory', mode: 0o755, sizeBytes: 0, content: undefined } as const
const ODD_NAME = Buffer.from('user.100%=odd\nnäme\xff', 'latin1')

/** Everything that has a form of its own in a header. */
const ENTRIES: readonly Entry[] = [
  entry('big', { owner: { uid: 4_294_967_294, gid: 2_097_152 }, xattrs: [xattr('user.big', Buffer.alloc(30_000, 7))] }),
  entry('folder', { owner: { uid: 1, gid: 2, userName: 'daemon', groupName: 'bin' }, xattrs: [] }, folderFacts),
  entry('folder/long', {
    owner: { uid: 12, gid: 13, userName: 'u'.repeat(40), groupName: 'grüppe' },
    xattrs: [xattr('user.empty', ''), xattr('user.text', 'a=b\nc'), xattr('user.zeros', Buffer.alloc(3))],
  }),
  entry(
    'link',
    { owner: { uid: 5, gid: 6 }, xattrs: [] },
    { type: 'symlink', target: 'big' as EntryPath, content: undefined, sizeBytes: 3 },
  ),
  entry('odd', { owner: { uid: 0, gid: 0 }, xattrs: [xattr(ODD_NAME, Buffer.from([0, 255, 10]))] }),
]

async function write(path: string, format: ArchiveFormat, entries: readonly Entry[] = ENTRIES): Promise<string> {
  await writeArchiveFile(memorySource('project', entries), path, { format, sidecar: false })
  return path
}

/** Path and attributes of everything in an archive, in order of path. */
async function attributesIn(path: string | Uint8Array, options: Parameters<typeof openArchive>[1]): Promise<unknown[]> {
  await using source = await openArchive(path, options)
  const rows: [string, unknown][] = []
  for await (const batch of source.entries())
    for (const each of batch) rows.push([each.path, each.attributes && plainAttributes(each.attributes)])
  return rows.sort(([a], [b]) => (a < b ? -1 : 1))
}

function given(entries: readonly Entry[], choose: (attributes: EntryAttributes) => EntryAttributes): unknown[] {
  return entries.map(({ path, attributes }) => [path, attributes && plainAttributes(choose(attributes))])
}

test.each([
  ['tar', 'sequential'],
  ['tar.gz', 'sequential'],
  ['tar.zst', 'sequential'],
  ['tar.zst', 'random'],
] as const)('owners and extended attributes come back from %s, read %s', async (format, access) => {
  using scratch = temporaryFolder()
  const path = await write(join(scratch.path, 'archive'), format)
  expect(await attributesIn(path, { ...BOTH, access })).toEqual(given(ENTRIES, (all) => all))
  expect(await attributesIn(path, { owners: true, access })).toEqual(given(ENTRIES, ({ owner }) => ({ owner })))
  expect(await attributesIn(path, { xattrs: true, access })).toEqual(given(ENTRIES, ({ xattrs }) => ({ xattrs })))
})

test('who does not ask for them gets none, and an archive of entries without any is what it always was', async () => {
  using scratch = temporaryFolder()
  const path = await write(join(scratch.path, 'archive'), 'tar.zst')
  for (const access of ['sequential', 'random'] as const)
    expect(await attributesIn(path, { access })).toEqual(ENTRIES.map(({ path: own }) => [own, undefined]))
  const bare = ENTRIES.map((each) => ({ ...each, attributes: undefined }))
  const plain = await write(join(scratch.path, 'plain'), 'tar', bare)
  expect(fs.readFileSync(plain).subarray(108, 124).toString()).toBe('0000000\x000000000\0')
  const told = await attributesIn(plain, BOTH)
  expect(told).toContainEqual(['big', { owner: { uid: 0, gid: 0 }, xattrs: [] }])
})

test('attributes that no header has room for are refused', async () => {
  using scratch = temporaryFolder()
  const large = entry('large', { xattrs: [xattr('user.large', Buffer.alloc(60_000))] })
  await expect(write(join(scratch.path, 'archive'), 'tar', [large])).rejects.toMatchObject({
    code: 'ARC_LIMIT_EXCEEDED',
    path: 'large',
  })
})

test('zip keeps owners, by number, and refuses extended attributes', async () => {
  using scratch = temporaryFolder()
  const owned = ENTRIES.map(({ attributes, ...rest }) => ({ ...rest, attributes: { owner: attributes?.owner } }))
  const path = await write(join(scratch.path, 'archive'), 'zip', owned)
  expect(await attributesIn(path, { owners: true })).toEqual(
    given(ENTRIES, ({ owner }) => ({ owner: { uid: owner?.uid ?? 0, gid: owner?.gid ?? 0 } })),
  )
  expect(await attributesIn(path, {})).toEqual(ENTRIES.map(({ path: own }) => [own, undefined]))
  await expect(write(join(scratch.path, 'other'), 'zip')).rejects.toMatchObject({ code: 'ARC_OPTION_INVALID' })
})

/** The extended attributes of a file on disk, as the programs of the system tell them. */
function onDisk(root: string, name: string): string {
  return run('getfattr', ['--dump', '--match=^user', '--encoding=hex', name], { cwd: root })
}

describeWith(['tar', 'bsdtar', 'getfattr'], 'other programs', () => {
  test.each([
    ['tar', ['--xattrs', '--xattrs-include=*', '--warning=no-unknown-keyword']],
    ['bsdtar', ['--xattrs']],
  ])('%s sees the owners and sets the extended attributes', async (program, flags) => {
    using scratch = temporaryFolder()
    const path = await write(join(scratch.path, 'archive'), 'tar')
    const out = join(scratch.path, 'out')
    fs.mkdirSync(out)
    const listed = run(program, ['-t', '-v', '--numeric-owner', '-f', path])
    expect(listed).toMatch(/ 4294967294[/ ]+2097152 .* big\n/)
    expect(listed).toMatch(/ 5[/ ]+6 .* link -> big\n/)
    expect(run(program, ['-t', '-v', '-f', path])).toMatch(/ daemon[/ ]+bin .* folder\/\n/)
    run(
      program,
      ['-x', ...flags, '--no-same-owner', '-f', path, '-C', out, 'folder', 'odd', 'big'].filter(
        (flag) => program === 'tar' || flag !== 'big',
      ),
    )
    expect(onDisk(out, 'folder/long')).toBe(
      '# file: folder/long\nuser.empty=0x\nuser.text=0x613d620a63\nuser.zeros=0x000000\n\n',
    )
    // Of names with odd bytes GNU tar knows no form that others read.
    if (program === 'bsdtar') expect(onDisk(out, 'odd')).toContain('=0x00ff0a\n')
  })

  test.each([
    ['tar', ['--xattrs', '--xattrs-include=*', '--format=posix']],
    ['bsdtar', ['--xattrs', '--format=pax']],
  ])('what %s writes is read', async (program, flags) => {
    using scratch = temporaryFolder()
    const root = join(scratch.path, 'tree')
    fs.mkdirSync(root)
    fs.writeFileSync(join(root, 'file'), 'x')
    for (const [name, value] of [
      ['user.a', '0x00ff0a'],
      ['user.100%', '0x31'],
      ['user.utf-8 – é', '0x32'],
    ] as const)
      run('setfattr', ['-n', name, '-v', value, join(root, 'file')])
    const path = join(scratch.path, 'archive.tar')
    run(program, ['-c', ...flags, '--numeric-owner', '-f', path, '-C', root, 'file'])
    const { uid, gid } = fs.statSync(root)
    expect(await attributesIn(path, BOTH)).toEqual([
      [
        'file',
        {
          owner: { uid, gid },
          xattrs: [
            ['user.100%', 'MQ=='],
            ['user.a', 'AP8K'],
            ['user.utf-8 – é', 'Mg=='],
          ],
        },
      ],
    ])
  })
})

test('an owner that is none is not taken, and one that a global header gives to all is refused', async () => {
  const owned = (uid: string, type: string): Uint8Array => tar(pax({ uid }, type), file('file'))
  expect(await attributesIn(owned('4294967295', 'x'), { owners: true })).toEqual([['file', undefined]])
  expect(await attributesIn(owned('4321', 'x'), { owners: true })).toEqual([['file', { owner: { uid: 4321, gid: 0 } }]])
  await expect(attributesIn(owned('x1', 'x'), { owners: true })).rejects.toMatchObject({ code: 'ARC_ARCHIVE_DAMAGED' })
  await expect(attributesIn(owned('4321', 'g'), BOTH)).rejects.toMatchObject({ code: 'ARC_ARCHIVE_UNSAFE' })
  expect(await attributesIn(owned('4321', 'g'), {})).toEqual([['file', undefined]])
})

test.each([
  ['ARC_ARCHIVE_UNSAFE', [record('SCHILY.xattr.user.a', '1'), record('SCHILY.xattr.user.a', '2')]],
  ['ARC_ARCHIVE_UNSAFE', [record('SCHILY.xattr.user.a', '1'), record('LIBARCHIVE.xattr.user.a', 'Mg')]],
  ['ARC_ARCHIVE_DAMAGED', [record('SCHILY.xattr.', '1')]],
  ['ARC_ARCHIVE_DAMAGED', [record(`SCHILY.xattr.${'n'.repeat(256)}`, '1')]],
  ['ARC_ARCHIVE_DAMAGED', [record('LIBARCHIVE.xattr.user.%00', 'MQ')]],
  ['ARC_ARCHIVE_DAMAGED', [record('LIBARCHIVE.xattr.user.a', 'M!Q=')]],
  ['ARC_ARCHIVE_DAMAGED', [record('LIBARCHIVE.xattr.user.a', 'MQ==M')]],
  ['ARC_ARCHIVE_DAMAGED', [record('LIBARCHIVE.xattr.user.a', 'M')]],
] as const)('%s: extended attributes that are told in two ways, or make no sense', async (code, records) => {
  const archive = tar(paxRaw(concat(...records)), file('file'))
  await expect(attributesIn(archive, BOTH)).rejects.toMatchObject({ code })
  expect(await attributesIn(archive, {})).toEqual([['file', undefined]])
})
