// Hostile and damaged tar archives, as data: what they are called, which class of the catalogue they belong to, how they
// are made, and how they must be refused.
import { gzipSync, zstdCompressSync } from 'node:zlib'
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

export interface HostileCase {
  name: string
  class: string
  bytes: () => Uint8Array
  /** Codes one of which must be thrown. */
  refusedAs: readonly string[]
}

const DAMAGED = ['ARC_ARCHIVE_DAMAGED']
const UNSAFE = ['ARC_ARCHIVE_UNSAFE']
const BAD_PATH = ['ARC_PATH_UNSAFE', 'ARC_ARCHIVE_UNSAFE']
const UNSUPPORTED = ['ARC_ARCHIVE_UNSUPPORTED']
const LIMIT = ['ARC_LIMIT_EXCEEDED']
const DUPLICATE = ['ARC_ENTRY_DUPLICATE']

const kase = (classOf: string, name: string, bytes: () => Uint8Array, refusedAs: readonly string[]): HostileCase => ({
  name,
  class: classOf,
  bytes,
  refusedAs,
})

/** Every way a tar archive can give an entry its final name. */
const carriers: Readonly<Record<string, (name: string) => Uint8Array>> = {
  'name field': (name) => file(name),
  'prefix field': (name) =>
    file(name.slice(name.lastIndexOf('/') + 1), 'x', {
      prefix: name.slice(0, Math.max(0, name.lastIndexOf('/'))) || '/',
    }),
  'pax path': (name) => concat(pax({ path: name }), file('innocent')),
  'GNU long name': (name) => concat(longText(name), file('innocent', 'x', { dialect: 'gnu' })),
  'sparse name': (name) =>
    concat(
      pax({ 'GNU.sparse.major': '1', 'GNU.sparse.minor': '0', 'GNU.sparse.name': name, 'GNU.sparse.realsize': '1' }),
      file('innocent', concat(blocks('1\n0\n1\n'), Buffer.from('x'))),
    ),
  'folder name': (name) => folder(`${name}/`),
  'symlink name': (name) => symlink(name, 'x'),
}

const badNames: Readonly<Record<string, string>> = {
  absolute: '/etc/passwd',
  'absolute, two slashes': '//etc/passwd',
  parent: '../escape',
  'parent in the middle': 'a/../../escape',
  'parent that stays inside': 'a/../b',
  'parent at the end': 'a/..',
  'parent after a dot': './../escape',
  'sibling with the target as prefix': '../target-evil/x',
}

function names(): HostileCase[] {
  const cases: HostileCase[] = []
  for (const [how, make] of Object.entries(carriers)) {
    for (const [what, name] of Object.entries(badNames)) {
      // A prefix cannot say these: the joined name is another one.
      if (how === 'prefix field' && (name.startsWith('/') || name.endsWith('..'))) continue
      cases.push(
        kase(
          what.startsWith('absolute') ? 'absolute' : 'dotdot',
          `${what} in the ${how}`,
          () => tar(make(name)),
          BAD_PATH,
        ),
      )
    }
  }
  const long = 'n'.repeat(256)
  return [
    ...cases,
    kase('absolute', 'prefix that is absolute', () => tar(file('x', 'x', { prefix: '/etc' })), BAD_PATH),
    kase('dotdot', 'prefix and name that are two dots', () => tar(file('..', 'x', { prefix: 'a' })), BAD_PATH),
    kase('dotdot', 'parent folder itself', () => tar(folder('../')), BAD_PATH),
    kase('nul', 'NUL in a pax path', () => tar(pax({ path: 'a\0b' }), file('x')), UNSAFE),
    kase('nul', 'NUL in a pax linkpath', () => tar(pax({ linkpath: 'a\0b' }), symlink('x', 'y')), UNSAFE),
    kase('nul', 'NUL inside a GNU long name', () => tar(longText('a\0b'), file('x')), UNSAFE),
    kase('nul', 'NUL inside a GNU long link', () => tar(longText('a\0b', 'K'), symlink('x', 'y')), UNSAFE),
    kase('length', 'component of 256 bytes', () => tar(pax({ path: long }), file('x')), BAD_PATH),
    kase('length', 'component of 256 bytes in UTF-8', () => tar(pax({ path: 'ä'.repeat(128) }), file('x')), BAD_PATH),
    kase('length', 'folder component of 256 bytes', () => tar(pax({ path: `${long}/x` }), file('x')), BAD_PATH),
    kase('length', 'path of 4,097 bytes', () => tar(pax({ path: `${'d/'.repeat(2048)}x` }), file('x')), BAD_PATH),
    kase('length', 'depth 1,025', () => tar(pax({ path: `${'d/'.repeat(1024)}x` }), file('x')), BAD_PATH),
    kase('length', 'depth 20,000', () => tar(pax({ path: `${'d/'.repeat(20_000)}x` }), file('x')), BAD_PATH),
    kase('length', 'file without a name', () => tar(file('')), UNSAFE),
    kase('length', 'file whose name is a dot', () => tar(file('.')), UNSAFE),
    kase('length', 'symlink without a name', () => tar(symlink('', 'x')), UNSAFE),
    kase('length', 'file with content and the name of a folder', () => tar(file('a/')), UNSAFE),
  ]
}

