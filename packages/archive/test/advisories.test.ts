// One test for each published advisory of a well-known extractor that concerns what is in an archive: the same input,
// refused (or read without harm) here. What concerns writing below a target is tested in @arc/restore-safe.
import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { readAll, verdictOf } from './reading.ts'
import {
  base256,
  blocks,
  bytes,
  concat,
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
import { zip } from './zip-builder.ts'

const REFUSED = /^ARC_(ARCHIVE_(DAMAGED|UNSAFE|UNSUPPORTED)|PATH_UNSAFE|ENTRY_DUPLICATE|LIMIT_EXCEEDED)$/

const refused: Readonly<Record<string, () => Uint8Array>> = {
  'CVE-2007-4559 (CPython tarfile): parent paths': () => tar(file('../../etc/passwd')),
  'CVE-2015-8860 (node-tar): file through a symlink': () => tar(symlink('x', '/tmp'), file('x/evil')),
  'CVE-2018-20834 (node-tar): file over a hard link': () =>
    tar(file('a'), hardLink('x', 'a'), file('x', 'new content')),
  'CVE-2018-1002203 (unzipper), CVE-2018-1002204 (adm-zip): zip slip': () =>
    zip([{ name: '../../evil', content: 'x' }]),
  'CVE-2020-12265 (decompress): link, then a file through it': () =>
    tar(folder('a/'), symlink('a/b', '../..'), file('a/b/evil')),
  'CVE-2021-32803 (node-tar): folder, then symlink of the same name': () =>
    tar(folder('d/'), symlink('d', '/tmp'), file('d/evil')),
  'CVE-2021-32804 (node-tar): several leading slashes': () => tar(file('////etc/passwd')),
  'CVE-2021-37701 (node-tar): symlink and folder whose names differ in a trailing slash': () =>
    tar(symlink('d', '/tmp'), folder('d/'), file('d/evil')),
  'CVE-2024-12718, CVE-2025-4330, CVE-2025-4138 (CPython): things through symlinks': () =>
    tar(symlink('a', '.'), symlink('a/b', '..'), file('a/b/evil')),
  'CVE-2024-12905 (tar-fs): hard link through a symlink': () => tar(symlink('d', '/etc'), hardLink('x', 'd/passwd')),
  'CVE-2025-4517 (CPython): chain of symlinks beyond PATH_MAX': () => {
    const name = 'd'.repeat(247)
    const parts: Uint8Array[] = []
    let path = ''
    for (const letter of 'abcdefghijklmnop') {
      parts.push(
        pax({ path: `${path}${name}/` }),
        folder('d/'),
        pax({ path: `${path}${letter}`, linkpath: name }),
        symlink('l', 'x'),
      )
      path += `${letter}/`
    }
    return tar(...parts, pax({ path: `${path}evil` }), file('x'))
  },
  'CVE-2025-8194 (CPython): negative size': () => tar(header({ name: 'x', size: base256(-512n, 12) })),
  'CVE-2025-48387 (tar-fs): hard link to a path outside': () => tar(hardLink('x', '../../../etc/passwd')),
  'CVE-2025-54368 (uv): local headers hide an entry': () =>
    zip([
      { name: 'a', content: 'x' },
      { name: 'evil', content: 'x', onlyLocal: true },
    ]),
  'CVE-2025-59343 (tar-fs): sibling with the target as prefix': () => tar(file('../target-evil/x')),
  'CVE-2025-62518, TARmageddon (tokio-tar): extended size hides an archive': () => {
    const inner = tar(file('evil'))
    return tar(pax({ size: String(inner.length) }), header({ name: 'inner.tar', size: 0 }), inner)
  },
  'CVE-2025-11001, CVE-2025-11002 (7-Zip): file through a symlink in a zip': () =>
    zip([
      { name: 'l', content: 'C:\\Windows', mode: 0o120777 },
      { name: 'l/evil', content: 'x' },
    ]),
  'CVE-2026-23745 (node-tar): hard link to an absolute path': () => tar(hardLink('x', '/etc/passwd')),
  'CVE-2026-24842 (node-tar): hard link checked against another base': () =>
    tar(folder('a/'), folder('a/b/'), hardLink('a/b/x', '../../../etc/passwd')),
  'CVE-2026-26960 (node-tar): hard link through a chain of symlinks': () =>
    tar(folder('a/'), symlink('a/b', '..'), symlink('c', 'a/b'), hardLink('x', 'c/etc/passwd')),
  'CVE-2026-59871 (node-tar): a pax key that is not what its type says': () =>
    tar(pax({ size: '[object Object]' }), file('x')),
  'CVE-2026-59873 (node-tar): decompression bomb': () => gzipSync(tar(file('zeros', new Uint8Array(80 * 2 ** 20)))),
  'CVE-2026-59874 (node-tar): negative size without end': () => tar(header({ name: 'x', size: base256(-1n, 12) })),
  'CVE-2026-59875 (node-tar): NUL in a pax path': () => tar(pax({ path: 'a\0../../evil' }), file('x')),
  'node-tar 7.5.16: extended header before a long name': () =>
    tar(pax({ size: '512', path: 'a' }), longText('b'), file('x', 'y'.repeat(512))),
  'RUSTSEC-2026-0067 (tar): folder in place of a symlink': () =>
    tar(symlink('x', '/etc'), folder('x/', { mode: '0000777\0' })),
  'RUSTSEC-2026-0068 (tar): extended size that is passed over': () =>
    tar(pax({ size: '1024' }), file('x', 'y'.repeat(512)), file('evil')),
  'RUSTSEC-2026-0112, RUSTSEC-2026-0145 (tokio-tar): extended size of a folder': () =>
    tar(pax({ size: '1024' }), folder('d/'), file('evil')),
  'RUSTSEC-2026-0113 (tokio-tar): mode of what a symlink points to': () =>
    tar(symlink('x', '/etc'), folder('x', { mode: '0000777\0' })),
  'astral-tokio-tar 0.5.6: malformed extended records passed over': () =>
    tar(paxRaw(concat(record('size', '1'), bytes('garbage\n'))), file('x')),
  'Fifield 2019, CVE-2019-13232 (unzip): entries that overlap': () =>
    zip([
      { name: 'a', content: 'kernel' },
      { name: 'b', content: 'kernel', onlyCentral: true, offset: 0 },
    ]),
  'PyPI 2025: two end records': () => concat(zip([{ name: 'a', content: 'x' }]), zip([{ name: 'evil', content: 'x' }])),
  'PyPI 2025: central and local name differ': () => zip([{ name: 'a', content: 'x', local: { name: 'b' } }]),
}

test.each(Object.entries(refused))('%s', async (_advisory, make) => {
  expect(await verdictOf(make())).toMatch(REFUSED)
})

const onWindows: Readonly<Record<string, string>> = {
  'CVE-2021-37712 (node-tar): 8.3 names and normalisation, by a backslash': 'a\\..\\..\\evil',
  'CVE-2021-37713 (node-tar): drive-relative paths': 'C:../evil',
  'CVE-2025-8088 (WinRAR): alternate data stream': 'a.txt:..\\..\\evil',
  'node-tar 7.5.10: drive-relative, again': 'c:evil',
}

for (const [advisory, name] of Object.entries(onWindows)) {
  test(`${advisory}: refused for Windows, an ordinary name elsewhere`, async () => {
    expect(await verdictOf(tar(file(name)), { names: { platform: 'windows' } })).toBe('ARC_PATH_UNSAFE')
    expect((await readAll(tar(file(name))))[0]?.path).toBe(name)
  })
}

test('CVE-2026-23950 (node-tar): sharp s and ss are one name to APFS', async () => {
  const archive = tar(symlink('collision-\u00df', '/tmp'), file('collision-ss/evil'))
  expect(await verdictOf(archive, { names: { ignoresCase: true, ignoresNormalisation: true } })).toMatch(REFUSED)
})

test('CVE-2021-37712 (node-tar): two normalisations of one name', async () => {
  const archive = tar(symlink('caf\u00e9', '/tmp'), file('cafe\u0301', 'x'))
  expect(await verdictOf(archive, { names: { ignoresNormalisation: true } })).toMatch(REFUSED)
  expect(await verdictOf(archive)).toBe('accepted')
})

test('CVE-2024-28863 (node-tar): folders without end', async () => {
  expect(await verdictOf(tar(pax({ path: `${'d/'.repeat(3000)}x` }), file('x')))).toBe('ARC_PATH_UNSAFE')
})

test('CVE-2025-45582 (GNU tar), CVE-2026-56876 (extract-zip): a symlink out is handed out as such, and nothing below it', async () => {
  expect((await readAll(tar(symlink('x', '../..'))))[0]).toMatchObject({ type: 'symlink', target: '../..' })
  expect(await verdictOf(tar(symlink('x', '../..'), file('x/evil')))).toBe('ARC_ARCHIVE_UNSAFE')
})

test('fflate 0.8.3 loses a file named __proto__; here it is a file', async () => {
  expect((await readAll(zip([{ name: '__proto__', content: 'x' }])))[0]?.path).toBe('__proto__')
})

test('tar headers that claim gigabytes take no memory', async () => {
  const before = process.memoryUsage().arrayBuffers
  expect(await verdictOf(tar(header({ name: 'x', size: 4 * 2 ** 30 }), blocks('y')))).toBe('ARC_ARCHIVE_DAMAGED')
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(50 * 2 ** 20)
})
