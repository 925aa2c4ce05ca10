import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { EntryPath } from '@arc/core'
import { createKeySlots, openKeySlots, plainKeys } from '@arc/crypto'
import { memoryBackend } from '@arc/storage'
import { ByteWriter } from '../../src/byte-writer.ts'
import { decodeFolderRecord } from '../../src/folder-record.ts'
import { compressFrame, decompressFrame } from '../../src/frame.ts'
import { encodeIndex } from '../../src/index-format.ts'
import { IndexPart } from '../../src/index-part.ts'
import { decodeListing, encodeListingEntry } from '../../src/listing.ts'
import { decodeManifest, encodeManifest } from '../../src/manifest-file.ts'
import { decodeFooter, encodeFooter, footerFrame, footerFrameBytes, sealedFooterOf } from '../../src/pack-footer.ts'
import { readPruneState } from '../../src/prune-mark.ts'
import { decodeRecord } from '../../src/record.ts'
import { StatCache, StatCacheWriter } from '../../src/stat-cache.ts'
import { decodeConfig } from '../../src/vault-config.ts'
import { VaultObjects } from '../../src/vault-objects.ts'
import { createVault, openSnapshotFolder } from '../../src/index.ts'
import { oddTree, noise, source } from '../trees.ts'

/** A parser with an object that it takes. */
export interface ParserSeed {
  readonly name: string
  readonly bytes: Buffer
  /** Throws for bytes that it does not take. */
  parse(bytes: Buffer): unknown
}

const PASSPHRASE = 'a passphrase'
const FRAMES = [
  { sealedBytes: 3000, plainBytes: 9000, chunkBytes: [4000, 4999, 1] },
  { sealedBytes: 100, plainBytes: 300, chunkBytes: [300] },
]

/** One for everything that this package reads. */
export async function parserSeeds(): Promise<ParserSeed[]> {
  return [...(await vaultSeeds()), ...binarySeeds(), ...(await folderSeeds()), statCacheSeed()]
}

/** What a vault really writes: its configuration, its records, a mark. */
async function vaultSeeds(): Promise<ParserSeed[]> {
  const backend = memoryBackend()
  const vault = await createVault(backend)
  const { snapshot } = await vault.take(source(...oddTree()), { note: 'a note', tags: ['a', 'b'] })
  await vault.tag(snapshot.id, { add: ['tag'] })
  await vault.remove([snapshot.id], { reason: 'of no use' })
  const { objects } = vault.internal
  const seeds: ParserSeed[] = []
  for (const { key } of [...(await objects.list('log/')), { key: 'config' }]) {
    const bytes = await objects.readWhole(key, 1_000_000)
    const parse = key === 'config' ? decodeConfig : (damaged: Buffer) => decodeRecord(damaged, key)
    seeds.push({ name: key === 'config' ? key : key.slice(0, 14), bytes, parse })
  }
  const record = {
    kind: 'snapshot',
    sequence: 1,
    previous: [],
    time: '2026-01-01T00:00:00.000Z',
    generation: 0,
    root: { sizeBytes: 5, depth: 0, id: 'ab'.repeat(32) },
    project: 'p',
    host: 'h',
    tags: ['t'],
    statistics: snapshot.statistics,
    omissions: [{ path: 'x', reason: 'vanished' }],
    omissionCount: 1,
    inconsistent: ['y'],
  }
  const line = Buffer.from(`${JSON.stringify(record)}\n`)
  seeds.push({ name: 'snapshot record', bytes: line, parse: (damaged) => decodeRecord(damaged, 'record') })
  const mark = { generation: 1, time: 'now', packs: ['ab'.repeat(32)], indexes: [], snapshots: [snapshot.id] }
  seeds.push({
    name: 'prune mark',
    bytes: Buffer.from(JSON.stringify(mark)),
    async parse(damaged) {
      const marks = memoryBackend()
      await marks.write('prune/0000000001-done', damaged)
      return readPruneState(new VaultObjects(marks, plainKeys('00'.repeat(16))))
    },
  })
  const { slots } = await createKeySlots('00'.repeat(16), [
    { passphrase: PASSPHRASE, cost: { name: 'scrypt', logN: 10, r: 8, p: 1 } },
  ])
  const [slot] = slots as [(typeof slots)[number]]
  seeds.push({
    name: 'key slot',
    bytes: Buffer.from(slot.bytes),
    parse: (bytes) => openKeySlots('00'.repeat(16), [{ id: slot.id, bytes }], { passphrase: PASSPHRASE }),
  })
  return seeds
}