function links(): HostileCase[] {
  return [
    kase('symlink then write', 'file through a symlink', () => tar(symlink('d', '/tmp'), file('d/x')), UNSAFE),
    kase('symlink then write', 'file through a relative symlink', () => tar(symlink('d', '..'), file('d/x')), UNSAFE),
    kase(
      'symlink then write',
      'file through a symlink, with a dot between',
      () => tar(symlink('d', '/tmp'), file('d/./x')),
      UNSAFE,
    ),
    kase(
      'symlink then write',
      'file through a symlink, two slashes',
      () => tar(symlink('d', '/tmp'), file('d//x')),
      UNSAFE,
    ),
    kase('symlink then write', 'folder through a symlink', () => tar(symlink('d', '/tmp'), folder('d/x/')), UNSAFE),
    kase(
      'symlink then write',
      'symlink through a symlink',
      () => tar(symlink('d', '/tmp'), symlink('d/x', 'y')),
      UNSAFE,
    ),
    kase(
      'symlink then write',
      'hard link through a symlink',
      () => tar(file('f'), symlink('d', '/tmp'), hardLink('d/x', 'f')),
      UNSAFE,
    ),
    kase(
      'symlink then write',
      'nested symlinks',
      () => tar(folder('a/'), symlink('a/b', '..'), file('a/b/c/x')),
      UNSAFE,
    ),
    kase(
      'symlink then write',
      'file in place of a symlink',
      () => tar(symlink('f', '/etc/passwd'), file('f')),
      DUPLICATE,
    ),
    kase(
      'symlink then write',
      'dangling symlink, then the file',
      () => tar(symlink('f', '/tmp/new'), file('./f')),
      DUPLICATE,
    ),
    kase(
      'folder cache',
      'folder, then a symlink of its name',
      () => tar(folder('d/'), symlink('d', '/tmp'), file('d/x')),
      DUPLICATE,
    ),
    kase(
      'folder cache',
      'implied folder, then a symlink of its name',
      () => tar(file('d/a'), symlink('d', '/tmp'), file('d/x')),
      DUPLICATE,
    ),
    kase('folder cache', 'symlink with a trailing slash', () => tar(folder('d/'), symlink('d/', '/tmp')), DUPLICATE),
    kase('symlink target', 'empty', () => tar(symlink('l', '')), DAMAGED),
    kase(
      'symlink target',
      '300 MB announced',
      () => tar(header({ name: '././@LongLink', type: 'K', size: 300_000_000 }), symlink('l', 'x')),
      LIMIT,
    ),
    kase(
      'symlink target',
      'longer than a path can be',
      () => tar(pax({ linkpath: 'x'.repeat(5000) }), symlink('l', 'x')),
      LIMIT,
    ),
    kase('hard link', 'out, absolute', () => tar(hardLink('x', '/etc/passwd')), UNSAFE),
    kase('hard link', 'out, relative', () => tar(hardLink('x', '../../etc/passwd')), UNSAFE),
    kase(
      'hard link',
      'absolute by pax linkpath',
      () => tar(file('f'), pax({ linkpath: '/etc/passwd' }), hardLink('x', 'f')),
      UNSAFE,
    ),
    kase(
      'hard link',
      'absolute by GNU long link',
      () => tar(file('f'), longText('/etc/passwd', 'K'), hardLink('x', 'f')),
      UNSAFE,
    ),
    kase('hard link', 'drive relative', () => tar(hardLink('x', 'C:../x')), UNSAFE),
    kase('hard link', 'to itself', () => tar(hardLink('x', 'x')), UNSAFE),
    kase('hard link', 'to nothing', () => tar(hardLink('x', 'missing')), UNSAFE),
    kase('hard link', 'to a folder', () => tar(folder('d/'), hardLink('x', 'd')), UNSAFE),
    kase('hard link', 'to an empty name', () => tar(hardLink('x', '')), UNSAFE),
    kase('hard link', 'to a later file', () => tar(hardLink('x', 'f'), file('f')), UNSAFE),
    kase(
      'hard link',
      'through a symlink',
      () => tar(file('f'), symlink('d', '/etc'), hardLink('x', 'd/passwd')),
      UNSAFE,
    ),
    kase('hard link', 'then a file over it', () => tar(file('f'), hardLink('x', 'f'), file('x', 'changed')), DUPLICATE),
    kase('hard link', 'over a file', () => tar(file('f'), file('x'), hardLink('x', 'f')), DUPLICATE),
    kase('hard link', 'with content', () => tar(file('f'), hardLink('x', 'f', { size: 512 }), blocks('y')), UNSAFE),
    kase(
      'hard link',
      'with content by pax',
      () => tar(file('f'), pax({ size: '512' }), hardLink('x', 'f'), blocks('y')),
      UNSAFE,
    ),
  ]
}

