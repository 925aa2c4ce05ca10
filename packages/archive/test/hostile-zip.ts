// Hostile and damaged zip archives, as data; see hostile-tar.ts.
import { deflateRawSync } from 'node:zlib'
import type { HostileCase } from './hostile-tar.ts'
import { bytes, concat } from './tar-builder.ts'
import { type EndFields, extraField, transcoded, u16, u32, u64, zip, type ZipMemberFields } from './zip-builder.ts'

const DAMAGED = ['ARC_ARCHIVE_DAMAGED']
const UNSAFE = ['ARC_ARCHIVE_UNSAFE']
const EITHER = [...DAMAGED, ...UNSAFE]
const BAD_PATH = ['ARC_PATH_UNSAFE', 'ARC_ARCHIVE_UNSAFE']
const UNSUPPORTED = ['ARC_ARCHIVE_UNSUPPORTED']
const LIMIT = ['ARC_LIMIT_EXCEEDED']
const DUPLICATE = ['ARC_ENTRY_DUPLICATE']

const kase = (
  classOf: string,
  name: string,
  members: readonly ZipMemberFields[],
  refusedAs: readonly string[],
  end: EndFields = {},
): HostileCase => ({
  name,
  class: classOf,
  bytes: () => zip(members, end),
  refusedAs,
})

const a: ZipMemberFields = { name: 'a', content: 'hello' }
const packed: ZipMemberFields = { name: 'a', content: 'hello '.repeat(100), method: 8 }

function names(): HostileCase[] {
  const bad = [
    '/etc/passwd',
    '//x',
    '../escape',
    'a/../../escape',
    'a/../b',
    'a/..',
    '..',
    './../x',
    '../target-evil/x',
  ]
  return [
    ...bad.map((name) =>
      kase(name.startsWith('/') ? 'absolute' : 'dotdot', JSON.stringify(name), [{ name, content: 'x' }], BAD_PATH),
    ),
    ...['../', '/', '../../x/'].map((name) =>
      kase('dotdot', `folder ${JSON.stringify(name)}`, [{ name, mode: 0o40755 }], BAD_PATH),
    ),
    ...['/etc/x', '../x'].map((name) =>
      kase('dotdot', `symlink ${JSON.stringify(name)}`, [{ name, content: 'x', mode: 0o120777 }], BAD_PATH),
    ),
    kase('nul', 'NUL in a name', [{ name: 'a\0b', content: 'x' }], BAD_PATH),
    kase('length', 'no name', [{ name: '', content: 'x' }], UNSAFE),
    kase('length', 'component of 256 bytes', [{ name: 'n'.repeat(256), content: 'x' }], BAD_PATH),
    kase('length', 'depth 1,025', [{ name: `${'d/'.repeat(1024)}x`, content: 'x' }], BAD_PATH),
    kase('length', 'path of 65,000 bytes', [{ name: `${'dd/'.repeat(21_000)}x`, content: 'x' }], BAD_PATH),
    kase(
      'unicode path',
      'another name for some readers',
      [{ ...a, extra: extraField(0x7075, concat(Uint8Array.of(1), u32(0xe8b7be43), bytes('../x'))) }],
      UNSAFE,
    ),
    kase(
      'unicode path',
      'another name in the local header',
      [{ ...a, local: { extra: extraField(0x7075, concat(Uint8Array.of(1), u32(0xe8b7be43), bytes('../x'))) } }],
      UNSAFE,
    ),
    kase(
      'extra field',
      'longer than all of them',
      [{ ...a, extra: concat(u16(0x7241), u16(33), bytes('1')) }],
      DAMAGED,
    ),
    kase(
      'extra field',
      'longer than all of them, in the local header',
      [{ ...a, local: { extra: concat(u16(0x7241), u16(33), bytes('1')) } }],
      DAMAGED,
    ),
    kase(
      'symlink',
      'of a system whose modes not all readers know',
      [{ name: 'l', content: 'a', mode: 0o120777, host: 19 }],
      UNSAFE,
    ),
    ...Object.entries({
      'as if one were in another folder': 'd/\u00e9/x',
      'as if one were another': '../\u00e9',
      'as if one were ASCII': 'd/e',
    }).map(([what, other]) =>
      kase('unicode path', `two encodings, ${what}`, [transcoded(other, Uint8Array.of(0x64, 0x2f, 0xe9))], UNSAFE),
    ),
    kase('unicode path', 'two readable names', [transcoded('\u00e9', bytes('\u00e8'))], UNSAFE),
    kase(
      'unicode path',
      'only in the central header',
      [{ ...transcoded('\u00e9', Uint8Array.of(0xe9)), local: { extra: new Uint8Array(0) } }],
      UNSAFE,
    ),
    kase(
      'unicode path',
      'two meanings of one name',
      [transcoded('\u00e9', Uint8Array.of(0xe9)), transcoded('\u00e8', Uint8Array.of(0xe9))],
      UNSAFE,
    ),
    kase('unicode path', 'malformed', [{ ...a, extra: extraField(0x7075, Uint8Array.of(9)) }], DAMAGED),
  ]
}

