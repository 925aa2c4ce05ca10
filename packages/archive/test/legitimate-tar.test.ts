import { expect, test } from 'vitest'
import { readAll, type Read } from './reading.ts'
import {
  base256,
  blocks,
  concat,
  endMark,
  file,
  folder,
  hardLink,
  header,
  longText,
  pax,
  paxRaw,
  record,
  symlink,
  tar,
} from './tar-builder.ts'

const MTIME_NS = 1_700_000_000_000_000_000n
const read = (path: string, rest: Partial<Read> = {}): Read => ({
  path,
  type: 'file',
  mode: 0o644,
  mtimeNs: MTIME_NS,
  content: 'x',
  ...rest,
})
const readFolder = (path: string, rest: Partial<Read> = {}): Read => ({
  path,
  type: 'directory',
  mode: 0o755,
  mtimeNs: MTIME_NS,
  ...rest,
})
const octal = (value: number): string => `${value.toString(8).padStart(11, '0')}\0`
const name255 = 'n'.repeat(255)
const deep = `${'d/'.repeat(999)}x`
const segment10 = (map: string): Uint8Array => blocks(map)

/** Archives that are unusual and right, and what they hold. */
const archives: Readonly<Record<string, [Uint8Array, Read[]]>> = {
  'an empty archive': [endMark, []],
  'a V7 archive': [
    tar(file('a', 'x', { dialect: 'v7' }), header({ name: 'd/', dialect: 'v7', type: '\0', mode: '0000755\0' })),
    [read('a'), readFolder('d')],
  ],
  'a folder listed twice': [tar(folder('d/'), folder('d/'), file('d/a', 'x')), [readFolder('d'), read('d/a')]],
  'a GNU archive': [tar(file('a', 'x', { dialect: 'gnu' })), [read('a')]],
  'a GNU header with times where ustar has its prefix': [
    tar(file('a', 'x', { dialect: 'gnu', prefix: octal(1) + octal(2) })),
    [read('a')],
  ],
  'a star header with its shorter prefix': [
    tar(
      file('a', 'x', {
        prefix: 'p',
        patches: [
          [476, octal(1)],
          [488, octal(2)],
          [508, 'tar\0'],
        ],
      }),
    ),
    [read('p/a')],
  ],
  'signed checksums': [tar(file('näme', 'x', { checksum: 'signed' })), [read('näme')]],
  'a contiguous file (type 7)': [tar(file('a', 'x', { type: '7' })), [read('a')]],
  'a file of an unknown digit type': [tar(file('a', 'x', { type: '9' })), [read('a')]],
  'the old type NUL': [tar(file('a', 'x', { type: '\0' })), [read('a')]],
  'the old type NUL with the ustar magic and a slash': [
    tar(header({ name: 'd/', type: '\0', mode: '0000755\0' })),
    [readFolder('d')],
  ],
  'a volume label': [tar(header({ name: 'Backup 1', type: 'V' }), file('a')), [read('a')]],
  'a root entry': [tar(folder('./'), file('./a')), [read('a')]],
  'names with dots and doubled slashes that mean nothing': [tar(file('./a//b/./c')), [read('a/b/c')]],
  'names that only look like parents': [
    tar(file('..foo'), file('...'), file('a..b'), file('foo..'), file('.. /x')),
    ['..foo', '...', 'a..b', 'foo..', '.. /x'].map((path) => read(path)),
  ],
  'backslashes, colons and drive letters, which are ordinary bytes': [
    tar(file('a\\b'), file('C:'), file('a:b'), file('C:..\\x')),
    ['a\\b', 'C:', 'a:b', 'C:..\\x'].map((path) => read(path)),
  ],
  'names that are objects in JavaScript': [
    tar(file('__proto__'), file('constructor'), pax({ path: 'toString' }), file('x')),
    ['__proto__', 'constructor', 'toString'].map((path) => read(path)),
  ],
  'extended header keys that are objects in JavaScript': [
    tar(pax({ __proto__x: '1', constructor: '2' }), file('a')),
    [read('a')],
  ],
  'two normalisations of one name': [
    tar(file('caf\u00e9'), file('cafe\u0301')),
    [read('caf\u00e9'), read('cafe\u0301')],
  ],
  'names that differ in case': [tar(file('A'), file('a')), [read('A'), read('a')]],
  'a name that is no UTF-8': [tar(file(Uint8Array.of(0x61, 0xff, 0x62))), [read('a\udcffb')]],
  'control characters in a name': [tar(file('a\n\x1b[31mb')), [read('a\n\x1b[31mb')]],
  'a name of 100 bytes': [tar(file('n'.repeat(100))), [read('n'.repeat(100))]],
  'a name of 255 bytes by pax': [tar(pax({ path: name255 }), file('n'.repeat(100))), [read(name255)]],
  'a name of 255 bytes by GNU': [
    tar(longText(name255), file('n'.repeat(100), 'x', { dialect: 'gnu' })),
    [read(name255)],
  ],
  'a long name without its NUL': [
    tar(
      header({ name: '././@LongLink', type: 'L', size: 255, dialect: 'gnu' }),
      blocks(name255),
      file('n', 'x', { dialect: 'gnu' }),
    ),
    [read(name255)],
  ],
  'depth 1,000': [tar(pax({ path: deep }), file('x')), [read(deep)]],
  'a prefix': [tar(file('name', 'x', { prefix: 'a/b' })), [read('a/b/name')]],
  'a symlink to anywhere, which restoring judges': [
    tar(symlink('l', '../../etc/passwd')),
    [{ path: 'l', type: 'symlink', mode: 0o777, mtimeNs: MTIME_NS, target: '../../etc/passwd' }],
  ],
  'a long symlink target by pax': [
    tar(pax({ linkpath: 't'.repeat(300) }), symlink('l', 't'.repeat(100))),
    [{ path: 'l', type: 'symlink', mode: 0o777, mtimeNs: MTIME_NS, target: 't'.repeat(300) }],
  ],
  'a long symlink target by GNU': [
    tar(longText('t'.repeat(300), 'K'), symlink('l', 't'.repeat(100), { dialect: 'gnu' })),
    [{ path: 'l', type: 'symlink', mode: 0o777, mtimeNs: MTIME_NS, target: 't'.repeat(300) }],
  ],
  'long name and long link of one entry': [
    tar(longText('t'.repeat(300), 'K'), longText(name255), symlink('l', 't', { dialect: 'gnu' })),
    [{ path: name255, type: 'symlink', mode: 0o777, mtimeNs: MTIME_NS, target: 't'.repeat(300) }],
  ],
  'hard links, also to hard links': [
    tar(file('a'), hardLink('b', 'a'), hardLink('c', './b')),
    [
      read('a'),
      { path: 'b', type: 'file', mode: 0o644, mtimeNs: MTIME_NS, hardLink: 'a' },
      { path: 'c', type: 'file', mode: 0o644, mtimeNs: MTIME_NS, hardLink: 'a' },
    ],
  ],
  'a hard link to a symlink': [
    tar(symlink('l', 'x'), hardLink('m', 'l', { mode: '0000777\0' })),
    [
      { path: 'l', type: 'symlink', mode: 0o777, mtimeNs: MTIME_NS, target: 'x' },
      { path: 'm', type: 'symlink', mode: 0o777, mtimeNs: MTIME_NS, target: 'x', hardLink: 'l' },
    ],
  ],
  'times in nanoseconds': [
    tar(pax({ mtime: '1700000000.123456789' }), file('a')),
    [read('a', { mtimeNs: 1_700_000_000_123_456_789n })],
  ],
  'times before 1970': [
    tar(pax({ mtime: '-1.5' }), file('a'), file('b', 'x', { mtime: base256(-10n, 12) })),
    [read('a', { mtimeNs: -1_500_000_000n }), read('b', { mtimeNs: -10_000_000_000n })],
  ],
  'a time of finer resolution than we keep': [
    tar(pax({ mtime: '1.1234567899' }), file('a')),
    [read('a', { mtimeNs: 1_123_456_789n })],
  ],
  'set-id and sticky bits': [tar(file('a', 'x', { mode: '0007755\0' })), [read('a', { mode: 0o7755 })]],
  'mode with file type bits': [tar(file('a', 'x', { mode: '0100644\0' })), [read('a')]],
  'mode 0': [tar(file('a', 'x', { mode: '0000000\0' })), [read('a', { mode: 0 })]],
  'numbers with leading spaces': [
    tar(
      file('a', 'x', {
        mode: '   644 \0',
        size: '          1 ',
        mtime: `${(1_700_000_000).toString(8).padStart(11, ' ')} `,
      }),
    ),
    [read('a')],
  ],
  'blank numbers of a folder': [
    tar(folder('d/', { size: '            ', mtime: '\0\0\0\0\0\0\0\0\0\0\0\0' })),
    [readFolder('d', { mtimeNs: 0n })],
  ],
  'a base-256 size and mode': [
    tar(file('a', 'x', { size: base256(1n, 12), patches: [[100, base256(0o644n, 8)]] })),
    [read('a')],
  ],
  'an extended size that agrees': [tar(pax({ size: '1' }), file('a')), [read('a')]],
  'vendor keys and attributes': [
    tar(pax({ 'SCHILY.xattr.user.x': 'y', 'LIBARCHIVE.creationtime': '1', comment: 'ä', uname: 'me' }), file('a')),
    [read('a')],
  ],
  'a comment for all entries (git archive)': [tar(pax({ comment: '0'.repeat(40) }, 'g'), file('a')), [read('a')]],
  'a time for all entries': [
    tar(pax({ mtime: '5' }, 'g'), file('a'), pax({ mtime: '6' }), file('b')),
    [read('a', { mtimeNs: 5_000_000_000n }), read('b', { mtimeNs: 6_000_000_000n })],
  ],
  'names declared as bytes': [
    tar(paxRaw(concat(record('hdrcharset', 'BINARY'), record('path', Uint8Array.of(0xff)))), file('a')),
    [read('\udcff')],
  ],
  'an old GNU sparse file': [
    tar(
      header({
        name: 's',
        type: 'S',
        size: 4,
        dialect: 'gnu',
        patches: [
          [386, octal(2) + octal(2) + octal(6) + octal(2)],
          [483, octal(10)],
        ],
      }),
      blocks('abcd'),
      file('a'),
    ),
    [read('s', { content: '\0\0ab\0\0cd\0\0' }), read('a')],
  ],
  'an old GNU sparse file with further blocks': [
    tar(
      header({
        name: 's',
        type: 'S',
        size: 5,
        dialect: 'gnu',
        patches: [
          [386, [0, 2, 4, 6].map((at) => octal(at) + octal(1)).join('')],
          [482, '\x01'],
          [483, octal(10)],
        ],
      }),
      Buffer.from((octal(8) + octal(1)).padEnd(512, '\0'), 'latin1'),
      blocks('abcde'),
    ),
    [read('s', { content: 'a\0b\0c\0d\0e\0' })],
  ],
  'a PAX 0.0 sparse file': [
    tar(
      paxRaw(
        concat(
          record('GNU.sparse.size', '6'),
          record('GNU.sparse.numblocks', '2'),
          ...[
            ['offset', '1'],
            ['numbytes', '1'],
            ['offset', '4'],
            ['numbytes', '1'],
          ].map(([key, value]) => record(`GNU.sparse.${key}`, value as string)),
        ),
      ),
      file('s', 'ab'),
    ),
    [read('s', { content: '\0a\0\0b\0' })],
  ],
  'a PAX 0.1 sparse file': [
    tar(
      pax({ 'GNU.sparse.size': '6', 'GNU.sparse.numblocks': '2', 'GNU.sparse.map': '1,1,4,1', 'GNU.sparse.name': 's' }),
      file('GNUSparseFile.1/s', 'ab'),
    ),
    [read('s', { content: '\0a\0\0b\0' })],
  ],
  'a PAX 1.0 sparse file': [
    tar(
      pax({ 'GNU.sparse.major': '1', 'GNU.sparse.minor': '0', 'GNU.sparse.name': 's', 'GNU.sparse.realsize': '6' }),
      file('GNUSparseFile.1/s', concat(segment10('3\n1\n1\n4\n1\n6\n0\n'), Buffer.from('ab'))),
      file('a'),
    ),
    [read('s', { content: '\0a\0\0b\0' }), read('a')],
  ],
  'a sparse file that is all hole': [
    tar(
      pax({ 'GNU.sparse.major': '1', 'GNU.sparse.minor': '0', 'GNU.sparse.name': 's', 'GNU.sparse.realsize': '4' }),
      file('x', segment10('1\n4\n0\n')),
    ),
    [read('s', { content: '\0\0\0\0' })],
  ],
  'one zero block at the end': [concat(file('a'), new Uint8Array(512)), [read('a')]],
  'zero padding to a tape record': [concat(tar(file('a')), new Uint8Array(10_240)), [read('a')]],
  'zero padding that is no whole block': [concat(tar(file('a')), new Uint8Array(100)), [read('a')]],
  'a folder after what it holds': [tar(file('d/a'), folder('d/')), [read('d/a'), readFolder('d')]],
}

