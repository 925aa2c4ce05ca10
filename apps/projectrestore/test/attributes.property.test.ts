import { execFileSync } from 'node:child_process'
import { lstatSync, mkdirSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openArchive, writeArchiveFile } from '@arc/archive/node'
import { openDirectory } from '@arc/collect'
import type { EntrySource } from '@arc/core'
import { readTree, temporaryFolder } from '@arc/core/testing'
import {
  type ConfinedPlaces,
  planRestore,
  restoreConfined,
  type RestoreConfinedOptions,
  restoreNew,
  type RestoreResult,
  stageConfined,
} from '@arc/restore-safe'
import { createVault, openSnapshotFolder, type SnapshotStore } from '@arc/snapshot'
import { directoryBackend } from '@arc/storage'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'

// Only root may give files away, set `trusted` attributes, and give a symlink any.
const IS_ROOT = process.getuid?.() === 0

interface Row {
  type: 'file' | 'folder' | 'link'
  name: string
  mode: number
  owner: [number, number]
  /** Latin-1 for bytes. */
  xattrs: [string, string][]
}

const byteString = (minLength: number, maxLength: number): fc.Arbitrary<string> =>
  fc.uint8Array({ minLength, maxLength, min: 1 }).map((bytes) => Buffer.from(bytes).toString('latin1'))

const xattr = fc.tuple(
  byteString(1, 20).map((name) => `user.${name}`),
  fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
)

const row: fc.Arbitrary<Row> = fc.record({
  type: fc.constantFrom('file', 'folder', 'link'),
  name: fc.constantFrom('a', 'b c', '-e', '# file: x', 'new\nline', 'back\\slash=', 'é', '\u0001'),
  mode: fc.constantFrom(0o644, 0o600, 0o444, 0o755, 0o4755, 0o2711, 0o500),
  owner: fc.tuple(fc.constantFrom(0, 1, 1000, 65_534, 4_294_967_294), fc.constantFrom(0, 5, 100, 4_294_967_294)),
  xattrs: fc.uniqueArray(xattr, { maxLength: 3, selector: ([name]) => name }),
})

// What of a tree Node cannot make or tell; it is independent of what Arc uses.
const SET = `
import json, os, sys
for path, mode, owner, xattrs, is_link in json.load(sys.stdin):
    if owner is not None:
        os.lchown(path, owner[0], owner[1])
    for name, value in xattrs:
        os.setxattr(path, name.encode('latin1'), value.encode('latin1'), follow_symlinks=False)
    if not is_link:
        os.chmod(path, mode)
`
const TELL = `
import json, os, sys
rows = []
for path in json.load(sys.stdin):
    names = sorted(map(os.fsencode, os.listxattr(path, follow_symlinks=False)))
    rows.append([[name.hex(), os.getxattr(path, name, follow_symlinks=False).hex()] for name in names])
print(json.dumps(rows))
`

function python(program: string, input: unknown): string {
  return execFileSync('python3', ['-Sc', program], { input: JSON.stringify(input), stdio: 'pipe' }).toString()
}

/** Make a tree; every folder holds a file of its own. */
function makeTree(root: string, rows: readonly Row[]): void {
  mkdirSync(root)
  const facts = rows.map(({ type, name, mode, owner, xattrs }) => {
    const path = join(root, name)
    if (type === 'folder') {
      mkdirSync(path)
      writeFileSync(join(path, 'inside'), name)
    } else if (type === 'link') symlinkSync('a', path)
    else writeFileSync(path, name)
    const own = type === 'link' ? (IS_ROOT ? [['trusted.x', 'y']] : []) : xattrs
    return [path, type === 'folder' ? mode | 0o700 : mode, IS_ROOT ? owner : null, own, type === 'link']
  })
  python(SET, facts)
}

