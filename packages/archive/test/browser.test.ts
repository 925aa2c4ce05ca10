// The reading path of `@arc/archive` runs where there is no Node: bundled for browsers it imports nothing of Node, and in a
// context that has only what the language has it reads what we write.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import vm from 'node:vm'
import { deflateRawSync } from 'node:zlib'
import { memorySource } from '@arc/core'
import { fileEntry } from '@arc/core/testing'
import fc from 'fast-check'
import { rolldown } from 'rolldown'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { inflateInto, Inflater } from '../src/inflate.ts'
import { type ArchiveFormat, nodeCodecs, writeArchive } from '../src/node.ts'
import { portableCodecs } from '../src/portable-codecs.ts'
import { describeWith, run } from './tools.ts'

/** What runs in there: list an archive, and add up what its files hold. */
const PAGE = `
import { openArchive, portableCodecs } from '@arc/archive'
import { readContent } from '@arc/core'
globalThis.readArchive = async (bytes) => {
  const rows = []
  try {
    const source = await openArchive(bytes, { codecs: portableCodecs })
    for await (const batch of source.entries())
      for (const entry of batch) {
        let sum = 0
        if (entry.content !== undefined)
          for await (const piece of readContent(entry.content)) for (const byte of piece) sum += byte
        rows.push([entry.path, entry.type, entry.sizeBytes, sum].join(' '))
      }
    return rows
  } catch (error) {
    return [...rows, error.code ?? String(error)]
  }
}
`
const FORMATS = ['tar', 'tar.gz', 'tar.lz4', 'zip', 'tar.zst'] as const satisfies ArchiveFormat[]
const entries = [fileEntry('a', 'hello'), fileEntry('b/c', 'x'.repeat(3_000_000)), fileEntry('empty', '')]
const EXPECTED = ['a file 5 532', 'b/c file 3000000 360000000', 'empty file 0 0']

async function written(format: ArchiveFormat): Promise<Buffer> {
  const pieces: Buffer[] = []
  const sink = { write: (bytes: Uint8Array) => void pieces.push(Buffer.from(bytes)) }
  await writeArchive(memorySource('x', entries), sink, { format })
  return Buffer.concat(pieces)
}

