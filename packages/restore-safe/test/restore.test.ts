import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { type Entry, type EntrySource, memorySource, type ProgressEvent } from '@arc/core'
import { contentBytes, readTree, temporaryFolder, watchedFileSystem } from '@arc/core/testing'
import { expect, test } from 'vitest'
import {
  applyRestore,
  listRestorePoints,
  planRestore,
  planUndo,
  recoverTarget,
  restoreNew,
  undoRestore,
} from '../src/index.ts'
import { folderEntry, hashedEntry, linkEntry } from './trees.ts'

const fast = { durable: false }
const coded = (code: string): unknown => expect.objectContaining({ code })
const rowLines = (rows: readonly { action: string; path: string; reason?: string | undefined }[]): string[] =>
  rows.map(({ action, path, reason }) => [action, path, reason].filter(Boolean).join(' '))

/** A folder with a target that holds `content`, by path. */
function standingTarget(content: Record<string, string>): Disposable & { path: string; target: string } {
  const folder = temporaryFolder()
  const target = `${folder.path}/target`
  mkdirSync(target)
  for (const [path, text] of Object.entries(content)) {
    mkdirSync(dirname(`${target}/${path}`), { recursive: true })
    writeFileSync(`${target}/${path}`, text)
  }
  return { path: folder.path, target, [Symbol.dispose]: () => folder[Symbol.dispose]() }
}

/** Content that arrives in pieces, as from an archive. */
function arriving(entry: Entry, pieceBytes = 3): Entry {
  const bytes = contentBytes(entry)
  async function* stream(): AsyncGenerator<Uint8Array, void, void> {
    for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes)
  }
  return { ...entry, content: { kind: 'stream', stream } }
}

test('a new target appears complete, with nothing beside it', async () => {
  using folder = temporaryFolder()
  const events: ProgressEvent[] = []
  const source = memorySource('some', [
    hashedEntry('a/b', 'content'),
    folderEntry('empty', 0o700),
    linkEntry('l', 'a/b'),
  ])
  const result = await restoreNew(source, `${folder.path}/target`, { onProgress: (event) => events.push(event) })
  expect(result).toMatchObject({
    files: 1,
    directories: 2,
    symlinks: 1,
    writtenBytes: 7,
    verifiedFiles: 1,
    recovery: 'clean',
    tidy: true,
  })
  expect(result.restorePoint).toBeUndefined()
  expect(readdirSync(folder.path)).toEqual(['target'])
  expect(statSync(`${folder.path}/target`).mode & 0o7777).toBe(0o755)
  expect(events.at(-1)).toMatchObject({ phase: 'writing', doneEntries: 3, doneBytes: 7 })
})

test('times are restored, also of folders and links, as exactly as Node can', async () => {
  using folder = temporaryFolder()
  const mtimeNs = 1_600_000_000_123_456_789n
  const entries: Entry[] = []
  for (const entry of [hashedEntry('d/f', 'x'), folderEntry('d', 0o755), linkEntry('d/l', 'f')])
    entries.push({ ...entry, mtimeNs })
  await restoreNew(memorySource('timed', entries), `${folder.path}/target`, fast)
  const scan = await planRestore(memorySource('timed', entries), `${folder.path}/target`, { mode: 'replace' })
  expect(rowLines(scan.rows)).toEqual(['keep d', 'keep d/f', 'keep d/l'])
  expect(Number(statSync(`${folder.path}/target/d`, { bigint: true }).mtimeNs - mtimeNs)).toBeLessThan(2000)
})

test('hard links are one file again, and content that arrives is written and checked too', async () => {
  using folder = temporaryFolder()
  const names = ['x', 'y', 'z'].map((path) =>
    Object.assign(arriving(hashedEntry(path, 'shared content')), { hardLink: 'one' }),
  )
  const result = await restoreNew(memorySource('linked', names), `${folder.path}/target`, fast)
  expect(result).toMatchObject({ files: 3, hardLinks: 2, writtenBytes: 14, verifiedFiles: 3 })
  expect(statSync(`${folder.path}/target/y`).nlink).toBe(3)
})

