import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import { join } from 'node:path'
import {
  bytesContent,
  type Entry,
  type EntryAttributes,
  type EntryPath,
  type ExtendedAttribute,
  memorySource,
} from '@arc/core'
import { type FileSystem, XattrTools } from '@arc/core/node'
import { failure, temporaryFolder, watchedFileSystem } from '@arc/core/testing'
import { expect, test } from 'vitest'
import {
  applyRestore,
  type ConfinedReport,
  listRestorePoints,
  parsePlan,
  planRestore,
  planUndo,
  restoreConfined,
  restoreNew,
  stageConfined,
  undoRestore,
} from '../src/index.ts'

const SELF = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 }
const QUICK = { durable: false }
const EMPTY_REPORT: ConfinedReport = {
  name: 'x',
  folders: [],
  links: [],
  hardLinks: 0,
  verifiedFiles: 0,
  droppedSetId: [],
  omissions: [],
  unasked: [],
}

function entry(path: string, attributes: EntryAttributes, facts: Partial<Entry> = {}): Entry {
  const content = Buffer.from(path)
  return {
    path: path as EntryPath,
    type: 'file',
    mode: 0o644,
    sizeBytes: content.length,
    content: bytesContent(content),
    attributes,
    ...facts,
  }
}

const asFolder = { type: 'directory', mode: 0o755, sizeBytes: 0, content: undefined } as const
const asLink = { type: 'symlink', target: 'a' as EntryPath, sizeBytes: 1, content: undefined } as const

function xattr(name: string, value = 'x'): ExtendedAttribute {
  return { name: name as EntryPath, value: Buffer.from(value) }
}

function source(...entries: Entry[]): ReturnType<typeof memorySource> {
  return memorySource('source', entries)
}

/** Extended attributes of a path as `name=value`, as another program reads them. */
function xattrsOf(path: string): string[] {
  const dump = execFileSync('getfattr', ['--dump', '--match=-', '--no-dereference', '--absolute-names', path], {
    stdio: 'pipe',
  })
  return dump
    .toString()
    .split('\n')
    .filter((line) => line.includes('=') && !line.startsWith('security.selinux'))
}

/** A file system that notes who was to own what, and refuses it if told to. */
function owning(calls: string[], refused?: string): FileSystem {
  return watchedFileSystem(
    ({ name, args }) => {
      if (/chown|fchmod/i.test(name)) calls.push(`${name} ${args.slice(1).join(':')}`)
      if (refused !== undefined && /chown/i.test(name)) throw failure(refused, 'chown')
    },
    { ...fs, fchownSync() {}, chownSync() {}, lchownSync() {} },
  )
}

test('nothing is set that was not asked for', async () => {
  using scratch = temporaryFolder()
  const target = join(scratch.path, 'target')
  const calls: string[] = []
  const from = source(entry('a', { owner: { uid: 77, gid: 78 }, xattrs: [xattr('user.a')] }))
  const result = await restoreNew(from, target, { ...QUICK, fs: owning(calls) })
  expect(result.attributes).toBeUndefined()
  expect(calls).toEqual([])
  expect(xattrsOf(join(target, 'a'))).toEqual([])
})

test('owners: names win, unless numbers are asked for; the owner comes before the mode, for it clears set-id bits', async () => {
  using scratch = temporaryFolder()
  const owner = { uid: 77, gid: 78, userName: 'root', groupName: 'no such group' }
  const entries = [
    entry('a', { owner }, { mode: 0o4755 }),
    entry('f', { owner }, asFolder),
    entry('l', { owner }, asLink),
  ]
  const restored = async (numericIds: boolean): Promise<string[]> => {
    const calls: string[] = []
    const target = join(scratch.path, String(numericIds))
    const options = { owners: true, numericIds, setId: true, fs: owning(calls), ...QUICK }
    const { attributes, droppedSetId } = await restoreNew(source(...entries), target, options)
    expect(attributes).toEqual({ owners: 3, xattrs: 0, dropped: [], failed: [] })
    expect(droppedSetId).toEqual([])
    return calls
  }
  expect(await restored(false)).toEqual(['fchownSync 0:78', 'fchmodSync 2541', 'lchownSync 0:78', 'chownSync 0:78'])
  expect(await restored(true)).toContain('fchownSync 77:78')
})

