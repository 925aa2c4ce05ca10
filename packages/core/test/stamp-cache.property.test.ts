import fs from 'node:fs'
import { join } from 'node:path'
import { comparePaths, decodePath, type Entry, type EntryPath, type EntryType } from '@arc/core'
import { type FileSystem, nodeFileSystem, StampCache, StampCacheWriter } from '@arc/core/node'
import { temporaryFolder } from '@arc/core/testing'
import fc from 'fast-check'
import { expect, onTestFinished, test } from 'vitest'

const PAYLOAD_BYTES = 5
const INT64 = { min: -(2n ** 63n), max: 2n ** 63n - 1n }

const path = fc
  .uint8Array({ minLength: 1, maxLength: 6 })
  .map((bytes) => decodePath(bytes.map((byte) => (byte === 0 ? 0x61 : byte))))
const stamp = fc.record({
  device: fc.bigInt(INT64),
  inode: fc.bigInt(INT64),
  mtimeNs: fc.bigInt(INT64),
  ctimeNs: fc.bigInt(INT64),
})
const entry: fc.Arbitrary<Entry> = fc.record({
  path,
  type: fc.constantFrom<EntryType>('file', 'directory', 'symlink'),
  mode: fc.integer({ min: 0, max: 0o7777 }),
  sizeBytes: fc.nat({ max: Number.MAX_SAFE_INTEGER }),
  stamp: fc.option(stamp, { nil: undefined }),
})
const entries = fc
  .uniqueArray(entry, { selector: ({ path: at }) => at, maxLength: 30 })
  .map((list) => list.sort((a, b) => comparePaths(a.path, b.path)))

function freshFile(): string {
  const folder = temporaryFolder()
  onTestFinished(() => folder[Symbol.dispose]())
  return join(folder.path, 'below', 'cache')
}

const payloadOf = (row: number): Buffer => Buffer.from([row, row >> 8, 7, 7, 7])

function save(file: string, list: readonly Entry[], key = 'key', note = ''): void {
  const writer = new StampCacheWriter(PAYLOAD_BYTES)
  for (const [row, item] of list.entries()) writer.add(item, payloadOf(row))
  writer.save(file, key, note)
}

const isFindable = (item: Entry): boolean => item.stamp !== undefined || item.type !== 'file'

test('every row comes back, for whom it was saved, whatever was left out or asked for besides', () => {
  const file = freshFile()
  fc.assert(
    fc.property(
      entries,
      fc.string({ unit: 'grapheme' }),
      fc.infiniteStream(fc.nat({ max: 2 })),
      (list, note, choices) => {
        save(file, list, 'key', note)
        const cache = StampCache.load(file, 'key', PAYLOAD_BYTES)
        expect(cache).toMatchObject({ rowCount: list.length, note })
        for (let pass = 0; pass < 2; pass++) {
          for (const [row, item] of list.entries()) {
            const times = choices.next().value ?? 1
            for (let i = 0; i < times; i++)
              expect(cache?.find(item)).toEqual(isFindable(item) ? payloadOf(row) : undefined)
            const stranger = { ...item, path: `${item.path}\u0001` as EntryPath }
            if (times === 2 && !list.some((other) => other.path === stranger.path))
              expect(cache?.find(stranger)).toBeUndefined()
          }
          cache?.rewind()
        }
      },
    ),
    { numRuns: 300 },
  )
})

test('whatever is different about an entry, it is not found', () => {
  const file = freshFile()
  const one = { device: 1n, inode: 2n, mtimeNs: 3n, ctimeNs: 4n }
  const known: Entry = { path: 'b' as EntryPath, type: 'file', mode: 0o644, sizeBytes: 5, stamp: one }
  save(file, [known])
  const find = (change: Partial<Entry>): unknown =>
    StampCache.load(file, 'key', PAYLOAD_BYTES)?.find({ ...known, ...change })
  expect(find({})).toEqual(payloadOf(0))
  const changes: Partial<Entry>[] = [
    { path: 'a' as EntryPath },
    { path: 'c' as EntryPath },
    { type: 'symlink' },
    { mode: 0o755 },
    { sizeBytes: 6 },
    { stamp: undefined },
    ...(['device', 'inode', 'mtimeNs', 'ctimeNs'] as const).map((name) => ({ stamp: { ...one, [name]: 9n } })),
  ]
  expect(changes.map(find)).toEqual(changes.map(() => undefined))
})

test('many rows, more than fit at first, come back', () => {
  const file = freshFile()
  const list = Array.from({ length: 5000 }, (_, i): Entry => ({
    path: `f${String(i).padStart(5, '0')}` as EntryPath,
    type: 'symlink',
    mode: 0o777,
    sizeBytes: i,
  }))
  save(file, list)
  const cache = StampCache.load(file, 'key', PAYLOAD_BYTES)
  expect(list.filter((item, row) => cache?.find(item)?.equals(payloadOf(row)) !== true)).toEqual([])
})