test.for([
  ['another hash', { ...hashedEntry('f', 'content'), sha256: '0'.repeat(64) }, 'ARC_HASH_MISMATCH'],
  ['fewer bytes than declared', { ...hashedEntry('f', 'content'), sizeBytes: 8 }, 'ARC_HASH_MISMATCH'],
  ['more bytes than declared', { ...hashedEntry('f', 'content'), sizeBytes: 6 }, 'ARC_HASH_MISMATCH'],
  ['another hash, arriving', { ...arriving(hashedEntry('f', 'content')), sha256: '0'.repeat(64) }, 'ARC_HASH_MISMATCH'],
  [
    'more bytes than declared, arriving',
    { ...arriving(hashedEntry('f', 'content')), sizeBytes: 2 },
    'ARC_HASH_MISMATCH',
  ],
  [
    'fewer bytes than declared, no hash',
    { ...hashedEntry('f', 'content'), sizeBytes: 8, sha256: undefined },
    'ARC_ENTRY_CHANGED',
  ],
  [
    'a large file with another hash',
    { ...hashedEntry('f', 'x'.repeat(600_000)), sha256: '0'.repeat(64) },
    'ARC_HASH_MISMATCH',
  ],
  [
    'a large file, shorter than declared',
    { ...hashedEntry('f', 'x'.repeat(600_000)), sizeBytes: 600_001 },
    'ARC_HASH_MISMATCH',
  ],
] as [string, Entry, string][])('refused, and nothing left: %s', async ([, entry, code]) => {
  using folder = temporaryFolder()
  await expect(
    restoreNew(memorySource('bad', [hashedEntry('a', 'fine'), entry]), `${folder.path}/target`, fast),
  ).rejects.toThrow(coded(code))
  expect(readdirSync(folder.path)).toEqual([])
})

test('endless content is stopped at its declared size', async () => {
  using folder = temporaryFolder()
  let given = 0
  async function* stream(): AsyncGenerator<Uint8Array, void, void> {
    for (;;) yield new Uint8Array((given += 1000) && 1000)
  }
  const bomb: Entry = { ...hashedEntry('bomb', 'x'.repeat(10_000)), content: { kind: 'stream', stream } }
  await expect(restoreNew(memorySource('bomb', [bomb]), `${folder.path}/target`, fast)).rejects.toThrow(
    coded('ARC_HASH_MISMATCH'),
  )
  expect(given).toBe(11_000)
})

test('a target that holds something is not new; planning one reads no content', async () => {
  using place = standingTarget({ 'a/b': 'precious' })
  const source = memorySource('some', [
    { ...hashedEntry('f', 'x'), content: { kind: 'sync', open: () => expect.fail('content was read') } },
  ])
  await expect(planRestore(source, place.target)).rejects.toThrow(coded('ARC_TARGET_NOT_EMPTY'))
  await expect(restoreNew(source, place.target)).rejects.toThrow(coded('ARC_TARGET_NOT_EMPTY'))
  const plan = await planRestore(source, `${place.path}/other`)
  expect(plan).toMatchObject({
    mode: 'new',
    targetFingerprint: 'missing',
    totals: { added: 1, sourceBytes: 1 },
    conflicts: [],
  })
  expect(readdirSync(place.path)).toEqual(['target'])
})

test('an empty folder keeps its permissions', async () => {
  using place = standingTarget({})
  chmodSync(place.target, 0o2750)
  await restoreNew(memorySource('some', [hashedEntry('f', 'x')]), place.target, fast)
  expect(statSync(place.target).mode & 0o7777).toBe(0o2750)
})