test('an owner that may not be set is told, and takes the set-id bits with it', async () => {
  using scratch = temporaryFolder()
  const target = join(scratch.path, 'target')
  const owner = { uid: 77, gid: 78 }
  const from = source(entry('a', { owner }, { mode: 0o6755 }), entry('b', { owner }))
  const fsys = owning([], 'EPERM')
  const result = await restoreNew(from, target, { owners: true, setId: true, fs: fsys, ...QUICK })
  const reason = 'the system refused owner 77:78 (EPERM)'
  expect(result.attributes?.failed).toEqual([
    { path: 'a', attribute: 'owner', reason },
    { path: 'b', attribute: 'owner', reason },
  ])
  expect(result.droppedSetId).toEqual(['a'])
  expect(fs.statSync(join(target, 'a')).mode & 0o7777).toBe(0o755)
  const broken = restoreNew(source(entry('a', { owner })), join(scratch.path, 'x'), {
    owners: true,
    fs: owning([], 'EIO'),
  })
  await expect(broken).rejects.toMatchObject({ code: 'ARC_SYSTEM_CALL_FAILED', path: 'a' })
  expect(fs.existsSync(join(scratch.path, 'x'))).toBe(false)
})

test('extended attributes are set on files that nobody may write to and on folders; dangerous ones only if asked', async () => {
  using scratch = temporaryFolder()
  const target = join(scratch.path, 'target')
  const list = [
    xattr('nowhere.a'),
    xattr('security.made-up'),
    xattr('trusted.a'),
    xattr('user.a', 'one'),
    xattr('user.b'),
  ]
  const from = (): ReturnType<typeof source> =>
    source(
      entry('a', { xattrs: list }, { mode: 0o444, mtimeNs: 1_600_000_000_000_000_000n }),
      entry('f', { xattrs: [xattr('user.f')] }, { ...asFolder, mode: 0o500 }),
    )
  const { attributes } = await restoreNew(from(), target, { xattrs: true, ...QUICK })
  expect(attributes).toMatchObject({ owners: 0, xattrs: 3 })
  expect(attributes?.dropped.map(({ attribute }) => attribute)).toEqual(['security.made-up', 'trusted.a'])
  expect(attributes?.failed.map(({ path, attribute }) => `${path} ${attribute}`)).toEqual(['a nowhere.a'])
  expect(xattrsOf(join(target, 'a'))).toEqual(['user.a="one"', 'user.b="x"'])
  expect(xattrsOf(join(target, 'f'))).toEqual(['user.f="x"'])
  const stat = fs.statSync(join(target, 'a'))
  expect([stat.mode & 0o7777, stat.mtimeMs]).toEqual([0o444, 1_600_000_000_000])
  expect(fs.statSync(join(target, 'f')).mode & 0o7777).toBe(0o500)
  const all = await restoreNew(from(), join(scratch.path, 'all'), { xattrs: true, privilegedXattrs: true, ...QUICK })
  expect(all.attributes?.dropped).toEqual([])
})

test.each([
  ['ARC_PATH_UNSAFE', [xattr('')]],
  ['ARC_PATH_UNSAFE', [xattr('user.\0')]],
  ['ARC_PATH_UNSAFE', [xattr(`user.${'ä'.repeat(126)}`)]],
  ['ARC_LIMIT_EXCEEDED', [xattr('user.a', 'x'.repeat(2 ** 20))]],
])('%s: attributes that no file can have are refused before anything is written', async (code, xattrs) => {
  using scratch = temporaryFolder()
  const target = join(scratch.path, 'target')
  const restoring = restoreNew(source(entry('a', { xattrs })), target, { xattrs: true })
  await expect(restoring).rejects.toMatchObject({ code, path: 'a' })
  expect(fs.existsSync(target)).toBe(false)
  const plan = await planRestore(source(entry('a', { xattrs })), target, { xattrs: true })
  expect(plan.conflicts).toMatchObject([{ code, path: 'a' }])
  await restoreNew(source(entry('a', { xattrs })), target, QUICK)
})

test('a plan compares owners and attributes where asked, keeps those that stay, and is stale once they change', async () => {
  using scratch = temporaryFolder()
  const target = join(scratch.path, 'target')
  const asked = { owners: true, xattrs: true, numericIds: true } as const
  const same = entry('same', { owner: SELF, xattrs: [xattr('user.a')] })
  const first = [
    entry('attr', { owner: SELF, xattrs: [xattr('user.a')] }),
    entry('kept', { xattrs: [xattr('user.kept')] }),
    entry('owned', { owner: SELF }),
    same,
  ]
  await restoreNew(source(...first), target, { ...asked, ...QUICK })
  const other = { uid: SELF.uid + 1, gid: SELF.gid }
  const second = [entry('attr', { xattrs: [xattr('user.a', 'other')] }), entry('owned', { owner: other }), same]
  const plan = async (): ReturnType<typeof planRestore> =>
    planRestore(source(...second), target, { ...asked, mode: 'merge' })
  const made = parsePlan(JSON.parse(JSON.stringify(await plan())))
  expect({ ...made, space: undefined }).toEqual({ ...(await plan()), space: undefined })
  expect(made.rows.map(({ path, action, reason }) => [path, action, reason])).toEqual([
    ['attr', 'change', 'xattrs'],
    ['kept', 'keep', 'not-in-source'],
    ['owned', 'change', 'owner'],
    ['same', 'keep', undefined],
  ])
  const blind = await planRestore(source(...second), target, { mode: 'merge' })
  expect(blind.totals).toMatchObject({ changed: 0, kept: 4 })
  XattrTools.find().write(target, [{ path: 'same' as EntryPath, xattrs: [xattr('user.late')] }])
  await expect(applyRestore(made, source(...second), QUICK)).rejects.toMatchObject({ code: 'ARC_PLAN_STALE' })
  await applyRestore(await plan(), source(...second), QUICK)
  expect(xattrsOf(join(target, 'attr'))).toEqual(['user.a="other"'])
  expect(xattrsOf(join(target, 'kept'))).toEqual(['user.kept="x"'])
  expect(xattrsOf(join(target, 'same'))).toEqual(['user.a="x"'])
})