function tree(): HostileCase[] {
  const link = (name: string, target: string): ZipMemberFields => ({ name, content: target, mode: 0o120777 })
  return [
    kase('symlink then write', 'file through a symlink', [link('d', '/tmp'), { name: 'd/x', content: 'x' }], UNSAFE),
    kase(
      'symlink then write',
      'file through a later symlink',
      [{ name: 'd/x', content: 'x' }, link('d', '/tmp')],
      [...UNSAFE, ...DUPLICATE],
    ),
    kase(
      'symlink then write',
      'file in place of a symlink',
      [link('f', '/etc/passwd'), { name: 'f', content: 'x' }],
      DUPLICATE,
    ),
    kase(
      'symlink then write',
      'folder in place of a symlink',
      [link('f', '/etc'), { name: 'f/', mode: 0o40755 }],
      [...DUPLICATE, ...UNSAFE],
    ),
    kase('symlink target', 'empty', [link('l', '')], DAMAGED),
    kase('symlink target', 'NUL', [link('l', 'a\0b')], UNSAFE),
    kase('symlink target', 'too long', [link('l', 'x'.repeat(5000))], LIMIT),
    kase('symlink target', '300 MB announced', [{ ...link('l', 'x'), sizeBytes: 300_000_000, method: 8 }], LIMIT),
    kase('symlink target', 'name of a folder', [link('l/', 'x')], UNSAFE),
    kase('special', 'character device', [{ name: 'x', mode: 0o020666 }], UNSAFE),
    kase('special', 'block device', [{ name: 'x', mode: 0o060666 }], UNSAFE),
    kase('special', 'pipe', [{ name: 'x', mode: 0o010666 }], UNSAFE),
    kase('special', 'socket', [{ name: 'x', mode: 0o140666 }], UNSAFE),
    kase('special', 'file with the name of a folder', [{ name: 'x/', content: '', mode: 0o100644 }], UNSAFE),
    kase('special', 'folder with content', [{ name: 'x/', content: 'hidden', mode: 0o40755 }], UNSAFE),
    kase('duplicate', 'two files', [a, { name: 'a', content: 'other' }], DUPLICATE),
    kase('duplicate', 'two files, one with a dot', [a, { name: './a', content: 'other' }], DUPLICATE),
    kase('duplicate', 'file and folder', [a, { name: 'a/', mode: 0o40755 }], DUPLICATE),
    kase('duplicate', 'file and something below it', [a, { name: 'a/b', content: 'x' }], UNSAFE),
    kase(
      'duplicate',
      'two folders',
      [
        { name: 'd/', mode: 0o40755 },
        { name: 'd//', mode: 0o40700 },
      ],
      DUPLICATE,
    ),
  ]
}