test('a plan to replace tells what is added, changed, removed and kept, and why', async () => {
  using place = standingTarget({
    same: 'same',
    size: 'old',
    content: 'old',
    'mode.sh': 'x',
    kind: 'file',
    'gone/deep': 'bye',
  })
  symlinkSync('old', `${place.target}/link`)
  const source = memorySource('next', [
    hashedEntry('same', 'same'),
    hashedEntry('size', 'longer'),
    { ...hashedEntry('content', 'new'), sha256: undefined },
    hashedEntry('mode.sh', 'x', 0o755),
    folderEntry('kind'),
    linkEntry('link', 'new'),
    hashedEntry('dir/file', 'new'),
  ])
  const plan = await planRestore(source, place.target, { mode: 'replace' })
  expect(rowLines(plan.rows)).toEqual([
    'change content content',
    'add dir implied',
    'add dir/file',
    'remove gone not-in-source',
    'remove gone/deep not-in-source',
    'change kind type',
    'change link link-target',
    'change mode.sh mode',
    'keep same',
    'change size size',
  ])
  expect(plan.totals).toEqual({
    added: 2,
    changed: 5,
    removed: 2,
    kept: 1,
    sourceBytes: 17,
    keptBytes: 0,
    removedBytes: 3,
  })
  expect(JSON.parse(JSON.stringify(plan))).toEqual(plan)
})

test('replace keeps the tree from before, which undo brings back and undo brings away again', async () => {
  using place = standingTarget({ a: 'old', 'b/c': 'old' })
  const old = readTree(place.target)
  const source = memorySource('next', [hashedEntry('a', 'new')])
  const result = await applyRestore(await planRestore(source, place.target, { mode: 'replace' }), source, {
    ...fast,
    now: () => new Date(0),
  })
  expect(readTree(place.target).map((row) => row.path)).toEqual(['a'])
  const [point] = listRestorePoints(place.target)
  expect(point).toMatchObject({
    id: result.restorePoint,
    replacedBy: 'next',
    replacedAt: '1970-01-01T00:00:00.000Z',
    mode: 'replace',
  })
  expect(readTree(point?.path ?? '')).toEqual(old)

  const undo = await planUndo(place.target, point?.id ?? '')
  expect(rowLines(undo.rows)).toEqual(
    ['change a content', 'add b', 'add b/c'].map((line) => expect.stringContaining(line.slice(0, 8)) as string),
  )
  const undone = await undoRestore(undo, point?.id ?? '', fast)
  expect(readTree(place.target)).toEqual(old)
  expect(listRestorePoints(place.target).map(({ id }) => id)).toEqual([undone.restorePoint])
  await undoRestore(await planUndo(place.target, undone.restorePoint ?? ''), undone.restorePoint ?? '', fast)
  expect(readFileSync(`${place.target}/a`, 'utf8')).toBe('new')
})

test('a plan to undo holds for the point it was made for', async () => {
  using place = standingTarget({ a: 'old' })
  for (const text of ['new', 'newest']) {
    const source = memorySource('next', [hashedEntry('a', text)])
    await applyRestore(await planRestore(source, place.target, { mode: 'replace' }), source, { ...fast, keepPoints: 2 })
  }
  const [first, second] = listRestorePoints(place.target)
  appendFileSync(`${second?.path}/a`, ' and other')
  const plan = await planUndo(place.target, first?.id ?? '')
  await expect(undoRestore(plan, second?.id ?? '', fast)).rejects.toThrow(coded('ARC_PLAN_STALE'))
  await expect(undoRestore(plan, 'point-000099', fast)).rejects.toThrow(coded('ARC_NOT_FOUND'))
  expect(readFileSync(`${place.target}/a`, 'utf8')).toBe('newest')
})

test('single paths come back from a restore point, which stays', async () => {
  using place = standingTarget({ a: 'old', b: 'old', 'd/e': 'old' })
  const source = memorySource('next', [hashedEntry('a', 'new'), hashedEntry('b', 'new'), hashedEntry('extra', 'new')])
  const { restorePoint = '' } = await applyRestore(
    await planRestore(source, place.target, { mode: 'replace' }),
    source,
    fast,
  )
  const only = (path: string): boolean => path === 'a' || path.startsWith('d')
  await undoRestore(await planUndo(place.target, restorePoint, { only }), restorePoint, fast)
  const texts = ['a', 'b', 'd/e', 'extra'].map((path) => readFileSync(`${place.target}/${path}`, 'utf8'))
  expect(texts).toEqual(['old', 'new', 'old', 'new'])
  expect(listRestorePoints(place.target).map(({ id }) => id)).toEqual([restorePoint, 'point-000002'])
})