test('what an undo brings back in part, and what it leaves, keeps its attributes', async () => {
  using scratch = temporaryFolder()
  const target = join(scratch.path, 'target')
  const first = source(entry('a', { xattrs: [xattr('user.a')] }), entry('b', { xattrs: [xattr('user.b')] }))
  await restoreNew(first, target, { xattrs: true, ...QUICK })
  if (SELF.uid === 0) for (const name of ['a', 'b']) fs.chownSync(join(target, name), 77, 78)
  const second = source(entry('a', {}, { mode: 0o600 }))
  await applyRestore(await planRestore(second, target, { mode: 'replace' }), second, QUICK)
  fs.writeFileSync(join(target, 'c'), '')
  XattrTools.find().write(target, [{ path: 'c' as EntryPath, xattrs: [xattr('user.c')] }])
  const [point] = listRestorePoints(target)
  const plan = await planUndo(target, point?.id ?? '', { only: (path) => path === 'b' })
  await undoRestore(plan, point?.id ?? '', QUICK)
  expect(xattrsOf(join(target, 'b'))).toEqual(['user.b="x"'])
  expect(xattrsOf(join(target, 'c'))).toEqual(['user.c="x"'])
  expect(fs.statSync(join(target, 'b')).uid).toBe(SELF.uid === 0 ? 77 : SELF.uid)
})

test('files that had holes have them again, others where it is asked for', async () => {
  using scratch = temporaryFolder()
  const content = Buffer.alloc(2 ** 20)
  content[500_000] = 1
  const entries = (stream: boolean): Entry[] => {
    const large = { sizeBytes: content.length, content: bytesContent(content) } as Partial<Entry>
    async function* pieces(): AsyncGenerator<Uint8Array, void, void> {
      for (let at = 0; at < content.length; at += 30_000) yield content.subarray(at, at + 30_000)
    }
    const facts = stream ? { ...large, content: { kind: 'stream' as const, stream: pieces } } : large
    return [entry('sparse', { isSparse: true }, facts), entry('whole', {}, facts)]
  }
  const blocks = (...names: string[]): number => fs.statSync(join(scratch.path, ...names)).blocks * 512
  for (const stream of [false, true]) {
    const target = join(scratch.path, String(stream))
    await restoreNew(source(...entries(stream)), target, QUICK)
    expect(blocks(String(stream), 'sparse')).toBeLessThan(32 * 1024)
    expect(blocks(String(stream), 'whole')).toBeGreaterThanOrEqual(2 ** 20)
    await restoreNew(source(...entries(stream)), `${target}-all`, { sparse: true, ...QUICK })
    expect(blocks(`${stream}-all`, 'whole')).toBeLessThan(32 * 1024)
    for (const path of [join(target, 'sparse'), join(`${target}-all`, 'whole')])
      expect(fs.readFileSync(path).equals(content)).toBe(true)
  }
})

interface Note {
  path: string
  attributes: unknown
}

const OWN = { owner: { uid: SELF.uid, gid: SELF.gid } }
const deep = (depth: number): string => `${'['.repeat(depth)}${']'.repeat(depth)}`

