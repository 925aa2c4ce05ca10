// What fuzzing starts from: a small archive of every format and of everything that the readers know.
import { execFileSync } from 'node:child_process'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { memorySource } from '@arc/core'
import { fileEntry } from '@arc/core/testing'
import { type ArchiveFormat, writeArchive } from '../src/node.ts'
import { blocks, concat, file, folder, hardLink, header, longText, pax, symlink, tar } from './tar-builder.ts'
import { isInstalled } from './tools.ts'
import { zip } from './zip-builder.ts'

const octal = (value: number): string => `${value.toString(8).padStart(11, '0')}\0`

export async function fuzzSeeds(): Promise<Map<string, Uint8Array>> {
  const everything = tar(
    pax({ comment: 'x' }, 'g'),
    folder('d/'),
    file('d/a', 'hello'),
    hardLink('d/b', 'd/a'),
    symlink('l', 'd/a'),
    pax({ path: 'long/name', mtime: '1.5', size: '3' }),
    file('x', 'abc'),
    longText('gnu/long/name'),
    file('y', 'z', { dialect: 'gnu' }),
    longText('target', 'K'),
    symlink('m', 'x'),
  )
  const sparse = tar(
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
    pax({ 'GNU.sparse.major': '1', 'GNU.sparse.minor': '0', 'GNU.sparse.name': 't', 'GNU.sparse.realsize': '6' }),
    file('x', concat(blocks('2\n1\n1\n4\n1\n'), Buffer.from('ab'))),
    pax({ 'GNU.sparse.size': '6', 'GNU.sparse.map': '1,1,4,1', 'GNU.sparse.name': 'u' }),
    file('x', 'ab'),
  )
  const seeds = new Map<string, Uint8Array>([
    ['tar', everything],
    ['sparse', sparse],
    ['gzip', gzipSync(everything)],
    ['zstd', concat(zstdCompressSync(everything.slice(0, 2000)), zstdCompressSync(everything.slice(2000)))],
    [
      'zip',
      zip([
        { name: 'd/', mode: 0o40755 },
        { name: 'd/a', content: 'hello '.repeat(20), method: 8 },
        { name: 'l', content: 'd/a', mode: 0o120777 },
        { name: 's', content: 'stored' },
      ]),
    ],
  ])
  const source = memorySource('seed', [fileEntry('a', 'hello'), fileEntry('b/c', 'x'.repeat(3000)), fileEntry('ü', '')])
  for (const format of ['tar', 'tar.gz', 'tar.zst', 'tar.lz4', 'zip'] satisfies ArchiveFormat[]) {
    const pieces: Uint8Array[] = []
    await writeArchive(source, { write: (bytes) => void pieces.push(bytes.slice()) }, { format })
    seeds.set(`our ${format}`, concat(...pieces))
  }
  for (const tool of ['xz', 'bzip2'] as const) {
    if (isInstalled(tool)) seeds.set(tool, new Uint8Array(execFileSync(tool, ['-c'], { input: everything })))
  }
  return seeds
}
