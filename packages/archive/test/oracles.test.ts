// The JavaScript libraries of the design card as judges: they read what we write, and we read what they write.
import { PassThrough } from 'node:stream'
import { gunzipSync } from 'node:zlib'
import { memorySource } from '@arc/core'
import { fileEntry } from '@arc/core/testing'
import { unzipSync, zipSync } from 'fflate'
import tarStream from 'tar-stream'
import { expect, test } from 'vitest'
import yauzl from 'yauzl'
import yazl from 'yazl'
import { type ArchiveFormat, writeArchive } from '../src/node.ts'
import { readAll } from './reading.ts'

const files = [fileEntry('a/b.txt', 'hello', 0o600), fileEntry('ünï', 'x'.repeat(5000)), fileEntry('n'.repeat(150), '')]
const expected = files.map(({ path, sizeBytes }) => `${path} ${sizeBytes}`).toSorted()

async function written(format: ArchiveFormat): Promise<Buffer> {
  const pieces: Buffer[] = []
  await writeArchive(
    memorySource('x', files),
    { write: (bytes) => void pieces.push(Buffer.from(bytes)) },
    { format, manifest: false },
  )
  return Buffer.concat(pieces)
}

async function collect(stream: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const pieces: Uint8Array[] = []
  for await (const piece of stream) pieces.push(piece)
  return new Uint8Array(Buffer.concat(pieces))
}

test.each(['tar', 'tar.gz'] as const)('tar-stream reads our %s', async (format) => {
  const extract = tarStream.extract()
  const archive = await written(format)
  extract.end(format === 'tar' ? archive : gunzipSync(archive))
  const found: string[] = []
  for await (const entry of extract) {
    const size = (await collect(entry as unknown as AsyncIterable<Uint8Array>)).length
    found.push(`${entry.header.name} ${size}`)
  }
  expect(found.toSorted()).toEqual(expected)
})

test('we read what tar-stream writes', async () => {
  const pack = tarStream.pack()
  for (const { path } of files) pack.entry({ name: path, mtime: new Date(0) }, 'content')
  pack.finalize()
  expect(
    (await readAll(await collect(pack as unknown as AsyncIterable<Uint8Array>))).map(
      ({ path, content }) => `${path} ${content}`,
    ),
  ).toEqual(files.map(({ path }) => `${path} content`))
})

test('yauzl reads our zip', async () => {
  const archive = await yauzl.fromBufferPromise(await written('zip'))
  const found: string[] = []
  for await (const entry of archive.eachEntry()) found.push(`${entry.fileName} ${entry.uncompressedSize}`)
  expect(found.toSorted()).toEqual(expected)
})

test('fflate reads our zip, and we read its', async () => {
  const read = unzipSync(await written('zip'))
  expect(
    Object.entries(read)
      .map(([path, bytes]) => `${path} ${bytes.length}`)
      .toSorted(),
  ).toEqual(expected)
  const rows = await readAll(zipSync({ a: Buffer.from('hello'), 'd/ü': Buffer.from('x') }))
  expect(rows.map(({ path, content }) => `${path} ${content}`)).toEqual(['a hello', 'd/ü x'])
})

test('we read what yazl writes, with data descriptors', async () => {
  const file = new yazl.ZipFile()
  file.addBuffer(Buffer.from('hello'), 'a', { mode: 0o100600 })
  file.addReadStream(PassThrough.from([Buffer.from('streamed')]), 'b')
  file.addEmptyDirectory('d')
  file.end()
  const rows = await readAll(await collect(file.outputStream as AsyncIterable<Uint8Array>))
  expect(rows.map(({ path, type, mode, content }) => `${path} ${type} ${mode.toString(8)} ${content}`)).toEqual([
    'a file 600 hello',
    'b file 664 streamed',
    'd directory 775 undefined',
  ])
})