function mismatch(): HostileCase[] {
  return [
    kase('local and central', 'two names', [{ ...a, local: { name: 'b' } }], UNSAFE),
    kase('local and central', 'two names of different length', [{ ...a, local: { name: '../evil' } }], UNSAFE),
    kase('local and central', 'two methods', [{ ...packed, local: { method: 0 } }], UNSAFE),
    kase('local and central', 'two sizes', [{ ...a, local: { sizeBytes: 4 } }], UNSAFE),
    kase('local and central', 'two compressed sizes', [{ ...packed, local: { compressedBytes: 4 } }], UNSAFE),
    kase('local and central', 'two checksums', [{ ...a, local: { crc: 1 } }], UNSAFE),
    kase('local and central', 'two sets of flags', [{ ...a, local: { flags: 0x800 } }], UNSAFE),
    kase(
      'local and central',
      'entry only in the local headers',
      [a, { name: 'hidden', content: 'x', onlyLocal: true }],
      UNSAFE,
    ),
    kase(
      'local and central',
      'entry only in the local headers, first',
      [{ name: 'hidden', content: 'x', onlyLocal: true }, a],
      UNSAFE,
    ),
    kase(
      'local and central',
      'entry only in the local headers, between',
      [a, { name: 'hidden', content: 'x', onlyLocal: true }, { name: 'b', content: 'x' }],
      UNSAFE,
    ),
    kase(
      'local and central',
      'entry only in the central directory',
      [a, { name: 'b', content: 'x', onlyCentral: true, offset: 0 }],
      EITHER,
    ),
    kase('local and central', 'local header elsewhere', [{ ...a, offset: 3 }], EITHER),
    kase('local and central', 'local header beyond the file', [{ ...a, offset: 1_000_000 }], EITHER),
    kase('local and central', 'bytes between entry and directory', [a], UNSAFE, { between: bytes('hidden') }),
    kase('local and central', 'bytes before the first entry', [{ ...a }], UNSUPPORTED, {
      before: bytes('MZ executable'),
    }),
    kase('local and central', 'zip before a zip', [{ ...a }], EITHER, { before: zip([{ name: 'b', content: 'y' }]) }),
    kase('local and central', 'empty archive with something before', [], UNSUPPORTED, {
      before: bytes('MZ executable'),
    }),
    kase(
      'descriptor',
      'with another checksum',
      [
        {
          ...a,
          flags: 8,
          local: { crc: 0, sizeBytes: 0, compressedBytes: 0 },
          after: concat(bytes('PK\x07\x08'), u32(1), u32(5), u32(5)),
        },
      ],
      UNSAFE,
    ),
    kase('descriptor', 'missing', [{ ...a, flags: 8, local: { crc: 0, sizeBytes: 0, compressedBytes: 0 } }], UNSAFE),
    kase(
      'descriptor',
      'followed by something hidden',
      [
        {
          ...a,
          flags: 8,
          local: { crc: 0, sizeBytes: 0, compressedBytes: 0 },
          after: concat(bytes('PK\x07\x08'), u32(0x3610a686), u32(5), u32(5), bytes('hidden')),
        },
      ],
      UNSAFE,
    ),
    kase(
      'descriptor',
      'where none is announced',
      [{ ...a, after: concat(bytes('PK\x07\x08'), u32(0x3610a686), u32(5), u32(5)) }],
      UNSAFE,
    ),
  ]
}

