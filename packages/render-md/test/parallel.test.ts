import fs from 'node:fs'
import { dirname, join } from 'node:path'
import { type Entry, memorySource } from '@arc/core'
import { LocalContent, localPath, localRoot, nodeFileSystem, Publication } from '@arc/core/node'
import { contentBytes, fileEntry, temporaryFolder, writeTree } from '@arc/core/testing'
import { type RenderOptions, renderDump, type RenderResult } from '@arc/render-md'
import { expect, onTestFinished, test } from 'vitest'
import { Random } from './random.ts'
import { randomContent } from './trees.ts'

/** A tree on disk, its files as a local source gives them. */
function localTree(entries: readonly Entry[]): { root: string; entries: Entry[] } {
  const folder = temporaryFolder()
  onTestFinished(() => folder[Symbol.dispose]())
  const root = join(folder.path, 'tree')
  fs.mkdirSync(root)
  writeTree(root, entries)
  const at = localRoot(nodeFileSystem, root, false)
  const local = (entry: Entry): Entry => ({ ...entry, content: new LocalContent(at, entry.path, entry.sizeBytes) })
  return { root, entries: entries.map((entry) => (entry.type === 'file' ? local(entry) : entry)) }
}

function manyFiles(): Entry[] {
  const random = new Random(4)
  const files = Array.from({ length: 500 }, (_, i) =>
    fileEntry(`d${i % 7}/f${i}.txt`, randomContent(random), i % 5 === 0 ? 0o755 : 0o644),
  )
  const large = [
    fileEntry('large', Buffer.alloc(5_000_000, 'x\n')),
    fileEntry('quite-large.bin', Buffer.alloc(2_000_000)),
    fileEntry(Buffer.from('\xff', 'latin1'), 'x\n'),
  ]
  const target = 'large' as Entry['path']
  return [...files, ...large, { path: 'link' as Entry['path'], type: 'symlink', mode: 0o777, sizeBytes: 5, target }]
}

async function dump(
  file: string,
  entries: readonly Entry[],
  options: RenderOptions,
): Promise<{ bytes: Buffer; result: RenderResult }> {
  using publication = new Publication(file, { durable: false })
  const result = await renderDump(memorySource('tree', entries), publication, options)
  if (result.isWritten) publication.commit()
  result.saveCache()
  return { bytes: fs.readFileSync(file), result }
}

test.each([{}, { binary: 'omit' }, { times: true }, { format: 'jsonl' }] as const)(
  'the document is the same whatever the number of threads: %j',
  async (options) => {
    const { root, entries } = localTree(manyFiles())
    const file = join(dirname(root), 'dump')
    const one = await dump(file, entries, { ...options, jobs: 1 })
    const three = await dump(file, entries, { ...options, jobs: 3 })
    expect(three.bytes.equals(one.bytes)).toBe(true)
    expect({ ...three.result, saveCache: undefined }).toEqual({ ...one.result, saveCache: undefined })
  },
)

test('files that vanish or change are omissions on any thread, in the same places', async () => {
  const { root, entries } = localTree(manyFiles())
  const listed = entries.map((entry, i) => ({
    ...entry,
    sizeBytes: entry.sizeBytes + (i % 90 === 0 && entry.type === 'file' ? 3 : 0),
  }))
  for (const entry of entries.filter((_, i) => i % 50 === 7)) fs.rmSync(localPath(root, entry.path))
  const file = join(dirname(root), 'dump')
  const one = await dump(file, listed, { jobs: 1 })
  const two = await dump(file, listed, { jobs: 2 })
  expect(one.result.omissions).toHaveLength(10)
  expect(two.result.omissions).toEqual(one.result.omissions)
  expect(two.bytes.equals(one.bytes)).toBe(true)
})

test('what the cache knows is not made again', async () => {
  const stamp = { device: 1n, inode: 1n, mtimeNs: 1n, ctimeNs: 1n }
  const { root, entries } = localTree(manyFiles())
  const withStamp = (entry: Entry): Entry => (entry.type === 'file' ? { ...entry, stamp } : entry)
  const stamped = entries.map(withStamp)
  const document = join(dirname(root), 'dump.md')
  const cache = { file: join(dirname(root), 'cache'), document, key: 'key' }
  await dump(document, stamped, { jobs: 2, cache })
  expect((await dump(document, stamped, { jobs: 2, cache })).result.isWritten).toBe(false)
  const changed = stamped.map((entry, i) => (i % 100 === 3 ? { ...entry, stamp: { ...stamp, ctimeNs: 2n } } : entry))
  // Whoever reads a file that is known would find it gone.
  for (const [i, entry] of stamped.entries())
    if (i % 100 !== 3 && entry.type === 'file') fs.rmSync(localPath(root, entry.path))
  const { result, bytes } = await dump(document, changed, { jobs: 2, cache })
  expect(result).toMatchObject({ omissions: [], reusedEntries: stamped.length - 6, isWritten: true })
  const fresh = await dump(`${document}.fresh`, manyFiles(), {})
  expect(bytes.equals(fresh.bytes)).toBe(true)
})

test('an abort ends the threads, with its reason', async () => {
  const { root, entries } = localTree(manyFiles())
  const controller = new AbortController()
  const reason = new Error('enough')
  let events = 0
  const onProgress = (): void => {
    if (++events === 2) controller.abort(reason)
  }
  await expect(
    dump(join(dirname(root), 'dump'), entries, { jobs: 2, signal: controller.signal, onProgress }),
  ).rejects.toBe(reason)
})

test('the trees of these tests hold what they say', () => {
  const { root, entries } = localTree(manyFiles())
  const [first] = manyFiles()
  expect(first && fs.readFileSync(localPath(root, first.path)).equals(contentBytes(first))).toBe(true)
  expect(entries).toHaveLength(504)
})