test('keepPoints says how many trees from before stay', async () => {
  using place = standingTarget({ a: '0' })
  for (const turn of [1, 2, 3, 4]) {
    const source = memorySource('next', [hashedEntry('a', String(turn))])
    await applyRestore(await planRestore(source, place.target, { mode: 'replace' }), source, { ...fast, keepPoints: 2 })
  }
  expect(listRestorePoints(place.target).map(({ path }) => readFileSync(`${path}/a`, 'utf8'))).toEqual(['2', '3'])
  const last = memorySource('last', [hashedEntry('a', 'last')])
  await applyRestore(await planRestore(last, place.target, { mode: 'replace' }), last, { ...fast, keepPoints: 0 })
  expect(readdirSync(place.path)).toEqual(['target'])
  await expect(
    applyRestore(await planRestore(last, place.target, { mode: 'replace' }), last, { keepPoints: 1.5 }),
  ).rejects.toThrow(coded('ARC_OPTION_INVALID'))
})

test('only: chosen paths become the source, the others stay, folders on the way look as they should', async () => {
  using place = standingTarget({ 'a/x': 'old', 'a/y': 'old', z: 'old' })
  chmodSync(`${place.target}/a`, 0o711)
  const source = memorySource('next', [
    folderEntry('a', 0o700),
    hashedEntry('a/x', 'new'),
    folderEntry('n', 0o750),
    hashedEntry('n/f', 'new'),
    hashedEntry('z', 'new'),
  ])
  const only = (path: string): boolean => ['a/x', 'a/y', 'n/f'].includes(path)
  const plan = await planRestore(source, place.target, { mode: 'replace', only })
  expect(rowLines(plan.rows)).toEqual([
    'keep a not-in-source',
    'change a/x content',
    'remove a/y not-in-source',
    'add n implied',
    'add n/f',
    'keep z not-in-source',
  ])
  await applyRestore(plan, source, fast)
  expect(readTree(place.target).map(({ path, mode }) => `${path} ${mode.toString(8)}`)).toEqual([
    'a 711',
    'a/x 644',
    'n 750',
    'n/f 644',
    'z 644',
  ])
})

test('progress counts what the plan says there is to do, whatever is chosen, linked or kept', async () => {
  using folder = standingTarget({ 'chosen/a': 'old', 'other/kept': 'stays as it is', gone: 'x' })
  const twice = { ...hashedEntry('chosen/b', 'twice'), hardLink: '1' }
  const entries = [
    hashedEntry('chosen/a', 'new'),
    twice,
    { ...twice, path: 'chosen/c' as Entry['path'] },
    linkEntry('chosen/link', 'a'),
    hashedEntry('other/kept', 'not chosen, and longer'),
  ]
  const source = memorySource('s', entries)
  const planned: ProgressEvent[] = []
  const only = (path: string): boolean => path.startsWith('chosen')
  const options = { mode: 'replace', only, onProgress: (event: ProgressEvent) => planned.push(event) } as const
  const plan = await planRestore(source, folder.target, options)
  expect(planned.at(-1)?.doneEntries).toBe(4)
  const told: ProgressEvent[] = []
  await applyRestore(plan, source, { ...fast, onProgress: (event) => told.push(event) })
  const { doneBytes, totalBytes } = told.at(-1) ?? {}
  expect(totalBytes).toBe('new'.length + 'twice'.length + 'stays as it is'.length + 'x'.length)
  expect(doneBytes).toBe(totalBytes)
})

test('kept: link shares the bytes of what stays, copy does not', async () => {
  for (const kept of ['copy', 'link'] as const) {
    using place = standingTarget({ stays: 'old' })
    utimesSync(`${place.target}/stays`, 1000, 1000)
    const source = memorySource('next', [hashedEntry('a', 'new')])
    await applyRestore(await planRestore(source, place.target, { mode: 'merge' }), source, { ...fast, kept })
    const { nlink, mtimeMs } = statSync(`${place.target}/stays`)
    expect([nlink, mtimeMs]).toEqual([kept === 'link' ? 2 : 1, 1_000_000])
  }
})