function kinds(): HostileCase[] {
  return [
    kase(
      'desynchronisation',
      'a long name that goes on behind its length',
      () => tar(header({ name: '././@LongLink', type: 'L', size: 4, dialect: 'gnu' }), blocks('a/bc/evil'), file('x')),
      UNSAFE,
    ),
    kase(
      'desynchronisation',
      'an extended header that goes on behind its length',
      () => tar(header({ name: 'x', type: 'x', size: 10 }), blocks('10 path=a\n10 path=b\n'), file('x')),
      UNSAFE,
    ),
    kase(
      'desynchronisation',
      'a sparse file with a long name of GNU tar',
      () =>
        tar(
          longText('abcd'),
          pax({ 'GNU.sparse.size': '6', 'GNU.sparse.map': '1,1,4,1', 'GNU.sparse.name': 'u' }),
          file('x', 'ab'),
        ),
      UNSAFE,
    ),
    kase('desynchronisation', 'a file with the name of a folder', () => tar(file('d/', '')), UNSAFE),
    kase(
      'desynchronisation',
      'a magic that is half one',
      () => tar(file('x', 'y', { patches: [[262, ' ']] })),
      DAMAGED,
    ),
    kase(
      'desynchronisation',
      'a prefix in a header without magic',
      () => tar(file('x', 'y', { dialect: 'v7', prefix: 'p' })),
      DAMAGED,
    ),
    kase(
      'desynchronisation',
      'a size of a sparse file in the header of another',
      () => tar(file('x', 'y', { dialect: 'gnu', patches: [[483, '00000000010\0']] })),
      UNSAFE,
    ),
    kase(
      'desynchronisation',
      'a sparse file in a header that is not of GNU tar',
      () => tar(header({ name: 'x', type: 'S', size: 0, patches: [[483, '00000000010\0']] })),
      UNSAFE,
    ),
    kase('special', 'character device', () => tar(header({ name: 'x', type: '3' })), UNSAFE),
    kase('special', 'block device', () => tar(header({ name: 'x', type: '4' })), UNSAFE),
    kase('special', 'pipe', () => tar(header({ name: 'x', type: '6' })), UNSAFE),
    kase('special', 'device with content', () => tar(header({ name: 'x', type: '3', size: 512 }), blocks('y')), UNSAFE),
    ...['D', 'M', 'N', 'A', 'E', 'I', 'X', 'Z', 'a', '\x01'].map((type) =>
      kase('special', `entry of type ${JSON.stringify(type)}`, () => tar(header({ name: 'x', type })), UNSUPPORTED),
    ),
    kase('duplicate', 'two files', () => tar(file('x'), file('x', 'other')), DUPLICATE),
    kase('duplicate', 'two files, one with a dot', () => tar(file('x'), file('./x', 'other')), DUPLICATE),
    kase('duplicate', 'two files, two slashes', () => tar(file('a/x'), file('a//x', 'other')), DUPLICATE),
    kase('duplicate', 'two folders', () => tar(folder('d/'), folder('d/', { mode: '0000000\0' })), DUPLICATE),
    kase('duplicate', 'file, then folder', () => tar(file('x'), folder('x/')), DUPLICATE),
    kase('duplicate', 'folder, then file', () => tar(folder('x/'), file('x')), DUPLICATE),
    kase('duplicate', 'file, then something below it', () => tar(file('x'), file('x/y')), UNSAFE),
    kase('duplicate', 'something, then a file above it', () => tar(file('x/y'), file('x')), DUPLICATE),
  ]
}

