import fs from 'node:fs'
import { join } from 'node:path'
import { type Entry, memorySource, readContent } from '@arc/core'
import { fileEntry, temporaryFolder } from '@arc/core/testing'
import { describe, expect, test } from 'vitest'
import { openArchive as openPortably, portableCodecs } from '../src/index.ts'
import { type ArchiveFormat, openArchive, type OpenOptions, writeArchive } from '../src/node.ts'
import { readAll } from './reading.ts'

const CONTENTS = { large: Buffer.alloc(5_000_000, 'large '), small: Buffer.from('small') }

async function written(format: ArchiveFormat): Promise<Buffer> {
  const pieces: Buffer[] = []
  const entries = Object.entries(CONTENTS).map(([name, content]) => fileEntry(name, content))
  const sink = { write: (bytes: Uint8Array) => void pieces.push(Buffer.from(bytes)) }
  await writeArchive(memorySource('x', entries), sink, { format, ...(format === 'zip' && { level: 0 }) })
  return Buffer.concat(pieces)
}

async function bytesOf({ content }: Entry): Promise<Buffer> {
  const pieces: Buffer[] = []
  if (content !== undefined) for await (const piece of readContent(content)) pieces.push(Buffer.from(piece))
  return Buffer.concat(pieces)
}

test.each([undefined, null, 5, true, {}, [1, 2], { sizeBytes: 3 }])('%j is no archive', async (input) => {
  for (const open of [openArchive, openPortably])
    await expect(open(input as never, { codecs: portableCodecs })).rejects.toMatchObject({
      code: 'ARC_OPTION_INVALID',
      hint: expect.any(String),
    })
})

test('an ArrayBuffer is as good as its bytes', async () => {
  const { buffer } = new Uint8Array(await written('tar.gz'))
  expect((await readAll(buffer)).map(({ path }) => path)).toEqual(['large', 'small'])
})

const RANDOM: readonly (readonly [string, ArchiveFormat, OpenOptions])[] = [
  ['zip', 'zip', {}],
  ['tar.zst with an index', 'tar.zst', { access: 'random' }],
]

describe.each(RANDOM)('a %s', (_name, format, options) => {
  test('is not read once it is closed, whatever file has its descriptor then', async () => {
    using folder = temporaryFolder()
    const path = join(folder.path, 'archive')
    const bytes = await written(format)
    fs.writeFileSync(path, bytes)
    const arriving = (async function* () {
      yield new Uint8Array(bytes)
    })()
    const inputs = format === 'zip' ? [path, bytes, arriving] : [path, bytes]
    for (const input of inputs) {
      const source = await openArchive(input, { ...options, spoolFolder: folder.path })
      const [entries = []] = await Array.fromAsync(source.entries())
      const [large, small] = entries as [Entry, Entry]
      expect((await bytesOf(large)).equals(CONTENTS.large)).toBe(true)
      await source[Symbol.asyncDispose]()
      const others = Array.from({ length: 8 }, () => fs.openSync(import.meta.filename, 'r'))
      try {
        await expect(bytesOf(large)).rejects.toMatchObject({ code: 'ARC_ENTRY_UNREADABLE' })
        // What was unpacked together with something else may still be at hand.
        const late: unknown = await bytesOf(small).catch((error: unknown) => error)
        if (late instanceof Buffer) expect(late.equals(CONTENTS.small)).toBe(true)
        else expect(late).toMatchObject({ code: 'ARC_ENTRY_UNREADABLE' })
      } finally {
        for (const fd of others) fs.closeSync(fd)
      }
    }
  })
})