/** Everything about a tree that is to come back. */
function describeTree(root: string): unknown[] {
  const paths = readTree(root).map(({ path }) => path)
  const places = paths.map((path) => join(root, path))
  const xattrs = JSON.parse(python(TELL, places)) as unknown[]
  return paths.map((path, i) => {
    const stat = lstatSync(places[i] as string)
    const { mode, uid, gid } = stat
    // Node sets times in steps of up to a microsecond.
    const times = Math.round(stat.mtimeMs)
    const target = stat.isSymbolicLink() ? readlinkSync(places[i] as string) : undefined
    return { path, mode: mode.toString(8), uid, gid, times, target, xattrs: xattrs[i] }
  })
}

const ATTRIBUTES = { owners: true, xattrs: true }

function openTree(root: string): Promise<EntrySource> {
  return openDirectory(root, { ignoreRules: false, gitFolders: true, ...ATTRIBUTES })
}

async function throughStore(store: SnapshotStore, tree: string): Promise<EntrySource> {
  await using source = await openTree(tree)
  await store.take(source)
  const { snapshot } = await store.take(source)
  return store.open(snapshot.id)
}

async function throughArchive(folder: string, tree: string, format: 'tar' | 'tar.zst'): Promise<EntrySource> {
  await using source = await openTree(tree)
  const path = join(folder, `archive.${format}`)
  await writeArchiveFile(source, path, { format })
  return openArchive(path, { ...ATTRIBUTES, access: format === 'tar' ? 'sequential' : 'random' })
}

const WAYS: Readonly<Record<string, (folder: string, tree: string) => Promise<EntrySource>>> = {
  'a folder': (_, tree) => openTree(tree),
  'a vault': async (folder, tree) => throughStore(await createVault(directoryBackend(join(folder, 'kept'))), tree),
  copies: (folder, tree) => throughStore(openSnapshotFolder(join(folder, 'kept'), { mode: 'copy' }), tree),
  links: (folder, tree) => throughStore(openSnapshotFolder(join(folder, 'kept'), { mode: 'link' }), tree),
  archives: (folder, tree) => throughStore(openSnapshotFolder(join(folder, 'kept'), { mode: 'archive' }), tree),
  tar: (folder, tree) => throughArchive(folder, tree, 'tar'),
  'tar.zst': (folder, tree) => throughArchive(folder, tree, 'tar.zst'),
}

/** What a confined restore does, with both halves in this process. */
function restoreInTwo(source: EntrySource, target: string, options: RestoreConfinedOptions): Promise<RestoreResult> {
  const fill = async (places: ConfinedPlaces): Promise<unknown> =>
    JSON.parse(JSON.stringify(await stageConfined(source, places, options)))
  return restoreConfined(target, fill, options)
}

const CASES = [...Object.keys(WAYS).map((way) => [way, restoreNew] as const), ['a confined tar', restoreInTwo] as const]

test.each(CASES)('owners and extended attributes survive %s', async (way, restore) => {
  const open = WAYS[way.replace('a confined ', '')] as (typeof WAYS)[string]
  const property = fc.asyncProperty(
    fc.uniqueArray(row, { maxLength: 6, selector: ({ name }) => name }),
    async (rows) => {
      using scratch = temporaryFolder()
      const tree = join(scratch.path, 'tree')
      makeTree(tree, rows)
      await using source = await open(scratch.path, tree)
      const asked = { ...ATTRIBUTES, numericIds: true, privilegedXattrs: true, setId: true, links: 'keep' as const }
      const target = join(scratch.path, 'back')
      const { attributes } = await restore(source, target, { ...asked, durable: false })
      expect(attributes).toMatchObject({ dropped: [], failed: [] })
      const wanted = describeTree(tree)
      expect(describeTree(target)).toEqual(wanted)
      await using again = await openTree(tree)
      const { totals } = await planRestore(again, target, { ...asked, mode: 'replace' })
      expect(totals).toMatchObject({ added: 0, changed: 0, removed: 0 })
    },
  )
  await fc.assert(property, { numRuns: 3, endOnFailure: true })
})