test.each<[string, string, Note[] | string | undefined]>([
  ['nothing', 'ARC_CONFINEMENT_BROKEN', undefined],
  ['of a path that leads out', 'ARC_CONFINEMENT_BROKEN', [{ path: '../victim', attributes: OWN }]],
  ['of an absolute path', 'ARC_CONFINEMENT_BROKEN', [{ path: '/etc/passwd', attributes: OWN }]],
  ['of a file that is not there', 'ARC_CONFINEMENT_BROKEN', [{ path: 'b', attributes: OWN }]],
  ['of a folder', 'ARC_CONFINEMENT_BROKEN', [{ path: 'd', attributes: OWN }]],
  ['of a link', 'ARC_CONFINEMENT_BROKEN', [{ path: 'l', attributes: OWN }]],
  ['of a file twice', 'ARC_CONFINEMENT_BROKEN', Array.from({ length: 2 }, () => ({ path: 'a', attributes: OWN }))],
  ['an owner that none can be', 'ARC_CONFINEMENT_BROKEN', [{ path: 'a', attributes: { owner: { uid: -1, gid: 0 } } }]],
  ['a value that is no Base64', 'ARC_CONFINEMENT_BROKEN', [{ path: 'a', attributes: { xattrs: [['user.a', '!']] } }]],
  ['an attribute without a name', 'ARC_PATH_UNSAFE', [{ path: 'a', attributes: { xattrs: [['', '']] } }]],
  ['a name with a NUL', 'ARC_PATH_UNSAFE', [{ path: 'a', attributes: { xattrs: [['user.\0', '']] } }]],
  [
    'more than the limit',
    'ARC_LIMIT_EXCEEDED',
    [{ path: 'a', attributes: { xattrs: [['user.a', 'A'.repeat(2 ** 21)]] } }],
  ],
  ['more', 'ARC_CONFINEMENT_BROKEN', [{ path: 'a', attributes: { ...OWN, more: 1 } }]],
  ['no JSON', 'ARC_CONFINEMENT_BROKEN', 'x\n'],
  ['what is cut off', 'ARC_CONFINEMENT_BROKEN', '{'],
  ['what nests', 'ARC_CONFINEMENT_BROKEN', `${deep(100_000)}\n`],
  ['a line without end', 'ARC_CONFINEMENT_BROKEN', ' '.repeat(16 * 2 ** 20)],
])('a confined process that says %s of attributes is not believed', async (_what, code, notes) => {
  using scratch = temporaryFolder()
  fs.writeFileSync(join(scratch.path, 'victim'), 'x', { mode: 0o604 })
  const run = restoreConfined(
    join(scratch.path, 'target'),
    async ({ folder, attributes }) => {
      fs.mkdirSync(join(folder, 'd'), { recursive: true })
      fs.writeFileSync(join(folder, 'a'), 'x')
      const text = typeof notes === 'string' ? notes : notes?.map((note) => `${JSON.stringify(note)}\n`).join('')
      if (text !== undefined) fs.writeFileSync(attributes, text)
      return { ...EMPTY_REPORT, folders: [{ path: 'd', mode: 0o755 }], links: [{ path: 'l', target: 'a' }] }
    },
    { owners: true, xattrs: true },
  )
  await expect(run).rejects.toMatchObject({ code })
  expect(fs.readdirSync(scratch.path)).toEqual(['victim'])
  expect(fs.statSync(join(scratch.path, 'victim')).mode & 0o777).toBe(0o604)
})

test('notes that are a link to a file elsewhere are not read', async () => {
  using scratch = temporaryFolder()
  fs.writeFileSync(join(scratch.path, 'elsewhere'), '')
  const run = restoreConfined(
    join(scratch.path, 'target'),
    async ({ folder, attributes }) => {
      fs.mkdirSync(folder)
      fs.symlinkSync(join(scratch.path, 'elsewhere'), attributes)
      return EMPTY_REPORT
    },
    { owners: true },
  )
  await expect(run).rejects.toMatchObject({ code: 'ARC_CONFINEMENT_BROKEN' })
})

test('a confined half notes what was asked for, and sets none of it', async () => {
  using scratch = temporaryFolder()
  const attributes = {
    owner: { uid: 77, gid: 78, userName: 'u' },
    xattrs: [xattr('user.a'), xattr('user.b\udcff', '')],
  }
  const from = source(entry('a', attributes), entry('d', attributes, asFolder), entry('l', attributes, asLink))
  const calls: string[] = []
  const places = { folder: join(scratch.path, 'tree'), attributes: join(scratch.path, 'attributes') }
  const report = await stageConfined(from, places, { owners: true, xattrs: true, fs: owning(calls) })
  const told = {
    owner: attributes.owner,
    xattrs: [
      ['user.a', 'eA=='],
      ['user.b\udcff', ''],
    ],
  }
  expect(report.folders).toMatchObject([{ path: 'd', attributes: told }])
  expect(report.links).toMatchObject([{ path: 'l', attributes: told }])
  expect(JSON.parse(fs.readFileSync(places.attributes, 'utf8'))).toEqual({ path: 'a', attributes: told })
  expect(calls.filter((call) => /chown/i.test(call))).toEqual([])
  expect(xattrsOf(join(places.folder, 'a'))).toEqual([])
})
