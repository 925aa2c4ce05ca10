import { mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { decodePath, type Entry, type EntryPath, memorySource } from '@arc/core'
import { readTree, temporaryFolder } from '@arc/core/testing'
import { expect, test } from 'vitest'
import { applyRestore, planRestore, restoreNew, type TreeOptions } from '../src/index.ts'
import { folderEntry, hashedEntry, linkEntry } from './trees.ts'

interface Attack {
  name: string
  entries: Entry[]
  code: string
  options?: TreeOptions
}

const file = (path: string): Entry => hashedEntry(path, 'hostile')
const bytes = (...values: number[]): string => decodePath(Uint8Array.from(values))
const special = (type: string): Entry => ({ ...file('device'), type: type as 'file' })
const portable = { portable: true }

// The classes of the attack catalogue that can be said in entries; what only an archive can say is refused by its reader.
const attacks: Attack[] = [
  // Names
  { name: 'absolute path', entries: [file('/canary')], code: 'ARC_PATH_UNSAFE' },
  { name: 'absolute path with two slashes', entries: [file('//canary')], code: 'ARC_PATH_UNSAFE' },
  { name: 'parent folder', entries: [file('../canary')], code: 'ARC_PATH_UNSAFE' },
  { name: 'parent folder in the middle', entries: [file('a/../../canary')], code: 'ARC_PATH_UNSAFE' },
  { name: 'parent folder at the end', entries: [folderEntry('a/..', 0o777)], code: 'ARC_PATH_UNSAFE' },
  { name: 'sibling whose name begins like the target', entries: [file('../target-evil/x')], code: 'ARC_PATH_UNSAFE' },
  { name: 'the target itself', entries: [folderEntry('.', 0o777)], code: 'ARC_PATH_UNSAFE' },
  { name: 'empty path', entries: [file('')], code: 'ARC_PATH_UNSAFE' },
  { name: 'empty component', entries: [file('a//b')], code: 'ARC_PATH_UNSAFE' },
  { name: 'slash at the end', entries: [folderEntry('a/')], code: 'ARC_PATH_UNSAFE' },
  { name: 'NUL in a name', entries: [file('a\0b')], code: 'ARC_PATH_UNSAFE' },
  { name: 'name of 256 bytes', entries: [file('x'.repeat(256))], code: 'ARC_PATH_UNSAFE' },
  {
    name: 'path beyond PATH_MAX',
    entries: [file('x/'.repeat(1000) + 'y'.repeat(250).repeat(1) + '/z'.repeat(1100))],
    code: 'ARC_PATH_UNSAFE',
  },
  {
    name: 'depth of 20,000',
    entries: [file(`${'x/'.repeat(20_000)}y`)],
    code: 'ARC_PATH_UNSAFE',
    options: { limits: { maxPathBytes: 1e9 } },
  },
  { name: 'valid UTF-8 spelled as raw bytes', entries: [file('é'), file('\udcc3\udca9')], code: 'ARC_PATH_UNSAFE' },
  { name: 'slash spelled as a surrogate', entries: [file('a\ud800b')], code: 'ARC_PATH_INVALID' },
  { name: 'backslash, portable', entries: [file('..\\canary')], code: 'ARC_PATH_UNSAFE', options: portable },
  { name: 'drive letter, portable', entries: [file('C:../canary')], code: 'ARC_PATH_UNSAFE', options: portable },
  { name: 'UNC path, portable', entries: [file('\\\\host\\share')], code: 'ARC_PATH_UNSAFE', options: portable },
  { name: 'device name, portable', entries: [file('aux.txt')], code: 'ARC_PATH_UNSAFE', options: portable },
  { name: 'superscript device name, portable', entries: [file('COM¹')], code: 'ARC_PATH_UNSAFE', options: portable },
  { name: 'trailing dot, portable', entries: [file('a.')], code: 'ARC_PATH_UNSAFE', options: portable },
  { name: 'alternate stream, portable', entries: [file('a:b')], code: 'ARC_PATH_UNSAFE', options: portable },
  {
    name: 'case twin, portable',
    entries: [file('Makefile'), file('makefile')],
    code: 'ARC_ENTRY_DUPLICATE',
    options: portable,
  },
  {
    name: 'case twin of a folder, portable',
    entries: [file('Dir/a'), file('dir/b')],
    code: 'ARC_ENTRY_DUPLICATE',
    options: portable,
  },
  {
    name: 'normalisation twin, portable',
    entries: [file('é'), file('e\u0301')],
    code: 'ARC_ENTRY_DUPLICATE',
    options: portable,
  },
  {
    name: 'sharp s twin, portable',
    entries: [file('straße'), file('STRASSE')],
    code: 'ARC_ENTRY_DUPLICATE',
    options: portable,
  },
  {
    name: 'ligature twin, portable',
    entries: [file('ﬁle'), file('file')],
    code: 'ARC_ENTRY_DUPLICATE',
    options: portable,
  },
  {
    name: 'symlink and its case twin, portable',
    entries: [linkEntry('L', 'x'), file('l/f')],
    code: 'ARC_ENTRY_DUPLICATE',
    options: portable,
  },
  // Links that lead out
  { name: 'link to an absolute path', entries: [linkEntry('a', '/etc')], code: 'ARC_PATH_UNSAFE' },
  { name: 'link to the parent', entries: [linkEntry('a', '..')], code: 'ARC_PATH_UNSAFE' },
  { name: 'link to a sibling', entries: [linkEntry('a', '../canary')], code: 'ARC_PATH_UNSAFE' },
  {
    name: 'link out through a missing name',
    entries: [linkEntry('a', 'missing/../../canary')],
    code: 'ARC_PATH_UNSAFE',
  },
  { name: 'link out through a file', entries: [file('f'), linkEntry('a', 'f/../../canary')], code: 'ARC_PATH_UNSAFE' },
  {
    name: 'links that escape only together',
    entries: [folderEntry('d/e'), linkEntry('d/e/up', '../..'), linkEntry('out', 'd/e/up/../canary')],
    code: 'ARC_PATH_UNSAFE',
  },
  { name: 'dot chain', entries: [linkEntry('a', '.'), linkEntry('b', 'a/..')], code: 'ARC_PATH_UNSAFE' },
  {
    name: 'chain of 5,000 links and then out',
    entries: [...linkChain(5000), linkEntry('z', 'l0/../..')],
    code: 'ARC_PATH_UNSAFE',
  },
  { name: 'chain beyond PATH_MAX (CVE-2025-4517)', entries: pathMaxChain(), code: 'ARC_PATH_UNSAFE' },
  {
    name: 'backslash in a link, portable',
    entries: [linkEntry('a', '..\\canary')],
    code: 'ARC_PATH_UNSAFE',
    options: portable,
  },
  { name: 'drive in a link, portable', entries: [linkEntry('a', 'C:x')], code: 'ARC_PATH_UNSAFE', options: portable },
  { name: 'link without a target', entries: [linkEntry('a', '')], code: 'ARC_PATH_UNSAFE' },
  { name: 'NUL in a target', entries: [linkEntry('a', 'x\0y')], code: 'ARC_PATH_UNSAFE' },
  { name: 'target of 300 kB', entries: [linkEntry('a', 'x'.repeat(300_000))], code: 'ARC_LIMIT_EXCEEDED' },
  {
    name: 'any link, where links are refused',
    entries: [linkEntry('a', 'b')],
    code: 'ARC_PATH_UNSAFE',
    options: { links: 'refuse' },
  },
  // Writing through a link: nothing may be below one, whatever the policy
  ...(['inside', 'keep'] as const).flatMap((links): Attack[] => [
    {
      name: `file below a link (${links})`,
      entries: [linkEntry('a', '..'), file('a/canary')],
      code: 'ARC_ENTRY_DUPLICATE',
      options: { links },
    },
    {
      name: `file below an absolute link (${links})`,
      entries: [linkEntry('a', '/tmp'), file('a/canary')],
      code: 'ARC_ENTRY_DUPLICATE',
      options: { links },
    },
    {
      name: `file in the place of a link (${links})`,
      entries: [linkEntry('a', '../canary'), file('a')],
      code: 'ARC_ENTRY_DUPLICATE',
      options: { links },
    },
    {
      name: `link in the place of a folder (${links})`,
      entries: [folderEntry('a'), linkEntry('a', '..'), file('a/canary')],
      code: 'ARC_ENTRY_DUPLICATE',
      options: { links },
    },
    {
      name: `folder in the place of a link (${links})`,
      entries: [linkEntry('a', '..'), folderEntry('a', 0o777)],
      code: 'ARC_ENTRY_DUPLICATE',
      options: { links },
    },
    {
      name: `link in the place of an implied folder (${links})`,
      entries: [file('a/b'), linkEntry('a', '..')],
      code: 'ARC_ENTRY_DUPLICATE',
      options: { links },
    },
  ]),
  // Kinds and duplicates
  { name: 'file twice', entries: [file('a'), file('a')], code: 'ARC_ENTRY_DUPLICATE' },
  { name: 'folder twice', entries: [folderEntry('a'), folderEntry('a', 0o777)], code: 'ARC_ENTRY_DUPLICATE' },
  { name: 'file below a file', entries: [file('a'), file('a/b')], code: 'ARC_ENTRY_DUPLICATE' },
  { name: 'file in the place of a folder', entries: [file('a/b'), file('a')], code: 'ARC_ENTRY_DUPLICATE' },
  { name: 'pipe', entries: [special('fifo')], code: 'ARC_PATH_UNSAFE' },
  { name: 'device', entries: [special('block-device')], code: 'ARC_PATH_UNSAFE' },
  // Hard links lead only to what this restore wrote, so all that is left is to lie about what they share
  {
    name: 'hard link to other content',
    entries: [
      { ...file('a'), hardLink: '1' },
      { ...hashedEntry('b', 'other'), hardLink: '1' },
    ],
    code: 'ARC_ENTRY_CHANGED',
  },
  // Resources
  {
    name: 'more entries than allowed',
    entries: [file('a'), file('b')],
    code: 'ARC_LIMIT_EXCEEDED',
    options: { limits: { maxEntries: 1 } },
  },
  {
    name: 'more implied folders than allowed',
    entries: [file('a/b/c/d/e')],
    code: 'ARC_LIMIT_EXCEEDED',
    options: { limits: { maxEntries: 4 } },
  },
  {
    name: 'longer paths together than allowed',
    entries: [file('aa'), file('bb')],
    code: 'ARC_LIMIT_EXCEEDED',
    options: { limits: { maxTotalPathLength: 3 } },
  },
  {
    name: 'longer implied folders together than allowed',
    entries: [file('a/b/c')],
    code: 'ARC_LIMIT_EXCEEDED',
    options: { limits: { maxTotalPathLength: 8 } },
  },
  {
    name: 'longer link targets than allowed',
    entries: [linkEntry('a', 'bcd')],
    code: 'ARC_LIMIT_EXCEEDED',
    options: { limits: { maxTotalPathLength: 3 } },
  },
  {
    name: 'larger file than allowed',
    entries: [file('a')],
    code: 'ARC_LIMIT_EXCEEDED',
    options: { limits: { maxFileBytes: 6 } },
  },
  {
    name: 'more bytes than allowed',
    entries: [file('a'), file('b')],
    code: 'ARC_LIMIT_EXCEEDED',
    options: { limits: { maxTotalBytes: 13 } },
  },
]

function linkChain(length: number): Entry[] {
  return Array.from({ length }, (_, i) => linkEntry(`l${i}`, i + 1 < length ? `l${i + 1}` : '.'))
}

/** Folders and links whose expansion is longer than any path may be, with a way out behind them. */
function pathMaxChain(): Entry[] {
  const long = 'd'.repeat(247)
  const entries: Entry[] = []
  let at = ''
  for (const name of 'abcdefghijklmnop') {
    entries.push(folderEntry(`${at}${long}`), linkEntry(`${at}${name}`, long))
    at += `${long}/`
    if (at.length > 3500) break
  }
  const names = entries.filter(({ type }) => type === 'symlink').map(({ path }) => path.at(-1))
  return [...entries, linkEntry('l', `${names.join('/')}/${'../'.repeat(names.length)}../canary`)]
}

/** A place with things around the target that must stay as they are. */
function surroundings(folder: string): () => unknown {
  writeFileSync(`${folder}/canary`, 'untouched')
  mkdirSync(`${folder}/target-evil`)
  const look = (): unknown => [readTree(folder), statSync(folder).mode, readFileSync(`${folder}/canary`, 'utf8')]
  const before = look()
  return () => [before, look()]
}

test.for(attacks)('refused: $name', async ({ entries, code, options }) => {
  using folder = temporaryFolder()
  const compare = surroundings(folder.path)
  const source = { ...memorySource('hostile', []), entries: () => inOrder(entries) }
  await expect(restoreNew(source, `${folder.path}/target`, { ...options, durable: false })).rejects.toThrow(
    expect.objectContaining({ code }),
  )
  const plan = await planRestore(source, `${folder.path}/target`, options)
  expect(plan.conflicts.map((conflict) => conflict.code)).toContain(code)
  await expect(applyRestore(plan, source, { durable: false })).rejects.toThrow(expect.objectContaining({ code }))
  const [before, after] = compare() as [unknown, unknown]
  expect(after).toEqual(before)
})

/** As a hostile source would: in its own order. */
async function* inOrder(entries: readonly Entry[]): AsyncGenerator<readonly Entry[], void, void> {
  yield entries
}

const accepted: { name: string; entries: Entry[]; options?: TreeOptions }[] = [
  { name: 'dotted names', entries: [file('..foo'), file('...'), file('a..b'), file('.a.')] },
  { name: 'backslash, colon and quotes on POSIX', entries: [file('a\\b'), file('a:b'), file('"'), file('C:x')] },
  {
    name: 'case and normalisation twins on a file system that tells them apart',
    entries: [file('é'), file('e\u0301'), file('A'), file('a')],
  },
  {
    name: 'names of Object.prototype',
    entries: [file('__proto__/x'), file('constructor'), linkEntry('toString', 'constructor')],
  },
  {
    name: 'names that are not UTF-8',
    entries: [file(bytes(0xff)), file(bytes(0xfe, 0x41)), linkEntry('l', bytes(0xff))],
  },
  { name: 'depth of 1,000', entries: [file(`${'x/'.repeat(999)}y`)] },
  {
    name: 'links inside, dangling ones and loops included',
    entries: [
      linkEntry('a', 'b/../c'),
      linkEntry('b', './/missing'),
      linkEntry('x/y', '../a'),
      linkEntry('loop', 'loop'),
      linkEntry('p', 'q/r'),
      linkEntry('q', 'p'),
    ],
  },
  {
    name: 'links anywhere, when they are to be kept',
    entries: [linkEntry('a', '/etc/passwd'), linkEntry('b', '../../..'), linkEntry('c', 'nowhere\n')],
    options: { links: 'keep' },
  },
]

test.runIf(process.platform === 'linux').for(accepted)('accepted: $name', async ({ entries, options }) => {
  using folder = temporaryFolder()
  await restoreNew(memorySource('fine', entries), `${folder.path}/target`, { ...options, durable: false })
  const found = new Map(readTree(`${folder.path}/target`).map((row) => [row.path, row]))
  for (const entry of entries)
    expect(found.get(entry.path)).toMatchObject({ type: entry.type, ...(entry.target && { target: entry.target }) })
})

test('a link that is planted in the target is not written through', async () => {
  using folder = temporaryFolder()
  const target = `${folder.path}/target`
  mkdirSync(`${folder.path}/outside`)
  mkdirSync(target)
  symlinkSync('../outside', `${target}/dir`)
  const source = memorySource('innocent', [file('dir/file')])
  for (const mode of ['merge', 'replace'] as const) {
    const plan = await planRestore(source, target, { mode })
    expect(plan.rows.find((row) => row.path === 'dir')).toMatchObject({ type: 'directory' })
    await applyRestore(plan, source, { durable: false })
    expect(readTree(`${folder.path}/outside`)).toEqual([])
    expect(readTree(target).map((row) => `${row.type} ${row.path}`)).toEqual(['directory dir', 'file dir/file'])
  }
})

test('set-id bits are dropped and reported, or kept when asked for', async () => {
  using folder = temporaryFolder()
  const source = memorySource('setid', [
    hashedEntry('su', 'x', 0o4755),
    folderEntry('sg', 0o2775),
    folderEntry('sticky', 0o1777),
  ])
  const dropped = await restoreNew(source, `${folder.path}/dropped`, { durable: false })
  expect(dropped.droppedSetId).toEqual(['sg', 'su'])
  expect(readTree(`${folder.path}/dropped`).map((row) => row.mode)).toEqual([0o775, 0o1777, 0o755])
  const kept = await restoreNew(source, `${folder.path}/kept`, { durable: false, setId: true })
  expect(kept.droppedSetId).toEqual([])
  expect(readTree(`${folder.path}/kept`).map((row) => row.mode)).toEqual([0o2775, 0o1777, 0o4755])
})

test('outward links are reported by plan and result', async () => {
  using folder = temporaryFolder()
  const source = memorySource('links', [linkEntry('in', 'x'), linkEntry('out', '/etc')])
  const plan = await planRestore(source, `${folder.path}/target`, { links: 'keep' })
  const expected = [{ path: 'out' as EntryPath, target: '/etc' as EntryPath }]
  expect(plan.outwardLinks).toEqual(expected)
  expect((await applyRestore(plan, source, { durable: false })).outwardLinks).toEqual(expected)
})