function content(): HostileCase[] {
  const data = deflateRawSync('hello '.repeat(100))
  return [
    kase('content', 'wrong checksum, stored', [{ ...a, crc: 1 }], DAMAGED),
    kase('content', 'wrong checksum, deflated', [{ ...packed, crc: 1 }], DAMAGED),
    kase('content', 'inflates to less', [{ ...packed, sizeBytes: 700 }], DAMAGED),
    kase('content', 'inflates to more', [{ ...packed, sizeBytes: 10 }], EITHER),
    kase(
      'content',
      'says 10 bytes, inflates to 64 MiB',
      [{ name: 'a', compressed: deflateRawSync(new Uint8Array(64 * 2 ** 20)), method: 8, sizeBytes: 10, content: '' }],
      EITHER,
    ),
    kase('content', 'stored with two sizes', [{ ...a, sizeBytes: 4 }], DAMAGED),
    kase(
      'content',
      'deflate data with something behind it',
      [{ ...packed, compressed: concat(data, bytes('hidden')) }],
      UNSAFE,
    ),
    kase('content', 'deflate data cut off', [{ ...packed, compressed: data.subarray(0, -3) }], DAMAGED),
    kase('content', 'deflate data that is none', [{ ...packed, compressed: new Uint8Array(30).fill(0xff) }], DAMAGED),
    kase('content', 'no deflate data', [{ ...packed, compressed: new Uint8Array(0) }], DAMAGED),
    kase('content', 'large, wrong checksum', [{ name: 'a', content: new Uint8Array(9 * 2 ** 20), crc: 1 }], DAMAGED),
    kase(
      'content',
      'large and deflated, inflates to more',
      [{ name: 'a', content: new Uint8Array(20 * 2 ** 20), method: 8, sizeBytes: 9 * 2 ** 20 }],
      EITHER,
    ),
    kase(
      'content',
      'large and deflated, cut off',
      [
        {
          name: 'a',
          content: new Uint8Array(9 * 2 ** 20),
          method: 8,
          compressed: deflateRawSync(new Uint8Array(9 * 2 ** 20)).subarray(0, 5000),
        },
      ],
      DAMAGED,
    ),
    ...[1, 6, 9, 12, 14, 93, 95, 98, 99].map((method) =>
      kase('method', `method ${method}`, [{ ...a, method, compressed: bytes('hello') }], UNSUPPORTED),
    ),
    ...[0x0001, 0x0020, 0x0040, 0x2000].map((flags) =>
      kase('encryption', `flags ${flags}`, [{ ...a, flags }], UNSUPPORTED),
    ),
  ]
}

function directory(): HostileCase[] {
  const end64 = (count: bigint, size: bigint, offset: bigint) => (centralOffset: number, centralBytes: number) =>
    concat(
      bytes('PK\x06\x06'),
      u64(44n),
      u16(45),
      u16(45),
      u32(0),
      u32(0),
      u64(count),
      u64(count),
      u64(size < 0n ? BigInt(centralBytes) : size),
      u64(offset < 0n ? BigInt(centralOffset) : offset),
      bytes('PK\x06\x07'),
      u32(0),
      u64(BigInt(centralOffset + centralBytes)),
      u32(1),
    )
  const endRecord = concat(bytes('PK\x05\x06'), new Uint8Array(18))
  return [
    kase('end record', 'too many entries', [a], DAMAGED, { count: 2, countOnDisk: 2 }),
    kase('end record', 'too few entries', [a, { name: 'b', content: 'x' }], DAMAGED, { count: 1, countOnDisk: 1 }),
    kase('end record', 'two counts', [a], DAMAGED, { countOnDisk: 2 }),
    kase('end record', 'directory elsewhere', [a], EITHER, { offset: 0 }),
    kase('end record', 'directory beyond the file', [a], EITHER, { offset: 0xfffffff0 }),
    kase('end record', 'directory shorter', [a], EITHER, { sizeBytes: 10 }),
    kase('end record', 'several disks', [a], UNSUPPORTED, { disk: 1 }),
    kase('end record', 'entry on another disk', [{ ...a, disk: 1 }], UNSUPPORTED),
    kase('end record', 'something after it', [a], DAMAGED, { after: bytes('garbage') }),
    kase('end record', 'zeros after it', [a], DAMAGED, { after: new Uint8Array(4) }),
    kase('end record', 'a second one behind the first', [a], DAMAGED, { after: endRecord }),
    kase('end record', 'a second one in the comment', [a], EITHER, { comment: concat(bytes('xx'), endRecord) }),
    kase('end record', 'a second one in the comment, whole', [a], EITHER, { comment: endRecord }),
    kase('end record', 'a signature in the comment', [a], EITHER, {
      comment: concat(bytes('PK\x05\x06'), new Uint8Array(30).fill(0x41)),
    }),
    { class: 'end record', name: 'none', bytes: () => zip([a]).slice(0, -22), refusedAs: DAMAGED },
    { class: 'end record', name: 'cut off', bytes: () => zip([a]).slice(0, -1), refusedAs: DAMAGED },
    ...[10, 35, 60].map((at) => ({
      class: 'truncation',
      name: `cut after ${at} bytes`,
      bytes: () => zip([a]).slice(0, at),
      refusedAs: DAMAGED,
    })),
    kase('zip64', 'a count that differs', [a], EITHER, { beforeEnd: end64(2n, -1n, -1n) }),
    kase('zip64', 'an offset that differs', [a], EITHER, { beforeEnd: end64(1n, -1n, 0n) }),
    kase('zip64', 'a count of 2^63', [a], EITHER, { count: 0xffff, beforeEnd: end64(2n ** 63n, -1n, -1n) }),
    kase('zip64', '2^40 entries', [a], [...EITHER, ...LIMIT], { count: 0xffff, beforeEnd: end64(2n ** 40n, -1n, -1n) }),
    kase('zip64', 'announced and missing', [a], EITHER, { count: 0xffff }),
    kase('zip64', 'offset announced and missing', [a], EITHER, { offset: 0xffffffff }),
    kase(
      'zip64',
      'sizes announced and missing',
      [{ ...a, sizeBytes: 0xffffffff, method: 8, compressed: deflateRawSync('hello') }],
      EITHER,
    ),
    kase(
      'zip64',
      'sizes cut off',
      [{ ...a, sizeBytes: 0xffffffff, method: 8, compressed: deflateRawSync('hello'), extra: extraField(1, u32(5)) }],
      EITHER,
    ),
    kase(
      'zip64',
      'a size of 2^63',
      [
        {
          ...a,
          sizeBytes: 0xffffffff,
          method: 8,
          compressed: deflateRawSync('hello'),
          extra: extraField(1, u64(2n ** 63n)),
        },
      ],
      EITHER,
    ),
    kase(
      'zip64',
      'another size in the local header',
      [
        {
          ...a,
          sizeBytes: 0xffffffff,
          method: 8,
          compressed: deflateRawSync('hello'),
          centralExtra: extraField(1, u64(5n)),
          local: { extra: extraField(1, u64(6n)) },
        },
      ],
      EITHER,
    ),
  ]
}