test('another key, payload or file is no cache', () => {
  const file = freshFile()
  save(file, [], 'key')
  expect(StampCache.load(file, 'key', PAYLOAD_BYTES)?.rowCount).toBe(0)
  expect(StampCache.load(file, 'other', PAYLOAD_BYTES)).toBeUndefined()
  expect(StampCache.load(file, 'key', PAYLOAD_BYTES + 1)).toBeUndefined()
  expect(StampCache.load(`${file}-missing`, 'key', PAYLOAD_BYTES)).toBeUndefined()
  expect(StampCache.load(join(file, '..'), 'key', PAYLOAD_BYTES)).toBeUndefined()
})

test('a cache with any byte changed, or cut anywhere, is no cache', () => {
  const file = freshFile()
  const list = ['a', 'b\udcff', 'c'].map((at): Entry => ({
    path: at as EntryPath,
    type: 'directory',
    mode: 0o755,
    sizeBytes: 0,
  }))
  save(file, list, 'key', 'note')
  const bytes = fs.readFileSync(file)
  const isTaken = (damaged: Buffer): boolean => {
    fs.writeFileSync(file, damaged)
    return StampCache.load(file, 'key', PAYLOAD_BYTES) !== undefined
  }
  const taken: string[] = []
  for (let at = 0; at < bytes.length; at++) {
    const flipped = Buffer.from(bytes)
    flipped[at] = (flipped[at] as number) ^ (1 << (at % 8))
    if (isTaken(flipped)) taken.push(`byte ${at} changed`)
    if (isTaken(bytes.subarray(0, at))) taken.push(`cut to ${at} bytes`)
  }
  if (isTaken(Buffer.concat([bytes, Buffer.of(0)]))) taken.push('longer')
  expect(taken).toEqual([])
  expect(isTaken(bytes)).toBe(true)
})

test('the file is for its owner alone', () => {
  const file = freshFile()
  save(file, [])
  expect(fs.statSync(file).mode & 0o777).toBe(0o600)
  expect(fs.statSync(join(file, '..')).mode & 0o777).toBe(0o700)
})

test('the note comes back alone, and only whole and for its key', () => {
  const file = freshFile()
  for (const note of ['', 'short', 'a note of more than sixty-four kibibytes '.repeat(2000)]) {
    save(file, [], 'key', note)
    expect(StampCache.loadNote(file, 'key')).toBe(note)
    expect(StampCache.loadNote(file, 'other')).toBeUndefined()
  }
  save(file, [], 'key', 'note')
  const bytes = fs.readFileSync(file)
  const noteEnd = bytes.indexOf('note') + 'note'.length
  const taken: string[] = []
  for (let at = 0; at < noteEnd; at++) {
    const flipped = Buffer.from(bytes)
    flipped[at] = (flipped[at] as number) ^ 1
    fs.writeFileSync(file, flipped)
    if (StampCache.loadNote(file, 'key') === 'note' && !isCount(at)) taken.push(`byte ${at} changed`)
    fs.writeFileSync(file, bytes.subarray(0, at))
    if (StampCache.loadNote(file, 'key') !== undefined) taken.push(`cut to ${at} bytes`)
  }
  expect(taken).toEqual([])
  expect(StampCache.loadNote(`${file}-missing`, 'key')).toBeUndefined()
})

/** Number and size of rows, which say nothing about the note; what follows the size of the note is not used. */
function isCount(at: number): boolean {
  return (at >= 48 && at < 56) || (at >= 60 && at < 64)
}

test('where no folder can be made, saving fails at once', () => {
  const calls: string[] = []
  const port: FileSystem = {
    ...nodeFileSystem,
    existsSync: (path) => path === '/made-up',
    // What a folder of /proc says to everybody, whatever stands above it.
    mkdirSync(path: fs.PathLike) {
      calls.push(String(path))
      throw Object.assign(new Error('ENOENT'), { code: 'ENOENT' })
    },
  }
  const writer = new StampCacheWriter(PAYLOAD_BYTES)
  expect(() => writer.save('/made-up/x/arc/cache', 'key', '', port)).toThrow('ENOENT')
  expect(calls).toEqual(['/made-up/x'])
  const file = freshFile()
  save(file, [])
  expect(() => save(join(file, 'below', 'a', 'file'), [])).toThrow('ENOTDIR')
})

test('of many caches in one folder the newest stay', () => {
  const folder = join(freshFile(), '..')
  const names = Array.from({ length: 70 }, (_, i) => `project-${i}.stamps`)
  fs.mkdirSync(folder, { recursive: true })
  for (const [age, name] of names.entries()) {
    fs.writeFileSync(join(folder, name), '')
    fs.utimesSync(join(folder, name), 1000 - age, 1000 - age)
  }
  fs.writeFileSync(join(folder, 'other'), '')
  save(join(folder, 'new.stamps'), [])
  expect(fs.readdirSync(folder).sort()).toEqual(['new.stamps', 'other', ...names.slice(0, 63)].sort())
})