function desync(): HostileCase[] {
  const hidden = tar(file('hidden'))
  const sized = (size: number | string | Uint8Array): Uint8Array => tar(header({ name: 'x', size }), blocks('y'))
  return [
    kase('pax size', 'smaller than the header says', () => tar(pax({ size: '0' }), file('x', 'y'.repeat(512))), UNSAFE),
    kase(
      'pax size',
      'larger than the header says (TARmageddon)',
      () => tar(pax({ size: String(hidden.length) }), header({ name: 'x', size: 0 }), hidden),
      UNSAFE,
    ),
    kase('pax size', 'for a folder', () => tar(pax({ size: '512' }), folder('d/'), blocks('y')), UNSAFE),
    kase('pax size', 'for a symlink', () => tar(pax({ size: '512' }), symlink('l', 'x'), blocks('y')), UNSAFE),
    kase('pax size', 'followed by nothing', () => tar(pax({ size: '1' })), DAMAGED),
    ...['1e3', '0x10', '-1', '1.5', ' 1', '1 ', '', '99999999999999999999', '+1', '１'].map((size) =>
      kase('pax size', `written ${JSON.stringify(size)}`, () => tar(pax({ size }), file('x')), DAMAGED),
    ),
    ...['path', 'linkpath', 'size', 'GNU.sparse.name', 'GNU.sparse.major', 'GNU.sparse.size'].map((key) =>
      kase('global', `global ${key}`, () => tar(pax({ [key]: '1' }, 'g'), file('x')), UNSAFE),
    ),
    kase('two headers', 'two extended headers', () => tar(pax({ path: 'a' }), pax({ path: 'b' }), file('x')), UNSAFE),
    kase('two headers', 'two long names', () => tar(longText('a'), longText('b'), file('x')), UNSAFE),
    kase('two headers', 'two long links', () => tar(longText('a', 'K'), longText('b', 'K'), symlink('x', 'y')), UNSAFE),
    kase('two headers', 'extended path and long name', () => tar(pax({ path: 'a' }), longText('b'), file('x')), UNSAFE),
    kase('two headers', 'long name and extended path', () => tar(longText('b'), pax({ path: 'a' }), file('x')), UNSAFE),
    kase(
      'two headers',
      'extended linkpath and long link',
      () => tar(pax({ linkpath: 'a' }), longText('b', 'K'), symlink('x', 'y')),
      UNSAFE,
    ),
    kase(
      'two headers',
      'path twice in one header',
      () => tar(paxRaw(concat(record('path', 'a'), record('path', 'b'))), file('x')),
      UNSAFE,
    ),
    kase(
      'two headers',
      'size twice in one header',
      () => tar(paxRaw(concat(record('size', '1'), record('size', '2'))), file('x')),
      UNSAFE,
    ),
    kase('dangling', 'extended header at the end', () => tar(file('x'), pax({ path: 'a' })), DAMAGED),
    kase('dangling', 'long name at the end', () => tar(file('x'), longText('a')), DAMAGED),
    kase('size field', 'negative base-256', () => sized(base256(-1n, 12)), DAMAGED),
    kase('size field', 'very negative base-256', () => sized(base256(-(2n ** 62n), 12)), DAMAGED),
    kase('size field', '2^63 in base-256', () => sized(base256(2n ** 63n, 12)), DAMAGED),
    kase('size field', '2^80 in base-256', () => sized(base256(2n ** 80n, 12)), DAMAGED),
    kase(
      'size field',
      'a lead byte that is neither',
      () => sized(Uint8Array.of(0xc0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1)),
      DAMAGED,
    ),
    kase('size field', 'digits beyond octal', () => sized('00000000008\0'), DAMAGED),
    kase('size field', 'letters', () => sized('0000000zz01\0'), DAMAGED),
    kase('size field', 'minus sign', () => sized('-0000000001\0'), DAMAGED),
    kase('size field', 'hexadecimal', () => sized('0x000000001\0'), DAMAGED),
    kase('size field', 'number after the NUL', () => sized('0\x000000001\0'), DAMAGED),
    kase('size field', 'blank for a file', () => tar(header({ name: 'x', size: '            ' })), DAMAGED),
    kase('size field', 'beyond the file limit', () => sized(base256(2n ** 45n, 12)), LIMIT),
    kase('size field', '4 GiB announced, nothing there', () => sized(2 ** 32), DAMAGED),
    kase('size field', 'folder with a size', () => tar(folder('d/', { size: 512 }), blocks('y')), UNSAFE),
    kase('size field', 'symlink with a size', () => tar(symlink('l', 'x', { size: 512 }), blocks('y')), UNSAFE),
    kase(
      'size field',
      'volume label with a size',
      () => tar(header({ name: 'v', type: 'V', size: 512 }), blocks('y')),
      DAMAGED,
    ),
    kase('mode field', 'letters', () => tar(file('x', 'y', { mode: 'rwxr-xr\0' })), DAMAGED),
    kase('owner field', 'letters in the user', () => tar(file('x', 'y', { patches: [[108, 'root']] })), DAMAGED),
    kase('owner field', 'letters in the group', () => tar(file('x', 'y', { patches: [[116, 'root']] })), DAMAGED),
    kase('owner field', 'letters in the device', () => tar(file('x', 'y', { patches: [[329, 'sda']] })), DAMAGED),
    kase('time field', 'letters', () => tar(file('x', 'y', { mtime: 'yesterday  \0' })), DAMAGED),
    kase('time field', '2^80', () => tar(file('x', 'y', { mtime: base256(2n ** 80n, 12) })), DAMAGED),
  ]
}