/** The binary objects. */
function binarySeeds(): ParserSeed[] {
  const plain = noise('frame', 5000)
  const footer = encodeFooter('data', Buffer.alloc(16, 7), FRAMES)
  const ids = Buffer.concat(['a', 'b', 'c', 'd'].map((seed) => noise(seed, 32)))
  const index = encodeIndex(
    [{ id: 'cd'.repeat(32), sizeBytes: 4000, footer, ids }],
    Buffer.alloc(16, 7),
    (bytes) => bytes,
  )
  const listing = new ByteWriter()
  for (const [i, type] of (['directory', 'file', 'symlink'] as const).entries()) {
    const name = `name-${i}` as EntryPath
    const hardLink = type === 'file' ? ('other' as EntryPath) : undefined
    const target = type === 'symlink' ? ('to' as EntryPath) : undefined
    const reference = type === 'symlink' ? undefined : { depth: i, id: noise('id', 32) }
    encodeListingEntry(
      { name, type, mode: 0o644, mtimeNs: 1n, sizeBytes: reference ? 10 : 0, reference, target, hardLink },
      listing,
    )
  }
  return [
    {
      name: 'frame',
      bytes: Buffer.from(compressFrame(plain, 3)),
      parse: (bytes) => decompressFrame(bytes, plain.length, 'frame'),
    },
    { name: 'pack footer', bytes: footer, parse: (bytes) => decodeFooter(bytes, 'footer') },
    {
      name: 'end of a pack',
      bytes: footerFrame(footer),
      parse: (bytes) => {
        const length = footerFrameBytes(bytes.subarray(-12), 'pack')
        return decodeFooter(sealedFooterOf(bytes.subarray(-length), 'pack'), 'pack')
      },
    },
    { name: 'index', bytes: index, parse: readIndex },
    { name: 'listing', bytes: listing.copy(), parse: (bytes) => [...decodeListing(bytes, 'listing')] },
  ]
}

async function readIndex(bytes: Buffer): Promise<void> {
  const backend = memoryBackend()
  await backend.write('index/x', bytes)
  const objects = new VaultObjects(backend, plainKeys('00'.repeat(16)))
  const part = await IndexPart.load(objects, 'index/x')
  for (let number = 0; number < part.header.pages.length; number++) {
    const page = await part.readPage(objects, number)
    for (let at = 0; at < page.length; at += 36) part.place(part.chunkAt(page, at))
  }
}

/** The sidecar and the manifest of a copy. */
async function folderSeeds(): Promise<ParserSeed[]> {
  const scratch = mkdtempSync(join(tmpdir(), 'arc-seeds-'))
  try {
    const folder = openSnapshotFolder(scratch, { mode: 'archive' })
    const { snapshot } = await folder.take(source(...oddTree().filter(({ type }) => type === 'file')))
    const record = folder.records().find(({ snapshot: { id } }) => id === snapshot.id)
    const rows = [{ path: 'a' as EntryPath, type: 'file' as const, mode: 0o644, sizeBytes: 3, sha256: 'ef'.repeat(32) }]
    return [
      {
        name: 'folder record',
        bytes: Buffer.from(JSON.stringify(record)),
        parse: (bytes) => decodeFolderRecord(bytes, 'record'),
      },
      {
        name: 'manifest',
        bytes: encodeManifest([...rows, ...rows]),
        parse: (bytes) => decodeManifest(bytes, 'manifest'),
      },
    ]
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}

/** What is disposable must be taken for nothing at all when it is damaged. */
function statCacheSeed(): ParserSeed {
  const scratch = mkdtempSync(join(tmpdir(), 'arc-seeds-'))
  const file = join(scratch, 'cache')
  const writer = new StatCacheWriter()
  const stamp = { device: 1n, inode: 2n, mtimeNs: 3n, ctimeNs: 4n }
  for (const name of ['a', 'b', 'c']) {
    const entry = { path: name as EntryPath, type: 'file' as const, mode: 0o644, sizeBytes: 1, mtimeNs: 3n, stamp }
    writer.add(entry, Buffer.alloc(33))
  }
  writer.save(file, 'key', { snapshot: 'x', root: 'y', generation: 0, rootBytes: 0 })
  const bytes = readFileSync(file)
  rmSync(scratch, { recursive: true })
  return {
    name: 'stat cache',
    bytes,
    parse(damaged) {
      const folder = mkdtempSync(join(tmpdir(), 'arc-seeds-'))
      try {
        writeFileSync(join(folder, 'cache'), damaged)
        return StatCache.load(join(folder, 'cache'), 'key')?.rowCount
      } finally {
        rmSync(folder, { recursive: true })
      }
    },
  }
}
