import { expect, test } from 'vitest'
import { hostileZips } from './hostile-zip.ts'
import { readAll, verdictOf } from './reading.ts'
import { extraField, transcoded, u64, zip } from './zip-builder.ts'

for (const { name, class: classOf, bytes, refusedAs } of hostileZips()) {
  test(`zip: ${classOf}: ${name} is refused`, async () => {
    expect(refusedAs).toContain(await verdictOf(bytes()))
  })
}

const MTIME_NS = BigInt(Date.UTC(2023, 10, 14)) * 1_000_000n
const read = (path: string, content = 'x', mode = 0o644) => ({ path, type: 'file', mode, mtimeNs: MTIME_NS, content })

/** A name in GBK, and what it says. */
const GBK_NAME = Buffer.from('folder/\xc6\xdf\xb8\xf6\xb7\xbf\xbc\xe4.txt', 'latin1')
const NAME = 'folder/\u4e03\u4e2a\u623f\u95f4.txt'

const legitimate: Readonly<Record<string, [Uint8Array, unknown[]]>> = {
  'an empty archive': [zip([]), []],
  'a comment': [zip([{ name: 'a', content: 'x' }], { comment: 'made by hand' }), [read('a')]],
  'entries in any order': [
    zip([
      { name: 'b', content: 'x' },
      { name: 'a', content: 'x' },
    ]),
    [read('a'), read('b')],
  ],
  'a folder before what only begins with its name': [
    zip([
      { name: 'a-b', content: 'x' },
      { name: 'a/', mode: 0o40755 },
      { name: 'a/c', content: 'x' },
    ]),
    [{ path: 'a', type: 'directory', mode: 0o755, mtimeNs: MTIME_NS }, read('a-b'), read('a/c')],
  ],
  'names that only look like parents': [
    zip(['..foo', '...', 'a..b'].map((name) => ({ name, content: 'x' }))),
    [read('...'), read('..foo'), read('a..b')],
  ],
  'backslashes and colons': [
    zip([
      { name: 'a\\b', content: 'x' },
      { name: 'c:d', content: 'x' },
    ]),
    [read('a\\b'), read('c:d')],
  ],
  'a file named __proto__': [zip([{ name: '__proto__', content: 'x' }]), [read('__proto__')]],
  'a name that is no UTF-8': [zip([{ name: Uint8Array.of(0x61, 0xff), content: 'x' }]), [read('a\udcff')]],
  'a name in some code page, with its meaning in UTF-8': [
    zip([transcoded(NAME, GBK_NAME), { name: 'folder/z', content: 'x' }]),
    [read('folder/z'), read(NAME)],
  ],
  'made on DOS': [
    zip([
      { name: 'a', content: 'x', host: 0, attributes: 0x20 },
      { name: 'd/', host: 0, attributes: 0x10 },
    ]),
    [read('a'), { path: 'd', type: 'directory', mode: 0o755, mtimeNs: MTIME_NS }],
  ],
  'folders, symlinks and modes': [
    zip([
      { name: 'd/', mode: 0o40700 },
      { name: 'd/l', content: '../x', mode: 0o120777 },
      { name: 'd/x', content: 'x', mode: 0o100755 },
    ]),
    [
      { path: 'd', type: 'directory', mode: 0o700, mtimeNs: MTIME_NS },
      { path: 'd/l', type: 'symlink', mode: 0o777, mtimeNs: MTIME_NS, target: '../x' },
      read('d/x', 'x', 0o755),
    ],
  ],
  'deflated and empty': [zip([{ name: 'a', content: '', method: 8 }]), [read('a', '')]],
  'zip64 sizes of a small file': [
    zip([
      {
        name: 'a',
        content: 'x',
        sizeBytes: 0xffffffff,
        compressedBytes: 0xffffffff,
        extra: extraField(1, new Uint8Array([...u64(1n), ...u64(1n)])),
        local: { compressedBytes: 0xffffffff },
      },
    ]),
    [read('a')],
  ],
  'times of Info-ZIP': [
    zip([{ name: 'a', content: 'x', extra: extraField(0x5455, Uint8Array.of(1, 1, 0, 0, 0)) }]),
    [{ ...read('a'), mtimeNs: 1_000_000_000n }],
  ],
  'a large file': [
    zip([{ name: 'a', content: Buffer.alloc(9_000_000, 'ab'), method: 8 }]),
    [read('a', 'ab'.repeat(4_500_000))],
  ],
  'a large file that is stored': [
    zip([{ name: 'a', content: Buffer.alloc(9_000_000, 'ab') }]),
    [read('a', 'ab'.repeat(4_500_000))],
  ],
}

for (const [name, [bytes, entries]] of Object.entries(legitimate)) {
  test(`zip: ${name} is read exactly`, async () => {
    expect(await readAll(bytes)).toEqual(entries)
  })
}