function malformedPax(): HostileCase[] {
  const raw: Readonly<Record<string, string>> = {
    'no length': ' path=a\n',
    'length zero': '0 path=a\n',
    'length too short': '5 path=a\n',
    'length too long': '99 path=a\n',
    'length one too long': '11 path=a\n',
    'length of the length only': '3 \n',
    'length with a leading zero': '010 path=a\n',
    'negative length': '-9 path=a\n',
    'length with a plus': '+9 path=a\n',
    'length in hexadecimal': '0x9 path=a\n',
    'huge length': '99999999999999999999 path=a\n',
    'no equals sign': '9 pathaaa\n',
    'no newline': '10 path=abc',
    'empty key': '6 =ab\n',
    'tab instead of space': '9\tpath=a\n',
    'newline in the key': '10 pa\nth=a\n',
    'garbage after the last record': '10 path=ab\ngarbage',
    'empty path': '8 path=\n',
    'unknown character set': '20 hdrcharset=KOI8\n\n',
    'time that is no number': '12 mtime=abc\n',
    'time in scientific form': '12 mtime=1e9\n',
  }
  return Object.entries(raw).map(([name, text]) =>
    kase('malformed record', name, () => tar(paxRaw(text), file('x')), [
      'ARC_ARCHIVE_DAMAGED',
      'ARC_ARCHIVE_UNSUPPORTED',
    ]),
  )
}