/** An overlap bomb as David Fifield built them: every entry shares one compressed kernel. */
function overlapBomb(count: number): Uint8Array {
  const kernel = { name: 'k', content: new Uint8Array(1_000_000), method: 8 }
  const first = zip([kernel])
  const localBytes = first.length - 22 - 47
  const central = (i: number): Uint8Array => first.slice(localBytes, localBytes + 47).with(46, 0x21 + i)
  const directoryBytes = concat(...Array.from({ length: count }, (_, i) => central(i)))
  const end = concat(
    bytes('PK\x05\x06'),
    u16(0),
    u16(0),
    u16(count),
    u16(count),
    u32(directoryBytes.length),
    u32(localBytes),
    u16(0),
  )
  return concat(first.slice(0, localBytes), directoryBytes, end)
}

function resources(): HostileCase[] {
  const zeros = deflateRawSync(new Uint8Array(30 * 2 ** 20), { level: 9 })
  return [
    { class: 'bomb', name: 'overlapping entries', bytes: () => overlapBomb(80), refusedAs: [...UNSAFE, ...LIMIT] },
    kase(
      'bomb',
      'ratio of 1000 to 1',
      Array.from({ length: 5 }, (_, i) => ({
        name: `z${i}`,
        content: new Uint8Array(30 * 2 ** 20),
        compressed: zeros,
        method: 8,
      })),
      LIMIT,
    ),
    kase(
      'bomb',
      'a file of 100 GB announced',
      [
        {
          ...a,
          sizeBytes: 0xffffffff,
          method: 8,
          compressed: deflateRawSync('hello'),
          extra: extraField(1, u64(100_000_000_000n)),
        },
      ],
      LIMIT,
    ),
    kase(
      'bomb',
      'local header within the content of another',
      [
        { name: 'outer', content: zip([a]).slice(0, 36) },
        { ...a, onlyCentral: true, offset: 35 },
      ],
      EITHER,
    ),
  ]
}

export function hostileZips(): HostileCase[] {
  return [...names(), ...tree(), ...mismatch(), ...content(), ...directory(), ...resources()]
}
