import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { readAll, verdictOf } from './reading.ts'
import { concat, file, tar } from './tar-builder.ts'
import { describeWith } from './tools.ts'

const plain = tar(
  file('text', Buffer.alloc(300_000, 'The quick brown fox jumps over the lazy dog. ')),
  file('noise', randomBytes(200_000)),
  file('zeros', new Uint8Array(2_500_000)),
  file('runs', Buffer.from('aaaabbbbbccccccdddddddd'.repeat(5000))),
)
const pack = (command: string, args: readonly string[], input: Uint8Array = plain): Uint8Array =>
  new Uint8Array(execFileSync(command, args, { input, maxBuffer: 2 ** 26, stdio: ['pipe', 'pipe', 'ignore'] }))
const truth = await readAll(plain)

async function* dripping(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

/** The same for every format: what its own program writes is read, and nothing damaged is. */
function judge(name: 'lz4' | 'xz' | 'bzip2', variants: readonly (readonly string[])[]): void {
  describeWith([name], name, () => {
    test.each(variants.map((args) => [args.join(' '), args] as const))(
      'written with %s is read exactly',
      async (_title, args) => {
        const packed = pack(name, args)
        expect(await readAll(packed)).toEqual(truth)
        expect(await readAll(dripping(packed, 1013))).toEqual(truth)
      },
    )

    test('two streams in a row are one archive', async () => {
      const args = variants[0] as readonly string[]
      expect(
        await readAll(concat(pack(name, args, plain.slice(0, 100_000)), pack(name, args, plain.slice(100_000)))),
      ).toEqual(truth)
    })

    describe('damage is refused', () => {
      const packed = pack(name, variants[0] as readonly string[])
      const flips = Array.from({ length: 24 }, (_, i) => Math.floor(((i + 0.5) * packed.length) / 24))
      const cases: Readonly<Record<string, Uint8Array>> = {
        'last byte missing': packed.slice(0, -1),
        'last twelve bytes missing': packed.slice(0, -12),
        'half of it': packed.slice(0, packed.length >> 1),
        'garbage behind': concat(packed, Buffer.from('garbage!')),
        'one zero behind': concat(packed, new Uint8Array(1)),
        'a second archive behind': concat(packed, pack(name, variants[0] as readonly string[], tar(file('hidden')))),
        ...Object.fromEntries(
          flips.map((at) => [`a bit flipped at ${at}`, packed.with(at, (packed[at] as number) ^ 0x10)]),
        ),
      }
      test.each(Object.entries(cases))('%s', async (_title, bytes) => {
        expect(['ARC_ARCHIVE_DAMAGED', 'ARC_ARCHIVE_UNSUPPORTED', 'ARC_LIMIT_EXCEEDED']).toContain(
          await verdictOf(bytes),
        )
      })
    })

    test('a bomb is stopped', async () => {
      expect(
        await verdictOf(
          pack(name, variants[0] as readonly string[], tar(file('zeros', new Uint8Array(90 * 2 ** 20)))),
          { limits: { maxRatio: 20 } },
        ),
      ).toBe('ARC_LIMIT_EXCEEDED')
    })

    test('two archives are read at the same time', async () => {
      const packed = pack(name, variants[0] as readonly string[])
      expect(await Promise.all([readAll(packed), readAll(dripping(packed, 5000))])).toEqual([truth, truth])
    })
  })
}

judge('lz4', [
  ['-c'],
  ['-c', '-9', '-BD', '-B4'],
  ['-c', '-B5', '-BX'],
  ['-c', '-B7', '--no-frame-crc'],
  ['-c', '--fast=5'],
])
judge('xz', [
  ['-c'],
  ['-c', '-0'],
  ['-c', '-9e'],
  ['-c', '--check=crc32'],
  ['-c', '--check=none'],
  ['-c', '--check=sha256', '--block-size=100KiB'],
  ['-c', '--block-size=100KiB'],
  ['-c', '--lzma2=lc=0,lp=2,pb=4,dict=4KiB'],
])
judge('bzip2', [['-c'], ['-c', '-1']])

describeWith(['xz'], 'xz with SHA-256', () => {
  test.each([5, 31])('byte %d of the check matters', async (at) => {
    const packed = pack('xz', ['-c', '--check=sha256'])
    const footer = packed.subarray(-12)
    const indexBytes = (Buffer.from(footer).readUInt32LE(4) + 1) * 4
    const check = packed.length - 12 - indexBytes - 32
    expect(await verdictOf(packed.with(check + at, (packed[check + at] as number) ^ 1))).toBe('ARC_ARCHIVE_DAMAGED')
  })
})

const SKIPPABLE = Uint8Array.of(0x5a, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3)

describeWith(['lz4', 'zstd'], 'skippable frames in front', () => {
  test.each(['lz4', 'zstd'])('%s goes by what follows them', async (name) => {
    const packed = pack(name, ['-c'])
    expect(await readAll(concat(SKIPPABLE, packed))).toEqual(truth)
    expect(await readAll(dripping(concat(SKIPPABLE, SKIPPABLE, packed), 7))).toEqual(truth)
  })
})

describeWith(['xz'], 'xz that is not LZMA2 alone', () => {
  test.each([['--x86'], ['--delta=dist=4']])('%s is refused as unsupported', async (filter) => {
    expect(await verdictOf(pack('xz', ['-c', filter, '--lzma2']))).toBe('ARC_ARCHIVE_UNSUPPORTED')
  })

  test('stream padding of four zeros is read', async () => {
    expect(await readAll(concat(pack('xz', ['-c']), new Uint8Array(8)))).toEqual(truth)
  })
})
