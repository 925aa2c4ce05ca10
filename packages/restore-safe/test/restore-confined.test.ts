import fs from 'node:fs'
import { join } from 'node:path'
import { memorySource } from '@arc/core'
import { readTree, temporaryFolder } from '@arc/core/testing'
import { expect, test } from 'vitest'
import { type ConfinedPlaces, type ConfinedReport, restoreConfined, stageConfined } from '../src/index.ts'
import { expectedTree, folderEntry, hashedEntry, linkEntry } from './trees.ts'

const EMPTY: ConfinedReport = {
  name: 'x',
  folders: [],
  links: [],
  hardLinks: 0,
  verifiedFiles: 0,
  droppedSetId: [],
  omissions: [],
  unasked: [],
}

const ENTRIES = [
  folderEntry('d', 0o500),
  hashedEntry('d/a', 'x', 0o755),
  hashedEntry('d/implied/b', 'y'),
  linkEntry('d/l', '../d/a'),
  linkEntry('caf\udce9', 'd'),
]

/** What Node's permission model refuses a process that may write to one folder. */
const refused: typeof fs = {
  ...fs,
  fchmodSync: refuse,
  futimesSync: refuse,
  fsyncSync: refuse,
  symlinkSync: refuse,
}

function refuse(): never {
  throw Object.assign(new Error('refused'), { code: 'ERR_ACCESS_DENIED' })
}

test('the two halves make the whole, the first without what the permission model refuses', async () => {
  using folder = temporaryFolder()
  const target = `${folder.path}/target`
  const result = await restoreConfined(
    target,
    async (places) =>
      JSON.parse(JSON.stringify(await stageConfined(memorySource('s', ENTRIES), places, { fs: refused }))) as unknown,
  )
  expect(result).toMatchObject({
    files: 2,
    directories: 2,
    symlinks: 2,
    verifiedFiles: 2,
    writtenBytes: 2,
    mode: 'new',
  })
  expect(readTree(target)).toEqual(expectedTree(ENTRIES))
  expect(fs.readdirSync(folder.path)).toEqual(['target'])
})

const file = ({ folder }: ConfinedPlaces, path: string, mode = 0o644): void => {
  fs.writeFileSync(join(folder, path), 'x')
  fs.chmodSync(join(folder, path), mode)
}

type Lie = (places: ConfinedPlaces) => unknown

test.each<[string, string, Lie]>([
  ['a link that leads out', 'ARC_PATH_UNSAFE', () => ({ ...EMPTY, links: [{ path: 'l', target: '/etc' }] })],
  [
    'a link with a path that leads out',
    'ARC_PATH_UNSAFE',
    () => ({ ...EMPTY, links: [{ path: '../l', target: 'x' }] }),
  ],
  [
    'a link in the place of a file',
    'ARC_ENTRY_DUPLICATE',
    (places) => (file(places, 'a'), { ...EMPTY, links: [{ path: 'a', target: 'b' }] }),
  ],
  [
    'a link below a file',
    'ARC_ENTRY_DUPLICATE',
    (places) => (file(places, 'a'), { ...EMPTY, links: [{ path: 'a/b', target: 'b' }] }),
  ],
  [
    'a link in a folder that is not there',
    'ARC_CONFINEMENT_BROKEN',
    () => ({ ...EMPTY, links: [{ path: 'd/l', target: 'x' }] }),
  ],
  ['a folder that is not there', 'ARC_CONFINEMENT_BROKEN', () => ({ ...EMPTY, folders: [{ path: 'd', mode: 0o755 }] })],
  [
    'a folder that it says nothing of',
    'ARC_CONFINEMENT_BROKEN',
    ({ folder }) => (fs.mkdirSync(join(folder, 'd')), EMPTY),
  ],
  [
    'a symlink of its own',
    'ARC_CONFINEMENT_BROKEN',
    ({ folder }) => (fs.symlinkSync('/etc', join(folder, 'l')), EMPTY),
  ],
  ['a set-id bit', 'ARC_CONFINEMENT_BROKEN', (places) => (file(places, 'a', 0o4755), EMPTY)],
  [
    'a file that has a name elsewhere',
    'ARC_CONFINEMENT_BROKEN',
    ({ folder, spool }) => (fs.writeFileSync(`${spool}/s`, 'x'), fs.linkSync(`${spool}/s`, `${folder}/s`), EMPTY),
  ],
  [
    'more bytes than the limit',
    'ARC_LIMIT_EXCEEDED',
    (places) => (['a', 'b', 'c', 'd'].forEach((name) => file(places, name)), EMPTY),
  ],
  ['no report', 'ARC_CONFINEMENT_BROKEN', () => undefined],
  ['a report of another shape', 'ARC_CONFINEMENT_BROKEN', () => ({ ...EMPTY, folders: [{ path: 'd', mode: 'x' }] })],
  ['a report with more in it', 'ARC_CONFINEMENT_BROKEN', () => ({ ...EMPTY, also: 1 })],
  ['no folder at all', 'ARC_PLAN_STALE', ({ folder }) => (fs.rmdirSync(folder), EMPTY)],
])('%s is not believed', async (_what, code, lie) => {
  using folder = temporaryFolder()
  const target = `${folder.path}/target`
  const run = restoreConfined(
    target,
    async (places) => {
      fs.mkdirSync(places.folder, 0o700)
      return lie(places)
    },
    { limits: { maxTotalBytes: 3 } },
  )
  await expect(run).rejects.toMatchObject({ code })
  expect(fs.readdirSync(folder.path)).toEqual([])
})

test('a target that is not empty is refused before anything is started', async () => {
  using folder = temporaryFolder()
  fs.mkdirSync(`${folder.path}/target`)
  fs.writeFileSync(`${folder.path}/target/mine`, '')
  const run = restoreConfined(`${folder.path}/target`, () => Promise.reject(new Error('started')))
  await expect(run).rejects.toMatchObject({ code: 'ARC_TARGET_NOT_EMPTY' })
})