test('a plan is refused once the target or the source has changed', async () => {
  using place = standingTarget({ a: 'old' })
  const source = memorySource('next', [hashedEntry('a', 'new')])
  const plan = await planRestore(source, place.target, { mode: 'replace' })
  for (const other of [[hashedEntry('a', 'newer')], [hashedEntry('a', 'new'), hashedEntry('b', 'x')], []]) {
    await expect(applyRestore(plan, memorySource('next', other), fast)).rejects.toThrow(coded('ARC_PLAN_STALE'))
  }
  appendFileSync(`${place.target}/a`, '!')
  await expect(applyRestore(plan, source, fast)).rejects.toThrow(coded('ARC_PLAN_STALE'))
  expect(readFileSync(`${place.target}/a`, 'utf8')).toBe('old!')
  expect(readdirSync(place.path)).toEqual(['target'])
})

test('what is edited while the new tree is staged is not swapped away', async () => {
  using place = standingTarget({ a: 'old' })
  const source = memorySource('next', [hashedEntry('a', 'new')])
  const plan = await planRestore(source, place.target, { mode: 'replace' })
  const editing = watchedFileSystem(({ name, args }) => {
    if (name === 'openSync' && String(args[0]).endsWith('/stage/a'))
      writeFileSync(`${place.target}/b`, 'edited meanwhile')
  })
  await expect(applyRestore(plan, source, { ...fast, fs: editing })).rejects.toThrow(coded('ARC_PLAN_STALE'))
  expect(readFileSync(`${place.target}/b`, 'utf8')).toBe('edited meanwhile')
})

test('something that appears at a new target meanwhile is not overwritten', async () => {
  using folder = temporaryFolder()
  const target = `${folder.path}/target`
  const meddling = watchedFileSystem(({ name, args }) => {
    if (name !== 'renameSync' || args[1] !== target) return
    mkdirSync(target)
    writeFileSync(`${target}/mine`, 'mine')
  })
  await expect(
    restoreNew(memorySource('x', [hashedEntry('a', 'b')]), target, { ...fast, fs: meddling }),
  ).rejects.toThrow(coded('ARC_TARGET_NOT_EMPTY'))
  expect(readTree(target).map((row) => row.path)).toEqual(['mine'])
  expect(readdirSync(folder.path)).toEqual(['target'])
})

test('an abort leaves everything as it was, and throws its reason', async () => {
  using folder = temporaryFolder()
  const stop = new AbortController()
  const many = Array.from({ length: 2000 }, (_, i) => hashedEntry(`f${i}`, 'x'))
  const onProgress = ({ doneEntries }: ProgressEvent): void =>
    void (doneEntries > 500 && stop.abort(new Error('enough')))
  const restore = restoreNew(memorySource('many', many), `${folder.path}/target`, {
    ...fast,
    signal: stop.signal,
    onProgress,
  })
  await expect(restore).rejects.toThrow('enough')
  expect(readdirSync(folder.path)).toEqual([])
})

test('a source that fails leaves everything as it was', async () => {
  using folder = temporaryFolder()
  async function* entries(): AsyncGenerator<readonly Entry[], void, void> {
    yield [hashedEntry('a', 'x')]
    throw new RangeError('the source broke')
  }
  const source: EntrySource = { ...memorySource('broken', []), entries }
  await expect(restoreNew(source, `${folder.path}/target`, fast)).rejects.toThrow(RangeError)
  expect(readdirSync(folder.path)).toEqual([])
})

test('recovering what needs none does nothing', async () => {
  using place = standingTarget({ a: 'x' })
  await expect(recoverTarget(place.target)).resolves.toBe('clean')
  await expect(recoverTarget(`${place.path}/missing`)).resolves.toBe('clean')
  expect(existsSync(`${place.path}/.target.arc-restore`)).toBe(false)
  unlinkSync(`${place.target}/a`)
})