function sparse(): HostileCase[] {
  const v10 = (map: string, real: string, content = 'x', extra: Record<string, string> = {}): Uint8Array =>
    tar(
      pax({
        'GNU.sparse.major': '1',
        'GNU.sparse.minor': '0',
        'GNU.sparse.name': 's',
        'GNU.sparse.realsize': real,
        ...extra,
      }),
      file('x', concat(blocks(map), Buffer.from(content))),
    )
  const v01 = (map: string, size: string, extra: Record<string, string> = {}): Uint8Array =>
    tar(pax({ 'GNU.sparse.size': size, 'GNU.sparse.map': map, ...extra }), file('s', 'x'))
  const old = (segments: string, real: string, content = 'x'): Uint8Array =>
    tar(
      header({
        name: 's',
        type: 'S',
        size: content.length,
        dialect: 'gnu',
        patches: [
          [386, segments],
          [483, real],
        ],
      }),
      blocks(content),
    )
  const octal = (value: number): string => `${value.toString(8).padStart(11, '0')}\0`
  return [
    kase('sparse', 'map beyond the file (1.0)', () => v10('1\n10\n1\n', '5'), DAMAGED),
    kase('sparse', 'map that overlaps (1.0)', () => v10('2\n0\n1\n0\n1\n', '5', 'xy'), DAMAGED),
    kase('sparse', 'map that goes back (1.0)', () => v10('2\n3\n1\n1\n1\n', '5', 'xy'), DAMAGED),
    kase('sparse', 'map of more than is stored (1.0)', () => v10('1\n0\n5\n', '5'), DAMAGED),
    kase('sparse', 'map of less than is stored (1.0)', () => v10('1\n0\n1\n', '5', 'xy'), DAMAGED),
    kase('sparse', 'map with letters (1.0)', () => v10('1\nzero\n1\n', '5'), DAMAGED),
    kase('sparse', 'map with a negative number (1.0)', () => v10('1\n-1\n1\n', '5'), DAMAGED),
    kase('sparse', 'map longer than the file (1.0)', () => v10('99999999\n', '5'), DAMAGED),
    kase('sparse', 'map without lines (1.0)', () => v10('1'.repeat(600), '5'), DAMAGED),
    kase(
      'sparse',
      'cut off in the padding of its map (1.0)',
      () => v10('1\n0\n1\n', '5').slice(0, 2048 - 100),
      DAMAGED,
    ),
    kase('sparse', '8 TiB apparent (1.0)', () => v10('0\n', '8796093022208', ''), LIMIT),
    kase('sparse', '1 TiB in segments of nothing (0.1)', () => v01('1099511627775,1', '1099511627776'), LIMIT),
    kase('sparse', 'hidden ratio bomb (1.0)', () => v10('0\n', '6442450944', ''), LIMIT),
    kase('sparse', 'two sizes', () => v10('1\n0\n1\n', '5', 'x', { 'GNU.sparse.size': '6' }), DAMAGED),
    kase('sparse', 'two maps', () => v10('1\n0\n1\n', '5', 'x', { 'GNU.sparse.map': '0,1' }), DAMAGED),
    kase(
      'sparse',
      'no size',
      () => tar(pax({ 'GNU.sparse.major': '1', 'GNU.sparse.minor': '0', 'GNU.sparse.name': 's' }), file('x')),
      DAMAGED,
    ),
    kase('sparse', 'unknown version', () => v10('1\n0\n1\n', '5', 'x', { 'GNU.sparse.minor': '7' }), [
      'ARC_ARCHIVE_UNSUPPORTED',
      'ARC_ARCHIVE_UNSAFE',
    ]),
    kase('sparse', 'odd map (0.1)', () => v01('0,1,2', '5'), DAMAGED),
    kase('sparse', 'map and count differ (0.1)', () => v01('0,1', '5', { 'GNU.sparse.numblocks': '2' }), DAMAGED),
    kase(
      'sparse',
      'number out of turn (0.0)',
      () => tar(paxRaw(concat(record('GNU.sparse.size', '5'), record('GNU.sparse.numbytes', '1'))), file('s')),
      DAMAGED,
    ),
    kase(
      'sparse',
      'symlink that is sparse',
      () => tar(pax({ 'GNU.sparse.size': '5', 'GNU.sparse.map': '' }), symlink('s', 'x')),
      DAMAGED,
    ),
    kase('sparse', 'map beyond the file (old)', () => old(octal(10) + octal(1), octal(5)), DAMAGED),
    kase(
      'sparse',
      'map that overlaps (old)',
      () => old(octal(0) + octal(1) + octal(0) + octal(1), octal(5), 'xy'),
      DAMAGED,
    ),
    kase('sparse', '8 TiB apparent (old)', () => old(octal(0) + octal(1), '\x80\0\0\0\0\0\x08\0\0\0\0\0'), [
      'ARC_LIMIT_EXCEEDED',
      'ARC_ARCHIVE_DAMAGED',
    ]),
    kase(
      'sparse',
      'map that goes on without end (old)',
      () =>
        tar(
          header({
            name: 's',
            type: 'S',
            size: 1,
            dialect: 'gnu',
            patches: [
              [386, octal(0) + octal(1)],
              [482, '\x01'],
              [483, octal(5)],
            ],
          }),
        ),
      DAMAGED,
    ),
  ]
}