for (const [name, [bytes, entries]] of Object.entries(archives)) {
  test(`tar: ${name} is read exactly`, async () => {
    expect(await readAll(bytes)).toEqual(entries)
  })
}

test('tar: a file larger than the window is streamed exactly, and what follows it too', async () => {
  const content = Buffer.alloc(5_000_001, 'abcdefg')
  const entries = await readAll(tar(file('big', content), file('after')))
  expect(entries.map(({ path }) => path)).toEqual(['big', 'after'])
  expect(entries[0]?.content === content.toString('latin1')).toBe(true)
})

test('tar: content asked for after its turn is refused, not wrong', async () => {
  const { openArchive } = await import('../src/node.ts')
  await using source = await openArchive(tar(file('a'), file('big', new Uint8Array(3_000_000)), file('b')))
  const batches = []
  for await (const batch of source.entries()) batches.push(batch)
  const first = batches[0]?.[0]?.content
  if (first?.kind !== 'sync') throw new Error('expected content at hand')
  expect(() => first.open().read(new Uint8Array(10))).toThrow(expect.objectContaining({ code: 'ARC_ENTRY_UNREADABLE' }))
})

test('tar: entries before the damage are handed out before it is reported', async () => {
  const { openArchive } = await import('../src/node.ts')
  await using source = await openArchive(concat(file('good'), new Uint8Array(512).fill(1)))
  const paths: string[] = []
  const reading = async (): Promise<void> => {
    for await (const batch of source.entries()) paths.push(...batch.map(({ path }) => path))
  }
  await expect(reading()).rejects.toMatchObject({ code: 'ARC_ARCHIVE_DAMAGED' })
  expect(paths).toEqual(['good'])
})

test('tar: devices are listed as omissions when asked', async () => {
  const { openArchive } = await import('../src/node.ts')
  await using source = await openArchive(tar(header({ name: 'null', type: '3' }), file('a')), { specialFiles: 'omit' })
  const paths: string[] = []
  for await (const batch of source.entries()) paths.push(...batch.map(({ path }) => path))
  expect(paths).toEqual(['a'])
  expect(source.omissions).toEqual([{ path: 'null', reason: 'special-file' }])
})
