import type { EntryPath } from '@arc/core'
import { expect, test } from 'vitest'
import { diffSnapshots, findEntries, measureVault } from '../src/index.ts'
import type { ListingEntry } from '../src/listing.ts'
import { HostileVault } from './hostile-vault.ts'
import { file, folder, noise, rowsOf, source } from './trees.ts'

const exceeded = (limit: string): object => ({ code: 'ARC_LIMIT_EXCEEDED', details: { limit } })
const named = (path: string): Partial<ListingEntry> => ({ hardLink: path as EntryPath })

async function drain(generator: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of generator);
}

/** A folder in a folder, so many times. */
async function nested(vault: HostileVault, depth: number): Promise<ListingEntry[]> {
  let entries = [await vault.file('x', 'x')]
  for (let level = 0; level < depth; level++) entries = [await vault.folder('a', entries)]
  return entries
}

test('folders nested deeper than the limit are refused, and what needs no paths gets by', async () => {
  const vault = await HostileVault.create()
  const empty = await vault.publish([await vault.file('y', 'y')])
  const id = await vault.publish(await nested(vault, 1500))
  const refused = exceeded('maxDepth')
  await expect(rowsOf(await vault.vault.open(id))).rejects.toMatchObject(refused)
  await expect(drain(diffSnapshots(vault.vault, empty, id))).rejects.toMatchObject(refused)
  await expect(drain(findEntries(vault.vault, () => true))).rejects.toMatchObject(refused)
  const limits = { maxDepth: 2000 }
  expect((await rowsOf(await vault.vault.open(id, { limits }))).length).toBe(1501)
  expect((await vault.vault.verify()).problems).toEqual([])
  expect((await measureVault(vault.vault)).snapshots).toBe(2)
})

/** Copies of an entry, each with a name of its own. */
function copiesOf(entry: ListingEntry, count: number): ListingEntry[] {
  return Array.from({ length: count }, (_, i) => ({ ...entry, name: String(i).padStart(4, '0') as EntryPath }))
}

/** Listings that each name the next one ten times, the last of them a file: `10 ** (levels + 1)` files. */
async function bomb(vault: HostileVault, levels: number): Promise<ListingEntry[]> {
  let entries = copiesOf(await vault.file('x', noise('x', 1_000_000)), 10)
  for (let level = 0; level < levels; level++) {
    entries = copiesOf(await vault.folder('0', entries), 10)
  }
  return entries
}

test('a few listings that tell of any number of files are stopped, and verifying looks at each once', async () => {
  const vault = await HostileVault.create()
  const empty = await vault.publish([await vault.file('y', 'y')])
  const id = await vault.publish(await bomb(vault, 30))
  await expect(drain((await vault.vault.open(id, { limits: {} })).entries())).rejects.toMatchObject(
    exceeded('maxRatio'),
  )
  const limits = { maxRatio: Number.MAX_SAFE_INTEGER, maxEntries: 20_000 }
  await expect(drain((await vault.vault.open(id, { limits })).entries())).rejects.toMatchObject(exceeded('maxEntries'))
  expect((await vault.vault.verify()).problems).toEqual([])
  expect((await measureVault(vault.vault)).chunks).toBeLessThan(100)
  const changes = diffSnapshots(vault.vault, empty, id)
  expect((await changes.next()).done).toBe(false)
  await changes.return()
})

test('what is honestly the same many times is not refused', async () => {
  const vault = await HostileVault.create()
  const zeros = Buffer.alloc(1024 * 1024)
  const files = Array.from({ length: 500 }, (_, i) => file(`f${String(i).padStart(4, '0')}`, zeros))
  const { snapshot } = await vault.vault.take(source(folder('a'), ...files))
  await expect(drain((await vault.vault.open(snapshot.id, { limits: {} })).entries())).resolves.toBeUndefined()
  // One package of a megabyte in hundreds of places.
  const copies = copiesOf(await vault.folder('p', [await vault.file('x', noise('x', 1_000_000))]), 500)
  const id = await vault.publish(copies)
  await expect(drain((await vault.vault.open(id, { limits: {} })).entries())).resolves.toBeUndefined()
})

test.each<[string, (vault: HostileVault) => Promise<ListingEntry[]>]>([
  [
    'another content',
    async (vault) => [await vault.file('h', 'one', named('h')), await vault.file('ok', 'two', named('h'))],
  ],
  [
    'another mode',
    async (vault) => [
      await vault.file('h', 'one', named('h')),
      await vault.file('ok', 'one', { ...named('h'), mode: 0o755 }),
    ],
  ],
  ['a first name outside', async (vault) => [await vault.file('h', 'one', named('../x'))]],
  ['a first name that is none', async (vault) => [await vault.file('h', 'one', named('nope'))]],
  [
    'a first name of a file that is no group',
    async (vault) => [await vault.file('a', 'one'), await vault.file('h', 'one', named('a'))],
  ],
  ['a folder', async (vault) => [{ ...(await vault.folder('d', [await vault.file('x', 'x')])), ...named('d') }]],
])('a hard link with %s is refused', async (_, make) => {
  const vault = await HostileVault.create()
  const id = await vault.publish(await make(vault))
  await expect(rowsOf(await vault.vault.open(id))).rejects.toMatchObject({ code: 'ARC_VAULT_DAMAGED' })
})

test('verifying names what is said to be one file and is not', async () => {
  const vault = await HostileVault.create()
  const inner = [await vault.file('ok', 'two', named('a'))]
  const id = await vault.publish([await vault.file('a', 'one', named('a')), await vault.folder('b', inner)])
  expect((await vault.vault.verify()).problems).toMatchObject([
    { code: 'damaged', object: 'b/ok', files: [{ snapshot: id, path: 'b/ok' }] },
  ])
})

test('a part of a snapshot has names of files whose first name is outside of it', async () => {
  const { vault } = await HostileVault.create()
  const linked = { hardLink: 'inode' }
  const { snapshot } = await vault.take(
    source(file('a', 'one', linked), folder('b'), file('b/c', 'one', linked), file('b/d', 'one', linked)),
  )
  expect((await rowsOf(await vault.open(snapshot.id, { under: 'b' }))).map(({ path }) => path)).toEqual([
    'b',
    'b/c',
    'b/d',
  ])
})

test('names of one inode are stored alike, though the source tells of them at different moments', async () => {
  const { vault } = await HostileVault.create()
  const later = { hardLink: 'inode', mode: 0o600, mtimeNs: 5n }
  const { snapshot } = await vault.take(source(file('a', 'one', { hardLink: 'inode' }), file('b', 'other', later)))
  const [a, b] = await rowsOf(await vault.open(snapshot.id))
  expect({ ...a, path: 'b' }).toEqual(b)
})