function damage(): HostileCase[] {
  const whole = tar(folder('d/'), file('d/a', 'a'.repeat(700)), file('d/b', 'b'.repeat(300)))
  const cuts = [1, 100, 511, 513, 1023, 1024, 1025, 1535, 1700, 2047, 2048, 2559, 2560, 2561, 3071, 3072]
  const flipped = (at: number): Uint8Array => whole.with(at, (whole[at] as number) ^ 1)
  return [
    ...cuts.map((at) =>
      kase(
        'truncation',
        `cut after ${at} bytes`,
        () => whole.slice(0, at),
        at === 100 || at === 1 || at === 511 ? [...DAMAGED, ...UNSUPPORTED] : DAMAGED,
      ),
    ),
    kase('truncation', 'nothing at all', () => new Uint8Array(0), DAMAGED),
    ...[0, 100, 124, 136, 148, 156, 257, 345, 500].flatMap((field) =>
      [0, 512, 2048].map((start) =>
        kase('checksum', `bit flipped at ${field} of the header at ${start}`, () => flipped(start + field), [
          'ARC_ARCHIVE_DAMAGED',
          'ARC_ARCHIVE_UNSUPPORTED',
        ]),
      ),
    ),
    kase('checksum', 'off by one', () => tar(file('a'), file('b', 'x', { checksum: 'wrong' })), DAMAGED),
    kase('checksum', 'blank', () => tar(file('a'), file('b', 'x', { checksum: 'blank' })), DAMAGED),
    kase(
      'checksum',
      'garbage block between entries',
      () => tar(file('a'), new Uint8Array(512).fill(0xaa), file('b')),
      DAMAGED,
    ),
    kase('after the end', 'a second archive', () => concat(tar(file('a')), tar(file('hidden'))), DAMAGED),
    kase(
      'after the end',
      'an entry after one zero block',
      () => concat(file('a'), new Uint8Array(512), file('hidden'), endMark),
      DAMAGED,
    ),
    kase('after the end', 'garbage', () => concat(tar(file('a')), Buffer.from('garbage')), DAMAGED),
    kase(
      'after the end',
      'garbage far behind',
      () => concat(tar(file('a')), new Uint8Array(3_000_000), Buffer.from('x')),
      DAMAGED,
    ),
    kase('after the end', 'an archive without end mark', () => concat(file('a'), file('b')), DAMAGED),
  ]
}

function resources(): HostileCase[] {
  return [
    kase(
      'metadata',
      '160 MiB of extended header',
      () => tar(header({ name: 'p', type: 'x', size: 160 * 2 ** 20 }), file('x')),
      LIMIT,
    ),
    kase(
      'metadata',
      '2 GiB of long name',
      () => tar(header({ name: 'p', type: 'L', size: 2 ** 31, dialect: 'gnu' }), file('x')),
      LIMIT,
    ),
    kase(
      'metadata',
      '4 GiB of global header',
      () => tar(header({ name: 'p', type: 'g', size: 2 ** 32 }), file('x')),
      LIMIT,
    ),
    kase(
      'bomb',
      'gzip, 1000 to 1',
      () => gzipSync(tar(file('zeros', new Uint8Array(100 * 2 ** 20))), { level: 9 }),
      LIMIT,
    ),
    kase('bomb', 'zstd, 10,000 to 1', () => zstdCompressSync(tar(file('zeros', new Uint8Array(100 * 2 ** 20)))), LIMIT),
    kase(
      'bomb',
      'gzip of padding after the end',
      () => gzipSync(concat(tar(file('a')), new Uint8Array(100 * 2 ** 20)), { level: 9 }),
      LIMIT,
    ),
    kase(
      'bomb',
      'many small files of zeros',
      () =>
        gzipSync(tar(...Array.from({ length: 1100 }, (_, i) => file(`f${i}`, new Uint8Array(100_000)))), { level: 9 }),
      LIMIT,
    ),
  ]
}

/** All of them. */
export function hostileTars(): HostileCase[] {
  return [...names(), ...links(), ...kinds(), ...desync(), ...malformedPax(), ...sparse(), ...damage(), ...resources()]
}