let folder: string
let code: string

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'arc-browser-'))
  const name = '\0page'
  const bundle = await rolldown({
    input: name,
    platform: 'browser',
    cwd: import.meta.dirname,
    // A module of Node is an error, not something left to the page.
    external: [],
    onLog(_level, log) {
      throw new Error(log.message)
    },
    plugins: [
      {
        name: 'page',
        resolveId: (id: string) => (id === name ? id : undefined),
        load: (id: string) => (id === name ? PAGE : undefined),
      },
    ],
    transform: { target: 'es2022' },
  })
  const { output } = await bundle.generate({ format: 'iife', minify: true /* comments may speak of Node */ })
  await bundle.close()
  code = output[0].code
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test('the bundle for browsers holds nothing of Node', () => {
  expect(code).not.toMatch(/["']node:|\brequire\(|\bprocess\.|\bBuffer\b/)
})

describe('in a context without anything of Node', () => {
  const inContext = async (bytes: Uint8Array): Promise<unknown> => {
    const context = vm.createContext({ TextDecoder, TextEncoder })
    vm.runInContext(code, context)
    context['bytes'] = bytes
    return await vm.runInContext('readArchive(new Uint8Array(bytes))', context)
  }

  test.each(FORMATS)('%s is read, or refused clearly', async (format) => {
    const expected = format === 'tar.zst' ? ['ARC_ARCHIVE_UNSUPPORTED'] : EXPECTED
    expect(await inContext(await written(format))).toEqual(expected)
  })

  test('damage is found there too', async () => {
    const [tar, gz] = [await written('tar'), await written('tar.gz')]
    tar.write('HELLO', tar.indexOf('hello'))
    expect(await inContext(tar)).toContain('ARC_HASH_MISMATCH')
    expect(await inContext(gz.subarray(0, -9))).toContain('ARC_ARCHIVE_DAMAGED')
    gz[gz.length - 6] = (gz[gz.length - 6] ?? 0) ^ 1
    expect(await inContext(gz)).toContain('ARC_ARCHIVE_DAMAGED')
  })
})

describeWith(['chromium'], 'in Chromium', () => {
  test('every format is read, zstd as far as the browser has it', async () => {
    const archives = await Promise.all(FORMATS.map(async (format) => (await written(format)).toString('base64')))
    const page = `<body><script>${code}
      const bytesOf = (text) => Uint8Array.from(atob(text), (character) => character.charCodeAt(0))
      Promise.all(${JSON.stringify(archives)}.map((text) => readArchive(bytesOf(text))))
        .then((rows) => { document.body.textContent = 'ROWS' + JSON.stringify(rows) + 'SWOR' })
    </script></body>`
    const path = join(folder, 'page.html')
    writeFileSync(path, page)
    const flags = ['--headless', '--no-sandbox', '--disable-gpu', '--virtual-time-budget=20000', '--dump-dom']
    const dom = run('chromium', [...flags, `--user-data-dir=${join(folder, 'profile')}`, `file://${path}`], {
      timeout: 60_000,
    })
    const rows: string[][] = JSON.parse(/<body>ROWS(.*)SWOR<\/body>/.exec(dom)?.[1] ?? '[]')
    expect(rows.slice(0, 4)).toEqual([EXPECTED, EXPECTED, EXPECTED, EXPECTED])
    expect([EXPECTED, ['ARC_ARCHIVE_UNSUPPORTED']]).toContainEqual(rows[4])
  })
})

describe('the portable codecs', () => {
  test('hash as Node does', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 5 }), (pieces) => {
        const [mine, nodes] = [portableCodecs.startSha256(), nodeCodecs.startSha256()]
        let [crc, nodesCrc] = [0, 0]
        for (const piece of pieces) {
          mine.update(piece)
          nodes.update(piece)
          crc = portableCodecs.crc32(piece, crc)
          nodesCrc = nodeCodecs.crc32(piece, nodesCrc)
        }
        expect([mine.digestHex(), crc]).toEqual([nodes.digestHex(), nodesCrc])
      }),
    )
  })

  const content = readFileSync(import.meta.filename)
  const kinds = [{ level: 9 }, { level: 1 }, { level: 0 }, { strategy: 2 }, { strategy: 3 }, { strategy: 4 }]

  test.each(kinds)('inflate what zlib deflates with %o, whole and in pieces', (options) => {
    const deflated = deflateRawSync(content, options)
    const output = new Uint8Array(content.length + 1)
    const facts = { usedBytes: deflated.length, writtenBytes: content.length }
    expect(inflateInto(Buffer.concat([deflated, Buffer.from('tail')]), output)).toEqual(facts)
    expect(content.equals(output.subarray(0, -1))).toBe(true)
    const inflater = new Inflater()
    const pieces: Buffer[] = []
    for (const byte of deflated) for (const piece of inflater.push(Uint8Array.of(byte))) pieces.push(Buffer.from(piece))
    expect([inflater.isDone, content.equals(Buffer.concat(pieces))]).toEqual([true, true])
  })

  test('take for damage what Node takes for damage', () => {
    const deflated = deflateRawSync(content)
    const attempt = (inflate: typeof inflateInto, bytes: Uint8Array): unknown => {
      try {
        const output = new Uint8Array(2 * content.length)
        const facts = inflate(bytes, output)
        return [facts, Buffer.from(output.subarray(0, facts.writtenBytes)).toString('latin1')]
      } catch (error) {
        return (error as { code: string }).code
      }
    }
    const mutation = fc.tuple(fc.nat(deflated.length - 1), fc.nat(255), fc.nat(deflated.length))
    fc.assert(
      fc.property(mutation, ([at, byte, length]) => {
        const bytes = deflated.map((each, i) => (i === at ? byte : each)).subarray(0, Math.max(at + 1, length))
        expect(attempt(inflateInto, bytes)).toEqual(
          attempt((from, into) => nodeCodecs.inflateRawInto(from, into), bytes),
        )
      }),
      { numRuns: 300 },
    )
  })
})
